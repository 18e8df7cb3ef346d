"""Authorities and certificates as rows; anything about them can be wrong on purpose."""

from __future__ import annotations

import datetime as dt
from itertools import count

from django.utils import timezone

from aggportal.certs.models import (
    Authority,
    Certificate,
    CertificateMaterial,
    Lane,
    SealedKey,
    SigningRequest,
    State,
)
from tests.pki.certificates_made import CLIENT, SIGNING, Made, make

_SERIALS = count(1)
DAY = dt.timedelta(days=1)


def made_authority(cn: str = "front-proxy-ca", **changes) -> Made:
    now = timezone.now()
    return make(cn, is_ca=True, **{"since": now - DAY, "until": now + 100 * DAY, **changes})


def made_client(by: Made, cn: str = "aggregator", **changes) -> Made:
    now = timezone.now()
    usual = {"usages": SIGNING, "extended": (CLIENT,), "since": now - DAY, "until": now + 10 * DAY}
    return make(cn, by=by, **{**usual, **changes})


def store_authority(
    made: Made, *, slug: str = "front-proxy", lane: Lane = Lane.FRONT_PROXY
) -> Authority:
    facts = made.facts
    key = SealedKey(purpose="authority-key", binding=facts.spki_sha256)
    key.seal(b"not used by these tests")
    key.save()
    return Authority.objects.create(
        slug=slug,
        label=slug,
        lane=lane,
        file_base="aggregator-ca",
        subject=facts.subject,
        common_name=facts.common_name,
        serial=facts.serial,
        key_text=facts.key,
        spki_sha256=facts.spki_sha256,
        fingerprint_sha256=facts.sha256,
        not_before=facts.not_before,
        not_after=facts.not_after,
        certificate_pem=facts.pem,
        created_at=timezone.now(),
        key=key,
    )


def store_certificate(
    made: Made, authority: Authority, *, file_base: str = "aggregator"
) -> Certificate:
    facts, serial = made.facts, f"{next(_SERIALS):040x}"
    request = SigningRequest.objects.create(
        authority=authority,
        profile="front-proxy-client",
        state=State.ISSUED,
        serial=serial,
        subject=facts.subject,
        requested_at=timezone.now(),
    )
    certificate = Certificate.objects.create(
        authority=authority,
        request=request,
        serial=serial,
        common_name=facts.common_name,
        subject=facts.subject,
        profile="front-proxy-client",
        key_text=facts.key,
        file_base=file_base,
        not_before=facts.not_before,
        not_after=facts.not_after,
        issued_at=timezone.now(),
        fingerprint_sha256=facts.sha256,
        spki_sha256=facts.spki_sha256,
    )
    CertificateMaterial.objects.create(certificate=certificate, pem=facts.pem)
    return certificate
