"""A signature that comes after its request was ended as abandoned is not released."""

from __future__ import annotations

import pytest
from django.utils import timezone

from aggportal.certs.models import Certificate, SigningRequest, State
from aggportal.certs.services import issuing, signing
from aggportal.certs.services.abandoned import AFTER, end_abandoned_requests
from aggportal.certs.services.intents import CutOff
from tests.certs.makers import make_authority, make_certificate

pytestmark = pytest.mark.django_db


def test_a_signature_that_came_too_late_is_not_released(monkeypatch: pytest.MonkeyPatch) -> None:
    authority, sign = make_authority(), signing.sign_plan

    def slowly(*given: object, **named: object) -> object:
        assert end_abandoned_requests(now=timezone.now() + 2 * AFTER) == 1
        return sign(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(issuing, "sign_plan", slowly)
    with pytest.raises(CutOff, match="ended as abandoned"):
        make_certificate(authority)
    assert SigningRequest.objects.get().state == State.FAILED
    assert not Certificate.objects.exists()
