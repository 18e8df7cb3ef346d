"""Certificates that are to be put in order."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.uploads import CertificatesForm


class BundleForm(CertificatesForm):
    """What to put in order, and how."""

    usage = forms.ChoiceField(
        label=_l("To be used for"),
        required=False,
        choices=[
            ("", _l("anything")),
            ("server auth", _l("servers (server auth)")),
            ("client auth", _l("clients (client auth)")),
        ],
    )
    with_root = forms.BooleanField(
        label=_l("With the root"),
        required=False,
        help_text=_l("Servers leave it out: whoever is to trust it has it already."),
    )
    root = forms.RegexField(
        r"^[0-9a-f]{64}$", required=False, widget=forms.HiddenInput, label=_l("Root")
    )
