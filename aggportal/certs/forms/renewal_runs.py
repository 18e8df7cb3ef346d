"""What to renew in one go."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.renewing import NEW_KEY, SAME_KEY
from aggportal.certs.services.renewal_runs import LONGEST_DAYS, RunChoices
from aggportal.web.forms import PortalForm


class RunForm(PortalForm):
    """Which certificates, and which keys."""

    BEGINNING: Mapping[str, str] = MappingProxyType({"within_days": "30", "key_choice": NEW_KEY})

    within_days = forms.IntegerField(
        label=_l("Ending within how many days"),
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text=_l("36500 is everything that is good."),
        error_messages={
            "required": _l("Say how many days."),
            "invalid": _l("Give a whole number of days."),
            "min_value": _l("Give at least one day."),
            "max_value": _l("Give at most 36500 days: that is everything."),
        },
    )
    key_choice = forms.ChoiceField(
        label=_l("Whose keys"),
        widget=forms.RadioSelect,
        choices=[(NEW_KEY, _l("new keys (recommended)")), (SAME_KEY, _l("the same keys"))],
        help_text=_l(
            "With new keys those are left out whose key is not here. Whoever uses a certificate "
            "needs its new key with it."
        ),
        error_messages={
            "required": _l("Say whether the keys are to be new or the same."),
            "invalid_choice": _l("Say whether the keys are to be new or the same."),
        },
    )

    def choices(self) -> RunChoices:
        """What a valid form says, and what the page begins with otherwise."""
        values = self.cleaned_data if self.is_bound and self.is_valid() else {}
        return RunChoices(
            within_days=values.get("within_days", 30),
            new_key=values.get("key_choice", NEW_KEY) == NEW_KEY,
        )
