"""What a successor of an authority would say, in words, before it is made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from aggportal.certs.models import Authority, Mode
from aggportal.certs.services.intermediates import plan_below
from aggportal.pki.errors import PkiError
from aggportal.pki.explaining import Explanation, explain, explain_problems
from aggportal.pki.issuing import plan_authority
from aggportal.pki.specs import RequestSpec


def explain_authority(
    authority: Authority,
    spec: RequestSpec | None,
    refused: Sequence[PkiError],
    *,
    now: dt.datetime,
) -> Explanation:
    """Explain an authority like `authority`, made of `spec`; refusals only where there is none."""
    if spec is None:
        return Explanation(warnings=explain_problems(*refused))
    try:
        if authority.parent is not None:
            plan = plan_below(authority.parent, spec, now=now)
        else:
            plan = plan_authority(spec, now=now, compat=authority.mode == Mode.COMPAT)
    except PkiError as planned:
        return Explanation(warnings=explain_problems(planned))
    return explain(plan, spec=spec, profile=None, authority=None, now=now)
