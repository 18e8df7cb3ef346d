"""What the audit can be narrowed to."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from aggportal.ledger.models import Entry, Outcome
from aggportal.web.forms import PortalForm


class EntryFilter(PortalForm):
    """Filters of the audit page; every one may stay empty.

    What cannot be read counts as absent, and is said.
    """

    text = forms.CharField(label=gettext_lazy("To what"), required=False, max_length=100)
    actor = forms.CharField(label=gettext_lazy("Who"), required=False, max_length=150)
    action = forms.CharField(
        label=gettext_lazy("What"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"list": "actions", "autocomplete": "off"}),
    )
    outcome = forms.ChoiceField(
        label=gettext_lazy("How it went"),
        required=False,
        choices=[("", gettext_lazy("any")), *Outcome.choices],
    )
    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def entries(self) -> QuerySet[Entry]:
        """Return the entries that the filters leave."""
        self.is_valid()
        chosen = self.cleaned_data
        rows = Entry.objects.all()
        if text := chosen.get("text"):
            rows = rows.filter(Q(object_label__icontains=text) | Q(object_id=text[:64]))
        if actor := chosen.get("actor"):
            rows = rows.filter(actor_name=actor)
        if action := chosen.get("action"):
            rows = rows.filter(action__startswith=action)
        if outcome := chosen.get("outcome"):
            rows = rows.filter(outcome=outcome)
        if since := chosen.get("since"):
            rows = rows.filter(at__gte=dt.datetime.combine(since, dt.time(), dt.UTC))
        if until := chosen.get("until"):
            end = dt.datetime.combine(until, dt.time.max, dt.UTC)
            rows = rows.filter(at__lte=end)
        return rows
