"""What the page for a new authority begins with, and the names that follow from what was typed."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.text import slugify

from aggportal.certs.models import Authority
from aggportal.certs.services.file_names import base_name_of
from aggportal.pki.jsontext import dump_json
from aggportal.pki.presets import DEFAULT_REQUEST
from aggportal.pki.specs import RequestSpec

_CN_OF_LANE = {
    "front-proxy": "front-proxy-ca",
    "serving": "extension-serving-ca",
    "client": "client-ca",
}
_CA = {"expiry": "87600h"}
_RECIPE: Mapping[str, object] = {
    "CN": "aggregator",
    "key": {"algo": "rsa", "size": 2048},
    "names": [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}],
    "ca": _CA,
}
MAX_SLUG = 56


def starting_request(start: str, *, lane: str = "") -> str:
    """Return the CSR JSON to begin with: the recipe's, `cfssl print-defaults csr`, or the lane's
    own.
    """
    if start == "recipe":
        return dump_json(_RECIPE)
    if start == "print-defaults":
        return dump_json({**DEFAULT_REQUEST, "ca": _CA})
    key = {"algo": "ecdsa", "size": 256}
    return dump_json(
        {
            "CN": _CN_OF_LANE.get(lane, ""),
            "key": key,
            "ca": {**_CA, "pathlen": 0, "pathlenzero": True},
        }
    )


def file_base_for(spec: RequestSpec) -> str:
    """Return the recipe's file name for a CA: `aggregator` gives `aggregator-ca`."""
    base = base_name_of(spec.common_name, fallback="authority")
    return base if base.endswith("-ca") or base == "ca" else f"{base}-ca"


def free_slug(label: str) -> str:
    """Return the address of a new authority, made from its label; numbered where it is taken."""
    base = slugify(label)[:MAX_SLUG].strip("-_") or "authority"
    base = f"{base}-authority" if base in ("new", "import") else base
    taken = set(Authority.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(slug for slug in numbered if slug not in taken)
