"""Making an authority with a new key in the place of another."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import PORTAL, Role, role_required
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
from aggportal.certs.forms.succeeding import SuccessorForm, label_to_begin_with, numbered
from aggportal.certs.models import Authority, Lane, Mode
from aggportal.certs.services.authority_names import free_slug
from aggportal.certs.services.authority_renewing import SignedElsewhere
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.explaining_successors import explain_successor
from aggportal.certs.services.succeeding import (
    AlreadySucceeded,
    create_successor,
    require_successible,
    spec_of_successor,
    successor_of,
)
from aggportal.pki.errors import InvalidFields, PkiError
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.sentences import words
from aggportal.words import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class SuccessorPage:
    """What the page shows; `late` is why there is nothing to make any more."""

    form: SuccessorForm
    view: RequestView
    late: RefusedError | None = None


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@costly
@confirmation_required(deeds={"create"})
def authority_succeed(request: HttpRequest, slug: str) -> HttpResponse:
    """Describe the successor and make it."""
    authority = _authority(slug)
    if request.method == "GET":
        form = SuccessorForm(
            initial={
                "label": label_to_begin_with(authority),
                "override_reason": authority.override_reason,
            }
        )
        view = request_view(
            spec_of_successor(authority), for_authority=True, strict=_is_strict(authority)
        )
        return _page(request, authority, SuccessorPage(form=form, view=view))
    page = SuccessorPage(form=SuccessorForm(request.POST), view=_posted(request, authority))
    deed = request.POST.get("do", "")
    if deed == "follow":
        return _page(request, authority, page, template="certs/_request_follow.html")
    if deed != "create":
        return _page(request, authority, replace(page, view=_edited(page.view, deed)))
    return _create(request, authority, page)


def _authority(slug: str) -> Authority:
    return get_object_or_404(Authority.objects.select_related("key", "parent__key"), slug=slug)


def _is_strict(authority: Authority) -> bool:
    return authority.mode != Mode.COMPAT


def _posted(request: HttpRequest, authority: Authority) -> RequestView:
    return posted_request(
        request.POST,
        for_authority=True,
        strict=_is_strict(authority),
        uploaded=uploaded_text(request.FILES.get("file")),
    )


def _edited(view: RequestView, deed: str) -> RequestView:
    if view.edited is None:
        return view
    if deed == "add-name":
        return with_entry_added(view)
    if deed.startswith("remove-name-"):
        return with_entry_removed(view, deed.removeprefix("remove-name-"))
    return view


def _create(request: HttpRequest, authority: Authority, page: SuccessorPage) -> HttpResponse:
    spec = page.view.spec
    if not page.form.is_valid() or spec is None:
        return _page(request, authority, page, status=422)
    choices, by = _choices(authority, page.form), actor_of(request)
    try:
        made = create_successor(authority, spec, choices, by=by, now=timezone.now())
    except (AlreadySucceeded, SignedElsewhere) as late:
        return _page(request, authority, replace(page, late=late), status=409)
    except PkiError as refused:
        view = _refused(page.form, page.view, refused)
        return _page(request, authority, replace(page, view=view), status=422)
    told = _("%(label)s is made. Publish both certificates before anything else.")
    messages.success(request, told % {"label": made.label})
    return redirect("certs:authority_overlap", slug=authority.slug)


def _choices(authority: Authority, form: SuccessorForm) -> AuthorityChoices:
    """Everything that is not asked is as it was."""
    values = form.cleaned_data
    return AuthorityChoices(
        label=values["label"],
        slug=free_slug(values["label"]),
        lane=Lane(authority.lane),
        mode=Mode(authority.mode),
        file_base=values["file_base"] or numbered(authority.file_base),
        signing_config=authority.signing_config,
        override_reason=values["override_reason"],
        key_home=authority.key.home,
    )


def _refused(form: SuccessorForm, view: RequestView, refused: PkiError) -> RequestView:
    rest = [problem for problem in refused.problems if problem.field not in form.fields]
    for problem in refused.problems:
        if problem.field in form.fields:
            form.add_error(problem.field, words(problem.sentence))
    return with_refusal(view, InvalidFields(rest)) if rest else view


def _let_pass(form: SuccessorForm) -> bool:
    return bool((form["override_reason"].value() or "").strip())


def _hindrance(authority: Authority) -> RefusedError | None:
    try:
        require_successible(authority)
    except (AlreadySucceeded, SignedElsewhere) as refused:
        return refused
    return None


def _page(
    request: HttpRequest,
    authority: Authority,
    page: SuccessorPage,
    *,
    status: int = 200,
    template: str = "certs/authority_succeed_page.html",
) -> HttpResponse:
    view, now = page.view, timezone.now()
    context = {
        "authority": authority,
        "successor": successor_of(authority),
        "form": page.form,
        "view": view,
        "hindrance": page.late or _hindrance(authority),
        "fields_follow": view.edited is Side.JSON,
        "json_follows": view.edited is Side.FIELDS,
        "explanation": explain_successor(
            authority, view.spec, view.errors, let_pass=_let_pass(page.form), now=now
        ),
    }
    return render(request, template, context, status=status)
