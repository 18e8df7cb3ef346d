"""A15 to A18: the certificate that the backend shows, where a handshake with it was asked for."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from aggportal.doctor.bundles import PATCH_BUNDLE, bundle_of
from aggportal.doctor.evidence import Evidence, Probed, Unread, Way
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, Unchecked, service_check
from aggportal.doctor.roots import way_to_public_root
from aggportal.doctor.told import certificates_told, ends, say
from aggportal.kube.apiservices import APISERVICES_PATH, APIService
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.paths import find_paths
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

HANDSHAKE = "TLS <service>.<namespace>.svc"
SOON = dt.timedelta(days=30)
VERIFIED_SINCE = 36
SHORTEST_RSA = 2048
# What Go's crypto/tls takes beside RSA, as `pki.facts.key_text` calls them.
KEYS = frozenset({"ECDSA P-256", "ECDSA P-384", "ECDSA P-521", "Ed25519"})
_RSA = re.compile(r"RSA (\d+)")
_WEAK = re.compile(r"SHA-?1\b|MD[25]\b", re.IGNORECASE)
_REISSUE = Remedy(
    sentence=say(
        _n("Issue a serving certificate that names the Service, and let the backend load it.")
    ),
    deed=Deed.ISSUE_SERVING,
)


def chain_of(
    evidence: Evidence, each: APIService
) -> tuple[CertificateFacts, ...] | Unchecked | Unread:
    """The chain as served, or why it is not known."""
    probed = evidence.probes.get(each.name)
    if probed is None:
        return Unchecked(
            sentence=say(
                _n("No handshake with the backend was asked for, so nothing was looked at.")
            )
        )
    if probed.chain:
        return probed.chain
    if probed.rule:
        path = f"/api/v1/namespaces/{probed.rule.namespace}/pods/<pod>/portforward"
        return Unread(path=path, why=_trouble(probed), rule=probed.rule)
    return Unchecked(sentence=_trouble(probed))


def _trouble(probed: Probed) -> Sentence:
    params = {"address": probed.address or "-", "why": str(probed.trouble or "")}
    if probed.way == Way.FORWARD:
        text = _n("No handshake came about through pods/portforward (%(address)s): %(why)s")
        return say(text, **params)
    text = _n("No handshake with the backend came about from here (%(address)s): %(why)s")
    return say(text, **params)


def handshake_told(evidence: Evidence, each: APIService) -> tuple[Sentence, ...]:
    """Where the certificate was seen, so that what is said of it can be proven."""
    probed = evidence.probes.get(each.name)
    if probed is None or not probed.chain:
        return ()
    if probed.way == Way.FORWARD:
        text = _n("Probed by handshake through pods/portforward at %(address)s.")
        return (say(text, address=probed.address),)
    return (say(_n("Probed by handshake at %(address)s."), address=probed.address),)


def who_signed(evidence: Evidence, each: APIService) -> Sentence | None:
    """Who issued the serving certificate, against whom caBundle holds; as far as both are known."""
    bundle, chain = bundle_of(each), chain_of(evidence, each)
    if not isinstance(bundle, tuple):
        return None
    held = "; ".join(ca.subject for ca in bundle[:8])
    if not isinstance(chain, tuple):
        return say(_n("caBundle holds %(held)s."), held=held)
    return say(
        _n(
            "The serving certificate's issuer is not in caBundle: issued by %(issuer)s, caBundle "
            "holds %(held)s."
        ),
        issuer=chain[0].issuer,
        held=held,
    )


@service_check(
    "A15", Severity.WARNING, _n("The roots are chosen"), reads=[APISERVICES_PATH, HANDSHAKE]
)
def roots_are_chosen(evidence: Evidence, each: APIService) -> Outcome:
    """Without caBundle the system roots of kube-apiserver's machine count: well where the chain
    that is served leads to a public root.
    """
    if each.insecure_skip_tls_verify:
        return Inapplicable(sentence=say(_n("TLS is not verified at all.")))
    if each.ca_bundle is not None or bundle_of(each) is not None:
        return Passed()
    chain = chain_of(evidence, each)
    seen = handshake_told(evidence, each)
    way = way_to_public_root(chain, now=evidence.now) if isinstance(chain, tuple) else None
    if way is not None and way.is_good:
        return Passed(evidence=(*certificates_told(way.certificates), *seen))
    told = certificates_told(chain) if isinstance(chain, tuple) else ()
    return Found(
        sentence=say(
            _n(
                "It has no caBundle, so the system roots of each kube-apiserver's machine decide "
                "whom it believes. A serving certificate of one's own authority fails."
            )
        ),
        evidence=(*told, *seen),
        remedy=PATCH_BUNDLE,
    )


@service_check(
    "A16",
    Severity.ERROR,
    _n("The serving certificate is trusted"),
    reads=[HANDSHAKE, APISERVICES_PATH],
)
def serving_chain_is_trusted(evidence: Evidence, each: APIService) -> Outcome:
    """The chain leads to caBundle. Up to 1.35 the condition does not look at it, from 1.36 on it
    does, so that an upgrade turns it red.
    """
    if each.insecure_skip_tls_verify:
        return Inapplicable(sentence=say(_n("TLS is not verified at all.")))
    chain, bundle = chain_of(evidence, each), bundle_of(each)
    if not isinstance(chain, tuple):
        return chain
    seen = handshake_told(evidence, each)
    if bundle is None:
        return _trusted_by_roots(evidence, chain, seen)
    if isinstance(bundle, Sentence):
        return Unchecked(sentence=bundle)
    own = chain[0]
    # Its own dates are A18's; the authorities are judged by a moment when it was valid.
    at = min(max(evidence.now, own.not_before), own.not_after)
    ways = find_paths(own, intermediates=chain[1:], roots=bundle, now=at)
    if any(way.is_good for way in ways):
        return Passed(evidence=(*certificates_told(chain), *seen))
    anchored = next((way for way in ways if way.is_anchored), None)
    signed = who_signed(evidence, each) or own_sentence(own)
    sentence = anchored.problems[0].sentence if anchored else signed
    late = evidence.minor is not None and evidence.minor >= VERIFIED_SINCE
    shown = say(
        _n("Kubernetes shows it as available nevertheless, until 1.36 verifies the certificate.")
    )
    told = () if late or each.availability.status != "True" else (shown,)
    return Found(
        sentence=sentence,
        evidence=(*told, *certificates_told(chain), *certificates_told(bundle), *seen),
        remedy=PATCH_BUNDLE,
    )


def _trusted_by_roots(
    evidence: Evidence, chain: tuple[CertificateFacts, ...], seen: tuple[Sentence, ...]
) -> Outcome:
    """Without caBundle the roots of kube-apiserver's machine count, which may have others too."""
    way = way_to_public_root(chain, now=evidence.now)
    if way is not None and way.is_good:
        return Passed(evidence=(*certificates_told(way.certificates), *seen))
    return Unchecked(
        sentence=say(
            _n("Without caBundle the roots of kube-apiserver's machine count: not known here.")
        ),
    )


