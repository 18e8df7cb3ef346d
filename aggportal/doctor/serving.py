"""A16 to A18: the certificate that the backend shows, where a handshake with it was asked for."""

from __future__ import annotations

import datetime as dt
import re

from aggportal.doctor.bundles import bundle_of
from aggportal.doctor.evidence import Evidence, Probed
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, Unchecked, service_check
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
_RSA = re.compile(r"RSA (\d+)")
_REISSUE = Remedy(
    sentence=say(
        _n("Issue a serving certificate that names the Service, and let the backend load it.")
    ),
    deed=Deed.ISSUE_SERVING,
)


def chain_of(evidence: Evidence, each: APIService) -> tuple[CertificateFacts, ...] | Unchecked:
    """The chain as served, or why it is not known."""
    probed = evidence.probes.get(each.name)
    if probed is None:
        return Unchecked(
            sentence=say(
                _n("No handshake with the backend was asked for, so nothing was looked at.")
            )
        )
    return probed.chain or Unchecked(sentence=_trouble(probed))


def _trouble(probed: Probed) -> Sentence:
    why = str(probed.trouble) if probed.trouble else ""
    return say(
        _n("No handshake with the backend came about from here (%(address)s): %(why)s"),
        address=probed.address or "-",
        why=why,
    )


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
    if bundle is None:
        return Unchecked(
            sentence=say(
                _n("Without caBundle the roots of kube-apiserver's machine count: not known here.")
            ),
        )
    if isinstance(bundle, Sentence):
        return Unchecked(sentence=bundle)
    own = chain[0]
    # Its own dates are A18's; the authorities are judged by a moment when it was valid.
    at = min(max(evidence.now, own.not_before), own.not_after)
    ways = find_paths(own, intermediates=chain[1:], roots=bundle, now=at)
    if any(way.is_good for way in ways):
        return Passed(evidence=certificates_told(chain))
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
        evidence=(*told, *certificates_told(chain), *certificates_told(bundle)),
        remedy=Remedy(
            sentence=say(_n("Set caBundle to the authority that signed the serving certificate.")),
            deed=Deed.PATCH_BUNDLE,
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
        return Passed(evidence=(say("%(names)s", names=", ".join(names[:8])),))
    return Found(
        sentence=say(
            _n("The serving certificate does not hold %(wanted)s; it holds %(names)s."),
            wanted=wanted,
            names=", ".join(names[:8]) or "-",
        ),
        evidence=certificates_told(chain[:1]),
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
    wrong = _weaknesses(own)
    if wrong:
        return Found(sentence=wrong[0], evidence=certificates_told(chain[:1]), remedy=_REISSUE)
    return ends(own, now=evidence.now, soon=SOON, remedy=_REISSUE)


def _weaknesses(own: CertificateFacts) -> list[Sentence]:
    found = []
    if own.extended_usages and not {"server auth", "any"} & set(own.extended_usages):
        found.append(
            say(
                _n("The serving certificate is not for servers, but for %(usages)s."),
                usages=", ".join(own.extended_usages),
            )
        )
    if "SHA-1" in own.signature or "MD5" in own.signature:
        found.append(
            say(
                _n("The serving certificate is signed by %(signature)s, which is refused."),
                signature=own.signature,
            )
        )
    key = _RSA.fullmatch(own.key)
    if key and int(key.group(1)) < SHORTEST_RSA:
        found.append(say(_n("The serving certificate's key is too short: %(key)s."), key=own.key))
    return found


def _fits(name: str, wanted: str) -> bool:
    """Whether a DNS name of a certificate, maybe with a wildcard at first, means `wanted`."""
    if name.startswith("*."):
        return wanted.partition(".")[2] == name[2:]
    return name == wanted
