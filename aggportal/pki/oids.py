"""Object identifiers in dotted form."""

from __future__ import annotations

import re

from aggportal.pki.errors import InvalidField
from aggportal.words import gettext_noop as _n

_DOTTED = re.compile(r"([01]\.[1-3]?\d|2\.\d{1,9})(\.(0|[1-9]\d{0,9}))+", re.ASCII)
MAX_LENGTH = 128


def oid_problem(dotted: str, *, field: str) -> InvalidField | None:
    """Tell what is wrong with a dotted object identifier such as 1.3.6.1.4.1.99999.1."""
    if len(dotted) <= MAX_LENGTH and _DOTTED.fullmatch(dotted):
        return None
    return InvalidField(
        _n("This is not an object identifier like 1.3.6.1.4.1.99999.1."), field=field
    )