def own_sentence(own: CertificateFacts) -> Sentence:
    """Who issued the serving certificate."""
    return say(_n("The serving certificate was issued by %(issuer)s."), issuer=own.issuer)


@service_check(
    "A17", Severity.ERROR, _n("The serving certificate names the Service"), reads=[HANDSHAKE]
)
def serving_certificate_names_the_service(evidence: Evidence, each: APIService) -> Outcome:
    """`<service>.<namespace>.svc` is among its DNS names, in both ways of routing."""
    chain = chain_of(evidence, each)
    if not isinstance(chain, tuple):
        return chain
    wanted = each.service.tls_name if each.service else ""
    names = chain[0].names("dns")
    if any(_fits(name.lower(), wanted.lower()) for name in names):
        told = say("%(names)s", names=", ".join(names[:8]))
        return Passed(evidence=(told, *handshake_told(evidence, each)))
    return Found(
        sentence=say(
            _n("The serving certificate does not hold %(wanted)s; it holds %(names)s."),
            wanted=wanted,
            names=", ".join(names[:8]) or "-",
        ),
        evidence=(*certificates_told(chain[:1]), *handshake_told(evidence, each)),
        remedy=_REISSUE,
        severity=Severity.WARNING if each.insecure_skip_tls_verify else None,
    )


@service_check("A18", Severity.ERROR, _n("The serving certificate is sound"), reads=[HANDSHAKE])
def serving_certificate_is_sound(evidence: Evidence, each: APIService) -> Outcome:
    """It has time left, is for servers, and is made with an algorithm that Go still accepts."""
    chain = chain_of(evidence, each)
    if not isinstance(chain, tuple):
        return chain
    own = chain[0]
    seen = handshake_told(evidence, each)
    wrong = _weaknesses(chain)
    if wrong:
        told = (*wrong[1:], *certificates_told(chain[:1]), *seen)
        return Found(sentence=wrong[0], evidence=told, remedy=_REISSUE)
    outcome = ends(own, now=evidence.now, soon=SOON, remedy=_REISSUE)
    return replace(outcome, evidence=(*outcome.evidence, *seen))


def _weaknesses(chain: tuple[CertificateFacts, ...]) -> list[Sentence]:
    own, found = chain[0], []
    if own.extended_usages and not {"server auth", "any"} & set(own.extended_usages):
        found.append(
            say(
                _n("The serving certificate is not for servers, but for %(usages)s."),
                usages=", ".join(own.extended_usages),
            )
        )
    found.extend(
        say(
            _n("%(subject)s is signed by %(signature)s, which is refused."),
            subject=each.subject,
            signature=each.signature,
        )
        for each in chain
        if not each.self_signed and _WEAK.search(each.signature)
    )
    rsa = _RSA.fullmatch(own.key)
    if rsa and int(rsa.group(1)) < SHORTEST_RSA:
        found.append(say(_n("The serving certificate's key is too short: %(key)s."), key=own.key))
    elif not rsa and own.key not in KEYS:
        told = _n("Go accepts no key of the serving certificate's kind: %(key)s.")
        found.append(say(told, key=own.key))
    return found


def _fits(name: str, wanted: str) -> bool:
    """Whether a DNS name of a certificate, maybe with a wildcard at first, means `wanted`."""
    if name.startswith("*."):
        return wanted.partition(".")[2] == name[2:]
    return name == wanted
