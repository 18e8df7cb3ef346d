"""From a described extension API server to what the studio's page shows. Never a private key."""

from __future__ import annotations

from dataclasses import dataclass

from aggportal.clusters.models import Cluster, WatchedAPIService
from aggportal.kube import studio
from aggportal.kube.apiservices import parse_apiservice
from aggportal.kube.registering import require_may_register
from aggportal.snippets.forms.studio import StudioForm
from aggportal.snippets.services.studio import Described
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownManifest:
    """One object of the set: the id of its element, what it is, its text without secret data."""

    id: str
    manifest: studio.Manifest
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One form of the set: its key, name, and the commands that go with it."""

    key: str
    title: Sentence
    apply: str
    remove: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The right side of the page."""

    described: Described
    manifests: tuple[ShownManifest, ...]
    notes: tuple[Sentence, ...]
    ways: tuple[Way, ...]


_TITLES = {
    "yaml": _n("One YAML file"),
    "kustomize": _n("Base for kustomize"),
    "helm": _n("Helm chart, a skeleton"),
}


def described_by(form: StudioForm) -> Described | None:
    """Return what a valid `form` describes; None where it is refused or not whole."""
    if form.extension is None or form.errors:
        return None
    values = form.cleaned_data
    return Described(
        extension=form.extension,
        authority=values["authority"],
        profile=values["profile"],
        end_with_authority=values["end_with_authority"],
    )


def show(described: Described, *, cluster: Cluster | None) -> Shown:
    """Render the set for the page."""
    extension = described.extension
    found = studio.manifests(extension, ca_pem=described.ca_pem)
    return Shown(
        described=described,
        manifests=tuple(
            ShownManifest(id=f"manifest-{each.key}", manifest=each, text=studio.shown_yaml(each))
            for each in found
        ),
        notes=(*_taken_notes(extension, cluster), *studio.notes_on(extension)),
        ways=tuple(
            Way(
                key=key,
                title=Sentence(text=title),
                apply=studio.apply_script(extension, key),
                remove=studio.remove_script(extension, key),
            )
            for key, title in _TITLES.items()
        ),
    )


def require_free(extension: studio.Extension, cluster: Cluster | None) -> None:
    """Refuse a name that Kubernetes itself manages on `cluster` (`TakeoverRefused`)."""
    present = _present(extension, cluster)
    if present is not None:
        require_may_register(extension.registration(), existing=parse_apiservice(present.raw))


def _taken_notes(extension: studio.Extension, cluster: Cluster | None) -> tuple[Sentence, ...]:
    if _present(extension, cluster) is None:
        return ()
    text = _n(
        "%(name)s is registered on this cluster already. Applying the set leads its requests to "
        "the new server."
    )
    return (Sentence(text=text, params={"name": extension.apiservice}),)


def _present(extension: studio.Extension, cluster: Cluster | None) -> WatchedAPIService | None:
    if cluster is None:
        return None
    return WatchedAPIService.objects.filter(cluster=cluster, name=extension.apiservice).first()
