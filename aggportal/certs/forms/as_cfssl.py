"""The request spec of a page as cfssl would read it, whatever strict mode says of it."""

from __future__ import annotations

from aggportal.certs.forms.request_editor import RequestView
from aggportal.pki.errors import PkiError
from aggportal.pki.requests import parse_request_spec
from aggportal.pki.specs import RequestSpec


def spec_as_cfssl(view: RequestView) -> RequestSpec | None:
    """Return the spec that cfssl would find in the page's JSON; None where it finds none."""
    try:
        return parse_request_spec(view.text, strict=False)
    except PkiError:
        return view.spec
