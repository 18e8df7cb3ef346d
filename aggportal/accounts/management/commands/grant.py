"""Give a role, or take one away, from a terminal: for scripts, and where nobody can sign in."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.accounts.granting import give_grant, take_grant
from aggportal.accounts.models import User
from aggportal.accounts.rights import PORTAL, Role, Scope, ScopeKind
from aggportal.accounts.scopes import scope_named
from aggportal.web.actors import system_actor
from aggportal.words import RefusedError


class Command(BaseCommand):
    """Recorded in the ledger like what is done on the page of a person."""

    help = "Give NAME a role everywhere, or on one authority or cluster; --take takes it away."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("role", choices=Role.values)
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--authority", metavar="SLUG", default="")
        where.add_argument("--cluster", metavar="SLUG", default="")
        parser.add_argument("--take", action="store_true")

    def handle(self, *args: object, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"Nobody is called {options['name']!r}.")
        role, by = Role(options["role"]), system_actor("grant")
        try:
            scope = _scope(options["authority"], options["cluster"])
            if not options["take"]:
                give_grant(user, role, on=scope, by=by, now=timezone.now())
                return
            grant = user.grants.filter(
                role=role, scope_kind=scope.kind, scope_key=scope.key
            ).first()
            if grant is None:
                raise CommandError(f"{user.username} does not hold this role there.")
            take_grant(grant, by=by, now=timezone.now())
        except RefusedError as refused:
            raise CommandError(str(refused)) from refused


def _scope(authority: str, cluster: str) -> Scope:
    if authority:
        return scope_named(ScopeKind.AUTHORITY.value, authority)
    return scope_named(ScopeKind.CLUSTER.value, cluster) if cluster else PORTAL
