"""The three roles. Each holds what the one before holds; kept as Django groups of the same name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.accounts.models import User

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


class Role(models.TextChoices):
    """viewer reads · issuer also issues and takes keys · administrator also changes authorities and
    clusters.
    """

    VIEWER = "viewer", gettext_lazy("viewer")
    ISSUER = "issuer", gettext_lazy("issuer")
    ADMINISTRATOR = "administrator", gettext_lazy("administrator")


_RANK = {role: rank for rank, role in enumerate(Role)}


def role_of(user: User | AnonymousUser) -> Role | None:
    """Return the highest role of `user`, None for a stranger. Being superuser alone gives none."""
    if not isinstance(user, User) or not user.is_active:
        return None
    held = (role for role in Role if role.value in user.group_names)
    return max(held, key=_RANK.__getitem__, default=None)


def has_role(user: User | AnonymousUser, role: Role) -> bool:
    """Tell whether `user` holds `role` or a higher one. For showing; doors use `require_role`."""
    held = role_of(user)
    return held is not None and _RANK[held] >= _RANK[role]


def require_role(user: User | AnonymousUser, role: Role) -> None:
    """Refuse (403) a person below `role`."""
    if has_role(user, role):
        return
    held = role_of(user)
    if held is None:
        raise PermissionDenied(_("You have no role yet. Ask an administrator to give you one."))
    raise PermissionDenied(
        _("This needs the role “%(needed)s”; yours is “%(held)s”. Ask an administrator.")
        % {"needed": role.label, "held": held.label}
    )


def role_required(
    role: Role,
) -> Callable[[Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]]:
    """Let a view be entered only by people who hold `role`."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], R],
    ) -> Callable[Concatenate[HttpRequest, P], R]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            require_role(request.user, role)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def give_role(user: User, role: Role | None) -> None:
    """Make `role` the only role of `user`; None takes every role away.

    Administrators enter Django admin.
    """
    user.groups.remove(*Group.objects.filter(name__in=Role.values))
    if role is not None:
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    user.__dict__.pop("group_names", None)
    user.is_staff = role == Role.ADMINISTRATOR
    user.save(update_fields=["is_staff"])
