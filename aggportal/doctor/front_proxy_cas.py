"""T06 to T08: the CAs that are published as front-proxy CAs, one beside the other."""

from __future__ import annotations

import datetime as dt

from aggportal.doctor.authconfig import CONFIG_MAP, REQUESTHEADER_CA, AuthConfig
from aggportal.doctor.evidence import Evidence
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.registry import (
    Found,
    Inapplicable,
    Outcome,
    Passed,
    Unchecked,
    cluster_check,
)
from aggportal.doctor.told import certificates_told, ends, say
from aggportal.doctor.trust import config_of
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.paths import find_paths
from aggportal.words import gettext_noop as _n

CA_SOON = dt.timedelta(days=90)
_FORGET = "kubectl --namespace kube-system delete configmap extension-apiserver-authentication"


@cluster_check("T06", Severity.CRITICAL, _n("The front-proxy CA has time left"), reads=[CONFIG_MAP])
def front_proxy_ca_is_young(evidence: Evidence) -> Outcome:
    """The CA that ends last counts, and the one that our proxy client certificate hangs on; of
    another one that ends it is warned.
    """
    config = config_of(evidence, REQUESTHEADER_CA)
    if not isinstance(config, AuthConfig):
        return config
    if not config.requestheader_cas:
        return Unchecked(sentence=say(_n("The published CA cannot be read.")))
    remedy = Remedy(
        sentence=say(_n("Rotate to a new front-proxy authority before that day.")),
        deed=Deed.ROTATE,
    )
    cas = sorted(config.requestheader_cas, key=lambda ca: ca.not_after)
    for ca in (cas[-1], *_anchors(evidence, config.requestheader_cas)):
        outcome = ends(ca, now=evidence.now, soon=CA_SOON, remedy=remedy)
        if isinstance(outcome, Found):
            return outcome
    if cas[0].not_after - evidence.now >= CA_SOON:
        return Passed(evidence=certificates_told(tuple(cas)))
    return Found(
        sentence=say(
            _n(
                "One of the front-proxy CAs, %(subject)s, ends on %(date)s UTC: a proxy client "
                "certificate that it signed is refused from then on."
            ),
            subject=cas[0].subject,
            date=f"{cas[0].not_after:%Y-%m-%d %H:%M}",
        ),
        evidence=certificates_told(tuple(cas)),
        remedy=remedy,
        severity=Severity.WARNING,
    )


def _anchors(evidence: Evidence, cas: tuple[CertificateFacts, ...]) -> tuple[CertificateFacts, ...]:
    """The CAs that the newest proxy client certificate of ours leads to, where it leads to one
    alone: with two of them the other one is left.
    """
    clients = evidence.managed.proxy_clients
    if not clients:
        return ()
    client = max(clients, key=lambda one: one.certificate.not_before)
    own = client.certificate
    at = min(max(evidence.now, own.not_before), own.not_after)
    ways = find_paths(own, intermediates=client.above, roots=cas, now=at)
    found = {way.root.sha256: way.root for way in ways if way.is_anchored}
    return tuple(found.values()) if len(found) == 1 else ()


@cluster_check(
    "T07", Severity.WARNING, _n("Only CAs that are managed here are trusted"), reads=[CONFIG_MAP]
)
def only_managed_cas(evidence: Evidence) -> Outcome:
    """A CA that was removed from the flags stays in the ConfigMap until that is deleted."""
    config = config_of(evidence, REQUESTHEADER_CA)
    if not isinstance(config, AuthConfig):
        return config
    managed = evidence.managed
    if not (managed.front_proxy_cas or managed.retired_cas):
        return Inapplicable(
            sentence=say(_n("No authority here is known as this cluster's front-proxy CA."))
        )
    ours = {ca.spki_sha256 for ca in managed.front_proxy_cas}
    former = {ca.spki_sha256 for ca in managed.retired_cas}
    strange = tuple(ca for ca in config.requestheader_cas if ca.spki_sha256 not in (ours | former))
    retired = tuple(ca for ca in config.requestheader_cas if ca.spki_sha256 in former)
    if strange:
        return _strange(strange, retired)
    if retired:
        return _retired(retired)
    return Passed(evidence=certificates_told(config.requestheader_cas))


def _retired(retired: tuple[CertificateFacts, ...]) -> Found:
    names = "; ".join(f"{ca.subject} (SHA-256 {ca.sha256[:16]}…)" for ca in retired)
    return Found(
        sentence=say(
            _n(
                "A retired CA of ours is still trusted as front-proxy CA: %(names)s. Whoever has "
                "a certificate of it can act as anybody."
            ),
            names=names,
        ),
        evidence=certificates_told(retired),
        remedy=Remedy(
            sentence=say(
                _n(
                    "Finish the rotation: step “Take the old CA out” puts the file with the new CA "
                    "alone on every master, step “Rebuild the ConfigMap” deletes what is left."
                )
            ),
            command=_FORGET,
            deed=Deed.FINISH_ROTATION,
        ),
    )


def _strange(strange: tuple[CertificateFacts, ...], retired: tuple[CertificateFacts, ...]) -> Found:
    return Found(
        sentence=say(
            _n(
                "A CA that is not managed here is trusted as front-proxy CA: %(subjects)s. Whoever "
                "holds its key can act as anybody."
            ),
            subjects="; ".join(ca.subject for ca in strange),
        ),
        evidence=certificates_told((*strange, *retired)),
        remedy=Remedy(
            sentence=say(
                _n(
                    "If no kube-apiserver names it any longer, delete the ConfigMap: it comes back "
                    "within seconds with what the flags say."
                )
            ),
            command=_FORGET,
            deed=Deed.ROTATE,
        ),
    )


@cluster_check("T08", Severity.WARNING, _n("No two CAs share a subject"), reads=[CONFIG_MAP])
def subjects_are_distinct(evidence: Evidence) -> Outcome:
    """Equal subjects with different keys make verification try the wrong one."""
    config = config_of(evidence, REQUESTHEADER_CA)
    if not isinstance(config, AuthConfig):
        return config
    keys: dict[str, set[str]] = {}
    for ca in config.requestheader_cas:
        keys.setdefault(ca.subject, set()).add(ca.spki_sha256)
    ambiguous = sorted(subject for subject, found in keys.items() if len(found) > 1)
    if not ambiguous:
        return Passed()
    return Found(
        sentence=say(
            _n(
                "Two trusted CAs with different keys share the subject %(subjects)s. Certificates "
                "without key identifiers fail then with “crypto/rsa: verification error”."
            ),
            subjects="; ".join(ambiguous),
        ),
        evidence=certificates_told(
            tuple(ca for ca in config.requestheader_cas if ca.subject in ambiguous)
        ),
        remedy=Remedy(
            sentence=say(_n("Give the next front-proxy authority a subject of its own.")),
            deed=Deed.ROTATE,
        ),
    )
