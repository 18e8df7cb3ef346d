"""Who does something, as services and the ledger need to know it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """A person or program that acts: database id (None for programs), name, address, request id."""

    id: int | None
    name: str
    address: str = ""
    request_id: str = ""


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in person behind `request`, with the address that the request came from."""
    return Actor(
        id=request.user.pk,
        name=request.user.get_username(),
        address=client_address(request),
        request_id=getattr(request, "request_id", ""),
    )


def system_actor(name: str) -> Actor:
    """Return the actor for work that no person asked for, such as the worker's."""
    return Actor(id=None, name=name)


def client_address(request: HttpRequest) -> str:
    """Return the peer's address, or the one that a trusted proxy reports.

    X-Forwarded-For is believed only for as many hops as AGGPORTAL_TRUSTED_PROXIES says: a client
    may write anything into the front of that header.
    """
    hops = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if hops and len(forwarded) >= hops and forwarded[-hops]:
        return forwarded[-hops][:64]
    return str(request.META.get("REMOTE_ADDR", ""))
