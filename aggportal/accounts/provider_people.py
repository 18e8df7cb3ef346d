"""People who come through single sign-on, and the grants that their groups give them.

A person is known by issuer and subject alone, never by name or e-mail address. Of their grants
those follow the groups that came from there; what an administrator gave stays.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from aggportal.accounts.models import Grant, User
from aggportal.accounts.provider_wire import ProviderTrouble, require_https
from aggportal.accounts.rights import PORTAL, Role, Scope, ScopeKind
from aggportal.ledger.services import record
from aggportal.web.actors import Actor

# Who gave these grants; no person can have a name with spaces.
GRANTED_BY = "single sign-on"
_FOREIGN = re.compile(r"[^\w.@+-]")
_MAX_NAME = 140
_SCOPED = {
    ScopeKind.AUTHORITY.value: ("certs", "Authority"),
    ScopeKind.CLUSTER.value: ("clusters", "Cluster"),
}


def provider_id() -> str:
    """Return the name of the issuer among people's accounts; another issuer has another."""
    return f"oidc-{hashlib.sha256(settings.OIDC_ISSUER.encode()).hexdigest()[:20]}"


def comes_from_provider(user: User) -> bool:
    """Tell whether `user` signs in through the provider that the settings name."""
    known = SocialAccount.objects.filter(user=user, provider=provider_id())
    return bool(settings.OIDC_ISSUER) and known.exists()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """Members of `group` have `role`, everywhere or on the thing that `slug` names."""

    group: str
    role: Role
    kind: str = ""
    slug: str = ""


def require_sound_settings() -> None:
    """Stop the start where single sign-on is half configured. ImproperlyConfigured."""
    mappings_of(settings.OIDC_ROLES)
    if not settings.OIDC_ISSUER:
        return
    if not settings.OIDC_CLIENT_ID:
        raise ImproperlyConfigured("AGGPORTAL_OIDC_ISSUER needs AGGPORTAL_OIDC_CLIENT_ID beside it")
    try:
        require_https(settings.OIDC_ISSUER)
    except ProviderTrouble as exc:
        raise ImproperlyConfigured(f"AGGPORTAL_OIDC_ISSUER: {exc}") from exc


def mappings_of(entries: Iterable[str]) -> tuple[Mapping, ...]:
    """Read `group=role` and `group=role@authority:slug`. ImproperlyConfigured names the entry."""
    return tuple(_mapping(text.strip()) for text in entries if text.strip())


def _mapping(text: str) -> Mapping:
    group, found, what = text.rpartition("=")
    role, scoped, place = what.partition("@")
    kind, named, slug = place.partition(":")
    if not found or not group or role not in Role.values:
        raise ImproperlyConfigured(
            f"AGGPORTAL_OIDC_ROLES: {text!r} must be GROUP=ROLE, the role one of "
            + ", ".join(Role.values)
        )
    if scoped and (not named or not slug or kind not in Role(role).kinds):
        raise ImproperlyConfigured(
            f"AGGPORTAL_OIDC_ROLES: {text!r}: behind @ stands authority:SLUG or cluster:SLUG, "
            "as the role allows it"
        )
    return Mapping(group=group, role=Role(role), kind=kind, slug=slug)


@transaction.atomic
def come_in(provider: str, subject: str, *, wanted: str, email: str, by: Actor) -> User:
    """Add the person whom `provider` knows as `subject`, under a name that nobody has.

    IntegrityError where they come in by two doors at once.
    """
    user = User(username=_free_name(wanted), email=email[:254])
    user.set_unusable_password()
    user.save()
    SocialAccount.objects.create(user=user, provider=provider, uid=subject)
    record(
        "person.came_by_provider",
        actor=by,
        subject=("user", user.pk, user.username),
        detail={"subject": subject[:200]},
    )
    return user


@transaction.atomic
def follow_groups(user: User, groups: Iterable[str], *, by: Actor) -> None:
    """Make the grants that came from the provider those of the present groups."""
    User.objects.select_for_update().get(pk=user.pk)
    wanted = _wanted(set(groups))
    held = {(grant.role, grant.scope): grant for grant in user.grants.all()}
    gone = [
        grant for key, grant in held.items() if grant.granted_by == GRANTED_BY and key not in wanted
    ]
    new = [key for key in sorted(wanted, key=str) if key not in held]
    if not gone and not new:
        return
    for grant in gone:
        grant.delete()
    for role, scope in new:
        Grant.objects.create(
            user=user,
            role=role,
            scope_kind=scope.kind,
            scope_key=scope.key,
            granted_by=GRANTED_BY,
            granted_at=timezone.now(),
        )
    user.forget_held()
    _tell(user, new, [(grant.role, grant.scope) for grant in gone], by=by)


def _tell(
    user: User, new: list[tuple[str, Scope]], gone: list[tuple[str, Scope]], *, by: Actor
) -> None:
    detail = {"given": _said(new), "taken": _said(gone)}
    subject = ("user", user.pk, user.username)
    record("person.grants_followed", actor=by, subject=subject, detail=detail)


def _said(grants: list[tuple[str, Scope]]) -> str:
    return ", ".join(
        role if scope == PORTAL else f"{role}@{scope.kind}:{scope.key}" for role, scope in grants
    )


def _wanted(groups: set[str]) -> set[tuple[str, Scope]]:
    """What is mapped to a thing that is not there gives nothing."""
    wanted = set()
    for mapping in mappings_of(settings.OIDC_ROLES):
        if mapping.group in groups:
            scope = _scope(mapping)
            wanted |= {(mapping.role.value, scope)} if scope is not None else set()
    return wanted


def _scope(mapping: Mapping) -> Scope | None:
    if not mapping.kind:
        return PORTAL
    model = apps.get_model(*_SCOPED[mapping.kind])
    pk = model._default_manager.filter(slug=mapping.slug).values_list("pk", flat=True).first()
    return Scope(kind=mapping.kind, key=str(pk)) if pk is not None else None


def _free_name(wanted: str) -> str:
    """Return a name to sign in with; what is taken, be it in another case, gets a number."""
    base = _FOREIGN.sub("-", User.normalize_username(wanted)).strip("-")[:_MAX_NAME] or "somebody"
    taken = {
        name.casefold()
        for name in User.objects.filter(username__istartswith=base).values_list(
            "username", flat=True
        )
    }
    number, name = 1, base
    while name.casefold() in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def groups_in(claims: dict[str, object]) -> tuple[str, ...]:
    """Return the groups that the claims name: a list of texts, or one text."""
    found = claims.get(settings.OIDC_GROUPS_CLAIM)
    if isinstance(found, str):
        return (found,)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()
