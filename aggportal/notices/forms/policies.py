"""A policy's form: thresholds as one types them, "30, 14, 7, 1, 0"."""

from __future__ import annotations

import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.notices.deciding import MAX_DAYS, MAX_THRESHOLDS
from aggportal.notices.models import Channel, Policy
from aggportal.web.forms import PortalForm

_DAYS = re.compile(r"[0-9]{1,4}")


class DaysField(forms.CharField):
    """Days before the end, separated by commas or spaces; a tuple, wide to tight."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(max_length=100, **kwargs)  # type: ignore[arg-type]  # Django's own

    def clean(self, value: object) -> tuple[int, ...]:
        """Return the days. ValidationError says which part is none."""
        parts = [each for each in re.split(r"[\s,;]+", str(super().clean(value))) if each]
        for part in parts:
            if not _DAYS.fullmatch(part) or int(part) > MAX_DAYS:
                raise ValidationError(
                    _("Write whole days between 0 and %(limit)d, as in 30, 14, 7, 1, 0.")
                    % {"limit": MAX_DAYS}
                )
        days = sorted({int(part) for part in parts}, reverse=True)
        if not 1 <= len(days) <= MAX_THRESHOLDS:
            raise ValidationError(
                _("Write between 1 and %(limit)d thresholds.") % {"limit": MAX_THRESHOLDS}
            )
        return tuple(days)


class PolicyForm(PortalForm):
    """How early, and where. What only an authority has is left out for `policy.authority` None."""

    enabled = forms.BooleanField(label=gettext_lazy("Warn"), required=False)
    days = DaysField(
        label=gettext_lazy("Days before a certificate ends"),
        help_text=gettext_lazy(
            "0 is the end itself. Thresholds longer than two thirds of a certificate's life are "
            "passed over."
        ),
    )
    authority_days = DaysField(label=gettext_lazy("Days before the authority itself ends"))
    lists = forms.BooleanField(
        label=gettext_lazy("Also when its revocation list is not published anew"), required=False
    )
    all_channels = forms.BooleanField(
        label=gettext_lazy("Through every channel, those to come too"), required=False
    )
    channels = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Or only through"),
        queryset=Channel.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: object, policy: Policy, **kwargs: object) -> None:
        kwargs.setdefault("initial", _initial(policy))
        super().__init__(*args, **kwargs)
        if policy.authority is None:
            del self.fields["authority_days"], self.fields["lists"]


def _initial(policy: Policy) -> dict[str, object]:
    return {
        "enabled": policy.enabled,
        "days": ", ".join(str(each) for each in policy.days),
        "authority_days": ", ".join(str(each) for each in policy.authority_days),
        "lists": policy.lists,
        "all_channels": policy.all_channels,
        "channels": list(policy.channels.all()) if policy.pk else [],
    }
