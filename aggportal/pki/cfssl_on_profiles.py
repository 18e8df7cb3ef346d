"""What cfssl does silently with a profile and an issuer: dates, usages, limits, what it ignores.

Read in the source of cfssl HEAD (config/config.go, signer/local/local.go) and run.
"""

from __future__ import annotations

from collections.abc import Iterator

from aggportal.pki.config import IMPLICIT_DEFAULT
from aggportal.pki.errors import PkiError
from aggportal.pki.issuers import encode_name
from aggportal.pki.silences import Asked, Behaviour, Silence
from aggportal.pki.usages import (
    USAGE_NAMES,
    extended_key_usages,
    fitting_key_usages,
    key_usages,
)
from aggportal.pki.validities import profile_validity
from aggportal.words import gettext_noop as _n

MAX_TOLD = 5
OLD_SPELLING = "content committment"
_LINT_KEYS = ("lint_error_level", "ignored_lints", "ignored_lint_sources")
_OWN = ("backdate", "not_before", "not_after", "ocsp_no_check", "name_whitelist", "policies")


def unknown_profile(asked: Asked) -> Iterator[Silence]:
    name, config = asked.asked_profile, asked.config
    if config is not None and name not in ("", "default", *config.names):
        cfssl = _n("cfssl knows no profile %(name)s and silently signs under the default one.")
        ours = _n("It is refused here.")
        yield asked.never("unknown-profile", "profile", cfssl, ours, name=name)


def implicit_default(asked: Asked) -> Iterator[Silence]:
    if asked.profile == IMPLICIT_DEFAULT:
        text = _n(
            "The config has no signing.default, so cfssl takes its own: signing, key encipherment, "
            "server auth and client auth for a year."
        )
        yield asked.shared("implicit-default", "profile", text)


def unknown_profile_keys(asked: Asked) -> Iterator[Silence]:
    for path in (asked.profile.unknown if asked.profile else ())[:MAX_TOLD]:
        text = _n("cfssl ignores “%(path)s”, which it does not know.")
        yield asked.shared("unknown-profile-key", "profile", text, path=path)


def keys_of_ours(asked: Asked) -> Iterator[Silence]:
    if asked.profile and asked.profile.auto_sign:
        cfssl = _n("cfssl ignores auto_sign: it signs whatever it is given.")
        ours = _n("It counts here: requests under the profile are signed without a decision.")
        yield asked.never("auto-sign", "profile", cfssl, ours)
    if asked.profile and asked.profile.two_people:
        cfssl = _n("cfssl ignores two_people: it signs whatever it is given.")
        ours = _n("It counts here: another person approves the exact bytes before they are signed.")
        yield asked.never("two-people", "profile", cfssl, ours)


def linting(asked: Asked) -> Iterator[Silence]:
    if any(asked.raw(key) for key in _LINT_KEYS):
        cfssl = _n(
            "cfssl reads the keys for linting, and lints nothing since Go 1.17 (cfssl#1230); older "
            "ones ignore them."
        )
        ours = _n("In strict mode every certificate is linted here before anybody gets it.")
        yield asked.never("linting", "profile", cfssl, ours)


def unknown_usages(asked: Asked) -> Iterator[Silence]:
    written = asked.raw("usages")
    for usage in written if isinstance(written, list) else ():
        if isinstance(usage, str) and usage not in USAGE_NAMES:
            cfssl = _n("cfssl silently leaves out the usage “%(usage)s”, which it does not know.")
            ours = _n("It is refused here, with the usage that was probably meant.")
            yield asked.never("unknown-usage", "profile", cfssl, ours, usage=usage)


def old_spelling(asked: Asked) -> Iterator[Silence]:
    written = asked.raw("usages")
    if isinstance(written, list) and OLD_SPELLING in written:
        cfssl = _n("Newer cfssl silently leaves out “content committment”, the old spelling.")
        ours = _n("Both spellings stand for the usage here.")
        yield asked.never("old-spelling", "profile", cfssl, ours)


def repeated_usages(asked: Asked) -> Iterator[Silence]:
    extended = extended_key_usages(_usages_as_written(asked), once=False)
    if len(extended) > len(set(extended)):
        cfssl = _n("cfssl writes an extended key usage as often as it stands there.")
        yield asked.silence("repeated-usage", "profile", cfssl, _n("It is written once here."))


def _usages_as_written(asked: Asked) -> tuple[str, ...]:
    try:
        return asked.profile.as_written if asked.profile else ()
    except PkiError:
        return ()


def unfit_usages(asked: Asked) -> Iterator[Silence]:
    usages = key_usages(asked.profile.usages) if asked.profile else ()
    key = str(asked.spec.key)
    unfit = set(usages) - set(fitting_key_usages(usages, key=key))
    if unfit:
        cfssl = _n("cfssl writes %(usages)s, which a key %(key)s cannot do (RFC 8813, RFC 9295).")
        ours = _n("It is left out here.")
        named = ", ".join(usage for usage in usages if usage in unfit)
        yield asked.silence("unfit-usage", "profile", cfssl, ours, usages=named, key=key)


def signing_leaf(asked: Asked) -> Iterator[Silence]:
    usages = asked.profile.usages if asked.profile else ()
    if asked.profile and ("cert sign" in usages) != asked.profile.ca_constraint.is_ca:
        cfssl = _n("cfssl does not ask whether “cert sign” and ca_constraint.is_ca go together.")
        yield asked.silence("cert-sign", "profile", cfssl, _n("It is refused here."))


