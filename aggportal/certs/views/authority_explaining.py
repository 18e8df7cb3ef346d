"""What the page for a new authority says before it is made."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from aggportal.certs.forms.authorities import AuthorityForm
from aggportal.certs.forms.request_editor import RequestView
from aggportal.certs.models import Authority, Lane, Mode
from aggportal.certs.services.chains import issuer_for
from aggportal.certs.services.intermediates import plan_below
from aggportal.certs.services.lanes import dangers_of_authority
from aggportal.pki.asking import explain_asking
from aggportal.pki.errors import PkiError
from aggportal.pki.explaining import Explanation, Issuing, explain, explain_problems, with_dangers
from aggportal.pki.issuing import plan_authority
from aggportal.pki.names import build_subject
from aggportal.pki.reading import read_certificate
from aggportal.pki.specs import RequestSpec


def explain_making(form: AuthorityForm, view: RequestView) -> Explanation:
    """Tell what would be made, or what hinders it."""
    if view.spec is None:
        return Explanation(warnings=explain_problems(*view.errors))
    now, parent, lane = timezone.now(), form.parent, form["lane"].value()
    let_pass = bool((form["override_reason"].value() or "").strip())
    try:
        explanation = _explained(form, view.spec, parent, let_pass=let_pass, now=now)
        subject = build_subject(view.spec)
    except PkiError as refused:
        return Explanation(warnings=explain_problems(refused))
    if lane not in Lane.values:
        return explanation
    dangers = dangers_of_authority(Lane(lane), subject, now=now, parent=parent)
    return with_dangers(explanation, dangers, let_pass=let_pass)


def _explained(
    form: AuthorityForm,
    spec: RequestSpec,
    parent: Authority | None,
    *,
    let_pass: bool,
    now: dt.datetime,
) -> Explanation:
    compat = form["mode"].value() == Mode.COMPAT
    if form.is_outside:
        return explain_asking(spec, compat=compat)
    if parent is None:
        plan = plan_authority(spec, now=now, compat=compat)
        return explain(plan, spec=spec, profile=None, authority=None, now=now, let_pass=let_pass)
    return explain(
        plan_below(parent, spec, now=now),
        spec=spec,
        profile=None,
        authority=_issuing(parent, form["lane"].value()),
        now=now,
        let_pass=let_pass,
    )


def _issuing(parent: Authority, lane: str) -> Issuing:
    """What the new one's own lane is to be counts: it is what its certificates will be for."""
    return Issuing(
        certificate=read_certificate(parent.certificate_pem),
        lane=lane if lane in Lane.values else parent.lane,  # type: ignore[arg-type]  # the model's choices are the core's lanes
        issuer=issuer_for(parent),
    )
