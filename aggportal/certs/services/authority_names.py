"""The names of a new authority that follow from what was typed."""

from __future__ import annotations

from django.utils.text import slugify

from aggportal.certs.models import Authority, OwnRequest
from aggportal.certs.services.file_names import base_name_of
from aggportal.pki.specs import RequestSpec

MAX_SLUG = 56


def file_base_for(spec: RequestSpec) -> str:
    """Return the recipe's file name for a CA: `aggregator` gives `aggregator-ca`."""
    base = base_name_of(spec.common_name, fallback="authority")
    return base if base.endswith("-ca") or base == "ca" else f"{base}-ca"


def free_slug(label: str) -> str:
    """Return the address of a new authority, made from its label; numbered where it is taken."""
    base = slugify(label)[:MAX_SLUG].strip("-_") or "authority"
    base = f"{base}-authority" if base in ("new", "import") else base
    waiting = OwnRequest.objects.filter(answered_at=None)
    taken = {
        slug
        for rows in (Authority.objects.all(), waiting)
        for slug in rows.filter(slug__startswith=base).values_list("slug", flat=True)
    }
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(slug for slug in numbered if slug not in taken)
