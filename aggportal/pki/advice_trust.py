"""Advice about trust: the authority, its lane, how long it lasts, the key, and what cfssl passes
over in silence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from aggportal.pki.cautions import Advice, Case, Caution, know
from aggportal.pki.usages import fitting_key_usages, key_usages
from aggportal.words import gettext_noop as _n

LONG_LIFE = dt.timedelta(
    days=398
)  # the longest that public authorities may issue, and a year with slack
# A day, with slack for what begins earlier.
USER_LIFE = dt.timedelta(hours=25)
OLD_SPELLING = "content committment"
MAX_UNKNOWN = 10


def equal_subject(case: Case) -> Iterator[Caution]:
    if case.plan.self_signed or case.plan.subject != case.plan.issuer:
        return
    if case.plan.has_authority_key_identifier:
        text = _n(
            "The certificate would have the same subject as its authority, so programs may take "
            "it for self-signed. We set the authority key identifier, with which openssl and "
            "Kubernetes accept it; another CN avoids the doubt."
        )
    else:
        text = _n(
            "The certificate would have the same subject as its authority and, as cfssl makes it, "
            "no authority key identifier: kube-apiserver accepts it, “openssl verify” fails with "
            "error 18 (self-signed certificate). Choose another CN, or leave compat off."
        )
    yield know("equal-subject", "CN", text)


def outlives_authority(case: Case) -> Iterator[Caution]:
    if case.authority is None:
        return
    end, own_end = case.plan.validity.not_after, case.authority.certificate.not_after
    if end > own_end:
        yield know(
            "outlives-authority",
            "profile",
            _n(
                "It would last until %(end)s, but the authority ends on %(own_end)s: from then on "
                "nobody accepts it, whatever its own date says. Shorten the profile's expiry, or "
                "renew the authority first."
            ),
            end=f"{end:%Y-%m-%d %H:%M} UTC",
            own_end=f"{own_end:%Y-%m-%d %H:%M} UTC",
        )


def long_life(case: Case) -> Iterator[Caution]:
    life = case.plan.validity.not_after - case.plan.validity.not_before
    if not case.plan.is_ca and life > LONG_LIFE:
        yield know(
            "long-life",
            "profile",
            _n(
                "It would be valid for %(days)d days. kube-apiserver reads no revocation list, so "
                "a stolen key works until the last of them. A year or less, renewed in time, "
                "limits the harm."
            ),
            days=life.days,
        )


def long_user_life(case: Case) -> Iterator[Caution]:
    """A user's certificate works until it ends, whatever is revoked: a day is enough."""
    life = case.plan.validity.not_after - case.plan.validity.not_before
    if case.lane == "client" and case.speaks and USER_LIFE < life <= LONG_LIFE:
        yield know(
            "long-user-life",
            "profile",
            _n(
                "Whoever holds it is a user of the cluster for %(days)d days, and revoking it "
                "would not end that: kube-apiserver reads no revocation list. A day (24h), issued "
                "anew, is what we advise; the profile “user” does so."
            ),
            days=life.days,
        )


def begins_later(case: Case) -> Iterator[Caution]:
    if case.plan.validity.not_before > case.now:
        yield know(
            "begins-later",
            "profile",
            _n(
                "It would be valid only from %(since)s on; until then everybody refuses it. Take "
                "not_before out of the profile if it is needed now."
            ),
            since=f"{case.plan.validity.not_before:%Y-%m-%d %H:%M} UTC",
        )


def allowed_names(case: Case) -> Iterator[Caution]:
    names = case.authority.allowed_names if case.authority else ()
    is_for_proxy = case.lane in ("front-proxy", "general") and case.speaks
    if names and is_for_proxy and case.cn not in names:
        yield know(
            "cn-not-allowed",
            "CN",
            _n(
                "The CN “%(cn)s” is not among the allowed names of the front proxy (%(names)s): "
                "as its certificate it would be answered with 401. Use one of these names, or add "
                "this one to --requestheader-allowed-names."
            ),
            cn=case.cn,
            names=", ".join(names),
        )


def mixed_usages(case: Case) -> Iterator[Caution]:
    both = {"server auth", "client auth"} <= set(case.plan.extended_key_usages)
    if case.lane == "general" and both:
        yield know(
            "both-usages-in-general",
            "profile",
            _n(
                "It would be good for servers and clients at once, as in the classic recipe: "
                "whoever takes this key from a server can speak as a client with it, as the front "
                "proxy where this authority names it. Two authorities and two profiles keep them "
                "apart."
            ),
        )


