"""T01 to T03: whom extension API servers take for kube-apiserver."""

from __future__ import annotations

from aggportal.doctor.authconfig import (
    ALLOWED_NAMES,
    CLIENT_CA,
    CONFIG_MAP,
    REQUESTHEADER_CA,
    AuthConfig,
    parse_auth_config,
)
from aggportal.doctor.evidence import Absent, Evidence, Known, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.registry import (
    Found,
    Inapplicable,
    Outcome,
    Passed,
    Unchecked,
    cluster_check,
)
from aggportal.doctor.told import certificates_told, say
from aggportal.words import gettext_noop as _n

_NOT_CONFIGURED = _n("Aggregation trust is not configured, so there is nothing to look at.")
_SET_FLAGS = Remedy(
    sentence=say(
        _n(
            "Set the seven --requestheader and --proxy-client flags on every kube-apiserver; the "
            "page Flags renders them for the way that the cluster was installed."
        )
    ),
    deed=Deed.FLAGS,
)
_SEPARATE_CA = Remedy(
    sentence=say(
        _n(
            "Make a front-proxy authority of its own, which signs the proxy client certificate and "
            "nothing else, and rotate to it."
        )
    ),
    deed=Deed.ROTATE,
)


def config_of(evidence: Evidence, *keys: str) -> AuthConfig | Unread | Inapplicable | Unchecked:
    """The trust as it is published, or why there is none to look at; `keys` are those of the
    ConfigMap that must have been understood.
    """
    match evidence.trust:
        case Unread() as unread:
            return unread
        case Absent():
            return Inapplicable(sentence=say(_NOT_CONFIGURED))
        case Known(value=document):
            config = parse_auth_config(document)
            if config.has_requestheader:
                why = config.why_unread(*keys)
                return config if why is None else Unchecked(sentence=why)
    return Inapplicable(sentence=say(_NOT_CONFIGURED))


@cluster_check("T01", Severity.CRITICAL, _n("Aggregation trust is configured"), reads=[CONFIG_MAP])
def trust_is_configured(evidence: Evidence) -> Outcome:
    """`requestheader-client-ca-file` is published and holds certificates, and what stands beside
    it can be read.
    """
    if isinstance(evidence.trust, Unread):
        return evidence.trust
    config = (
        parse_auth_config(evidence.trust.value)
        if isinstance(evidence.trust, Known)
        else AuthConfig()
    )
    if config.requestheader_cas and not config.unread:
        return Passed(evidence=certificates_told(config.requestheader_cas))
    if config.has_requestheader:
        keys = ", ".join(key for key, _why in config.unread)
        unread = _n(
            "The published trust cannot be read: %(keys)s. Extension API servers refuse it."
        )
        return Found(
            sentence=say(unread, keys=keys or REQUESTHEADER_CA),
            evidence=config.odd,
            remedy=_SET_FLAGS,
        )
    return Found(
        sentence=say(
            _n(
                "Aggregation trust is not configured: no kube-apiserver publishes a requestheader "
                "CA, so extension API servers refuse every request that is passed on to them."
            )
        ),
        remedy=_SET_FLAGS,
    )


@cluster_check(
    "T02", Severity.CRITICAL, _n("Client CA and front-proxy CA differ"), reads=[CONFIG_MAP]
)
def cas_do_not_overlap(evidence: Evidence) -> Outcome:
    """No key signs for both; with names allowed an overlap alone is a warning (k/k 131411)."""
    config = config_of(evidence, CLIENT_CA, REQUESTHEADER_CA, ALLOWED_NAMES)
    if not isinstance(config, AuthConfig):
        return config
    keys = {ca.spki_sha256 for ca in config.client_cas}
    shared = tuple(ca for ca in config.requestheader_cas if ca.spki_sha256 in keys)
    if not shared:
        return Passed()
    if config.allowed_names:
        return Found(
            sentence=say(
                _n(
                    "The client CA is a front-proxy CA too. Whoever gets a client certificate with "
                    "the CN %(names)s can act as anybody."
                ),
                names=", ".join(config.allowed_names),
            ),
            evidence=certificates_told(shared),
            remedy=_SEPARATE_CA,
            severity=Severity.WARNING,
        )
    return Found(
        sentence=say(
            _n(
                "The client CA is a front-proxy CA too, and no name is required: any client "
                "certificate can act as anybody. kube-apiserver 1.35 refuses to start like this."
            )
        ),
        evidence=certificates_told(shared),
        remedy=_SEPARATE_CA,
    )


@cluster_check("T03", Severity.WARNING, _n("Allowed names are set"), reads=[CONFIG_MAP])
def names_are_required(evidence: Evidence) -> Outcome:
    """`requestheader-allowed-names` holds a name."""
    config = config_of(evidence, ALLOWED_NAMES)
    if not isinstance(config, AuthConfig):
        return config
    if config.allowed_names:
        return Passed(evidence=(say("%(names)s", names=", ".join(config.allowed_names)),))
    return Found(
        sentence=say(_n("Any certificate of the front-proxy CA may act as front proxy.")),
        evidence=certificates_told(config.requestheader_cas),
        remedy=Remedy(
            sentence=say(
                _n("Set --requestheader-allowed-names to the CN of the proxy client certificate.")
            ),
            command="--requestheader-allowed-names=front-proxy-client",
            deed=Deed.FLAGS,
        ),
    )
