"""A successor with a new key, the overlap, and retiring."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess

import pytest
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.addresses import public_addresses
from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.certs.services.authority_renewing import SignedElsewhere
from aggportal.certs.services.chains import Retired
from aggportal.certs.services.renewal_runs import RunChoices, start_run
from aggportal.certs.services.renewal_work import work_off_runs
from aggportal.certs.services.succeeding import (
    AlreadySucceeded,
    create_successor,
    good_certificates,
    overlap_files,
    require_successible,
    retire_authority,
)
from aggportal.ledger.models import Entry, Outcome
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.outside_made import outside_ca, under_outside
from tests.certs.parents_made import make_intermediate
from tests.certs.successors_made import make_successor, successor_choices, successor_spec

pytestmark = pytest.mark.django_db


def test_a_successor_has_another_key_and_the_same_everything_else():
    old = make_authority()
    Authority.objects.update(allowed_names="front-proxy-client", crl_hours=24)
    old.refresh_from_db()
    new = make_successor(old)
    assert new.predecessor == old
    assert (new.subject, new.lane, new.mode) == (old.subject, old.lane, old.mode)
    assert new.spki_sha256 != old.spki_sha256
    assert (new.signing_config, new.allowed_names) == (old.signing_config, old.allowed_names)
    assert new.crl_hours == 24
    done = Entry.objects.filter(action="authority.rekeyed").order_by("seq")
    assert [entry.outcome for entry in done] == [Outcome.INTENDED, Outcome.DONE]


def test_there_is_one_successor():
    old = make_authority()
    make_successor(old)
    with pytest.raises(AlreadySucceeded):
        make_successor(old, slug="third")
    assert Authority.objects.count() == 2


def test_a_successor_of_an_intermediate_is_signed_by_the_same_parent():
    below = make_intermediate(make_authority("root", lane=Lane.GENERAL))
    new = make_successor(below)
    assert (new.parent, new.predecessor) == (below.parent, below)
    assert new.issued_as.authority == below.parent


def test_an_outside_ca_must_sign_its_successor_itself():
    with pytest.raises(SignedElsewhere):
        require_successible(under_outside(outside_ca()))


def test_a_refused_successor_is_in_the_ledger():
    old = make_authority()
    with pytest.raises(Exception, match="called"):
        make_successor(old, slug=old.slug)
    last = Entry.objects.order_by("seq").last()
    assert (last.action, last.outcome) == ("authority.rekeyed", Outcome.FAILED)
    assert Authority.objects.count() == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_whoever_has_both_trusts_certificates_of_either(tmp_path):
    old = make_authority()
    new = make_successor(old)
    pem, config_map = overlap_files(old, new)
    (tmp_path / "both.pem").write_bytes(pem.body)
    for number, authority in enumerate((old, new)):
        leaf = make_certificate(authority, f"leaf-{number}")
        (tmp_path / "leaf.pem").write_text(leaf.material.pem)
        command = ["openssl", "verify", "-x509_strict", "-CAfile", "both.pem", "leaf.pem"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "leaf.pem: OK" in done.stdout + done.stderr
    assert config_map.body.count(b"BEGIN CERTIFICATE") == 2


def test_what_the_old_one_issued_is_renewed_by_the_new_one():
    old = make_authority()
    before = make_certificate(old, now=timezone.now() - dt.timedelta(days=20))
    new = make_successor(old)
    start_run(old, RunChoices(within_days=36500), by=ANA, now=timezone.now())
    work_off_runs(now=timezone.now(), seconds=30)
    assert Certificate.objects.get(predecessor=before).authority == new


def test_a_retired_one_issues_no_more_and_counts_what_hangs_on_it():
    old = make_authority()
    make_certificate(old)
    assert good_certificates(old, now=timezone.now()) == 1
    retire_authority(old, by=ANA, now=timezone.now())
    old.refresh_from_db()
    with pytest.raises(Retired):
        make_certificate(old, "another")


@override_settings(PUBLIC_URL="https://portal.example")
def test_the_successors_certificates_name_its_own_list():
    old = make_authority()
    crl = public_addresses(old).crl
    text = old.signing_config.replace('"expiry": "8760h"', f'"expiry": "8760h", "crl_url": "{crl}"')
    Authority.objects.update(signing_config=text)
    old.refresh_from_db()
    new = make_successor(old)
    assert crl in old.signing_config
    assert crl not in new.signing_config
    assert public_addresses(new).crl in new.signing_config


def test_a_successor_needs_no_request_spec_of_an_imported_one():
    old = make_authority()
    Authority.objects.update(request_spec="")
    old.refresh_from_db()
    new = create_successor(
        old, successor_spec(old), successor_choices(old), by=ANA, now=timezone.now()
    )
    assert new.subject == old.subject


# The pages.


def sent(authority: Authority, **changed: str) -> dict[str, str]:
    page = {"do": "create", "label": "second", "base": authority.request_spec}
    return page | {"text": authority.request_spec, **changed}


def path(name: str, authority: Authority, *more: str) -> str:
    return reverse(f"certs:{name}", args=[authority.slug, *more])


def test_an_administrator_makes_it_and_is_told_the_order(client_of, administrator):
    old = make_authority()
    make_certificate(old)
    page = client_of(administrator).get(path("authority_succeed", old))
    assert page.status_code == 200
    assert page.context["view"].text == old.request_spec
    answer = client_of(administrator).post(path("authority_succeed", old), sent(old))
    assert (answer.status_code, answer.url) == (302, path("authority_overlap", old))
    new = Authority.objects.get(predecessor=old)
    assert (new.slug, new.file_base) == ("second", "front-proxy-ca-2")
    text = client_of(administrator).get(answer.url).content.decode()
    order = [text.index(word) for word in ("Publish both", "Reissue", "Retire</h3>")]
    assert order == sorted(order)
    for file in overlap_files(old, new):
        got = client_of(administrator).get(path("overlap_file", old, file.name))
        assert got.content == file.body
    assert client_of(administrator).get(path("overlap_file", old, "key.pem")).status_code == 404


def test_roles_and_methods(client_of, viewer, issuer, stranger, administrator):
    old = make_authority()
    assert client_of(issuer).post(path("authority_succeed", old), sent(old)).status_code == 403
    confirm = {"confirm": old.label}
    assert client_of(issuer).post(path("authority_retire", old), confirm).status_code == 403
    assert client_of(viewer).get(path("authority_overlap", old)).status_code == 200
    assert client_of(viewer).get(path("overlap_file", old, "x")).status_code == 404
    assert client_of(stranger).get(path("authority_overlap", old)).status_code == 403
    assert client_of(administrator).get(path("authority_retire", old)).status_code == 405
    assert client_of(administrator).post(path("authority_overlap", old)).status_code == 405
    assert client_of(administrator).put(path("authority_succeed", old)).status_code == 405


def test_what_is_wrong_is_said_beside_the_field(client_of, administrator):
    old = make_authority()
    wrong = sent(old, label="", file_base="../x", text='{"CN": "", "key": {"algo": "dsa"}}')
    page = client_of(administrator).post(path("authority_succeed", old), wrong)
    assert page.status_code == 422
    assert set(page.context["form"].errors) == {"label", "file_base"}
    assert page.context["view"].form.errors
    assert Authority.objects.count() == 1


def test_made_twice_the_second_is_sent_to_the_first(client_of, administrator):
    old = make_authority()
    client_of(administrator).post(path("authority_succeed", old), sent(old))
    late = client_of(administrator).post(path("authority_succeed", old), sent(old))
    assert late.status_code == 409
    assert path("authority_overlap", old) in late.content.decode()


def test_the_panel_follows(client_of, administrator):
    old = make_authority()
    page = client_of(administrator).post(path("authority_succeed", old), sent(old, do="follow"))
    assert page.status_code == 200
    assert page.context["explanation"].rows


def test_retiring_wants_the_label_and_happens_once(client_of, administrator):
    old = make_authority()
    client, confirm = client_of(administrator), {"confirm": old.label, "do": "retire"}
    wrong = client.post(path("authority_retire", old), {"confirm": "other"})
    assert wrong.status_code == 422
    assert client.post(path("authority_retire", old), confirm).status_code == 302
    assert client.post(path("authority_retire", old), confirm).status_code == 409
    again = {"confirm": old.label, "do": "reinstate"}
    assert client.post(path("authority_retire", old), again).status_code == 302
    assert client.post(path("authority_retire", old), again).status_code == 409
    told = Entry.objects.filter(action__in=("authority.retired", "authority.reinstated"))
    assert told.count() == 2
