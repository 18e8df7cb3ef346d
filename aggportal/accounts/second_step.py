"""The second step of signing in, for who has a second factor."""

from __future__ import annotations

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpResponse
from django.shortcuts import redirect


class SecondStep(AuthenticateStage):
    """allauth's stage, on our page. A passkey alone is two factors and needs none."""

    urlname = "accounts:login_second"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Lead to the second step where one is due; (None, True) goes on without."""
        if not self._should_handle(self.request):
            return None, True
        self.state["authentication_required"] = True
        return redirect(self.urlname), True
