"""T04, T05, T14: what extension API servers accept of kube-apiserver, and what they may ask it."""

from __future__ import annotations

from aggportal.doctor.authconfig import (
    CONFIG_MAP,
    EXTRA_PREFIXES,
    GROUP_HEADERS,
    UID_HEADERS,
    USERNAME_HEADERS,
    AuthConfig,
)
from aggportal.doctor.evidence import Absent, Evidence, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.registry import (
    Found,
    Inapplicable,
    Outcome,
    Passed,
    Unchecked,
    cluster_check,
)
from aggportal.doctor.told import say
from aggportal.doctor.trust import config_of
from aggportal.words import gettext_noop as _n

DELEGATOR = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:auth-delegator"
AUTH_READER = (
    "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles"
    "/extension-apiserver-authentication-reader"
)
_UID_SINCE = 33
# The kubelet starts a static pod anew when its file comes back; elsewhere it is a service.
_RESTART = """\
# On a master, where kube-apiserver is a static pod (kubeadm):
mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/ && sleep 20
mv /root/kube-apiserver.yaml /etc/kubernetes/manifests/
# Where it is a service:
systemctl restart kube-apiserver"""
_HEADERS = (
    ("username_headers", "X-Remote-User", "--requestheader-username-headers"),
    ("group_headers", "X-Remote-Group", "--requestheader-group-headers"),
    ("extra_prefixes", "X-Remote-Extra-", "--requestheader-extra-headers-prefix"),
)


@cluster_check(
    "T04",
    Severity.ERROR,
    _n("The headers that kube-apiserver sends are accepted"),
    reads=[CONFIG_MAP],
)
def headers_are_accepted(evidence: Evidence) -> Outcome:
    """kube-apiserver sends fixed header names; the flags must contain them."""
    config = config_of(evidence, USERNAME_HEADERS, GROUP_HEADERS, EXTRA_PREFIXES)
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
    config = config_of(evidence, UID_HEADERS)
    if not isinstance(config, AuthConfig):
        return config
    if evidence.minor is None:
        return Unchecked(sentence=say(_n("The version of the API server is not known.")))
    if evidence.minor < _UID_SINCE:
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
            sentence=say(
                _n("Restart a kube-apiserver: it makes its own roles again at the start.")
            ),
            command=_RESTART,
        ),
    )
