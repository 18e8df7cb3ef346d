"""T09 to T11: the proxy client certificate that kube-apiserver shows to its backends."""

from __future__ import annotations

import datetime as dt

from aggportal.doctor.authconfig import (
    ALLOWED_NAMES,
    CLIENT_CA,
    CONFIG_MAP,
    REQUESTHEADER_CA,
    AuthConfig,
)
from aggportal.doctor.evidence import Evidence, ProxyClient
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
    """Signed by the client CA instead, every request arrives as the certificate's own CN. The way
    up may lead through certificates between, which stand in the same file.
    """
    config, client = config_of(evidence, REQUESTHEADER_CA, CLIENT_CA), _newest(evidence)
    if not isinstance(config, AuthConfig):
        return config
    if isinstance(client, Inapplicable):
        return client
    by_front_proxy = _leads_to(client, config.requestheader_cas, evidence.now)
    by_client_ca = _leads_to(client, config.client_cas, evidence.now)
    if by_front_proxy and not by_client_ca:
        return Passed(evidence=certificates_told((client.certificate, *client.above)))
    if by_front_proxy:
        return _signed_by_both(client, config)
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
    """Its CN is an allowed name, it has client auth, and the key that is kept for it is its own."""
    config, client = config_of(evidence, ALLOWED_NAMES), _newest(evidence)
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
    return _key_matches(client)


def _key_matches(client: ProxyClient) -> Outcome:
    """kube-apiserver does not start with a key of another certificate."""
    found = client.certificate
    if not client.key_spki:
        return Unchecked(
            sentence=say(
                _n(
                    "CN and client auth of %(name)s are right. Its key is not kept here, so "
                    "whether it matches cannot be seen."
                ),
                name=client.label,
            )
        )
    if client.key_spki == found.spki_sha256:
        return Passed(evidence=certificates_told((found,)))
    return Found(
        sentence=say(
            _n(
                "The key that is kept here for %(name)s belongs to another certificate: "
                "kube-apiserver does not start with the two."
            ),
            name=client.label,
        ),
        evidence=(
            *certificates_told((found,)),
            say(
                _n("Public key of the certificate %(one)s…, of the key %(other)s…"),
                one=found.spki_sha256[:16],
                other=client.key_spki[:16],
            ),
        ),
        remedy=Remedy(
            sentence=say(_n("Issue a new proxy client certificate with a key of its own.")),
            deed=Deed.ISSUE_PROXY,
        ),
    )


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


def _leads_to(client: ProxyClient, cas: tuple[CertificateFacts, ...], now: dt.datetime) -> bool:
    """Whether one of `cas` stands above it; its own dates are T11's."""
    own = client.certificate
    at = min(max(now, own.not_before), own.not_after)
    ways = find_paths(own, intermediates=client.above, roots=cas, now=at)
    return any(way.is_anchored for way in ways)


def _signed_by_both(client: ProxyClient, config: AuthConfig) -> Found:
    return Found(
        sentence=say(
            _n(
                "The proxy client certificate %(name)s leads to the client CA too: whoever shows "
                "it without headers is %(cn)s for kube-apiserver and for every backend."
            ),
            name=client.label,
            cn=client.certificate.common_name,
        ),
        evidence=certificates_told((client.certificate, *client.above, *config.client_cas)),
        remedy=Remedy(
            sentence=say(
                _n(
                    "Issue a proxy client certificate from a front-proxy authority that signs "
                    "nothing else."
                )
            ),
            deed=Deed.ISSUE_PROXY,
        ),
        severity=Severity.WARNING,
    )
