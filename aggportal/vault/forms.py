"""What an administrator types to unseal the portal."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.web.forms import PortalForm


class UnsealForm(PortalForm):
    """The passphrase, as it is: spaces belong to it."""

    passphrase = forms.CharField(
        label=_l("Passphrase"),
        strip=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_l("Working on it takes a second or two, on purpose. It is stored nowhere."),
        error_messages={"required": _l("Type the passphrase of the portal's key.")},
    )
