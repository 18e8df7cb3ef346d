"""Lanes do not mix: every door refuses, an administrator's reason lets pass and can be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Lane, Mode, SigningRequest, State
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.certs.services.keys import seal_key
from aggportal.certs.services.lanes import neighbours, require_authority_lane
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.errors import InvalidField, LaneMixed, PkiError
from aggportal.pki.keys import KeySpec, generate_key
from aggportal.pki.names import build_subject
from aggportal.pki.requests import load_request_spec
from tests.certs.makers import ANA, P256, make_authority, make_certificate, preset_config
from tests.certs.pages_used import PREVIEW, page_of, send, typed
from tests.certs.requests_made import decided, hand_in, set_in_profile
from tests.certs.requests_made import send as decide

pytestmark = pytest.mark.django_db
REASON = "one server for both until May"


def issue(authority: Authority, cn: str = "x", *, profile: str, reason: str = "") -> Certificate:
    spec = load_request_spec({"CN": cn, "hosts": ["a.b.svc"], "key": P256})
    choices = IssueChoices(
        profile=profile, file_base="x", override_reason=reason, end_with_authority=True
    )
    return issue_certificate(authority, spec, choices, by=ANA, now=timezone.now())


@pytest.mark.parametrize(
    ("lane", "profile"),
    [
        (Lane.FRONT_PROXY, "extension-serving"),
        (Lane.FRONT_PROXY, "aggregator"),
        (Lane.SERVING, "front-proxy-client"),
        (Lane.SERVING, "aggregator"),
        (Lane.CLIENT, "extension-serving"),
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_a_profile_of_another_lane_is_refused_and_passes_with_a_reason(lane, profile, mode):
    authority = make_authority(lane=lane, mode=mode)
    with pytest.raises(LaneMixed):
        issue(authority, profile=profile)
    assert not SigningRequest.objects.exists()
    with pytest.raises(InvalidField, match="at least 10 characters"):
        issue(authority, profile=profile, reason="just so")
    made = issue(authority, profile=profile, reason=REASON)
    asked = SigningRequest.objects.get()
    assert (made.override_reason, asked.override_reason) == (REASON, REASON)
    done = Entry.objects.get(action="certificate.issued", outcome=Outcome.DONE)
    assert (done.detail["override_reason"], len(done.detail["dangers"])) == (REASON, 1)


def test_a_reason_without_a_danger_is_not_kept() -> None:
    made = issue(make_authority(), profile="aggregator", reason=REASON)
    assert made.override_reason == ""
    assert "override_reason" not in Entry.objects.latest("pk").detail


def test_the_name_of_the_front_proxy_is_refused_in_another_lane() -> None:
    proxy = make_authority("proxy", lane=Lane.FRONT_PROXY)
    users = make_authority("users", lane=Lane.CLIENT)
    issue(users, "aggregator", profile="front-proxy-client")
    make_certificate(proxy, "proxy-client")
    with pytest.raises(LaneMixed, match="proxy-client"):
        issue(users, "proxy-client", profile="front-proxy-client")
    Authority.objects.filter(pk=proxy.pk).update(allowed_names="aggregator")
    with pytest.raises(LaneMixed, match="acts"):
        issue(users, "aggregator", profile="front-proxy-client")
    issue(users, "proxy-client", profile="front-proxy-client")


def choices_for(slug: str, lane: Lane, **rest) -> AuthorityChoices:
    return AuthorityChoices(
        label=slug,
        slug=slug,
        lane=lane,
        mode=Mode.STRICT,
        file_base=slug,
        signing_config=preset_config("front-proxy-client"),
        **rest,
    )


def test_an_authority_with_the_name_of_one_in_another_lane_is_refused() -> None:
    make_authority("users", lane=Lane.CLIENT)
    spec = load_request_spec({"CN": "users", "key": P256})
    with pytest.raises(LaneMixed, match="very same subject"):
        create_authority(spec, choices_for("b", Lane.FRONT_PROXY), by=ANA, now=timezone.now())
    create_authority(spec, choices_for("c", Lane.CLIENT), by=ANA, now=timezone.now())
    choices = choices_for("d", Lane.FRONT_PROXY, override_reason=REASON)
    made = create_authority(spec, choices, by=ANA, now=timezone.now())
    assert made.override_reason == REASON
    assert Entry.objects.latest("pk").detail["dangers"] == ["subject-in-other-lane"] * 2


def test_an_authority_with_the_key_of_one_in_another_lane_is_refused() -> None:
    users, now = make_authority("users", lane=Lane.CLIENT), timezone.now()
    (known,) = neighbours(now=now)
    subject = load_request_spec({"CN": "other"})
    given: dict[str, Any] = {"spki_sha256": users.spki_sha256, "now": now}
    assert known.spki_sha256 == users.spki_sha256
    with pytest.raises(PkiError, match="very same key"):
        require_authority_lane(
            Lane.FRONT_PROXY, build_subject(subject), override_reason="", **given
        )
    passed = require_authority_lane(
        Lane.CLIENT, build_subject(subject), override_reason="", **given
    )
    assert passed.dangers == ()


def test_a_request_with_a_danger_waits_for_an_administrator_even_with_auto_sign() -> None:
    authority = make_authority(lane=Lane.FRONT_PROXY)
    set_in_profile(authority, profile="extension-serving", auto_sign=True)
    assert hand_in(authority, profile="extension-serving").state == State.PENDING


def test_on_the_page_the_danger_stands_beside_the_profile(client_of, issuer, administrator):
    data = typed(make_authority(lane=Lane.FRONT_PROXY), CN="x", hosts="a.b.svc")
    data |= {"profile": "extension-serving"}
    shown = send(client_of(issuer), data, to=PREVIEW)
    assert "ask an administrator" in shown.text
    assert "keep servers out of it" in shown.text
    refused = send(client_of(issuer), data | {"override_reason": REASON})
    assert (refused.status_code, Certificate.objects.count()) == (422, 0)
    assert "only an administrator can let it pass" in refused.text
    asked = send(client_of(administrator), data)
    assert (asked.status_code, "Let it pass" in asked.text) == (422, True)
    short = send(client_of(administrator), data | {"override_reason": "so"})
    assert (short.status_code, "at least 10 characters" in short.text) == (422, True)
    assert send(client_of(administrator), data | {"override_reason": REASON}).status_code == 302
    page = client_of(issuer).get(page_of(Certificate.objects.get()))
    assert f"because: {REASON}" in page.text


def test_a_waiting_request_passes_with_a_reason_on_its_page(client_of, administrator) -> None:
    asked = hand_in(make_authority(lane=Lane.FRONT_PROXY), profile="extension-serving")
    client = client_of(administrator)
    plain = decided(asked)
    refused = decide(client, asked, "sign", plain)
    assert (refused.status_code, "keep servers out of it" in refused.text) == (422, True)
    assert decide(client, asked, "sign", plain | {"override_reason": REASON}).status_code == 302
    asked.refresh_from_db()
    assert (asked.override_reason, asked.certificate.override_reason) == (REASON, REASON)


def test_the_page_for_an_authority_tells_a_danger(client_of, administrator) -> None:
    make_authority("users", lane=Lane.CLIENT)
    text = '{"CN": "users", "key": {"algo": "ecdsa", "size": 256}}'
    data = {"base": "{}", "text": text, "label": "b", "lane": "front-proxy", "mode": "strict"}
    data |= {"start": "recommended", "do": "create"}
    client = client_of(administrator)
    refused = client.post(reverse("certs:authority_new"), data)
    assert (refused.status_code, "very same subject" in refused.text) == (422, True)
    made = client.post(reverse("certs:authority_new"), data | {"override_reason": REASON})
    assert made.status_code == 302
    assert f"because: {REASON}" in client.get(made["Location"]).text


def test_ca_purpose_is_exclusive() -> None:
    """An authority's lane is said once, when it is made, and its key serves no second one."""
    users = make_authority("users", lane=Lane.CLIENT)
    clone = Authority.objects.get(pk=users.pk)
    clone.pk, clone.slug, clone.lane = None, "second", Lane.FRONT_PROXY
    clone.fingerprint_sha256 = "0" * 64
    clone.key = seal_key(generate_key(KeySpec()), purpose="authority-key")
    clone.key.save(force_insert=True)
    with pytest.raises(IntegrityError, match="spki"), transaction.atomic():
        clone.save(force_insert=True)
    changing = re.compile(r"\.lane\s*=[^=]|update\([^)]*\blane=|update_fields=[^)]*lane")
    sources = (Path(__file__).parents[2] / "aggportal").rglob("*.py")
    assert [str(path) for path in sources if changing.search(path.read_text())] == []
