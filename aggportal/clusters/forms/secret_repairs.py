"""Which serving certificate goes into which Secrets."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Certificate
from aggportal.kube.secrets import SecretPlace
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import object_metadata
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import visible, words

MOST_NAMESPACES = 10
_BETWEEN = re.compile(r"[\s,;]+")
# The clock of a browser's address: before 9999.
_LATEST = 250_000_000_000


class CertificateChoice(forms.ModelChoiceField[Certificate]):
    """A certificate as whoever chooses knows it."""

    def label_from_instance(self, obj: Certificate) -> str:
        return _("%(name)s, signed by %(issuer)s, until %(date)s, SHA-256 %(digest)s…") % {
            "name": visible(str(obj)),
            "issuer": visible(obj.authority.label if obj.authority else obj.issuer_text),
            "date": f"{obj.not_after:%Y-%m-%d}",
            "digest": obj.fingerprint_sha256[:16],
        }


class PlacesForm(PortalForm):
    """The Secrets: one name, in one or several namespaces."""

    name = forms.CharField(
        label=gettext_lazy("Name of the Secret"),
        max_length=253,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
    )
    namespaces = forms.CharField(
        label=gettext_lazy("Namespaces"),
        max_length=700,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
        help_text=gettext_lazy("Where the pods are that serve it; several with a comma between."),
    )
    places: tuple[SecretPlace, ...] = ()

    def clean(self) -> dict[str, object]:
        values = self.cleaned_data
        if not self.errors:
            names = dict.fromkeys(n for n in _BETWEEN.split(values["namespaces"]) if n)
            if not 1 <= len(names) <= MOST_NAMESPACES:
                text = _("Name one to %(count)d namespaces.") % {"count": MOST_NAMESPACES}
                self.add_error("namespaces", text)
            else:
                self.places = tuple(self._places(values["name"], list(names)))
        return values

    def _places(self, name: str, namespaces: list[str]) -> list[SecretPlace]:
        found = []
        for namespace in namespaces:
            try:
                object_metadata(name, namespace)
            except InvalidField as wrong:
                field = "name" if wrong.field == "name" else "namespaces"
                self.add_error(field, words(wrong.sentence))
                break
            found.append(SecretPlace(namespace=namespace, name=name))
        return found


class SecretForm(PlacesForm):
    """Which of the certificates that fit, and where to."""

    certificate = CertificateChoice(
        label=gettext_lazy("Certificate"),
        queryset=Certificate.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={
            "required": gettext_lazy("Choose a certificate, or issue one."),
            "invalid_choice": gettext_lazy(
                "This certificate does not fit: it must be good, name the Service, and its key "
                "must be here and may leave."
            ),
        },
    )
    field_order = ("certificate", "name", "namespaces")

    def __init__(self, *args: object, fitting: QuerySet[Certificate], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["certificate"]
        assert isinstance(field, CertificateChoice)  # noqa: S101 - declared above
        field.queryset = fitting


class WatchedForm(PlacesForm):
    """The address of the page that watches: where what was written, when (seconds since 1970)."""

    certificate = forms.ModelChoiceField(queryset=Certificate.objects.all())
    since = forms.IntegerField(min_value=0, max_value=_LATEST)

    @property
    def moment(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.cleaned_data["since"], tz=dt.UTC)


def seen_field(place: SecretPlace) -> str:
    """The name of the hidden field that says what was seen at `place`."""
    return f"seen-{place.namespace}"


def seen_at(data: Mapping[str, str], place: SecretPlace) -> str:
    """What the page that a person decided on had seen at `place`."""
    return str(data.get(seen_field(place), ""))
