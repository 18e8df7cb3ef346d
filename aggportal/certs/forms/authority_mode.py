"""How closely an authority follows cfssl."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.models import Mode
from aggportal.web.forms import PortalForm

MODE_CHOICES = [
    (Mode.STRICT, _l("Its rules, without its traps")),
    (Mode.COMPAT, _l("Exactly as cfssl")),
]


class ModeForm(PortalForm):
    """The choice between strict and compat."""

    mode = forms.ChoiceField(
        label=_l("How closely to follow cfssl"),
        widget=forms.RadioSelect,
        choices=MODE_CHOICES,
        error_messages={
            "required": _l("Choose one of the two."),
            "invalid_choice": _l("Choose one of the two."),
        },
    )
