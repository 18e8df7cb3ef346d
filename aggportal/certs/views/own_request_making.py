"""Making a key and a CSR, to be signed elsewhere."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.config_editor import uploaded_text
from aggportal.certs.forms.own_requests import OwnRequestForm
from aggportal.certs.forms.request_editor import (
    RequestView,
    dumped,
    posted_request,
    request_view,
    with_entry_added,
    with_entry_removed,
    with_refusal,
)
from aggportal.certs.forms.sides import Side
from aggportal.certs.models import OwnRequest
from aggportal.certs.services.file_names import base_name_of
from aggportal.certs.services.own_requests import OwnChoices, create_own_request
from aggportal.pki.asking import explain_asking
from aggportal.pki.errors import PkiError
from aggportal.pki.explaining import Explanation, explain_problems
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly


@require_http_methods(["GET", "POST"])
@role_required(Role.REQUESTER)
@costly
def own_request_new(request: HttpRequest) -> HttpResponse:
    """Show the empty page; follow, add and remove entries; make key and CSR on "make" alone."""
    if request.method == "GET":
        return _page(request, OwnRequestForm(), _fresh())
    form = OwnRequestForm(request.POST)
    uploaded = uploaded_text(request.FILES.get("file"))
    view = posted_request(request.POST, for_authority=False, uploaded=uploaded)
    deed = request.POST.get("do", "")
    if deed == "make":
        return _make(request, form, view)
    if deed == "follow":
        return _page(request, form, view, template="certs/_request_follow.html")
    view = _edited(view, deed)
    return _page(request, form, view, status=422 if view.problems else 200)


def _fresh() -> RequestView:
    """Show a document that nobody typed: what it lacks is no mistake yet."""
    view = request_view(
        dumped({"CN": "", "hosts": [], "key": {"algo": "ecdsa", "size": 256}}), for_authority=False
    )
    for form in (view.form, *view.names):
        form.errors.clear()
    return replace(view, problems=(), errors=())


def _edited(view: RequestView, deed: str) -> RequestView:
    if view.edited is None:
        return view
    if deed == "add-name":
        return with_entry_added(view)
    if deed.startswith("remove-name-"):
        return with_entry_removed(view, deed.removeprefix("remove-name-"))
    return view


def _make(request: HttpRequest, form: OwnRequestForm, view: RequestView) -> HttpResponse:
    if not form.is_valid() or view.spec is None:
        return _page(request, form, view, status=422)
    values = form.cleaned_data
    choices = OwnChoices(
        file_base=values["file_base"] or base_name_of(view.spec.common_name),
        exportable=not values["key_stays"],
    )
    try:
        own = create_own_request(view.spec, choices, by=actor_of(request), now=timezone.now())
    except PkiError as refused:
        return _page(request, form, with_refusal(view, refused), status=422)
    return _made(request, own)


def _made(request: HttpRequest, own: OwnRequest) -> HttpResponse:
    text = _("Key and request are made. Send the request to whoever signs, and bring the answer.")
    messages.success(request, text)
    return redirect(own)


def _page(
    request: HttpRequest,
    form: OwnRequestForm,
    view: RequestView,
    *,
    status: int = 200,
    template: str = "certs/own_request_new_page.html",
) -> HttpResponse:
    context = {
        "form": form,
        "view": view,
        "fields_follow": view.edited is Side.JSON,
        "json_follows": view.edited is Side.FIELDS,
        "explanation": _explained(view),
    }
    return render(request, template, context, status=status)


def _explained(view: RequestView) -> Explanation:
    spec = view.nearest_spec
    refused = explain_problems(*view.errors)
    if spec is None:
        return Explanation(warnings=refused)
    explanation = explain_asking(spec)
    return replace(explanation, warnings=(*refused, *explanation.warnings))
