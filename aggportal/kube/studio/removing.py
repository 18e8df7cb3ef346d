"""Taking one object of the set out of a cluster, or trying it; safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass

from aggportal.kube.answers import Json
from aggportal.kube.apiservices import parse_apiservice
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import ApiError, InvalidInput, NotFound, Unauthorized
from aggportal.kube.registering import require_may_delete
from aggportal.kube.studio.applying import present_at
from aggportal.kube.studio.leftovers import leftovers_in
from aggportal.kube.studio.places import Place, is_ours, uid_of
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

DELETE, GONE, KEPT, REFUSED = "delete", "gone", "kept", "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """What removing one object did or would do; `what` is one of the four words above."""

    what: str
    why: Sentence | None = None


def remove_object(client: ApiClient, place: Place, *, of: str, uid: str = "") -> Removal:
    """Delete the object of the set `of` that had `uid` when it was applied, and no other.

    It is `gone` when it is there no more; until then it is to be asked again. A namespace is kept
    while something else is in it. Raises KubeError.
    """
    present = present_at(client, place)
    kept = _why_kept(present, of=of, uid=uid)
    if present is None or kept is not None:
        return Removal(what=KEPT if kept else GONE, why=kept)
    if place.kind == "Namespace" and (full := _why_full(client, place.name)):
        return Removal(what=KEPT, why=full)
    if present["metadata"].get("deletionTimestamp") is None:
        _delete(client, place, present, dry_run=False)
    return Removal(what=DELETE)


def try_removal(client: ApiClient, place: Place, *, of: str, uid: str = "") -> Removal:
    """Ask the API server with a dry run. Raises what is no answer to this object."""
    try:
        present = present_at(client, place)
        kept = _why_kept(present, of=of, uid=uid)
        if present is None or kept is not None:
            return Removal(what=KEPT if kept else GONE, why=kept)
        _delete(client, place, present, dry_run=True)
    except Unauthorized:
        raise
    except NotFound:
        return Removal(what=GONE)
    except (ApiError, InvalidInput) as refused:
        return Removal(what=REFUSED, why=refused.sentence)
    return Removal(what=DELETE)


def _delete(client: ApiClient, place: Place, present: Json, *, dry_run: bool) -> None:
    if place.kind == "APIService":
        require_may_delete(parse_apiservice(present))
    try:
        client.delete(place.path, uid=uid_of(present), dry_run=dry_run)
    except NotFound:
        return


def _why_kept(present: Json | None, *, of: str, uid: str) -> Sentence | None:
    """What the set does not own stays."""
    if present is None:
        return None
    if not is_ours(present, of=of):
        return Sentence(text=_n("It is not part of this set, and is left as it is."))
    if uid and uid_of(present) != uid:
        return Sentence(
            text=_n("Another object has taken its place since it was applied; it is left alone.")
        )
    return None


def _why_full(client: ApiClient, namespace: str) -> Sentence | None:
    left = leftovers_in(client, namespace)
    if left.found:
        text = _n("The namespace stays: it holds other things as well (%(names)s).")
        return Sentence(text=text, params={"names": ", ".join(left.found)})
    if left.unknown:
        text = _n("The namespace stays: whether it holds %(names)s cannot be seen.")
        return Sentence(text=text, params={"names": ", ".join(left.unknown)})
    return None
