"""Many renewals in one go: choosing, watching, stopping, resuming."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.renewal_runs import RunForm
from aggportal.certs.forms.renewing import NEW_KEY
from aggportal.certs.models import Authority, ItemState, RenewalRun, RunState
from aggportal.certs.scoping import of_authority, of_run
from aggportal.certs.services.renewal_runs import (
    NothingToRenew,
    RunChoices,
    RunUnderWay,
    abandon_run,
    counts_of,
    outlook_of,
    present_run,
    resume_run,
    start_run,
    stop_run,
)
from aggportal.ledger.models import Entry
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words
from aggportal.words import RefusedError

SHOWN = 100
_ENDED = (ItemState.REFUSED, ItemState.PASSED, ItemState.RENEWED)
_DEEDS: dict[str, Callable[..., None]] = {
    "stop": stop_run,
    "resume": resume_run,
    "end": abandon_run,
}


@require_http_methods(["GET", "POST"])
@role_required(Role.ISSUER, on=of_authority)
def renewal_run_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose what to renew, look at what that is, and start."""
    authority = get_object_or_404(Authority, slug=slug)
    if request.method == "GET":
        form = RunForm({**RunForm.BEGINNING, **request.GET.dict()})
        return _choose(request, authority, form, status=422 if form.errors else 200)
    form = RunForm(request.POST)
    if form.is_valid():
        try:
            run = start_run(authority, _choices(form), by=actor_of(request), now=timezone.now())
        except RunUnderWay as late:
            return _choose(request, authority, form, late=late, status=409)
        except NothingToRenew as refused:
            form.add_error("within_days", words(refused.sentence))
        else:
            messages.success(request, _("The renewals begin. You may leave this page meanwhile."))
            return redirect(run)
    return _choose(request, authority, form, status=422)


@require_GET
@role_required(Role.VIEWER, on=of_run)
def renewal_run_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a run is."""
    run = _run(pk)
    story = Entry.objects.filter(object_kind="renewals", object_id=str(run.pk))
    context = _progress(run) | {"authority": run.authority, "story": story[:20]}
    return render(request, "certs/renewal_run_page.html", context)


@require_GET
@role_required(Role.VIEWER, on=of_run)
def renewal_run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer how far it is when that is newer than what the page has; 204 if not."""
    context = _progress(_run(pk))
    if request.GET.get("was") == context["mark"]:
        return HttpResponse(status=204)
    return render(request, "certs/_run_progress.html", context)


@require_POST
@role_required(Role.ISSUER, on=of_run)
def renewal_run_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop, resume or end a run."""
    run, deed = _run(pk), _DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        return HttpResponse(_("Choose to stop it, to go on, or to end it."), status=422)
    deed(run, by=actor_of(request), now=timezone.now())
    return redirect(run)


def _run(pk: int) -> RenewalRun:
    return get_object_or_404(RenewalRun.objects.select_related("authority"), pk=pk)


def _progress(run: RenewalRun) -> dict[str, object]:
    counts = counts_of(run)
    total = sum(counts.values())
    rows = run.items.select_related("certificate", "successor")
    return {
        "run": run,
        "counts": counts,
        "total": total,
        "done": total - counts[ItemState.WAITING],
        "running": run.state == RunState.RUNNING,
        "mark": "-".join([run.state, *map(str, counts.values())]),
        "groups": [(state, rows.filter(state=state)[:SHOWN], counts[state]) for state in _ENDED],
        "waiting": rows.filter(state=ItemState.WAITING)[:SHOWN],
        "shown": SHOWN,
    }


def _choices(form: RunForm) -> RunChoices:
    """What a valid form says, and what the page begins with otherwise."""
    values = form.cleaned_data if form.is_valid() else {}
    return RunChoices(
        within_days=values.get("within_days", 30),
        new_key=values.get("key_choice", NEW_KEY) == NEW_KEY,
    )


def _choose(
    request: HttpRequest,
    authority: Authority,
    form: RunForm,
    *,
    late: RefusedError | None = None,
    status: int = 200,
) -> HttpResponse:
    choices = _choices(form)
    outlook = outlook_of(authority, choices, now=timezone.now())
    context = {
        "authority": authority,
        "form": form,
        "choices": choices,
        "late": late,
        "present": present_run(authority),
        "under": outlook.under,
        "possible": outlook.possible[:SHOWN],
        "count": outlook.possible.count(),
        "shown": SHOWN,
        "hindrances": [
            (each.reason, each.certificates[:SHOWN], each.certificates.count())
            for each in outlook.hindrances
            if each.certificates.exists()
        ],
        "runs": RenewalRun.objects.filter(authority=authority)[:10],
    }
    return render(request, "certs/renewal_run_new_page.html", context, status=status)
