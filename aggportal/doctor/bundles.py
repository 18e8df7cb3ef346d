"""A12 to A14: what an APIService says about its backend's certificate."""

from __future__ import annotations

import datetime as dt
import functools

from aggportal.doctor.evidence import Evidence
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, service_check
from aggportal.doctor.told import certificates_told, ends, say
from aggportal.kube.apiservices import APISERVICES_PATH, APIService
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificates
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

SOON = dt.timedelta(days=30)
PATCH_BUNDLE = Remedy(
    sentence=say(_n("Set caBundle to the authority that signed the serving certificate.")),
    deed=Deed.PATCH_BUNDLE,
)


def bundle_of(each: APIService) -> tuple[CertificateFacts, ...] | Sentence | None:
    """The certificates in caBundle; a sentence where it cannot be read, None where there is none.

    Kubernetes does not look into it when it is set.
    """
    if each.ca_bundle is None:
        return next((odd for odd in each.odd if "spec.caBundle" in str(odd)), None)
    return _read(each.ca_bundle)


@functools.lru_cache(maxsize=512)
def _read(bundle: bytes) -> tuple[CertificateFacts, ...] | Sentence:
    """Several checks look at each bundle, and many APIServices share one."""
    try:
        return read_certificates(bundle, field="spec.caBundle")
    except PkiError as refused:
        return refused.sentence


@service_check("A12", Severity.WARNING, _n("TLS is verified"), reads=[APISERVICES_PATH])
def tls_is_verified(evidence: Evidence, each: APIService) -> Outcome:
    """`insecureSkipTLSVerify` is false."""
    if not each.insecure_skip_tls_verify:
        return Passed()
    return Found(
        sentence=say(
            _n(
                "kube-apiserver verifies no certificate: whoever stands between it and the backend "
                "can answer for this API group."
            )
        ),
        remedy=Remedy(
            sentence=say(
                _n("Set caBundle to the serving authority and insecureSkipTLSVerify to false.")
            ),
            deed=Deed.PATCH_BUNDLE,
        ),
    )


@service_check("A13", Severity.ERROR, _n("caBundle can be used"), reads=[APISERVICES_PATH])
def bundle_can_be_used(evidence: Evidence, each: APIService) -> Outcome:
    """It parses, and each certificate in it is an authority or the serving certificate itself."""
    bundle = bundle_of(each)
    if bundle is None:
        return Inapplicable(sentence=say(_n("It has no caBundle.")))
    if isinstance(bundle, Sentence):
        return Found(
            sentence=say(
                _n(
                    "caBundle cannot be read. Up to 1.35 the condition stays True nevertheless, "
                    "while every request fails."
                )
            ),
            evidence=(bundle,),
            remedy=PATCH_BUNDLE,
        )
    probed = evidence.probes.get(each.name)
    own = probed.chain[0].sha256 if probed and probed.chain else ""
    useless = tuple(ca for ca in bundle if not (ca.is_ca or _may_be_served(ca, own)))
    if not useless:
        return Passed(evidence=certificates_told(bundle))
    if len(useless) == len(bundle):
        return Found(
            sentence=say(_n("caBundle holds no authority and no serving certificate.")),
            evidence=certificates_told(bundle),
            remedy=PATCH_BUNDLE,
        )
    return Found(
        sentence=say(
            _n(
                "caBundle holds what is no authority beside one that is: %(subjects)s. Nothing "
                "that those signed is trusted."
            ),
            subjects="; ".join(each.subject for each in useless[:8]),
        ),
        evidence=certificates_told(useless),
        remedy=PATCH_BUNDLE,
        severity=Severity.WARNING,
    )


def _may_be_served(certificate: CertificateFacts, own: str) -> bool:
    """Whether it is the serving certificate (`own` is its digest), or could be where none is known.

    Go takes a certificate among the roots for good when it is served itself.
    """
    if own:
        return certificate.sha256 == own
    return certificate.self_signed or bool(certificate.names("dns"))


@service_check("A14", Severity.ERROR, _n("caBundle has time left"), reads=[APISERVICES_PATH])
def bundle_is_young(evidence: Evidence, each: APIService) -> Outcome:
    """The authority that ends last counts; an expired one beside it is a warning."""
    bundle = bundle_of(each)
    if not isinstance(bundle, tuple):
        return Inapplicable(sentence=say(_n("It has no caBundle that can be read.")))
    last = max(bundle, key=lambda ca: ca.not_after)
    outcome = ends(last, now=evidence.now, soon=SOON, remedy=PATCH_BUNDLE)
    over = tuple(ca for ca in bundle if ca.not_after < evidence.now)
    if not isinstance(outcome, Passed) or not over:
        return outcome
    return Found(
        sentence=say(_n("caBundle still holds an expired authority.")),
        evidence=certificates_told(over),
        remedy=PATCH_BUNDLE,
        severity=Severity.WARNING,
    )
