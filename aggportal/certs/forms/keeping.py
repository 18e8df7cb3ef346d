"""Owner, tags and notes of a certificate."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.keeping import Keeping
from aggportal.pki.fields import unseen_characters
from aggportal.web.forms import PortalForm

MAX_TAGS = 20
MAX_TAG = 50
MAX_NOTES = 4000


def require_seen(text: str) -> None:
    """Refuse characters that cannot be seen in one line of text."""
    unseen = unseen_characters(text)
    if unseen:
        raise forms.ValidationError(
            _("This contains characters that cannot be seen (%(characters)s); remove them.")
            % {"characters": ", ".join(unseen[:5])}
        )


class OwnerField(forms.CharField):
    """Who answers for a certificate: a person, a team, a mail address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_l("Owner"),
            required=False,
            max_length=150,
            help_text=_l("The person or team that answers for it."),
            validators=[require_seen],
            **kwargs,
        )


class TagsField(forms.CharField):
    """Tags between commas; cleaned to a sorted tuple, lower case, each once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_l("Tags"),
            required=False,
            max_length=1200,
            help_text=_l("Words to find it by, with commas between them."),
            widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
            **kwargs,
        )

    def clean(self, value: Any) -> tuple[str, ...]:
        text: str = super().clean(value)
        require_seen(text)
        tags = {" ".join(part.split()).lower() for part in text.split(",")} - {""}
        if len(tags) > MAX_TAGS:
            raise forms.ValidationError(_("At most %(limit)d tags.") % {"limit": MAX_TAGS})
        if any(len(tag) > MAX_TAG for tag in tags):
            raise forms.ValidationError(
                _("A tag has at most %(limit)d characters.") % {"limit": MAX_TAG}
            )
        return tuple(sorted(tags))


class KeepingForm(PortalForm):
    """A valid form has `said`. `seen` is the digest of what the page showed."""

    owner = OwnerField()
    tags = TagsField()
    notes = forms.CharField(
        label=_l("Notes"),
        required=False,
        max_length=MAX_NOTES,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_l(
            "Where it runs, whom to ask before renewing. No passwords: all roles read it."
        ),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    @classmethod
    def showing(cls, said: Keeping) -> KeepingForm:
        """Return a form that shows what is said now."""
        return cls(
            initial={
                "owner": said.owner,
                "tags": ", ".join(said.tags),
                "notes": said.notes,
                "seen": said.digest,
            }
        )

    def clean_notes(self) -> str:
        notes: str = self.cleaned_data["notes"].replace("\r\n", "\n").expandtabs()
        require_seen(notes.replace("\n", " "))
        return notes

    @property
    def said(self) -> Keeping:
        """What a valid form says."""
        values = self.cleaned_data
        return Keeping(owner=values["owner"], tags=values["tags"], notes=values["notes"])
