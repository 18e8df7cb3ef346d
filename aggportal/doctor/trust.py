"""T01 to T03, T06 to T08: whom extension API servers take for kube-apiserver."""

from __future__ import annotations

import datetime as dt

from aggportal.doctor.authconfig import CONFIG_MAP, AuthConfig, parse_auth_config
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
from aggportal.doctor.told import certificates_told, ends, say
from aggportal.words import gettext_noop as _n

CA_SOON = dt.timedelta(days=90)
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


def config_of(evidence: Evidence) -> AuthConfig | Unread | Inapplicable:
    """The trust as it is published, or why there is none to look at."""
    match evidence.trust:
        case Unread() as unread:
            return unread
        case Absent():
            return Inapplicable(sentence=say(_NOT_CONFIGURED))
        case Known(value=document):
            config = parse_auth_config(document)
            if config.has_requestheader:
                return config
    return Inapplicable(sentence=say(_NOT_CONFIGURED))


@cluster_check("T01", Severity.CRITICAL, _n("Aggregation trust is configured"), reads=[CONFIG_MAP])
def trust_is_configured(evidence: Evidence) -> Outcome:
    """`requestheader-client-ca-file` is published and holds certificates."""
    if isinstance(evidence.trust, Unread):
        return evidence.trust
    config = (
        parse_auth_config(evidence.trust.value)
        if isinstance(evidence.trust, Known)
        else AuthConfig()
    )
    if config.requestheader_cas:
        return Passed(evidence=certificates_told(config.requestheader_cas))
    if config.has_requestheader:
        return Found(
            sentence=say(_n("The published requestheader CA cannot be read.")),
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
    config = config_of(evidence)
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
    config = config_of(evidence)
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


@cluster_check("T06", Severity.CRITICAL, _n("The front-proxy CA has time left"), reads=[CONFIG_MAP])
def front_proxy_ca_is_young(evidence: Evidence) -> Outcome:
    """The CA that ends last counts: the others may be on their way out."""
    config = config_of(evidence)
    if not isinstance(config, AuthConfig):
        return config
    if not config.requestheader_cas:
        return Unchecked(sentence=say(_n("The published CA cannot be read.")))
    last = max(config.requestheader_cas, key=lambda ca: ca.not_after)
    remedy = Remedy(
        sentence=say(_n("Rotate to a new front-proxy authority before that day.")),
        deed=Deed.ROTATE,
    )
    return ends(last, now=evidence.now, soon=CA_SOON, remedy=remedy)


@cluster_check(
    "T07", Severity.WARNING, _n("Only CAs that are managed here are trusted"), reads=[CONFIG_MAP]
)
def only_managed_cas(evidence: Evidence) -> Outcome:
    """A CA that was removed from the flags stays in the ConfigMap until that is deleted."""
    config = config_of(evidence)
    if not isinstance(config, AuthConfig):
        return config
    if not evidence.managed.front_proxy_cas:
        return Inapplicable(
            sentence=say(_n("No authority here is known as this cluster's front-proxy CA."))
        )
    ours = {ca.spki_sha256 for ca in evidence.managed.front_proxy_cas}
    strange = tuple(ca for ca in config.requestheader_cas if ca.spki_sha256 not in ours)
    if not strange:
        return Passed(evidence=certificates_told(config.requestheader_cas))
    return Found(
        sentence=say(
            _n(
                "A CA that is not managed here is trusted as front-proxy CA: %(subjects)s. Whoever "
                "holds its key can act as anybody."
            ),
            subjects="; ".join(ca.subject for ca in strange),
        ),
        evidence=certificates_told(strange),
        remedy=Remedy(
            sentence=say(
                _n(
                    "If no kube-apiserver names it any longer, delete the ConfigMap: it comes back "
                    "within seconds with what the flags say."
                )
            ),
            command=(
                "kubectl --namespace kube-system delete configmap "
                "extension-apiserver-authentication"
            ),
            deed=Deed.ROTATE,
        ),
    )


@cluster_check("T08", Severity.WARNING, _n("No two CAs share a subject"), reads=[CONFIG_MAP])
def subjects_are_distinct(evidence: Evidence) -> Outcome:
    """Equal subjects with different keys make verification try the wrong one."""
    config = config_of(evidence)
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
