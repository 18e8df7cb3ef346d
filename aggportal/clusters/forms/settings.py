"""Renaming, and the typed name that a dangerous action asks for."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.clusters.forms.connecting import ClusterForm
from aggportal.web.forms import PortalForm


class RenameForm(ClusterForm):
    """Another name; the address stays."""


class ConfirmForm(PortalForm):
    """Type the name of what is to be deleted."""

    confirm = forms.CharField(
        label=gettext_lazy("Type the name to confirm"),
        max_length=400,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: object, expected: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["confirm"].widget.attrs["data-confirm-name"] = expected

    def clean_confirm(self) -> str:
        typed = str(self.cleaned_data["confirm"])
        if typed != self.expected:
            raise forms.ValidationError(
                _("This is not its name, so nothing was deleted. Type it exactly as shown.")
            )
        return typed
