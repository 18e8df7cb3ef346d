"""Who may do what, worked out from RBAC's roles and bindings as they were read.

kube-apiserver's own authorizer may know more (webhooks, node authorization): what is granted here
is granted, what is not granted here may still be allowed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aggportal.doctor.evidence import Evidence, Json, Known, Unread
from aggportal.doctor.objects import list_at, name_of, text_at, texts_at

CLUSTER_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
CLUSTER_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
SYSTEM_ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles"
SYSTEM_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings"


@dataclass(frozen=True, kw_only=True, slots=True)
class Want:
    """One right: `verb` on `resource` of `group`, of one object where `name` is given."""

    verb: str
    group: str
    resource: str
    name: str = ""

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {resource} {self.name}".rstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Whom a binding names: kind User, Group or ServiceAccount."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """A role given to subjects."""

    name: str
    role: str
    rules: tuple[Json, ...]
    subjects: tuple[Subject, ...]

    def grants(self, want: Want) -> bool:
        return any(_allows(rule, want) for rule in self.rules)

    def grants_any(self, wants: Iterable[Want]) -> bool:
        """Whether it gives one of the rights, be it for objects of some names alone."""
        return any(_gives(rule, want) for rule in self.rules for want in wants)

    def names_of(self, wants: Sequence[Want]) -> tuple[str, ...]:
        """The objects that the rights are limited to, none where one is not."""
        about = [rule for rule in self.rules if any(_gives(rule, want) for want in wants)]
        named = [texts_at(rule, "resourceNames") for rule in about]
        return tuple(dict.fromkeys(name for names in named for name in names)) if all(named) else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """All bindings for the whole cluster, and those in kube-system."""

    cluster: tuple[Binding, ...]
    system: tuple[Binding, ...]

    def may(self, account: Subject, want: Want, *, in_system: bool = False) -> bool:
        """Whether a service account holds a right in every namespace, or just in kube-system."""
        bindings = (*self.cluster, *self.system) if in_system else self.cluster
        return any(
            binding.grants(want) and any(_is(account, each) for each in binding.subjects)
            for binding in bindings
        )


def rights_of(evidence: Evidence) -> Rights | Unread:
    """The rights in the evidence, or what of them could not be read."""
    found = evidence.worked_out.get("rights")
    if not isinstance(found, Rights | Unread):
        found = evidence.worked_out["rights"] = _rights(evidence)
    return found


def _rights(evidence: Evidence) -> Rights | Unread:
    roles, bindings = evidence.cluster_roles, evidence.cluster_bindings
    system_roles, system_bindings = evidence.system_roles, evidence.reader_bindings
    for read in (roles, bindings, system_roles, system_bindings):
        if isinstance(read, Unread):
            return read
    by_name = {("ClusterRole", name_of(each)): each for each in _all(roles)}
    local = {("Role", name_of(each)): each for each in _all(system_roles)}
    return Rights(
        cluster=tuple(_bindings(_all(bindings), by_name)),
        system=tuple(_bindings(_all(system_bindings), by_name | local)),
    )


def _all(read: object) -> tuple[Json, ...]:
    return read.value if isinstance(read, Known) else ()


def _bindings(documents: Iterable[Json], roles: dict[tuple[str, str], Json]) -> Iterator[Binding]:
    for each in documents:
        kind, name = text_at(each, "roleRef", "kind"), text_at(each, "roleRef", "name")
        yield Binding(
            name=name_of(each),
            role=name,
            rules=tuple(list_at(roles.get((kind, name)), "rules")),
            subjects=tuple(
                Subject(
                    kind=text_at(subject, "kind"),
                    name=text_at(subject, "name"),
                    namespace=text_at(subject, "namespace"),
                )
                for subject in list_at(each, "subjects")
            ),
        )


def _allows(rule: Json, want: Want) -> bool:
    names = texts_at(rule, "resourceNames")
    return _is_about(rule, want) and (not names or want.name in names)


def _gives(rule: Json, want: Want) -> bool:
    """A right to make objects, or to delete many, with names of objects is void."""
    unnamed = want.verb in {"create", "deletecollection"}
    return _is_about(rule, want) and not (unnamed and texts_at(rule, "resourceNames"))


def _is_about(rule: Json, want: Want) -> bool:
    return (
        bool({"*", want.verb} & set(texts_at(rule, "verbs")))
        and bool({"*", want.group} & set(texts_at(rule, "apiGroups")))
        and bool({"*", want.resource} & set(texts_at(rule, "resources")))
    )


def _is(account: Subject, named: Subject) -> bool:
    """Whether a binding's subject means this service account."""
    if named.kind == "ServiceAccount":
        return (named.namespace, named.name) == (account.namespace, account.name)
    if named.kind == "User":
        return named.name == f"system:serviceaccount:{account.namespace}:{account.name}"
    return named.name in {
        "system:authenticated",
        "system:serviceaccounts",
        f"system:serviceaccounts:{account.namespace}",
    }
