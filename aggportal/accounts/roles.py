"""Who may do what: the doors of views and services ask here, and pages what to offer.

Only grants count. `is_superuser` and `is_staff`, which Django's own commands set, give nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from aggportal.accounts.models import Grant, User
from aggportal.accounts.rights import PORTAL, Role, Scope, ScopeKind
from aggportal.web.actors import Actor

__all__ = [
    "PORTAL",
    "Role",
    "Scope",
    "ScopeKind",
    "give_role",
    "has_role",
    "keys_held",
    "require_actor_role",
    "require_role",
    "role_of",
    "role_required",
    "roles_of",
]

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)
ScopeOf = Callable[..., Scope | None]

# Which of several roles a page names where there is room for one.
_FOREMOST = (
    Role.ADMINISTRATOR,
    Role.OPERATOR,
    Role.APPROVER,
    Role.ISSUER,
    Role.AUDITOR,
    Role.REQUESTER,
    Role.VIEWER,
)


def roles_of(user: User | AnonymousUser) -> tuple[Role, ...]:
    """Return the roles that were granted to `user` somewhere, the foremost first."""
    held = {held.role for held in user.held} if isinstance(user, User) else set()
    return tuple(role for role in _FOREMOST if role in held)


def role_of(user: User | AnonymousUser) -> Role | None:
    """Return the foremost role of `user`, None for a stranger. For showing."""
    return next(iter(roles_of(user)), None)


def has_role(user: User | AnonymousUser, role: Role, *, on: Scope | None = None) -> bool:
    """Tell whether `user` holds `role` on `on`; without `on` anywhere, that of administrators for
    the whole portal. For showing; doors use `require_role`.
    """
    return isinstance(user, User) and any(held.reaches(role, on) for held in user.held)


def require_role(user: User | AnonymousUser, role: Role, *, on: Scope | None = None) -> None:
    """Refuse (403) who does not hold `role` there, as `has_role` tells."""
    if has_role(user, role, on=on):
        return
    roles = roles_of(user)
    if not roles:
        raise PermissionDenied(_("You have no role yet. Ask an administrator to give you one."))
    if on is not None and has_role(user, role):
        raise PermissionDenied(
            _("Your role “%(needed)s” does not reach this. Ask an administrator.")
            % {"needed": role.label}
        )
    raise PermissionDenied(
        _("This needs the role “%(needed)s”; yours is “%(held)s”. Ask an administrator.")
        % {"needed": role.label, "held": ", ".join(str(each.label) for each in roles)}
    )


def require_actor_role(by: Actor, role: Role, *, on: Scope | None = None) -> None:
    """Refuse (403) a deed in the name of somebody who does not hold `role` there.

    The second line of defence, in services. It asks the database anew, since work in somebody's
    name goes on after their page. The portal's own programs have a name and no id, and pass.
    """
    if by.id is None and by.name:
        return
    require_role(User.objects.filter(pk__in=[by.id]).first() or AnonymousUser(), role, on=on)


def keys_held(user: User | AnonymousUser, role: Role, kind: ScopeKind) -> frozenset[str] | None:
    """Return on which authorities (or clusters) `user` holds `role`, by key; None means on all."""
    if has_role(user, role, on=PORTAL):
        return None
    held = user.held if isinstance(user, User) else ()
    scopes = (each.scope for each in held if each.role.holds(role))
    return frozenset(scope.key for scope in scopes if scope.kind == kind)


def _given(scope: Scope | None) -> Scope | None:
    return scope


def role_required(
    role: Role, *, on: Scope | ScopeOf | None = None
) -> Callable[[Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]]:
    """Let a view be entered only by people who hold `role`.

    `on` finds what it must be held on: a function of the view's URL arguments, which may answer 404
    or None for what belongs to nothing. The page's `may_…` are then about the same thing.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], R],
    ) -> Callable[Concatenate[HttpRequest, P], R]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            require_role(request.user, Role.VIEWER)
            find = partial(on, *args, **kwargs) if callable(on) else partial(_given, on)
            if role is not Role.VIEWER:  # whoever may look may look at everything
                find = partial(_given, find())
                require_role(request.user, role, on=find())
            request.find_scope = find  # type: ignore[attr-defined]  # asked by accounts.context
            return view(request, *args, **kwargs)

        return guarded

    return decorate


@transaction.atomic
def give_role(user: User, role: Role | None) -> None:
    """Make `role`, for the whole portal, the only grant of `user`; None takes everything away.

    Leaves no record: `granting` does what people ask for.
    """
    user.grants.all().delete()
    if role is not None:
        Grant.objects.create(
            user=user, role=role, granted_by=user.username, granted_at=timezone.now()
        )
    user.forget_held()
