"""Revoking and releasing: the reason, and the typed confirmation; how long lists are valid."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Certificate, Reason
from aggportal.web.forms import PortalForm, TypedForm
from aggportal.web.sentences import visible

YEAR = 8760
# InvalidityDate before this would say nothing about a key of today.
_FIRST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)


class ConfirmForm(TypedForm):
    """Type what is to be changed."""

    asks = gettext_lazy("Type it to confirm")
    wrong = gettext_lazy("This is not what stands above, so nothing was changed. Type it exactly.")


class RevokeForm(ConfirmForm):
    """Why, since when the key is in doubt, and the confirmation."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=Reason.choices,
        initial=Reason.UNSPECIFIED,
        help_text=gettext_lazy(
            "It stands in the revocation list for everybody to read. Only “on hold” can be taken "
            "back."
        ),
    )
    invalid_since = forms.DateTimeField(
        label=gettext_lazy("Key in doubt since (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("Where it is known that the key was in other hands before today."),
    )
    field_order = ("reason", "invalid_since", "confirm")

    def __init__(self, *args: object, expected: str, held: bool = False, **kwargs: object) -> None:
        super().__init__(*args, expected=expected, **kwargs)
        if held:
            offered = [one for one in Reason.choices if one[0] != Reason.HOLD]
            self.fields["reason"].choices = offered  # type: ignore[attr-defined]  # a ChoiceField

    def clean_invalid_since(self) -> dt.datetime | None:
        since: dt.datetime | None = self.cleaned_data["invalid_since"]
        if since is not None and not _FIRST <= since <= timezone.now():
            raise forms.ValidationError(_("This moment lies in the future, or before 1990."))
        return since


class CrlForm(PortalForm):
    """How long a list is valid."""

    hours = forms.IntegerField(
        label=gettext_lazy("A list is valid for (hours)"),
        min_value=1,
        max_value=YEAR,
        help_text=gettext_lazy("From 1 to 8760. A new one is signed when a third of it is left."),
    )


def typed_name(certificate: Certificate) -> str:
    """Return what to type: the certificate's name, or its serial where that cannot be typed."""
    name = str(certificate)
    can_be_typed = name == name.strip() == visible(name) and name.isprintable()
    return name if name and can_be_typed else certificate.serial
