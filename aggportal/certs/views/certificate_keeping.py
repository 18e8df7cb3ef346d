"""Owner, tags and notes of one certificate."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.keeping import KeepingForm
from aggportal.certs.models import Certificate
from aggportal.certs.scoping import of_certificate
from aggportal.certs.services.keeping import keep_certificate
from aggportal.certs.views.certificates import certificate_context
from aggportal.web.actors import actor_of


@require_POST
@role_required(Role.ISSUER, on=of_certificate)
def certificate_keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Put down owner, tags and notes; 409 where somebody else did meanwhile."""
    certificate = get_object_or_404(
        Certificate.objects.select_related("authority", "material", "request"), pk=pk
    )
    form = KeepingForm(request.POST)
    if not form.is_valid():
        context = certificate_context(certificate) | {"keeping_form": form}
        return render(request, "certs/certificate_page.html", context, status=422)
    said, seen = form.said, form.cleaned_data["seen"]
    if keep_certificate(certificate, said, seen=seen, by=actor_of(request), now=timezone.now()):
        messages.success(request, _("Owner, tags and notes are saved."))
    return redirect(certificate)
