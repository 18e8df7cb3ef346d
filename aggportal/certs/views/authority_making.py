"""Making an authority: lane, request spec, first profiles."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import PORTAL, Role, role_required
from aggportal.certs.forms.authorities import OURS, AuthorityForm
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
from aggportal.certs.models import KeyHome, Lane, Mode
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_names import file_base_for, free_slug
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.intermediates import create_intermediate
from aggportal.certs.services.own_requests import create_authority_request
from aggportal.certs.views.authority_explaining import explain_making, silences_of_making
from aggportal.pki.errors import InvalidFields, PkiError
from aggportal.pki.specs import RequestSpec
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.sentences import words


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@costly
@confirmation_required(deeds={"create"})
def authority_new(request: HttpRequest) -> HttpResponse:
    """Show the empty page; follow, add and remove entries; make the authority on "create" alone."""
    if request.method == "GET":
        return _fresh(request)
    form = AuthorityForm(request.POST, request.FILES)
    view, deed = _posted(request), request.POST.get("do", "")
    if deed == "create":
        return _create(request, form, view)
    if deed == "follow":
        return _page(request, form, view, template="certs/_request_follow.html")
    if deed.startswith("start-"):
        lane = request.POST.get("lane", "")
        view = _untouched(_start(form, deed.removeprefix("start-"), lane=lane))
        return _page(request, form, view)
    view = _edited(view, deed)
    return _page(request, form, view, status=422 if view.problems else 200)


def _fresh(request: HttpRequest) -> HttpResponse:
    """Start from the address: ?lane=&below=, the short name of the authority that is to sign."""
    lane, signer = request.GET.get("lane", ""), request.GET.get("below", "")
    form = AuthorityForm(initial={"lane": lane, "signed_by": f"{OURS}{signer}" if signer else ""})
    return _page(request, form, _untouched(_start(form, "", lane=lane)))


def _start(form: AuthorityForm, start: str, *, lane: str) -> str:
    parent = form.parent
    left = parent.not_after - timezone.now() if parent else None
    return starting_request(start, lane=lane, parent_ends_in=left)


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
        key_may_leave=values["key_may_leave"],
        key_home=KeyHome(values["key_home"]),
    )
    try:
        return _made(request, form, view.spec, choices)
    except PkiError as refused:
        return _page(request, form, _refused(form, view, refused), status=422)


def _refused(form: AuthorityForm, view: RequestView, refused: PkiError) -> RequestView:
    """Put what is refused beside the choice or the field of the request that it names."""
    rest = [problem for problem in refused.problems if problem.field not in form.fields]
    for problem in refused.problems:
        if problem.field in form.fields:
            form.add_error(problem.field, words(problem.sentence))
    return with_refusal(view, InvalidFields(rest)) if rest else view


def _made(
    request: HttpRequest, form: AuthorityForm, spec: RequestSpec, choices: AuthorityChoices
) -> HttpResponse:
    """Make it as was chosen: signed by itself, by one of ours, or asked of an outside CA."""
    by, now, parent = actor_of(request), timezone.now(), form.parent
    if form.is_outside:
        own = create_authority_request(spec, choices, by=by, now=now)
        text = _("Key and request are made. Send the request to the CA, and bring the answer.")
        messages.success(request, text)
        return redirect(own)
    if parent is not None:
        made = create_intermediate(spec, choices, parent=parent, by=by, now=now)
    else:
        made = create_authority(spec, choices, by=by, now=now)
    text = _("%(label)s is made. Its key is sealed and stays here; take the files from below.")
    messages.success(request, text % {"label": made.label})
    return redirect(made)


def _edited(view: RequestView, deed: str) -> RequestView:
    """Do to the page what a button asks; a page that cannot be read stays as it was sent."""
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
        "explanation": explain_making(form, view),
        "silences": silences_of_making(form, view),
    }
    return render(request, template, context, status=status)
