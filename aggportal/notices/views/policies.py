"""How early to warn, authority by authority."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from aggportal.accounts.roles import PORTAL, Role, role_required
from aggportal.certs.models import Authority
from aggportal.certs.scoping import of_authority
from aggportal.notices.forms.policies import PolicyForm
from aggportal.notices.models import Channel
from aggportal.notices.services.policies import PolicyChoices, change_policy, policies_of_all
from aggportal.notices.services.rules import policy_of
from aggportal.web.actors import actor_of


@require_GET
@role_required(Role.VIEWER)
def policy_list(request: HttpRequest) -> HttpResponse:
    """List the policy of every authority, and that of certificates of none."""
    context = {"policies": policies_of_all(), "channels": Channel.objects.count()}
    return render(request, "notices/policy_list_page.html", context)


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=of_authority)
def policy_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change the policy of one authority."""
    return _edit(request, get_object_or_404(Authority, slug=slug))


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
def policy_edit_others(request: HttpRequest) -> HttpResponse:
    """Change the policy of certificates of no authority of ours."""
    return _edit(request, None)


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _edit(request: HttpRequest, authority: Authority | None) -> HttpResponse:
    policy = policy_of(authority)
    form = PolicyForm(_sent(request), policy=policy)
    if form.is_valid():
        chosen = form.cleaned_data
        choices = PolicyChoices(
            enabled=chosen["enabled"],
            days=chosen["days"],
            authority_days=chosen.get("authority_days"),
            lists=chosen.get("lists", True),
            channels=None if chosen["all_channels"] else tuple(chosen["channels"]),
        )
        change_policy(authority, choices, by=actor_of(request), now=timezone.now())
        messages.success(request, _("It is warned like this from now on."))
        return redirect("notices:policy_list")
    status = 422 if form.errors else 200
    context = {"form": form, "authority": authority}
    return render(request, "notices/policy_page.html", context, status=status)
