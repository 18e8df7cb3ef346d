"""The page of one signing request: what it asks for, what would be issued, who decides."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from aggportal.accounts.roles import Role, has_role
from aggportal.certs.forms.received import DecisionForm, RejectForm
from aggportal.certs.models import SigningRequest
from aggportal.certs.services.comparing import Comparison, comparison_of
from aggportal.certs.services.held_plans import decision_of
from aggportal.certs.services.held_standing import HeldStanding, standing_of_held
from aggportal.certs.services.received import Decision, Seen, csr_of
from aggportal.certs.services.two_people import plan_changed
from aggportal.ledger.models import Entry
from aggportal.pki.comparing import asked_names
from aggportal.pki.csrreading import CsrFacts
from aggportal.pki.errors import PkiError
from aggportal.words import RefusedError

_SALT = "certs.request.seen"
# What was looked at longer ago is looked at anew.
_SEEN_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestPage:
    """Everything that the page of one request shows. What was described here has no request of
    somebody else's (`csr`) and nothing to change (`form`).
    """

    asked: SigningRequest
    rejecting: RejectForm
    csr: CsrFacts | None = None
    form: DecisionForm | None = None
    refused: RefusedError | None = None


def page_of(
    request: HttpRequest,
    pk: int,
    *,
    decided: bool = False,
    rejected: bool = False,
    refused: RefusedError | None = None,
) -> RequestPage:
    """Read the page that came back, or begin it."""
    rows = SigningRequest.objects.received().select_related("authority__key", "key", "renews")
    asked = get_object_or_404(rows, pk=pk)
    rejecting = RejectForm(request.POST if rejected else None)
    if asked.held.get("ours"):
        return RequestPage(asked=asked, rejecting=rejecting, refused=refused)
    csr = csr_of(asked)
    form = DecisionForm(
        request.POST if decided else None,
        authority=asked.authority,
        csr=csr,
        profile=asked.profile,
        may_administer=has_role(request.user, Role.ADMINISTRATOR),
    )
    return RequestPage(asked=asked, csr=csr, form=form, rejecting=rejecting, refused=refused)


def decided_by(form: DecisionForm) -> Decision:
    """Return what a form that is valid says. Raises `PkiError` for a subject that cannot be."""
    return Decision(
        profile=form.cleaned_data["profile"],
        changes=form.changes(),
        override_reason=form.reason_to_pass,
        power_reason=form.power_reason,
    )


def write_seen(asked: SigningRequest, seen: Seen) -> str:
    """Return for the form what the page shows, so that nothing else is signed."""
    return signing.dumps([asked.pk, seen.at.isoformat(), seen.sha256], salt=_SALT)


def read_seen(text: str, asked: SigningRequest) -> Seen:
    """Return what whoever decides looked at. Raises `PlanChanged` where that was nothing, something
    else, or too long ago.
    """
    try:
        pk, at, sha256 = signing.loads(text, salt=_SALT, max_age=_SEEN_SECONDS)
    except signing.BadSignature as wrong:
        raise plan_changed() from wrong
    if pk != asked.pk:
        raise plan_changed()
    return Seen(at=dt.datetime.fromisoformat(at), sha256=sha256)


def compared(page: RequestPage) -> dict[str, object]:
    """Return the comparison of a request that waits, and what the form carries of it."""
    if not page.asked.waits or page.csr is None:
        return {"comparison": None, "seen": ""}
    now = timezone.now()
    told = _comparison(page, page.csr, now=now)
    seen = write_seen(page.asked, Seen(at=now, sha256=told.sha256)) if told.sha256 else ""
    return {"comparison": told, "seen": seen}


def render_page(request: HttpRequest, page: RequestPage, *, status: int = 200) -> HttpResponse:
    """Answer the page."""
    asked = page.asked
    story = Entry.objects.filter(object_kind="request", object_id=str(asked.pk))
    held = standing_of_held(asked, now=timezone.now()) if asked.waits and asked.is_held else None
    context = {
        "asked": asked,
        "csr": page.csr,
        "csr_names": asked_names(page.csr) if page.csr else (),
        "authority": asked.authority,
        "certificate": getattr(asked, "certificate", None),
        **compared(page),
        "form": page.form,
        "rejecting": page.rejecting,
        "decides": held is None or not held.can_be_approved,
        "refused": page.refused,
        "story": story[:20],
        "held": held,
        "is_own": _is_own(request, asked, held),
        "explanation": held.explanation if held else None,
    }
    return render(request, "certs/request_page.html", context, status=status)


def _is_own(request: HttpRequest, asked: SigningRequest, held: HeldStanding | None) -> bool:
    """Tell whether the person asked for it, and so cannot approve it."""
    askers = {asked.requested_by_id}
    if held and held.proposal:
        askers.add(held.proposal.asked_by_id)
    return request.user.pk in askers


def _comparison(page: RequestPage, csr: CsrFacts, *, now: dt.datetime) -> Comparison:
    asked = page.asked
    at = asked.held_at if asked.is_held and asked.held_at and not _typed(page) else now
    return comparison_of(asked.authority, csr, _decision(page), now=at, asked=asked)


def _typed(page: RequestPage) -> bool:
    return page.form is not None and page.form.is_bound


def _decision(page: RequestPage) -> Decision:
    """Return the decision that the page shows; a form that is wrong counts as untouched."""
    form = page.form
    if form is not None and form.is_bound and form.is_valid():
        try:
            return decided_by(form)
        except PkiError as refused:
            for problem in refused.problems:
                form.add_problem(problem)
    return decision_of(page.asked) if page.asked.is_held else Decision(profile=page.asked.profile)
