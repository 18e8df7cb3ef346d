"""Advice about names: who the holder would be, and which hosts a client would find."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cryptography.x509.oid import NameOID

from aggportal.pki.cautions import Advice, Case, Caution, know
from aggportal.pki.covering import covers
from aggportal.words import gettext_noop as _n

_HOST_AND_PORT = re.compile(r"\[?[A-Za-z0-9.*:_-]+\]?:\d{1,5}", re.ASCII)
_HOST_LIKE = re.compile(r"[A-Za-z0-9*-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
_SERVICE = re.compile(r"[^.]+\.[^.]+\.svc", re.ASCII | re.IGNORECASE)


def stray_spaces(case: Case) -> Iterator[Caution]:
    names = [("CN", case.cn)]
    organizations = case.plan.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    names += [("names", str(organization.value)) for organization in organizations]
    for field, value in names:
        if value != value.strip():
            yield know(
                "stray-space",
                field,
                _n(
                    "“%(value)s” begins or ends with a space. Kubernetes compares users and "
                    "groups exactly, so this is another one than “%(stripped)s”. Remove the space."
                ),
                value=value,
                stripped=value.strip(),
            )
    for value in case.host_names():
        if " " in value:
            yield know(
                "stray-space-in-host",
                case.host_field(value),
                _n(
                    "“%(value)s” contains a space, as cfssl would let it, so no client ever finds "
                    "this name. Write one host per line, without spaces."
                ),
                value=value,
            )


def host_and_port(case: Case) -> Iterator[Caution]:
    for value in case.host_names("uri"):
        if _HOST_AND_PORT.fullmatch(value):
            yield know(
                "host-and-port",
                case.host_field(value),
                _n(
                    "%(value)s has a port, so cfssl makes a URI of it, which no client compares "
                    "with a host. Write the host alone: one certificate is good for every port."
                ),
                value=value,
            )


def no_names(case: Case) -> Iterator[Caution]:
    is_for_servers = "server auth" in case.plan.extended_key_usages and not case.plan.is_ca
    if is_for_servers and not case.host_names() and not case.host_names("ip"):
        yield know(
            "no-names",
            "hosts",
            _n(
                "A server could not use this certificate: it has no DNS name and no IP address "
                "among its hosts, and Kubernetes has not looked at the CN since 1.23. Add the "
                "hosts, or choose a profile without server auth."
            ),
        )


def no_service_name(case: Case) -> Iterator[Caution]:
    names = case.host_names()
    if case.lane == "serving" and case.serves and names and not service_names(names):
        yield know(
            "no-service-name",
            "hosts",
            _n(
                "None of the hosts has the form service.namespace.svc, and kube-apiserver checks "
                "that name only, whatever address it dials. Add it if this is for an extension "
                "API server."
            ),
        )


def service_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that kube-apiserver could ask for: `<service>.<namespace>.svc`."""
    return tuple(name for name in names if _SERVICE.fullmatch(name))


def cn_not_among_hosts(case: Case) -> Iterator[Caution]:
    names = case.host_names()
    is_for_servers = "server auth" in case.plan.extended_key_usages and not case.plan.is_ca
    looks_like_host = _HOST_LIKE.fullmatch(case.cn)
    if is_for_servers and names and looks_like_host and not any(covers(n, case.cn) for n in names):
        yield know(
            "cn-not-among-hosts",
            "CN",
            _n(
                "The CN “%(cn)s” looks like a host but is not among the hosts, and cfssl does not "
                "copy it there. Clients look at the hosts only: add it there if it is to be found."
            ),
            cn=case.cn,
        )


def single_labels(case: Case) -> Iterator[Caution]:
    names = [name for name in case.host_names() if "." not in name]
    if names:
        yield know(
            "single-label",
            case.host_field(names[0]),
            _n(
                "%(names)s: a name without a dot is whatever the local search domain makes of it, "
                "so many machines may answer to it. Keep it only if a client really asks for it "
                "so."
            ),
            names=", ".join(names),
        )


def wildcards(case: Case) -> Iterator[Caution]:
    for name in case.host_names():
        if name.startswith("*."):
            yield know(
                "wildcard",
                case.host_field(name),
                _n(
                    "%(name)s covers every name one level below %(parent)s, so whoever steals "
                    "this key can pose as any of them. List the hosts if they are known."
                ),
                name=name,
                parent=name[2:],
            )


def no_user_name(case: Case) -> Iterator[Caution]:
    if "client auth" in case.plan.extended_key_usages and not case.cn and not case.plan.is_ca:
        yield know(
            "no-user-name",
            "CN",
            _n(
                "There is no CN, and Kubernetes reads the user name from it: the holder would "
                "stay anonymous. Give a CN."
            ),
        )


NAMES: tuple[Advice, ...] = (
    stray_spaces,
    host_and_port,
    no_names,
    no_service_name,
    cn_not_among_hosts,
    no_user_name,
    single_labels,
    wildcards,
)