def intermediate_front_proxy(case: Case) -> Iterator[Caution]:
    issued_below = case.authority is not None and not case.authority.certificate.self_signed
    if case.lane == "front-proxy" and (case.plan.is_ca or issued_below):
        yield know(
            "intermediate-front-proxy",
            "profile",
            _n(
                "The front proxy's authority would not be a root, and chains have failed here "
                "(kubernetes#60713): every extension API server needs the whole chain in "
                "--requestheader-client-ca-file. A self-signed authority of its own is simpler "
                "and safer."
            ),
        )


def open_usage(case: Case) -> Iterator[Caution]:
    usages = case.plan.extended_key_usages
    if not case.plan.is_ca and (not usages or "any" in usages):
        yield know(
            "open-usage",
            "profile",
            _n(
                "The profile names neither server auth nor client auth, so the certificate could "
                "be used for both and anything else. Name the one use that it is for."
            ),
        )
    if usages and not case.plan.is_ca and "digital signature" not in case.plan.key_usages:
        yield know(
            "no-digital-signature",
            "profile",
            _n(
                "The key could not make digital signatures, which TLS 1.3 needs from both sides. "
                "Add the usage “signing” to the profile."
            ),
        )


def key_choice(case: Case) -> Iterator[Caution]:
    if case.spec.key.algo == "ed25519":
        yield know(
            "ed25519",
            "key.algo",
            _n(
                "Kubernetes and other Go programs accept Ed25519; browsers and some older TLS "
                "libraries do not. Take ECDSA P-256 if anything else is to read it."
            ),
        )
    if case.spec.key.algo == "rsa" and case.spec.key.size >= 4096:
        yield know(
            "rsa-4096",
            "key.size",
            _n(
                "An RSA key of %(size)d bits may take seconds to make and makes every TLS "
                "handshake several times slower than RSA 2048 or ECDSA P-256. ECDSA P-384 is "
                "stronger and faster."
            ),
            size=case.spec.key.size,
        )


def unfit_usages(case: Case) -> Iterator[Caution]:
    """Tell of usages that a key of this kind cannot have."""
    if case.profile is None:
        return
    asked = key_usages(case.profile.usages)
    unfit = set(asked) - set(fitting_key_usages(asked, key=case.plan.key or str(case.spec.key)))
    if not unfit:
        return
    text = (
        _n(
            "A key %(key)s cannot do what the profile says (%(usages)s); as cfssl does, it is "
            "written all the same. Kubernetes does not mind, strict linters do. Take it out of the "
            "profile, or choose another key."
        )
        if case.plan.compat
        else _n(
            "A key %(key)s cannot do what the profile says (%(usages)s), so it is left out here. "
            "cfssl writes it all the same: Kubernetes does not mind, strict linters do."
        )
    )
    named = ", ".join(usage for usage in asked if usage in unfit)
    yield know("unfit-usage", "profile", text, key=case.plan.key, usages=named)


def unknown_keys(case: Case) -> Iterator[Caution]:
    profile_keys = case.profile.unknown if case.profile else ()
    paths = [(path, path) for path in case.spec.unknown]
    paths += [(path, "profile") for path in profile_keys]
    for path, field in paths[:MAX_UNKNOWN]:
        yield know(
            "unknown-key",
            field,
            _n(
                "“%(path)s” means nothing to cfssl, which ignores it without a word, and so do "
                "we. Correct the spelling, or take it out."
            ),
            path=path,
        )


def old_spelling(case: Case) -> Iterator[Caution]:
    usages = case.profile.raw.get("usages") if case.profile else None
    if isinstance(usages, list) and OLD_SPELLING in usages:
        yield know(
            "old-spelling",
            "profile",
            _n(
                "“content committment” is how old cfssl spells it; newer ones drop this spelling "
                "silently, and so the usage. Write “content commitment” in the profile."
            ),
        )


TRUST: tuple[Advice, ...] = (
    equal_subject,
    outlives_authority,
    begins_later,
    allowed_names,
    mixed_usages,
    intermediate_front_proxy,
    open_usage,
    long_life,
    long_user_life,
    key_choice,
    unfit_usages,
    unknown_keys,
    old_spelling,
)
