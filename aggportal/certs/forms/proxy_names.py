"""The names that may act as front proxy: what `--requestheader-allowed-names` is to hold."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.pki.fields import unseen_characters
from aggportal.web.forms import PortalForm

MOST_NAMES = 20
LONGEST_NAME = 64


class ProxyNamesForm(PortalForm):
    """One name a line; empty says nothing, and the flags then hold the certificate's own CN."""

    allowed_names = forms.CharField(
        label=_l("Allowed names, one per line"),
        required=False,
        max_length=MOST_NAMES * (LONGEST_NAME + 2),
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text=_l(
            "The CNs that --requestheader-allowed-names holds on your masters. A certificate with "
            "another CN is then warned about when it is issued, and refused on the flags page."
        ),
    )

    def clean_allowed_names(self) -> str:
        typed: str = self.cleaned_data["allowed_names"].replace("\r\n", "\n")
        names = tuple(dict.fromkeys(line.strip() for line in typed.split("\n") if line.strip()))
        if len(names) > MOST_NAMES or any(len(name) > LONGEST_NAME for name in names):
            raise forms.ValidationError(
                _("At most 20 names of at most 64 characters each, as a CN can be (RFC 5280).")
            )
        unseen = [char for name in names for char in unseen_characters(name)]
        if unseen:
            raise forms.ValidationError(
                _("This contains characters that cannot be seen (%(characters)s); remove them.")
                % {"characters": ", ".join(unseen[:5])}
            )
        return "\n".join(names)
