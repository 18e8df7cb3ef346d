"""The page on which an administrator unseals the portal."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.vault.forms import UnsealForm
from aggportal.vault.handing import is_under_passphrase
from aggportal.vault.passphrases import WrongPassphrase
from aggportal.vault.rotating import counts
from aggportal.vault.state import whole_vault_state
from aggportal.vault.unsealing import seal_portal, unseal_portal
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR)
@sensitive_post_parameters("passphrase")
@sensitive_variables("form")
def unseal(request: HttpRequest) -> HttpResponseBase:
    """Show whether the portal can sign, and why not; by POST unseal it, or seal it again."""
    if request.method != "POST":
        return _page(request, UnsealForm())
    if request.POST.get("do") == "seal":
        return _sealed(request)
    form = UnsealForm(request.POST)
    if form.is_valid():
        try:
            told = unseal_portal(
                form.cleaned_data["passphrase"], by=actor_of(request), now=timezone.now()
            )
        except WrongPassphrase as refused:
            form.add_error("passphrase", words(refused.sentence))
        else:
            text = _("The portal is unsealed. A rotation's other keys need another passphrase.")
            done = _("The portal is unsealed: it signs again.")
            messages.success(request, text if told.still_sealed else done)
            return redirect("vault:unseal")
    return _page(request, form, status=422)


@confirmation_required
def _sealed(request: HttpRequest) -> HttpResponse:
    seal_portal(by=actor_of(request), now=timezone.now())
    messages.success(request, _("The portal is sealed: nothing is signed or opened any more."))
    return redirect("vault:unseal")


def _page(request: HttpRequest, form: UnsealForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "vault_state": whole_vault_state(),
        "is_under_passphrase": is_under_passphrase(),
        "kek_ids": _sums(),
    }
    return render(request, "vault/unseal_page.html", context, status=status)


def _sums() -> list[tuple[str, int]]:
    """Count the stored secrets by the name of their key."""
    found: dict[str, int] = {}
    for table in counts().values():
        for kek_id, number in table.items():
            found[kek_id] = found.get(kek_id, 0) + number
    return sorted(found.items())
