"""What an authority's successor is called."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.models import Authority
from aggportal.pki.errors import PkiError
from aggportal.pki.exports import require_base_name
from aggportal.pki.fields import unseen_characters
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import words


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

    def clean_label(self) -> str:
        label: str = self.cleaned_data["label"]
        unseen = unseen_characters(label)
        if unseen:
            raise forms.ValidationError(
                _("This contains characters that cannot be seen (%(characters)s); remove them.")
                % {"characters": ", ".join(unseen[:5])}
            )
        return label

    def clean_file_base(self) -> str:
        base: str = self.cleaned_data["file_base"]
        try:
            return require_base_name(base) if base else ""
        except PkiError as refused:
            raise forms.ValidationError(words(refused.sentence)) from refused


def numbered(text: str) -> str:
    """Return `text` with the next number: aggregator-ca gives aggregator-ca-2, that -3."""
    head, dash, number = text.rpartition("-")
    if dash and number.isascii() and number.isdecimal() and len(number) < 4:
        return f"{head}-{int(number) + 1}"
    return f"{text}-2"


def label_to_begin_with(authority: Authority) -> str:
    return _("%(label)s, new key") % {"label": authority.label[:60]}
