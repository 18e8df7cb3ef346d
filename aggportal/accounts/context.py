"""Template context: what the signed-in person may do, so that pages offer only what works."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest

from aggportal.accounts.models import User
from aggportal.accounts.rights import Role, Scope
from aggportal.accounts.roles import has_role, role_of

_ASKED = {
    "may_request": Role.REQUESTER,
    "may_issue": Role.ISSUER,
    "may_approve": Role.APPROVER,
    "may_audit": Role.AUDITOR,
    "may_operate": Role.OPERATOR,
    "may_administer": Role.ADMINISTRATOR,
}


def may_on(user: User | AnonymousUser, scope: Scope | None) -> dict[str, bool]:
    """Return each `may_…` about `scope`; about the whole portal for a role that has no such scope.

    A role that could be held on such a thing must be held on this one; any other counts anywhere.
    """
    return {
        name: has_role(user, role, on=scope if scope and scope.kind in role.kinds else None)
        for name, role in _ASKED.items()
    }


def role(request: HttpRequest) -> dict[str, object]:
    """Return `role`, each `may_…` about what the page is about, and `anywhere` with each `may_…`
    as it is beside the page, such as in the sidebar.
    """
    user = getattr(request, "user", None) or AnonymousUser()
    return {
        "role": role_of(user),
        "anywhere": may_on(user, None),
        **may_on(user, _scope_of(request)),
    }


def _scope_of(request: HttpRequest) -> Scope | None:
    """Return what the page is about, as `role_required` was told; None on a page that says it is
    not there.
    """
    find: Callable[[], Scope | None] | None = getattr(request, "find_scope", None)
    try:
        return find() if find else None
    except Http404:
        return None
