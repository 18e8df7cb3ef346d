"""What the list of certificates can be narrowed to, and in which order; all of it stands in the
address, so that a search can be kept, sent and taken up again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.models import Authority, Certificate, Kind, Origin, Tag
from aggportal.certs.services.finding import SOON, Criteria, Sort, Standing, find_certificates
from aggportal.certs.signing_configs import config_of
from aggportal.pki.covering import Wanted, names_that_cover
from aggportal.pki.errors import PkiError
from aggportal.pki.identifying import Identifiers, identifiers
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import words

__all__ = ["SOON", "CertificateFilter", "Chip"]


def _day(label: object) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput({"type": "date"}))


def _listed(names: str) -> forms.TextInput:
    return forms.TextInput(attrs={"list": names, "autocomplete": "off"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """One filter that is set: what it is called, what it says, the list's address without it."""

    label: str
    value: str
    without: str


class CertificateFilter(PortalForm):
    """Filters of the list; every one may stay empty, and what cannot be read counts as absent on
    the page and is refused for an export.
    """

    q = forms.CharField(
        label=_l("Name, serial or fingerprint"), required=False, max_length=200
    )
    covers = forms.CharField(
        label=_l("Covers the host"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"placeholder": "api.wardle.svc", "autocomplete": "off"}),
    )
    state = forms.ChoiceField(
        label=_l("State"), required=False, choices=[("", _l("any")), *Standing.choices]
    )
    authority = forms.ModelChoiceField(
        label=_l("Authority"),
        required=False,
        queryset=Authority.objects.order_by("label"),
        to_field_name="slug",
        empty_label=_l("any"),
    )
    sort = forms.ChoiceField(label=_l("Order"), required=False, choices=Sort.choices)
    profile = forms.CharField(
        label=_l("Profile"), required=False, max_length=100, widget=_listed("profile-names")
    )
    owner = forms.CharField(
        label=_l("Owner"), required=False, max_length=150, widget=_listed("owner-names")
    )
    tag = forms.CharField(
        label=_l("Tag"), required=False, max_length=50, widget=_listed("tag-names")
    )
    serial = forms.CharField(label=_l("Serial, however short"), required=False, max_length=200)
    kind = forms.ChoiceField(
        label=_l("Kind"), required=False, choices=[("", _l("any")), *Kind.choices]
    )
    origin = forms.ChoiceField(
        label=_l("Origin"), required=False, choices=[("", _l("any")), *Origin.choices]
    )
    ends_from = _day(_l("Ends on or after"))
    ends_until = _day(_l("Ends on or before"))
    issued_from = _day(_l("Issued on or after"))
    issued_until = _day(_l("Issued on or before"))

    FIRST = ("q", "covers", "state", "authority", "sort")
    # Where a page begins: no filter, and no part of a search's address.
    CURSORS = ("before", "after")

    def clean_covers(self) -> Wanted | None:
        text: str = self.cleaned_data["covers"]
        try:
            return names_that_cover(text) if text else None
        except PkiError as refused:
            raise forms.ValidationError(words(refused.sentence)) from refused

    def clean_serial(self) -> Identifiers | None:
        text: str = self.cleaned_data["serial"]
        if not text:
            return None
        found = identifiers(text)
        if found is None:
            raise forms.ValidationError(
                _l("Digits only, hexadecimal or decimal; colons may be in.")
            )
        return found

    @property
    def narrows(self) -> bool:
        """Tell whether any filter is set."""
        return any(True for _name in self._set_fields(but=("sort",)))

    @property
    def order(self) -> Sort:
        """The order to list in."""
        self.is_valid()
        return Sort(self.cleaned_data.get("sort", ""))

    def first_fields(self) -> list[forms.BoundField]:
        """Return the fields that are always seen."""
        return [self[name] for name in self.FIRST]

    def more_fields(self) -> list[forms.BoundField]:
        """Return the fields that are folded away until one is set."""
        return [self[name] for name in self.fields if name not in self.FIRST]

    @property
    def shows_more(self) -> bool:
        """Tell whether a folded field is set or wrong."""
        return any(name not in self.FIRST for name in (*self._set_fields(), *self.errors))

    def certificates(self, *, now: dt.datetime) -> QuerySet[Certificate]:
        """Return the certificates that the filters leave, in no order."""
        self.is_valid()
        names = Criteria.__dataclass_fields__
        chosen = {name: value for name, value in self.cleaned_data.items() if name in names}
        return find_certificates(Criteria(**chosen), now=now)

    @property
    def address(self) -> str:
        """The search as a query string with its set fields only, in the form's order."""
        return self._address({name: self.data[name] for name in self._set_fields()})

    def chips(self) -> list[Chip]:
        """Return what is set and readable, each with the way to take it away."""
        return [
            Chip(label=str(self.fields[name].label), value=self._shown(name), without=without)
            for name, without in self._without()
        ]

    def profile_names(self) -> list[str]:
        """Return the profiles that the authorities have now; older ones can still be typed."""
        configs = [config_of(authority) for authority in Authority.objects.only("signing_config")]
        return sorted({profile.name for config in configs for profile in config.profiles})

    def owner_names(self) -> list[str]:
        """Return owners to choose from."""
        rows = Certificate.objects.exclude(owner="").order_by("owner")
        return list(rows.values_list("owner", flat=True).distinct()[:200])

    def tag_names(self) -> list[str]:
        """Return tags to choose from."""
        return list(Tag.objects.values_list("name", flat=True)[:200])

    def _set_fields(self, *, but: tuple[str, ...] = ()) -> Iterator[str]:
        for name in self.fields:
            if name not in but and str(self.data.get(name, "")).strip():
                yield name

    def _without(self) -> Iterator[tuple[str, str]]:
        self.is_valid()
        present = {name: self.data[name] for name in self._set_fields()}
        for name in present:
            if name not in self.errors:
                yield name, self._address({k: v for k, v in present.items() if k != name})

    def _shown(self, name: str) -> str:
        field, raw = self.fields[name], str(self.data[name]).strip()
        if isinstance(field, forms.ModelChoiceField):
            return str(self.cleaned_data[name])
        choices: list[tuple[Any, Any]] = list(getattr(field, "choices", ()))
        return str(dict(choices).get(raw, raw))

    @staticmethod
    def _address(values: dict[str, str]) -> str:
        query = QueryDict(mutable=True)
        query.update(values)
        return f"?{query.urlencode()}" if values else ""