def timestamping(asked: Asked) -> Iterator[Silence]:
    if asked.profile and "timestamping" in asked.profile.usages:
        cfssl = _n(
            "cfssl does not mark the extended key usage critical, nor asks that timestamping "
            "stands alone there, so nobody believes its timestamps (RFC 3161 section 2.3)."
        )
        ours = _n("It is critical here, and refused beside another one.")
        yield asked.silence("timestamping", "profile", cfssl, ours)


def dates(asked: Asked) -> Iterator[Silence]:
    profile = asked.profile
    ca_backdate = asked.spec.ca.backdate if asked.spec.ca else ""
    if not (profile.backdate or profile.not_before if profile else ca_backdate):
        text = _n("cfssl rounds the time to the minute and begins five minutes earlier.")
        yield asked.shared("backdate", "profile" if profile else "ca.backdate", text)
    if profile and profile.not_after and profile.expiry:
        text = _n("not_after wins over expiry, of which cfssl then says nothing.")
        yield asked.shared("not-after-wins", "profile", text)


def outliving(asked: Asked) -> Iterator[Silence]:
    if asked.profile is None or asked.issuer is None:
        return
    try:
        end = profile_validity(asked.profile, asked.now).not_after
    except PkiError:
        return
    own_end = asked.issuer.validity.not_after
    if end > own_end:
        cfssl = _n("cfssl lets it last until %(end)s, though its authority ends on %(own_end)s.")
        ours = _n("It is refused here, or cut at the authority's end if you say so.")
        days = {"end": f"{end:%Y-%m-%d}", "own_end": f"{own_end:%Y-%m-%d}"}
        yield asked.silence("outlives-authority", "profile", cfssl, ours, **days)


def equal_subject(asked: Asked) -> Iterator[Silence]:
    if asked.issuer is None:
        return
    if encode_name(asked.subject) == encode_name(asked.issuer.subject):
        cfssl = _n(
            "cfssl leaves the authority key identifier out, since the subject is the authority's "
            "own: “openssl verify” then fails with error 18."
        )
        yield asked.silence("no-identifier", "CN", cfssl, _n("It is always set here."))


def depth(asked: Asked) -> Iterator[Silence]:
    if asked.profile is None or not asked.makes_authority:
        return
    constraint = asked.profile.ca_constraint
    if not constraint.max_path_len and not constraint.max_path_len_zero:
        text = _n("max_path_len 0 without max_path_len_zero is no limit to cfssl.")
        yield asked.shared("max-path-len-without-zero", "profile", text)
    if asked.issuer is not None and asked.issuer.path_length is not None:
        cfssl = _n(
            "cfssl looks at the issuer's path length only where the CSR itself says CA:TRUE, so a "
            "CA of path length 0 signs another CA."
        )
        yield asked.silence("path-length", "profile", cfssl, _n("The whole chain's counts here."))


def constrained_names(asked: Asked) -> Iterator[Silence]:
    if asked.issuer is not None and any(asked.issuer.constraints):
        cfssl = _n("cfssl does not look at the name constraints of the issuer.")
        ours = _n("A name outside of them is refused here.")
        yield asked.silence("name-constraints", "hosts", cfssl, ours)


def whitelist(asked: Asked) -> Iterator[Silence]:
    pattern = asked.profile.name_whitelist if asked.profile else ""
    if pattern and not (pattern.startswith("^") and pattern.endswith("$")):
        text = _n(
            "cfssl lets every name pass in which “%(pattern)s” matches anywhere: add ^ and $."
        )
        yield asked.shared("whitelist-unanchored", "profile", text, pattern=pattern)
    if pattern and asked.spec.hosts:
        text = _n("cfssl does not hold IP addresses to name_whitelist.")
        yield asked.shared("whitelist-without-ip", "profile", text)


def not_inherited(asked: Asked) -> Iterator[Silence]:
    profile, config = asked.profile, asked.config
    if profile is None or config is None or profile.name in ("", "default"):
        return
    default = config.default
    lost = [key for key in _OWN if getattr(default, key) and not getattr(profile, key)]
    if lost:
        text = _n(
            "cfssl lets a profile inherit issuer_urls, ocsp_url and crl_url from signing.default, "
            "and nothing else: not %(keys)s."
        )
        yield asked.shared("not-inherited", "profile", text, keys=", ".join(lost))


def signature_hash(asked: Asked) -> Iterator[Silence]:
    chosen = asked.issuer.signature_hash if asked.issuer else ""
    if chosen not in ("", "SHA256"):
        text = _n("cfssl takes the hash from the authority's key: %(hash)s here; no key says so.")
        yield asked.shared("signature-hash", "", text, hash=chosen)


def poor_lists(asked: Asked) -> Iterator[Silence]:
    if asked.profile.crl_url if asked.profile else asked.spec.crl_url:
        cfssl = _n("cfssl's revocation lists have no number and no reasons.")
        ours = _n("Ours have both (RFC 5280 section 5.2.3).")
        field = "profile" if asked.profile else "crl_url"
        yield asked.never("poor-lists", field, cfssl, ours)


def rewritten_subject(asked: Asked) -> Iterator[Silence]:
    if asked.csr_subject is None:
        return
    if encode_name(asked.csr_subject) != encode_name(asked.subject):
        cfssl = _n(
            "cfssl writes the request's subject anew: in its own order and kinds of strings, "
            "without attributes that Go does not know."
        )
        yield asked.silence("rewritten-subject", "CN", cfssl, _n("It stays to the byte here."))


ON_PROFILES: tuple[Behaviour, ...] = (
    *(unknown_profile, implicit_default, unknown_profile_keys, keys_of_ours, linting),
    *(unknown_usages, old_spelling, repeated_usages, unfit_usages, signing_leaf, dates),
    timestamping,
    *(outliving, equal_subject, depth, constrained_names, whitelist, not_inherited),
    *(signature_hash, poor_lists, rewritten_subject),
)
