"""Issuing a certificate: the page, and the panel that follows as one types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from aggportal.accounts.roles import Role, has_role, role_required
from aggportal.certs.forms.as_cfssl import spec_as_cfssl
from aggportal.certs.forms.config_editor import uploaded_text
from aggportal.certs.forms.issuing import IssueForm, ServiceForm
from aggportal.certs.forms.request_editor import (
    RequestView,
    dumped,
    is_of_spec,
    posted_request,
    request_view,
    with_entry_added,
    with_entry_removed,
    with_hosts_added,
    with_refusal,
)
from aggportal.certs.forms.sides import Side
from aggportal.certs.models import Authority, Certificate, Mode, SigningRequest
from aggportal.certs.scoping import authorities_held
from aggportal.certs.services.explaining import explain_issue
from aggportal.certs.services.file_names import base_name_of
from aggportal.certs.services.holding import ask_certificate
from aggportal.certs.services.issuing import IssueChoices
from aggportal.certs.services.silences import silences_of_certificate
from aggportal.pki.cfssl_behaviours import Silence
from aggportal.pki.errors import InvalidFields, OutlivesIssuer, PkiError
from aggportal.pki.explaining import Explanation
from aggportal.pki.presets import DEFAULT_REQUEST
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.sentences import words

# The choice beside which a refusal stands, where it is another than the field that it names.
_MENDED_BY = {OutlivesIssuer.code: "end_with_authority"}


FormMaker = Callable[[HttpRequest, Mapping[str, str]], IssueForm]


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuePage:
    """Everything that the issue page shows. While it is `untouched`, nothing is held against it."""

    form: IssueForm
    service: ServiceForm
    view: RequestView
    untouched: bool = False


@require_http_methods(["GET", "POST"])
@role_required(Role.ISSUER)
@costly
def certificate_new(request: HttpRequest) -> HttpResponse:
    """Describe a certificate and issue it."""
    if request.method == "GET":
        return _render(request, _fresh_page(request))
    page = posted_page(request, _issue_form)
    if request.POST.get("do") != "issue":
        return _render(request, page)
    valid = page.form.is_valid()
    if valid and page.view.spec is not None:
        try:
            return _issued(request, _issue(request, page))
        except PkiError as refused:
            page = refused_page(page, refused)
    return _render(request, page, status=422)


@require_POST
@role_required(Role.ISSUER)
def certificate_preview(request: HttpRequest) -> HttpResponse:
    """Answer what changed elsewhere on the page while one side of it is edited."""
    page = posted_page(request, _issue_form)
    context = context_of(page) | following(request, page)
    return render(request, "certs/_request_follow.html", context)


def _fresh_page(request: HttpRequest) -> IssuePage:
    """Start from the address: ?authority=&profile=&cn=&hosts=&start=print-defaults."""
    asked = request.GET
    document: dict[str, object] = {"CN": asked.get("cn", "")[:200]}
    document["hosts"] = [host for host in asked.get("hosts", "").split(",")[:100] if host]
    document["key"] = {"algo": "ecdsa", "size": 256}
    if asked.get("start") == "print-defaults":
        document = dict(DEFAULT_REQUEST)
    form = IssueForm(
        initial={"authority": asked.get("authority", ""), "profile": asked.get("profile", "")},
        among=authorities_held(request.user, Role.ISSUER),
        may_administer=has_role(request.user, Role.ADMINISTRATOR),
    )
    form.fields["profile"].initial = form.chosen_profile
    view = request_view(dumped(document), for_authority=False)
    for name in ("CN", "hosts"):
        view.form.errors.pop(name, None)
    untouched = not any(asked.get(name) for name in ("cn", "hosts", "start"))
    return IssuePage(form=form, service=ServiceForm(), view=view, untouched=untouched)


def _issue_form(request: HttpRequest, data: Mapping[str, str]) -> IssueForm:
    return IssueForm(
        data,
        among=authorities_held(request.user, Role.ISSUER),
        may_administer=has_role(request.user, Role.ADMINISTRATOR),
    )


def following(request: HttpRequest, page: IssuePage) -> dict[str, object]:
    """Return what of the page must follow what was edited."""
    return {
        "fields_follow": page.view.edited is Side.JSON,
        "json_follows": page.view.edited is Side.FIELDS,
        "profiles_follow": request.POST.get("shown_authority", "") != _slug(page.form.chosen),
    }


def posted_page(request: HttpRequest, form_of: FormMaker) -> IssuePage:
    """Read the page that came back, and do to it what a button asks."""
    post = request.POST
    form = form_of(request, post)
    if post.get("do") != "issue" and post.get("shown_authority", "") != _slug(form.chosen):
        # The profile was chosen among those of another authority: no mistake of the person.
        fitting = post.copy()
        fitting["profile"] = form.chosen_profile
        form = form_of(request, fitting)
    compat = bool(post.get("compat")) or (
        form.chosen is not None and form.chosen.mode == Mode.COMPAT
    )
    uploaded = uploaded_text(request.FILES.get("file"))
    view = posted_request(post, for_authority=False, strict=not compat, uploaded=uploaded)
    service = ServiceForm(post) if post.get("do") == "service" else ServiceForm(initial=post.dict())
    return IssuePage(form=form, service=service, view=_edited(view, post.get("do", ""), service))


def _edited(view: RequestView, do: str, service: ServiceForm) -> RequestView:
    if view.edited is None:
        return view
    if do == "add-name":
        return with_entry_added(view)
    if do.startswith("remove-name-"):
        return with_entry_removed(view, do.removeprefix("remove-name-"))
    if do == "service" and service.is_valid():
        return with_hosts_added(view, service.hosts())
    return view


def choices_of(page: IssuePage) -> IssueChoices:
    """Read the choices; an empty file name follows from the CN."""
    typed = page.form.data or page.form.initial
    common_name = page.view.spec.common_name if page.view.spec else ""
    return IssueChoices(
        profile=page.form.chosen_profile,
        file_base=typed.get("file_base") or base_name_of(common_name),
        compat=bool(typed.get("compat")),
        end_with_authority=bool(typed.get("end_with_authority")),
        exportable=not typed.get("key_stays"),
        override_reason=page.form.reason_to_pass,
        power_reason=page.form.power_reason,
        keeping=page.form.keeping,
    )


def _issue(request: HttpRequest, page: IssuePage) -> Certificate | SigningRequest:
    authority, spec = page.form.chosen, page.view.spec
    assert authority is not None  # noqa: S101  # the form is valid, so it is the one that was sent
    assert spec is not None  # noqa: S101  # certificate_new looked
    return ask_certificate(
        authority, spec, choices_of(page), by=actor_of(request), now=timezone.now()
    )


def _issued(request: HttpRequest, certificate: Certificate | SigningRequest) -> HttpResponse:
    if isinstance(certificate, SigningRequest):
        return held(request, certificate)
    messages.success(
        request, _("%(name)s is issued. Take its files from here.") % {"name": certificate}
    )
    return redirect(certificate)


def held(request: HttpRequest, waiting: SigningRequest) -> HttpResponse:
    """Lead to the request that waits for another person."""
    messages.success(
        request, _("It is frozen and waits: another person must approve it. Nothing is signed yet.")
    )
    return redirect(waiting)


def refused_page(page: IssuePage, refused: PkiError) -> IssuePage:
    """Put what the core refuses beside the choice or the field that it names."""
    rest = []
    for problem in refused.problems:
        choice = _MENDED_BY.get(problem.code, problem.field)
        if is_of_spec(choice):
            rest.append(problem)
        else:
            choice = choice if choice in page.form.fields else "profile"
            page.form.add_error(choice, words(problem.sentence))
    return replace(page, view=with_refusal(page.view, InvalidFields(rest))) if rest else page


def _explained(page: IssuePage) -> Explanation:
    if page.form.chosen is None or page.untouched:
        return Explanation()
    return explain_issue(
        page.form.chosen,
        page.view.nearest_spec,
        choices_of(page),
        refused=page.view.errors,
        now=timezone.now(),
    )


def _silences(page: IssuePage) -> tuple[Silence, ...]:
    spec = spec_as_cfssl(page.view)
    if page.form.chosen is None or spec is None:
        return ()
    return silences_of_certificate(
        page.form.chosen,
        spec,
        profile=page.form["profile"].value() or page.form.chosen_profile,
        compat=choices_of(page).compat,
        now=timezone.now(),
    )


def _slug(authority: Authority | None) -> str:
    return authority.slug if authority else ""


def context_of(page: IssuePage) -> dict[str, object]:
    """Return what the page shows."""
    return {
        "form": page.form,
        "service": page.service,
        "view": page.view,
        "explanation": _explained(page),
        "silences": _silences(page),
        "authority": page.form.chosen,
        "has_authorities": page.form.chosen is not None,
    }


def _render(request: HttpRequest, page: IssuePage, *, status: int = 200) -> HttpResponse:
    return render(request, "certs/certificate_new_page.html", context_of(page), status=status)
