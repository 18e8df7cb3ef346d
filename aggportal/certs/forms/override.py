"""The reason with which an administrator lets pass what a trust lane forbids, and with which
whoever asks wants a name that is power.
"""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.pki.lanes import MAX_REASON


def override_reason_field() -> forms.CharField:
    """Return the field; the core judges the reason where there is a danger, else it counts for
    nothing.
    """
    return forms.CharField(
        label=_l("Why it may pass"),
        required=False,
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_l(
            "Counts where something is refused as dangerous only. It is recorded under your name "
            "and stands on the page for everybody to read."
        ),
    )
