"""Asking for an authority's key to leave, and approving it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.authority_renewing import ConfirmAuthorityForm
from aggportal.certs.forms.keeping import require_seen
from aggportal.web.forms import PortalForm

_MOST = 64_000


class AskExportForm(ConfirmAuthorityForm):
    """For whom and why, and the authority's label once more."""

    recipient = forms.CharField(
        label=_l("Recipient's certificate"),
        max_length=_MOST,
        widget=forms.Textarea(
            attrs={
                "rows": 6,
                "class": "mono",
                "spellcheck": "false",
                "autocomplete": "off",
                "data-drop": "",
                "placeholder": "-----BEGIN CERTIFICATE-----",
            }
        ),
        help_text=_l("PEM, with an RSA key. Only whoever holds its private key can open the file."),
    )
    reason = forms.CharField(
        label=_l("What it is for"),
        max_length=500,
        validators=[require_seen],
        help_text=_l("Those who approve read it, and the ledger keeps it."),
    )
    field_order = ("recipient", "reason", "confirm")


class ApproveExportForm(ConfirmAuthorityForm):
    """`seen` is the fingerprint of the recipient's certificate that the page showed."""

    asks = _l("To approve, type the label")
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)


class RejectExportForm(PortalForm):
    """Why not; whoever asked reads it."""

    why = forms.CharField(
        label=_l("Why not"),
        max_length=500,
        validators=[require_seen],
        error_messages={"required": _l("Say why; the ledger keeps it.")},
    )
