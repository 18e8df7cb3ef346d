"""Taking an intermediate's key to cert-manager: knowingly, and with a reason."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.authority_renewing import ConfirmAuthorityForm
from aggportal.certs.forms.keeping import require_seen


class TakeIssuerForm(ConfirmAuthorityForm):
    """Name and namespace of the Issuer, why, and the authority's label once more."""

    name = forms.CharField(
        label=_l("Name of the Issuer"),
        max_length=240,
        help_text=_l("The Secret is called after it, with -key-pair."),
    )
    namespace = forms.CharField(label=_l("Namespace"), max_length=63, initial="cert-manager")
    reason = forms.CharField(
        label=_l("What it is for"),
        max_length=500,
        validators=[require_seen],
        help_text=_l("Which cluster, and who asked for it. The ledger keeps it."),
    )
    field_order = ("name", "namespace", "reason", "confirm")
