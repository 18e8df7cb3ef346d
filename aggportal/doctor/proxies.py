"""T09 to T11: the proxy client certificate that kube-apiserver shows to its backends."""

from __future__ import annotations

import datetime as dt

from aggportal.doctor.authconfig import CONFIG_MAP, AuthConfig
from aggportal.doctor.evidence import Evidence, ProxyClient
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, cluster_check
from aggportal.doctor.told import certificates_told, ends, say
from aggportal.doctor.trust import config_of
from aggportal.pki.facts import CertificateFacts, is_issued_by
from aggportal.pki.reading import load_certificate
from aggportal.words import gettext_noop as _n

LEAF_SOON = dt.timedelta(days=30)


def _newest(evidence: Evidence) -> ProxyClient | Inapplicable:
    """The proxy client certificate of ours that was issued last."""
    clients = evidence.managed.proxy_clients
    if not clients:
        return Inapplicable(
            sentence=say(_n("No proxy client certificate of this cluster is known here."))
        )
    return max(clients, key=lambda client: client.certificate.not_before)


@cluster_check(
    "T09",
    Severity.CRITICAL,
    _n("The proxy client certificate is signed by the front-proxy CA"),
    reads=[CONFIG_MAP],
)
def proxy_client_is_signed_by_front_proxy(evidence: Evidence) -> Outcome:
    """Signed by the client CA instead, every request arrives as the certificate's own CN."""
    config, client = config_of(evidence), _newest(evidence)
    if not isinstance(config, AuthConfig):
        return config
    if isinstance(client, Inapplicable):
        return client
    if _signed_by_any(client.certificate, config.requestheader_cas):
        return Passed(evidence=certificates_told((client.certificate,)))
    by_client_ca = _signed_by_any(client.certificate, config.client_cas)
    return Found(
        sentence=say(
            _n(
                "The proxy client certificate %(name)s is signed by the client CA, not by the "
                "front-proxy CA: extension API servers take every user for %(cn)s."
            )
            if by_client_ca
            else _n(
                "The proxy client certificate %(name)s is signed by %(issuer)s, which is not "
                "trusted as front-proxy CA: extension API servers answer 401."
            ),
            name=client.label,
            cn=client.certificate.common_name,
            issuer=client.certificate.issuer,
        ),
        evidence=certificates_told((client.certificate, *config.requestheader_cas)),
        remedy=Remedy(
            sentence=say(_n("Issue a proxy client certificate from the front-proxy authority.")),
            deed=Deed.ISSUE_PROXY,
        ),
    )


@cluster_check(
    "T10",
    Severity.CRITICAL,
    _n("The proxy client certificate may act as front proxy"),
    reads=[CONFIG_MAP],
)
def proxy_client_is_allowed(evidence: Evidence) -> Outcome:
    """Its CN is an allowed name, and it has client auth."""
    config, client = config_of(evidence), _newest(evidence)
    if not isinstance(config, AuthConfig):
        return config
    if isinstance(client, Inapplicable):
        return client
    found = client.certificate
    reissue = say(_n("Issue a proxy client certificate with an allowed CN and client auth."))
    if "client auth" not in found.extended_usages and "any" not in found.extended_usages:
        return Found(
            sentence=say(
                _n("The proxy client certificate %(name)s has no client auth."), name=client.label
            ),
            evidence=certificates_told((found,)),
            remedy=Remedy(sentence=reissue, deed=Deed.ISSUE_PROXY),
        )
    if config.allowed_names and found.common_name not in config.allowed_names:
        return Found(
            sentence=say(
                _n("The CN %(cn)s of %(name)s is not allowed; allowed are %(names)s."),
                cn=found.common_name,
                name=client.label,
                names=", ".join(config.allowed_names),
            ),
            evidence=certificates_told((found,)),
            remedy=Remedy(sentence=reissue, deed=Deed.ISSUE_PROXY),
        )
    return Passed(evidence=certificates_told((found,)))


@cluster_check(
    "T11", Severity.CRITICAL, _n("The proxy client certificate has time left"), reads=[CONFIG_MAP]
)
def proxy_client_is_young(evidence: Evidence) -> Outcome:
    """Expired, every aggregated request fails at once."""
    client = _newest(evidence)
    if isinstance(client, Inapplicable):
        return client
    remedy = Remedy(
        sentence=say(_n("Renew the proxy client certificate and put it on every master.")),
        deed=Deed.ISSUE_PROXY,
    )
    return ends(client.certificate, now=evidence.now, soon=LEAF_SOON, remedy=remedy)


def _signed_by_any(leaf: CertificateFacts, cas: tuple[CertificateFacts, ...]) -> bool:
    child = load_certificate(leaf)
    return any(is_issued_by(child, load_certificate(ca)) for ca in cas)
