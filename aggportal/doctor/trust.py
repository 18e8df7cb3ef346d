"""T01 to T08, T14: whom extension API servers believe when somebody says "I am kube-apiserver"."""

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

DELEGATOR = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:auth-delegator"
AUTH_READER = (
    "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles"
    "/extension-apiserver-authentication-reader"
)
CA_SOON = dt.timedelta(days=90)
_UID_SINCE = 33
_HEADERS = (
    ("username_headers", "X-Remote-User", "--requestheader-username-headers"),
    ("group_headers", "X-Remote-Group", "--requestheader-group-headers"),
    ("extra_prefixes", "X-Remote-Extra-", "--requestheader-extra-headers-prefix"),
)
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


@cluster_check(
    "T04",
    Severity.ERROR,
    _n("The headers that kube-apiserver sends are accepted"),
    reads=[CONFIG_MAP],
)
def headers_are_accepted(evidence: Evidence) -> Outcome:
    """kube-apiserver sends fixed header names; the flags must contain them."""
    config = config_of(evidence)
    if not isinstance(config, AuthConfig):
        return config
    lacking = [
        (header, flag)
        for attribute, header, flag in _HEADERS
        if header.lower() not in {value.lower() for value in getattr(config, attribute)}
    ]
    if not lacking:
        return Passed()
    return Found(
        sentence=say(
            _n(
                "%(flags)s: the header that kube-apiserver sends is not among the accepted ones, "
                "so users, groups or extras are lost on the way."
            ),
            flags=", ".join(flag for _header, flag in lacking),
        ),
        remedy=Remedy(
            sentence=say(_n("Set the flags to the headers that kube-apiserver sends.")),
            command="\n".join(f"{flag}={header}" for header, flag in lacking),
            deed=Deed.FLAGS,
        ),
    )


@cluster_check("T05", Severity.INFO, _n("The UID header is accepted"), reads=[CONFIG_MAP])
def uid_header_is_accepted(evidence: Evidence) -> Outcome:
    """From 1.33 the aggregator sends X-Remote-Uid; it is optional."""
    config = config_of(evidence)
    if not isinstance(config, AuthConfig):
        return config
    if evidence.minor is None or evidence.minor < _UID_SINCE:
        return Inapplicable(sentence=say(_n("Kubernetes sends the UID from 1.33 on.")))
    if not config.uid_headers or "x-remote-uid" in {h.lower() for h in config.uid_headers}:
        return Passed()
    return Found(
        sentence=say(_n("The header with the user's UID is not accepted by its own name.")),
        remedy=Remedy(
            sentence=say(_n("Set the flag to the header that kube-apiserver sends.")),
            command="--requestheader-uid-headers=X-Remote-Uid",
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


@cluster_check(
    "T14",
    Severity.ERROR,
    _n("The roles for delegated authentication exist"),
    reads=[DELEGATOR, AUTH_READER],
)
def delegation_roles_exist(evidence: Evidence) -> Outcome:
    """kube-apiserver makes both at every start."""
    for read in (evidence.delegator, evidence.auth_reader):
        if isinstance(read, Unread):
            return read
    missing = [
        name
        for name, read in (
            ("system:auth-delegator", evidence.delegator),
            ("extension-apiserver-authentication-reader", evidence.auth_reader),
        )
        if isinstance(read, Absent)
    ]
    if not missing:
        return Passed()
    return Found(
        sentence=say(
            _n(
                "Missing: %(names)s. Extension API servers cannot read whom to trust, or cannot "
                "ask whether somebody may do something."
            ),
            names=", ".join(missing),
        ),
        remedy=Remedy(
            sentence=say(_n("Restart a kube-apiserver: it makes its own roles again at the start."))
        ),
    )
