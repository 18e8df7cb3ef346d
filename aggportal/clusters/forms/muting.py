"""Muting a finding: until when, and why."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.web.forms import PortalForm

LONGEST_DAYS = 366
USUAL = dt.timedelta(days=30)


class MuteForm(PortalForm):
    """A reason, and a day (UTC) until whose end the finding counts no more."""

    until = forms.DateField(
        label=gettext_lazy("Until"),
        help_text=gettext_lazy("The end of this day, UTC; within a year. Then it counts again."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        help_text=gettext_lazy("For those who look here later: what is known, what is planned."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: object, now: dt.datetime, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.today = now.astimezone(dt.UTC).date()
        self.fields["until"].initial = self.today + USUAL

    def clean_until(self) -> dt.date:
        day: dt.date = self.cleaned_data["until"]
        if day < self.today:
            raise forms.ValidationError(_("This day is over."))
        if (day - self.today).days > LONGEST_DAYS:
            raise forms.ValidationError(_("Choose a day within a year; it can be muted again."))
        return day

    @property
    def ends_at(self) -> dt.datetime:
        """The end of the chosen day, of a valid form."""
        day: dt.date = self.cleaned_data["until"]
        return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)
