"""The profiles of an authority: its `ca-config.json` as fields and as JSON."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, require_role, role_required
from aggportal.certs.addresses import public_addresses
from aggportal.certs.forms.config_editor import (
    ConfigView,
    add_profiles,
    config_view,
    posted_view,
    remove_profile,
    uploaded_text,
    use_addresses,
)
from aggportal.certs.forms.starting_points import added_profiles, profile_choices
from aggportal.certs.lane_words import lane_cautions
from aggportal.certs.models import Authority
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.profiles import ConfigChanged, config_version, update_signing_config
from aggportal.web.actors import actor_of


@require_http_methods(["GET", "POST"])
@role_required(Role.VIEWER, on=of_authority)
@confirmation_required(deeds={"save"})
def profile_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the profiles to everybody; let administrators edit, and store on "save" alone."""
    authority = get_object_or_404(Authority, slug=slug)
    if request.method == "GET":
        return _page(request, authority, config_view(authority.signing_config))
    require_role(request.user, Role.ADMINISTRATOR, on=authority.scope)
    view = posted_view(request.POST, uploaded=uploaded_text(request.FILES.get("file")))
    deed = request.POST.get("do", "")
    if deed == "follow":
        return _follow(request, authority, view)
    if deed == "save" and view.config:
        return _save(request, authority, view)
    if deed.startswith("addresses"):
        view = _addressed(authority, view, index=deed.removeprefix("addresses-"))
    else:
        view = _edited(view, deed, preset=request.POST.get("preset", ""))
    return _page(request, authority, view, status=422 if view.problems else 200)


def _save(request: HttpRequest, authority: Authority, view: ConfigView) -> HttpResponse:
    try:
        changes = update_signing_config(
            authority,
            text=view.text,
            expected=request.POST.get("version", ""),
            by=actor_of(request),
        )
    except ConfigChanged as refused:
        authority.refresh_from_db()
        return _page(request, authority, view, changes=refused.changes, status=409)
    if changes:
        messages.success(
            request, _("The profiles are saved: %(changes)s") % {"changes": "; ".join(changes)}
        )
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("certs:authority_show", slug=authority.slug)


def _edited(view: ConfigView, deed: str, *, preset: str) -> ConfigView:
    """Do to the page what a button asks; a page that cannot be read stays as it was sent."""
    if view.edited is None:
        return view
    if deed == "add":
        return add_profiles(view, added_profiles(preset))
    if deed.startswith("remove-"):
        return remove_profile(view, deed.removeprefix("remove-"))
    return view


def _addressed(authority: Authority, view: ConfigView, *, index: str) -> ConfigView:
    """Fill one profile's addresses with those of this portal, where it knows its own."""
    addresses = public_addresses(authority)
    if view.edited is None or not addresses:
        return view
    return use_addresses(
        view,
        index,
        {
            "crl_url": addresses.crl,
            "ocsp_url": addresses.ocsp,
            "issuer_urls": [addresses.certificate],
        },
    )


def _page(
    request: HttpRequest,
    authority: Authority,
    view: ConfigView,
    *,
    changes: tuple[str, ...] = (),
    status: int = 200,
) -> HttpResponse:
    context = {
        "authority": authority,
        "view": view,
        "version": config_version(authority),
        "changes": changes,
        "presets": profile_choices(authority.lane),
        "cautions": lane_cautions(authority.lane, view.config),
        "addresses": public_addresses(authority),
    }
    return render(request, "certs/profile_page.html", context, status=status)


def _follow(request: HttpRequest, authority: Authority, view: ConfigView) -> HttpResponse:
    """Answer an edit with the other side: the fields when the JSON was edited, else the JSON."""
    cautions = lane_cautions(authority.lane, view.config)
    context = {"authority": authority, "view": view, "cautions": cautions, "followed": True}
    context["addresses"] = public_addresses(authority)
    return render(request, "certs/_profile_follow.html", context)
