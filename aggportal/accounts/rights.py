"""The seven roles, what each holds, and where one can be granted."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy


class ScopeKind(models.TextChoices):
    """What a grant reaches: the whole portal, one authority, one cluster."""

    PORTAL = "", gettext_lazy("everywhere")
    AUTHORITY = "authority", gettext_lazy("authority")
    CLUSTER = "cluster", gettext_lazy("cluster")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """One authority or cluster by its primary key as text; with neither, the whole portal."""

    kind: str = ""
    key: str = ""


PORTAL = Scope()


class Role(models.TextChoices):
    """viewer reads · requester hands in signing requests · issuer also issues, renews, revokes and
    takes keys · approver decides requests · auditor reads the audit · operator changes clusters ·
    administrator holds all, and changes authorities, connections and people.
    """

    VIEWER = "viewer", gettext_lazy("viewer")
    REQUESTER = "requester", gettext_lazy("requester")
    ISSUER = "issuer", gettext_lazy("issuer")
    APPROVER = "approver", gettext_lazy("approver")
    AUDITOR = "auditor", gettext_lazy("auditor")
    OPERATOR = "operator", gettext_lazy("cluster operator")
    ADMINISTRATOR = "administrator", gettext_lazy("administrator")

    def holds(self, other: Role) -> bool:
        """Tell whether whoever has this role may do what `other` may."""
        return other in (self, Role.VIEWER) or other in _HOLDS.get(self, ())

    @property
    def kinds(self) -> frozenset[str]:
        """What it can be limited to; nothing for reading, which is one right for everything."""
        return _KINDS.get(self, frozenset())


_HOLDS = {Role.ISSUER: (Role.REQUESTER,), Role.ADMINISTRATOR: tuple(Role)}
_OF_AUTHORITIES = frozenset({ScopeKind.AUTHORITY.value})
_OF_CLUSTERS = frozenset({ScopeKind.CLUSTER.value})
_KINDS = {
    Role.REQUESTER: _OF_AUTHORITIES,
    Role.ISSUER: _OF_AUTHORITIES,
    Role.APPROVER: _OF_AUTHORITIES,
    Role.OPERATOR: _OF_CLUSTERS,
    Role.ADMINISTRATOR: _OF_AUTHORITIES | _OF_CLUSTERS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One role that somebody holds, and where."""

    role: Role
    scope: Scope

    def reaches(self, role: Role, on: Scope | None) -> bool:
        """Tell whether this opens `role` on `on`.

        Without `on` a role counts wherever it is held; only that of administrators must be held
        for the whole portal then. Reading is one right for everything.
        """
        if not self.role.holds(role):
            return False
        if role is Role.VIEWER or self.scope == PORTAL:
            return True
        if self.scope.kind not in role.kinds:
            return False
        return role is not Role.ADMINISTRATOR if on is None else self.scope == on
