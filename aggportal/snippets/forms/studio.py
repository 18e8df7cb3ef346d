"""The description of an extension API server, with what is wrong beside each field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from django import forms
from django.db.models import Case, QuerySet, Value, When
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Authority, Lane
from aggportal.certs.signing_configs import config_of
from aggportal.clusters.models import Cluster
from aggportal.kube import studio
from aggportal.kube.errors import KubeError
from aggportal.pki.errors import OutlivesIssuer, PkiError
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import words

_VERSIONS = [
    (str(minor), f"1.{minor}") for minor in range(studio.NEWEST_MINOR, studio.OLDEST_MINOR - 1, -1)
]
_BETWEEN = re.compile(r"[\s,]+")
_SERVER = "server auth"
# What stands in for a value that is still missing, so that the others are judged already.
_STAND_INS: Mapping[str, Any] = {
    "name": "server",
    "namespace": "servers",
    "group": "servers.example.com",
    "version": "v1alpha1",
    "image": "server:1",
}
_TYPED = frozenset({*_STAND_INS, "port", "replicas", "cluster_domain"})
_PLAIN_FIELDS = (
    "name",
    "namespace",
    "group",
    "version",
    "image",
    "port",
    "replicas",
    "cluster_domain",
    "group_priority_minimum",
    "version_priority",
)


def _mono(placeholder: str = "") -> forms.TextInput:
    return forms.TextInput(
        attrs={
            "class": "mono",
            "placeholder": placeholder,
            "spellcheck": "false",
            "autocomplete": "off",
        }
    )


def serving_authorities(cluster: Cluster | None) -> QuerySet[Authority]:
    """Return who may sign serving certificates and still issues: the cluster's own ones first,
    then those of the lane for it.
    """
    own = cluster.serving_authorities.values("pk") if cluster else Authority.objects.none()
    first = Case(
        When(pk__in=own, then=Value(0)), When(lane=Lane.SERVING, then=Value(1)), default=Value(2)
    )
    offered = Authority.objects.filter(lane__in=[Lane.SERVING, Lane.GENERAL], retired_at=None)
    return offered.order_by(first, "-created_at")


class StudioForm(PortalForm):
    """When it is valid, `extension` is what was described."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=63,
        widget=_mono("wardle"),
        help_text=gettext_lazy("Of the Deployment, its Service and all around them."),
    )
    namespace = forms.CharField(
        label=gettext_lazy("Namespace"), max_length=63, widget=_mono("wardle-system")
    )
    group = forms.CharField(
        label=gettext_lazy("Group"),
        max_length=253,
        widget=_mono("wardle.example.com"),
        help_text=gettext_lazy("A domain name of your own. Groups of Kubernetes are refused."),
    )
    version = forms.CharField(
        label=gettext_lazy("Version"),
        max_length=63,
        widget=_mono("v1alpha1"),
        help_text=gettext_lazy("One that the extension API server serves."),
    )
    image = forms.CharField(
        label=gettext_lazy("Image"),
        max_length=400,
        widget=_mono("registry.example.com/team/wardle:1.2.3"),
    )
    authority = forms.ModelChoiceField(
        label=gettext_lazy("Serving authority"),
        queryset=Authority.objects.none(),
        to_field_name="slug",
        empty_label=None,
        help_text=gettext_lazy(
            "It signs the serving certificate, and its own certificate becomes the caBundle."
        ),
        error_messages={
            "invalid_choice": gettext_lazy(
                "No authority for serving certificates has this name. One of another lane must "
                "not sign them."
            )
        },
    )
    profile = forms.ChoiceField(
        label=gettext_lazy("Profile"),
        error_messages={
            "required": gettext_lazy(
                "This authority has no profile for servers. Add one to it, or choose another."
            ),
            "invalid_choice": gettext_lazy(
                "The authority has no profile “%(value)s”. Choose one of its own."
            ),
        },
    )
    end_with_authority = forms.BooleanField(
        label=gettext_lazy("End with the authority at the latest"), required=False
    )
    minor = forms.ChoiceField(
        label=gettext_lazy("Kubernetes version"),
        choices=_VERSIONS,
        help_text=gettext_lazy("The set uses API versions that this one serves."),
    )
    replicas = forms.IntegerField(label=gettext_lazy("Replicas"), initial=2)
    port = forms.IntegerField(
        label=gettext_lazy("Port of the container"),
        initial=8443,
        help_text=gettext_lazy("The Service listens on 443."),
    )
    resources = forms.CharField(
        label=gettext_lazy("Resources for the roles view and edit"),
        required=False,
        max_length=4000,
        widget=_mono("flunders"),
        help_text=gettext_lazy("Plural names with commas between; empty means all of the group."),
    )
    sources = forms.CharField(
        label=gettext_lazy("Networks that may connect"),
        required=False,
        max_length=4000,
        widget=_mono("10.0.0.0/16"),
        help_text=gettext_lazy("Those of the control plane; empty means any."),
    )
    cluster_domain = forms.CharField(
        label=gettext_lazy("Domain of the cluster"),
        max_length=120,
        initial="cluster.local",
        widget=_mono(),
    )
    group_priority_minimum = forms.IntegerField(
        label=gettext_lazy("Priority of the group"), initial=1000
    )
    version_priority = forms.IntegerField(label=gettext_lazy("Priority of the version"), initial=15)
    flow_schema = forms.BooleanField(
        label=gettext_lazy("With a FlowSchema"),
        required=False,
        help_text=gettext_lazy(
            "Each request costs the server two reviews by kube-apiserver; this keeps them out of "
            "the queue of busy controllers."
        ),
    )

    extension: studio.Extension | None = None
    # Whether the profiles on the page are those of another authority.
    authority_changed = False

    def __init__(self, *args: Any, cluster: Cluster | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minor"].initial = str(_minor_of(cluster))
        self.offered = serving_authorities(cluster)
        self.fields["authority"].queryset = self.offered  # type: ignore[attr-defined]
        self.chosen = self._chosen()
        if self.chosen is not None:
            self.initial["authority"] = self.chosen.slug
        names = server_profiles(self.chosen)
        self.fields["profile"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"notes-{name}"

    @classmethod
    def posted(cls, post: QueryDict, *, cluster: Cluster | None) -> Self:
        """Return the form that came back. A profile that was chosen among those of another
        authority is no mistake of the person: the first fitting one takes its place.
        """
        form = cls(post, cluster=cluster)
        slug = form.chosen.slug if form.chosen else ""
        if post.get("shown_authority", slug) != slug:
            data = post.copy()
            data["profile"] = next(iter(server_profiles(form.chosen)), "")
            form = cls(data, cluster=cluster)
            form.authority_changed = True
        return form

    def _chosen(self) -> Authority | None:
        """Return the authority that the page shows; for a wrong choice the first."""
        typed = str((self.data if self.is_bound else self.initial).get("authority", ""))
        known = None if "\x00" in typed else self.offered.filter(slug=typed).first()
        return known or self.offered.first()

    def clean(self) -> dict[str, Any]:
        """Judge what is there by the rules of the core; only a whole description is kept."""
        values = dict(self.cleaned_data)
        described = {name: values[name] for name in _PLAIN_FIELDS if name in values}
        for name in ("resources", "sources"):
            described[name] = _listed(values.get(name, ""))
        described["flow_schema"] = bool(values.get("flow_schema"))
        if "minor" in values:
            described["minor"] = int(values["minor"])
        extension = studio.Extension(**{**_STAND_INS, **described})
        try:
            studio.require_describable(extension)
        except studio.InvalidExtensions as wrong:
            for problem in wrong.problems:
                if problem.field in described:
                    self.add_error(problem.field, words(problem.sentence))
        self.extension = None if self.errors else extension
        return self.cleaned_data

    def forgive_empty(self) -> None:
        """Say nothing yet of what is not filled in: one is still at it."""
        for name, found in list(self.errors.as_data().items()):
            if name in _TYPED and all(error.code == "required" for error in found):
                del self.errors[name]

    def refuse(self, refused: PkiError | KubeError) -> None:
        """Put what a core refuses beside the choice that mends it."""
        for problem in getattr(refused, "problems", (refused,)):
            field = "end_with_authority" if problem.code == OutlivesIssuer.code else problem.field
            self.add_error(field if field in self.fields else "profile", words(problem.sentence))
        self.extension = None


def server_profiles(authority: Authority | None) -> tuple[str, ...]:
    """Return the profiles of `authority` under which servers get certificates."""
    if authority is None:
        return ()
    config = config_of(authority)
    named = [profile.name for profile in config.profiles if _SERVER in profile.usages]
    return (*named, "default") if _SERVER in config.default.usages else tuple(named)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in _BETWEEN.split(text) if part))


def _minor_of(cluster: Cluster | None) -> int:
    """Return the cluster's minor version as far as it is known and the set can be made for it."""
    state = getattr(cluster, "state", None)
    found = re.match(r"v?1\.(\d{1,3})", state.kube_version if state else "", re.ASCII)
    minor = int(found[1]) if found else studio.NEWEST_MINOR
    return min(max(minor, studio.OLDEST_MINOR), studio.NEWEST_MINOR)
