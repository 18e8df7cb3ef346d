"""The authorities and clusters that a grant can be limited to, by the names that people know."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from aggportal.accounts.rights import PORTAL, Scope, ScopeKind
from aggportal.words import RefusedError, gettext_noop

# By name: these apps stand above this one.
_MODELS = {
    ScopeKind.AUTHORITY.value: ("certs", "Authority"),
    ScopeKind.CLUSTER.value: ("clusters", "Cluster"),
}


class NothingThere(RefusedError):
    """A grant for something that is not there."""

    code = "nothing_there"


def rows_of(kind: str) -> QuerySet[Model]:
    """Return every authority, or every cluster, in the order in which lists show them."""
    found: QuerySet[Model] = apps.get_model(*_MODELS[kind])._default_manager.all()
    return found


def scope_named(kind: str, slug: str) -> Scope:
    """Return what the short name in an address means. Raises NothingThere."""
    row = rows_of(kind).filter(slug=slug).first()
    if row is None:
        raise NothingThere(gettext_noop("There is no such authority or cluster."), field="where")
    return Scope(kind=kind, key=str(row.pk))


def require_there(scope: Scope) -> None:
    """Refuse a scope whose authority or cluster is not there (any more). Raises NothingThere."""
    if scope == PORTAL:
        return
    known = scope.key.isascii() and scope.key.isdigit() and len(scope.key) < 19
    if not known or not rows_of(scope.kind).filter(pk=scope.key).exists():
        raise NothingThere(gettext_noop("There is no such authority or cluster."), field="where")


def names_of(scopes: Iterable[Scope]) -> dict[Scope, str]:
    """Return how each is called; what is gone is called by its number."""
    wanted = set(scopes)
    names: dict[Scope, str] = {PORTAL: _("everywhere")}
    for kind in _MODELS:
        keys = [scope.key for scope in wanted if scope.kind == kind]
        for row in rows_of(kind).filter(pk__in=keys) if keys else ():
            names[Scope(kind=kind, key=str(row.pk))] = str(row)
    return {scope: names.get(scope, f"{scope.kind} {scope.key}") for scope in wanted}
