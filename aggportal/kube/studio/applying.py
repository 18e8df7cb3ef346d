"""Putting one object of the set into a cluster, or trying it; safe to repeat.

What is there is read first. It is created where it is absent, left where it says all that is asked,
and else replaced with what it holds and what is asked together, at the version that was read. What
is not marked as part of the set is never changed unless it is the very object that a person allowed
to be taken over. Server-side apply is not used: kube-apiserver 1.20 panics on it for an APIService.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aggportal.kube.answers import Json
from aggportal.kube.apiservices import parse_apiservice
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import (
    ApiError,
    Conflict,
    InvalidInput,
    KubeError,
    NotFound,
    Unauthorized,
)
from aggportal.kube.registering import require_may_delete
from aggportal.kube.studio.manifests import Manifest
from aggportal.kube.studio.places import Place, holds, is_ours, marked, merged, place_of, uid_of
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

CREATE, UPDATE, UNCHANGED = "create", "update", "unchanged"
UNTRIED, REFUSED = "untried", "refused"
# Values with which a Secret is tried whose key is not opened for that.
_EMPTY_PAIR = {"tls.crt": "", "tls.key": ""}


class NotOurs(InvalidInput):
    """An object of this name is there that the set does not own, and nobody allowed to take it."""

    code = "not-ours"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What applying one object would do; `what` is one of the five words above.

    `uid` and `foreign` tell of the object that is there; `why` explains, where there is a reason.
    """

    manifest: Manifest
    place: Place
    what: str
    uid: str = ""
    foreign: bool = False
    why: Sentence | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What was done: `what` is create, update or unchanged; `uid` is the object's."""

    what: str
    uid: str


def present_at(client: ApiClient, place: Place) -> Json | None:
    """Return what is at `place`, None where nothing is."""
    try:
        return client.get_json(place.path)
    except NotFound:
        return None


def apply_object(
    client: ApiClient, manifest: Manifest, *, of: str, allowed_uid: str = ""
) -> Applied:
    """Make the cluster say what `manifest` says. Raises KubeError; `NotOurs` as told above."""
    return _apply(client, manifest, of=of, allowed_uid=allowed_uid, dry_run=False)


def try_object(client: ApiClient, manifest: Manifest, *, of: str) -> Tried:
    """Let the API server say what it thinks of the object, keeping nothing. Raises what is no
    answer to this object: no connection, no valid credentials.
    """
    place, found = place_of(manifest), None
    try:
        found = present_at(client, place)
        uid = uid_of(found) if found else ""
        applied = _apply(
            client, _tryable(manifest, found), of=of, allowed_uid=uid, dry_run=True, found=found
        )
    except Unauthorized:
        raise
    except (ApiError, InvalidInput) as refused:
        return _refused(manifest, place, found, refused, of=of)
    return Tried(
        manifest=manifest,
        place=place,
        what=applied.what,
        uid=uid,
        foreign=_is_foreign(found, manifest, of=of),
        why=_about(found, manifest, of=of),
    )


def _apply(
    client: ApiClient,
    manifest: Manifest,
    *,
    of: str,
    allowed_uid: str,
    dry_run: bool,
    found: Json | None = None,
) -> Applied:
    place, asked = place_of(manifest), marked(manifest, of=of)
    present = found if found is not None else present_at(client, place)
    if present is None:
        made = client.create(place.collection, asked, dry_run=dry_run)
        return Applied(what=CREATE, uid=uid_of(made))
    if manifest.kind == "Namespace" and not is_ours(present, of=of):
        return Applied(what=UNCHANGED, uid=uid_of(present))
    if manifest.kind == "APIService":
        require_may_delete(parse_apiservice(present))
    require_ours(present, of=of, allowed_uid=allowed_uid)
    if holds(present, asked):
        return Applied(what=UNCHANGED, uid=uid_of(present))
    kept = client.replace(place.path, merged(present, asked), dry_run=dry_run)
    return Applied(what=UPDATE, uid=uid_of(kept) or uid_of(present))


def require_ours(present: Json, *, of: str, allowed_uid: str) -> None:
    """Refuse to change what is not part of the set `of` and was not allowed (`NotOurs`)."""
    if not is_ours(present, of=of) and uid_of(present) != allowed_uid:
        raise NotOurs(
            _n(
                "There is one already that is not part of this set, so it was left as it is. Try "
                "the set again, look at it, and tick that it may be taken over."
            )
        )


def _tryable(manifest: Manifest, found: Json | None) -> Manifest:
    """A new Secret is tried with an empty pair; of one that is there the pair stays meanwhile."""
    if not manifest.is_secret or found is not None:
        return manifest
    document: dict[str, Any] = {**manifest.document, "data": _EMPTY_PAIR}
    return Manifest(key=manifest.key, document=document)


def _is_foreign(found: Json | None, manifest: Manifest, *, of: str) -> bool:
    """A namespace of others is used as it is, and needs nobody's leave."""
    return found is not None and manifest.kind != "Namespace" and not is_ours(found, of=of)


def _about(found: Json | None, manifest: Manifest, *, of: str) -> Sentence | None:
    if found is None or is_ours(found, of=of):
        return None
    if manifest.kind == "Namespace":
        return Sentence(text=_n("It is there already and is used as it is. No set removes it."))
    return Sentence(text=_n("There is one already that is not part of this set."))


def _refused(
    manifest: Manifest, place: Place, found: Json | None, refused: KubeError, *, of: str
) -> Tried:
    """Tell a refusal from what could not be tried, since its namespace is not there yet."""
    what, why = REFUSED, refused.sentence
    if isinstance(refused, NotFound) and found is None:
        what, why = _absent(place, refused)
    elif isinstance(refused, Conflict):
        why = Sentence(text=_n("It changed while it was looked at. Try the set again."))
    return Tried(
        manifest=manifest,
        place=place,
        what=what,
        uid=uid_of(found) if found else "",
        foreign=_is_foreign(found, manifest, of=of),
        why=why,
    )


def _absent(place: Place, refused: NotFound) -> tuple[str, Sentence]:
    """What is not found when an object is created: its namespace, or the whole kind of object."""
    if place.namespace and refused.message.startswith(f'namespaces "{place.namespace}"'):
        text = _n(
            "It cannot be tried before the namespace %(namespace)s is there: the API server looks "
            "at it when its turn comes."
        )
        return UNTRIED, Sentence(text=text, params={"namespace": place.namespace})
    text = _n(
        "This API server does not serve %(resource)s of %(version)s. Choose its own version of "
        "Kubernetes in the description."
    )
    params = {"resource": place.resource, "version": place.api_version}
    return REFUSED, Sentence(text=text, params=params)
