"""What the list of certificates can be narrowed to."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.signing_configs import config_of
from aggportal.web.forms import PortalForm

SOON = dt.timedelta(days=30)


class CertificateFilter(PortalForm):
    """Filters of the list; every one may stay empty, and what cannot be read counts as absent."""

    q = forms.CharField(
        label=_l("Name, host, serial or fingerprint"), required=False, max_length=200
    )
    authority = forms.ModelChoiceField(
        label=_l("Authority"),
        required=False,
        queryset=Authority.objects.order_by("label"),
        to_field_name="slug",
        empty_label=_l("any"),
    )
    profile = forms.CharField(
        label=_l("Profile"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"list": "profile-names", "autocomplete": "off"}),
    )
    state = forms.ChoiceField(
        label=_l("State"),
        required=False,
        choices=[
            ("", _l("any")),
            ("good", _l("valid")),
            ("soon", _l("ends within 30 days")),
            ("expired", _l("expired")),
        ],
    )

    @property
    def narrows(self) -> bool:
        """Tell whether any filter is set."""
        return self.is_valid() and any(self.cleaned_data.values())

    def profile_names(self) -> list[str]:
        """Return the profiles that the authorities have now; older ones can still be typed."""
        configs = [config_of(authority) for authority in Authority.objects.only("signing_config")]
        return sorted({profile.name for config in configs for profile in config.profiles})

    def certificates(self, *, now: dt.datetime) -> QuerySet[Certificate]:
        """Return the certificates that the filters leave."""
        self.is_valid()
        chosen = self.cleaned_data
        found = Certificate.objects.matching(chosen.get("q", ""))
        if authority := chosen.get("authority"):
            found = found.filter(authority=authority)
        if profile := chosen.get("profile"):
            found = found.filter(profile=profile)
        state = chosen.get("state")
        if state == "good":
            return found.good(now=now)
        if state == "soon":
            return found.expiring(within=SOON, now=now)
        return found.expired(now=now) if state == "expired" else found
