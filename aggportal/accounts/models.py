"""Who signs in, and what each of them was granted."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from aggportal.accounts.rights import Held, Role, Scope, ScopeKind


class User(AbstractUser):
    """A person. What they may do stands in their grants, and nowhere else."""

    must_change_password = models.BooleanField(
        default=False,
        help_text="Set with a one-time password; cleared when the person chooses their own.",
    )

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """What was granted, read once per request; nothing to a closed account."""
        if not self.is_active:
            return ()
        return tuple(grant.held for grant in self.grants.all())

    def forget_held(self) -> None:
        """Read the grants anew when they are asked for next."""
        self.__dict__.pop("held", None)


def _where_a_role_can_be_granted() -> Q:
    allowed = Q(scope_kind=ScopeKind.PORTAL, scope_key="", role__in=Role.values)
    for kind in (ScopeKind.AUTHORITY, ScopeKind.CLUSTER):
        roles = [role.value for role in Role if kind.value in role.kinds]
        allowed |= Q(scope_kind=kind, role__in=roles) & ~Q(scope_key="")
    return allowed


class Grant(models.Model):
    """One role of one person, for the whole portal or for one authority or cluster."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=16, choices=Role)
    scope_kind = models.CharField(max_length=12, choices=ScopeKind, blank=True, default="")
    # The primary key of the authority or cluster as text.
    scope_key = models.CharField(max_length=40, blank=True, default="")
    granted_by = models.CharField(max_length=150)
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ("scope_kind", "scope_key", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "scope_kind", "scope_key"], name="grant_once"
            ),
            models.CheckConstraint(
                condition=_where_a_role_can_be_granted(), name="grant_role_fits_its_scope"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.user_id}"

    @property
    def held(self) -> Held:
        return Held(role=Role(self.role), scope=self.scope)

    @property
    def scope(self) -> Scope:
        return Scope(kind=self.scope_kind, key=self.scope_key)
