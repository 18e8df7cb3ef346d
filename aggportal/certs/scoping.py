"""On what a role must be held for a page of certs: found by what its address names.

For `role_required(…, on=…)`. What belongs to no authority of ours is a matter of the whole portal.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from aggportal.accounts.models import User
from aggportal.accounts.rights import PORTAL, Role, Scope, ScopeKind
from aggportal.accounts.roles import keys_held
from aggportal.certs.models import Authority, Certificate, Kind, RenewalRun, SigningRequest


def scope_of(authority: Authority | None) -> Scope:
    """Return the scope of `authority`; the whole portal where there is none."""
    return authority.scope if authority else PORTAL


def role_to_revoke(certificate: Certificate) -> Role:
    """Return what revoking needs: an authority's certificate is a matter of administrators."""
    return Role.ADMINISTRATOR if certificate.kind == Kind.AUTHORITY else Role.ISSUER


def of_authority(slug: str, **_rest: object) -> Scope:
    """The authority that the address names."""
    return get_object_or_404(Authority.objects.only("pk"), slug=slug).scope


def of_certificate(pk: int, **_rest: object) -> Scope:
    """The authority that a certificate stands under."""
    rows = Certificate.objects.select_related("authority").only("authority__id")
    return scope_of(get_object_or_404(rows, pk=pk).authority)


def of_request(pk: int, **_rest: object) -> Scope:
    """The authority that a signing request is handed in to."""
    rows = SigningRequest.objects.select_related("authority").only("authority__id")
    return get_object_or_404(rows, pk=pk).authority.scope


def of_run(pk: int, **_rest: object) -> Scope:
    """The authority whose certificates a run renews."""
    rows = RenewalRun.objects.select_related("authority").only("authority__id")
    return get_object_or_404(rows, pk=pk).authority.scope


def authorities_held(user: User | AnonymousUser, role: Role) -> QuerySet[Authority]:
    """Return the authorities on which `user` holds `role`, for forms that offer them."""
    keys = keys_held(user, role, ScopeKind.AUTHORITY)
    return Authority.objects.all() if keys is None else Authority.objects.filter(pk__in=keys)
