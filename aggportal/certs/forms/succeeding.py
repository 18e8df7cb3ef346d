"""What an authority's successor is called."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.naming import safe_base_name, seen_label
from aggportal.certs.forms.override import override_reason_field
from aggportal.certs.models import Authority
from aggportal.web.forms import PortalForm


class SuccessorForm(PortalForm):
    """Lane, mode and profiles are its predecessor's."""

    label = forms.CharField(
        label=_l("Label"),
        max_length=80,
        help_text=_l("What people call it here. Its address in the portal follows from it."),
        error_messages={"required": _l("Give it a label, so that people can tell it from others.")},
    )
    file_base = forms.CharField(
        label=_l("File name"),
        required=False,
        max_length=100,
        help_text=_l("Empty is its predecessor's, with -2 or the next number."),
    )

    override_reason = override_reason_field()

    def clean_label(self) -> str:
        return seen_label(self.cleaned_data["label"])

    def clean_file_base(self) -> str:
        return safe_base_name(self.cleaned_data["file_base"])


def numbered(text: str) -> str:
    """Return `text` with the next number: aggregator-ca gives aggregator-ca-2, that -3."""
    head, dash, number = text.rpartition("-")
    if dash and number.isascii() and number.isdecimal() and len(number) < 4:
        return f"{head}-{int(number) + 1}"
    return f"{text}-2"


def label_to_begin_with(authority: Authority) -> str:
    return _("%(label)s, new key") % {"label": authority.label[:60]}
