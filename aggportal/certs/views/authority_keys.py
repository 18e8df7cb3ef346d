"""The page on which an administrator takes an intermediate's key to cert-manager."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.authority_keys import TakeIssuerForm
from aggportal.certs.models import Authority
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.authority_documents import object_name
from aggportal.certs.services.authority_keys import (
    require_leaving_key,
    take_issuer,
    times_taken,
)
from aggportal.certs.views.files import download
from aggportal.pki.errors import InvalidField, PkiError
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=of_authority)
@confirmation_required(hands_out=True)
def authority_key(request: HttpRequest, slug: str) -> HttpResponse:
    """Show whether and why its key may leave; by POST send Secret and Issuer, recorded."""
    authority = get_object_or_404(Authority, slug=slug)
    if request.method != "POST":
        form = TakeIssuerForm(authority=authority, initial={"name": object_name(authority)})
        return _page(request, form)
    require_leaving_key(authority)
    form = TakeIssuerForm(request.POST, authority=authority)
    if form.is_valid():
        chosen = {name: form.cleaned_data[name] for name in ("name", "namespace", "reason")}
        try:
            file = take_issuer(authority, **chosen, by=actor_of(request), now=timezone.now())
            return download(file.body, name=file.name, kind="application/yaml")
        except InvalidField as refused:
            form.add_error(refused.field, words(refused.sentence))
    return _page(request, form, status=422)


def _page(request: HttpRequest, form: TakeIssuerForm, *, status: int = 200) -> HttpResponse:
    context = {
        "authority": form.authority,
        "form": form,
        "stays": _why_it_stays(form.authority),
        "taken": times_taken(form.authority),
    }
    return render(request, "certs/authority_key_page.html", context, status=status)


def _why_it_stays(authority: Authority) -> PkiError | None:
    try:
        require_leaving_key(authority)
    except PkiError as refused:
        return refused
    return None
