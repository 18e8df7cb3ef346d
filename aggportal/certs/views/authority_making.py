"""Making an authority: lane, request spec, first profiles."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.authorities import AuthorityForm
from aggportal.certs.forms.authority_start import starting_request
from aggportal.certs.forms.config_editor import uploaded_text
from aggportal.certs.forms.request_editor import (
    RequestView,
    posted_request,
    request_view,
    with_entry_added,
    with_entry_removed,
    with_refusal,
)
from aggportal.certs.forms.sides import Side
from aggportal.certs.lane_words import LANE_WORDS
from aggportal.certs.models import Authority, Lane, Mode
from aggportal.certs.services.authorities import AuthorityChoices, create_authority
from aggportal.certs.services.authority_names import file_base_for, free_slug
from aggportal.certs.services.lanes import dangers_of_authority
from aggportal.pki.errors import InvalidFields, PkiError
from aggportal.pki.explaining import Explanation, explain, explain_problems, with_dangers
from aggportal.pki.issuing import plan_authority
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR)
def authority_new(request: HttpRequest) -> HttpResponse:
    """Show the empty page; follow, add and remove entries; make the authority on "create" alone."""
    if request.method == "GET":
        lane = request.GET.get("lane", "")
        form = AuthorityForm(initial={"lane": lane})
        return _page(request, form, _untouched(starting_request("", lane=lane)))
    form = AuthorityForm(request.POST, request.FILES)
    view, deed = _posted(request), request.POST.get("do", "")
    if deed == "create":
        return _create(request, form, view)
    if deed == "follow":
        return _page(request, form, view, template="certs/_request_follow.html")
    view = _edited(view, deed, lane=request.POST.get("lane", ""))
    return _page(request, form, view, status=422 if view.problems else 200)


def _posted(request: HttpRequest) -> RequestView:
    return posted_request(
        request.POST,
        for_authority=True,
        strict=request.POST.get("mode") != Mode.COMPAT,
        uploaded=uploaded_text(request.FILES.get("file")),
    )


def _create(request: HttpRequest, form: AuthorityForm, view: RequestView) -> HttpResponse:
    if not form.is_valid() or view.spec is None:
        return _page(request, form, view, status=422)
    values = form.cleaned_data
    choices = AuthorityChoices(
        label=values["label"],
        slug=free_slug(values["label"]),
        lane=Lane(values["lane"]),
        mode=Mode(values["mode"]),
        file_base=values["file_base"] or file_base_for(view.spec),
        signing_config=values["signing_config"],
        override_reason=values["override_reason"],
    )
    try:
        authority = create_authority(view.spec, choices, by=actor_of(request), now=timezone.now())
    except PkiError as refused:
        return _page(request, form, _refused(form, view, refused), status=422)
    return _made(request, authority)


def _refused(form: AuthorityForm, view: RequestView, refused: PkiError) -> RequestView:
    """Put what is refused beside the choice or the field of the request that it names."""
    rest = [problem for problem in refused.problems if problem.field not in form.fields]
    for problem in refused.problems:
        if problem.field in form.fields:
            form.add_error(problem.field, words(problem.sentence))
    return with_refusal(view, InvalidFields(rest)) if rest else view


def _made(request: HttpRequest, authority: Authority) -> HttpResponse:
    text = _("%(label)s is made. Its key is sealed and stays here; take the files from below.")
    messages.success(request, text % {"label": authority.label})
    return redirect("certs:authority_show", slug=authority.slug)


def _edited(view: RequestView, deed: str, *, lane: str) -> RequestView:
    """Do to the page what a button asks; a page that cannot be read stays as it was sent."""
    if deed.startswith("start-"):
        return _untouched(starting_request(deed.removeprefix("start-"), lane=lane))
    if view.edited is None:
        return view
    if deed == "add-name":
        return with_entry_added(view)
    if deed.startswith("remove-name-"):
        return with_entry_removed(view, deed.removeprefix("remove-name-"))
    return view


def _untouched(text: str) -> RequestView:
    """Show a document that nobody typed: what it lacks is no mistake yet."""
    view = request_view(text, for_authority=True)
    for form in (view.form, *view.names):
        form.errors.clear()
    return replace(view, problems=(), errors=())


def _page(
    request: HttpRequest,
    form: AuthorityForm,
    view: RequestView,
    *,
    status: int = 200,
    template: str = "certs/authority_new_page.html",
) -> HttpResponse:
    context = {
        "form": form,
        "view": view,
        "lanes": LANE_WORDS.values(),
        "fields_follow": view.edited is Side.JSON,
        "json_follows": view.edited is Side.FIELDS,
        "explanation": _explained(form, view),
    }
    return render(request, template, context, status=status)


def _explained(form: AuthorityForm, view: RequestView) -> Explanation:
    """Tell what would be made, or what hinders it."""
    if view.spec is None:
        return Explanation(warnings=explain_problems(*view.errors))
    now = timezone.now()
    try:
        plan = plan_authority(view.spec, now=now, compat=form["mode"].value() == Mode.COMPAT)
    except PkiError as refused:
        return Explanation(warnings=explain_problems(refused))
    let_pass = bool((form["override_reason"].value() or "").strip())
    explanation = explain(
        plan, spec=view.spec, profile=None, authority=None, now=now, let_pass=let_pass
    )
    lane = form["lane"].value()
    if lane not in Lane.values:
        return explanation
    dangers = dangers_of_authority(Lane(lane), plan.subject, now=now)
    return with_dangers(explanation, dangers, let_pass=let_pass)
