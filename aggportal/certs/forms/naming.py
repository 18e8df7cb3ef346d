"""Names that people give: a label, and what files are called."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _

from aggportal.pki.errors import PkiError
from aggportal.pki.exports import require_base_name
from aggportal.pki.fields import unseen_characters
from aggportal.web.sentences import words


def seen_label(label: str) -> str:
    """Return a label that has no characters that cannot be seen. Raises ValidationError."""
    unseen = unseen_characters(label)
    if unseen:
        raise forms.ValidationError(
            _("This contains characters that cannot be seen (%(characters)s); remove them.")
            % {"characters": ", ".join(unseen[:5])}
        )
    return label


def safe_base_name(base: str) -> str:
    """Return what files may be called; empty stays empty. Raises ValidationError."""
    try:
        return require_base_name(base) if base else ""
    except PkiError as refused:
        raise forms.ValidationError(words(refused.sentence)) from refused
