"""Form and JSON are two views of one document.

Which of them counts when both come back, is decided here.

A page carries `base`: the JSON that both views were made from. The view that differs from it was
edited and counts.
"""

from __future__ import annotations

from enum import StrEnum

from aggportal.pki.errors import PkiError
from aggportal.words import gettext_noop as _n


class Side(StrEnum):
    """The two views: the form's fields, and the JSON text."""

    FIELDS = "fields"
    JSON = "json"


class BothSidesEdited(PkiError):
    """Fields and JSON were both edited, so that following one would lose the other."""

    code = "both-sides-edited"


def edited_side(*, base: str, text: str, fields_changed: bool, keep: str = "") -> Side:
    """Return the side that counts;

    FIELDS where neither was edited. `keep` is a person's own decision.

    Raises `BothSidesEdited` when both were edited and nobody decided.
    """
    if keep in tuple(Side):
        return Side(keep)
    json_changed = _same_breaks(text) != _same_breaks(base)
    if json_changed and fields_changed:
        raise BothSidesEdited(
            _n(
                "The fields and the JSON were both changed, so one would overwrite the other. Say "
                "which to keep."
            )
        )
    return Side.JSON if json_changed else Side.FIELDS


def _same_breaks(text: str) -> str:
    """Browsers send line breaks as CR LF and drop one at the beginning of a text area."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
