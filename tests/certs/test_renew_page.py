"""The page that renews a certificate."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Certificate, Reason
from aggportal.certs.services.received import Decision, sign_request
from aggportal.certs.services.renewing import spec_to_begin_with
from aggportal.certs.services.revoking import RevocationChoices, revoke_certificates
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.pages_used import page_of, typed
from tests.certs.requests_made import PROFILE, hand_in

pytestmark = pytest.mark.django_db


def sent(certificate: Certificate, **changed: Any) -> dict[str, str]:
    """The page as it comes back with nothing changed."""
    text = spec_to_begin_with(certificate)
    assert certificate.authority is not None
    page = typed(certificate.authority, base=text, text=text, CN=certificate.common_name)
    page |= {"hosts": "\n".join(certificate.hosts), "profile": certificate.profile}
    page |= {"key_choice": "new", "file_base": certificate.file_base, **changed}
    return page


def preview_of(certificate: Certificate) -> str:
    return reverse("certs:renewal_preview", args=[certificate.pk])


def test_it_begins_with_everything_as_it_was(client_of, issuer):
    before = make_certificate(make_authority(), hosts=["a.example"])
    page = client_of(issuer).get(page_of(before, "renew"))
    text = page.content.decode()
    assert page.status_code == 200
    assert page.context["view"].text == before.material.request_spec
    assert page.context["form"].chosen_profile == PROFILE
    assert page.context["form"]["file_base"].value() == before.file_base
    assert 'value="new" class="form-check-input" id="id_key_choice_0" checked' in text
    assert "What becomes different" in text


def test_an_issuer_renews(client_of, issuer):
    before = make_certificate(make_authority(), hosts=["a.example"])
    answer = client_of(issuer).post(page_of(before, "renew"), sent(before))
    after = Certificate.objects.get(predecessor=before)
    assert answer.status_code == 302
    assert answer.url == after.get_absolute_url()
    shown = client_of(issuer).get(answer.url).content.decode()
    assert before.get_absolute_url() in shown
    assert after.get_absolute_url() in client_of(issuer).get(page_of(before)).content.decode()


def test_renewing_is_what_the_certificates_page_offers_first(client_of, issuer, viewer):
    now = timezone.now()
    authority = make_authority(now=now - dt.timedelta(days=360))
    before = make_certificate(authority, now=now - dt.timedelta(days=355))
    offered = f'class="btn btn-primary" href="{page_of(before, "renew")}"'
    shown = " ".join(client_of(issuer).get(page_of(before)).content.decode().split())
    assert offered in shown
    assert shown.count("btn-primary") == 1
    assert page_of(before, "renew") not in client_of(viewer).get(page_of(before)).content.decode()


def test_while_it_lives_taking_its_files_comes_first_and_without_a_key_renewing(client_of, issuer):
    def first(certificate: Certificate) -> str:
        shown = " ".join(client_of(issuer).get(page_of(certificate)).content.decode().split())
        assert shown.count("btn-primary") == 1
        assert page_of(certificate, "renew") in shown
        return shown[shown.index("btn-primary") :]

    fresh = make_certificate(make_authority())
    assert fresh.file_base + ".tar.gz" in first(fresh).partition("</button>")[0]
    Certificate.objects.filter(pk=fresh.pk).update(exportable=False)
    assert page_of(fresh, "renew") in first(fresh).partition("</a>")[0]


def test_its_story_names_what_was_done_how(client_of, issuer):
    revoked = make_certificate(make_authority())
    client = client_of(issuer)
    client.post(reverse("certs:certificate_bundle", args=[revoked.pk]))
    choices = RevocationChoices(reason=Reason.KEY_COMPROMISE)
    revoke_certificates([revoked.pk], choices, by=ANA, now=timezone.now())
    shown = " ".join(client.get(page_of(revoked)).text.split())
    assert "took the private key of front-proxy-client (in the archive)" in shown
    assert "revoked the certificate front-proxy-client (key compromised)" in shown


def test_on_hold_nothing_is_put_first(client_of, issuer):
    held = make_certificate(make_authority())
    chosen = Certificate.objects.filter(pk=held.pk)
    chosen.update(revoked_at=timezone.now(), revocation_reason=Reason.HOLD)
    assert "btn-primary" not in client_of(issuer).get(page_of(held)).text


@pytest.mark.parametrize("deed", ["renew", "preview"])
def test_a_viewer_may_not(client_of, viewer, deed):
    before = make_certificate(make_authority())
    path = page_of(before, "renew") if deed == "renew" else preview_of(before)
    assert client_of(viewer).post(path, sent(before)).status_code == 403
    assert not Certificate.objects.filter(predecessor=before).exists()


def test_a_stranger_and_a_wrong_method_are_refused(client, client_of, stranger, issuer):
    before = make_certificate(make_authority())
    assert client_of(stranger).get(page_of(before, "renew")).status_code == 403
    assert client.get(page_of(before, "renew")).status_code == 302
    assert client_of(issuer).put(page_of(before, "renew")).status_code == 405
    assert client_of(issuer).get(preview_of(before)).status_code == 405
    missing = reverse("certs:certificate_renew", args=[before.pk + 1])
    assert client_of(issuer).get(missing).status_code == 404


def test_what_is_wrong_is_said_beside_the_field(client_of, issuer):
    before = make_certificate(make_authority())
    wrong = sent(before, hosts="not a host", key_choice="", profile="none")
    page = client_of(issuer).post(page_of(before, "renew"), wrong)
    assert page.status_code == 422
    assert page.context["view"].form.errors["hosts"]
    assert page.context["form"].errors["key_choice"]
    assert page.context["form"].errors["profile"]
    assert Certificate.objects.count() == 1


def test_renewed_twice_the_second_gets_a_way_to_the_successor(client_of, issuer):
    before = make_certificate(make_authority())
    client_of(issuer).post(page_of(before, "renew"), sent(before))
    late = client_of(issuer).post(page_of(before, "renew"), sent(before))
    after = Certificate.objects.get(predecessor=before)
    assert late.status_code == 409
    assert f'href="{after.get_absolute_url()}"' in late.content.decode()
    opened = client_of(issuer).get(page_of(before, "renew"))
    assert opened.status_code == 200
    assert f'href="{after.get_absolute_url()}"' in opened.content.decode()


def test_a_compromised_key_is_refused_beside_the_choice(client_of, issuer):
    before = make_certificate(make_authority())
    before.revoked_at, before.revocation_reason = timezone.now(), Reason.KEY_COMPROMISE
    before.save()
    page = client_of(issuer).post(page_of(before, "renew"), sent(before, key_choice="same"))
    assert page.status_code == 422
    assert "compromised" in page.context["form"].errors["key_choice"][0]


def test_the_panel_follows_the_typing(client_of, issuer):
    before = make_certificate(make_authority(), hosts=["a.example"])
    page = client_of(issuer).post(preview_of(before), sent(before, hosts="b.example"))
    text = page.content.decode()
    assert page.status_code == 200
    lines = {line.key: line for line in page.context["differences"]}
    assert (lines["names"].removed, lines["names"].added) == (
        ("dns a.example",),
        ("dns b.example",),
    )
    assert 'id="renewal-differences"' in text
    assert 'id="request-panel"' in text
    same = client_of(issuer).post(preview_of(before), sent(before, key_choice="same"))
    assert not next(l for l in same.context["differences"] if l.key == "key").differs  # noqa: E741


def test_for_somebody_elses_request_the_same_key_is_proposed(client_of, issuer):
    asked = hand_in(make_authority())
    before = sign_request(asked, Decision(profile=PROFILE), by=ANA, now=timezone.now())
    page = client_of(issuer).get(page_of(before, "renew"))
    assert page.context["form"].wants_same_key
    answer = client_of(issuer).post(page_of(before, "renew"), sent(before, key_choice="same"))
    assert answer.status_code == 302
    assert Certificate.objects.get(predecessor=before).spki_sha256 == before.spki_sha256


def test_an_authoritys_certificate_is_renewed_elsewhere(client_of, issuer):
    before = make_certificate(make_authority())
    Certificate.objects.filter(pk=before.pk).update(kind="authority")
    page = client_of(issuer).get(page_of(before, "renew"))
    assert "authority&#x27;s own page" in page.content.decode()
    late = client_of(issuer).post(page_of(before, "renew"), sent(before))
    assert late.status_code == 409
