"""Why a checkpoint is not anchored."""

from __future__ import annotations

from aggportal.words import RefusedError


class NotAnchored(RefusedError):
    """The place did not take it."""

    code = "not_anchored"


class BadAnchor(RefusedError):
    """A setting names no place."""

    code = "bad_anchor"
