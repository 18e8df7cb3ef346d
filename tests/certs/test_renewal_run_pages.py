"""The pages of many renewals: choosing, watching, stopping and going on."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Authority, RenewalRun, RunState
from aggportal.certs.services.renewal_runs import stop_run
from aggportal.certs.services.renewal_work import work_off_runs
from tests.certs.makers import ANA
from tests.certs.test_renewal_runs import ending_soon, old_authority, start

pytestmark = pytest.mark.django_db
SOON = {"within_days": "30", "key_choice": "new"}


def new_of(authority: Authority) -> str:
    return reverse("certs:renewal_run_new", args=[authority.slug])


def progress_of(run: RenewalRun) -> str:
    return reverse("certs:renewal_run_progress", args=[run.pk])


def change_of(run: RenewalRun) -> str:
    return reverse("certs:renewal_run_change", args=[run.pk])


@pytest.fixture
def authority(db: None) -> Authority:
    authority = old_authority()
    ending_soon(authority, "a", "b")
    return authority


def test_an_issuer_looks_and_starts(client_of, issuer, authority):
    shown = client_of(issuer).get(new_of(authority))
    assert shown.context["count"] == 2
    assert "Renew 2 certificates" in shown.content.decode()
    assert client_of(issuer).get(new_of(authority), {"within_days": "1"}).context["count"] == 0
    answer = client_of(issuer).post(new_of(authority), SOON)
    run = RenewalRun.objects.get()
    assert (answer.status_code, answer.url) == (302, run.get_absolute_url())
    assert (run.started_by, run.starter_id) == ("ian", issuer.pk)
    work_off_runs(now=timezone.now(), seconds=30)
    page = client_of(issuer).get(run.get_absolute_url()).content.decode()
    assert "2 renewed" in page
    assert "2 of 2" in " ".join(page.split())


def test_a_viewer_watches_and_changes_nothing(client_of, viewer, authority):
    run = start(authority)
    assert client_of(viewer).get(run.get_absolute_url()).status_code == 200
    assert client_of(viewer).get(progress_of(run)).status_code == 200
    assert client_of(viewer).get(new_of(authority)).status_code == 403
    assert client_of(viewer).post(new_of(authority), SOON).status_code == 403
    assert client_of(viewer).post(change_of(run), {"do": "stop"}).status_code == 403
    assert change_of(run) not in client_of(viewer).get(run.get_absolute_url()).content.decode()


def test_strangers_wrong_methods_and_unknown_ones(client_of, stranger, issuer, authority):
    run = start(authority)
    for path in (new_of(authority), run.get_absolute_url(), progress_of(run)):
        assert client_of(stranger).get(path).status_code == 403
        assert client_of(issuer).delete(path).status_code == 405
    assert client_of(issuer).get(change_of(run)).status_code == 405
    missing = reverse("certs:renewal_run_show", args=[run.pk + 1])
    assert client_of(issuer).get(missing).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("within_days", "0"),
        ("within_days", "99999999999"),
        ("within_days", "soon"),
        ("within_days", ""),
        ("key_choice", "stolen"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(client_of, issuer, authority, field, value):
    for answer in (
        client_of(issuer).post(new_of(authority), SOON | {field: value}),
        client_of(issuer).get(new_of(authority), SOON | {field: value}),
    ):
        assert answer.status_code == 422
        assert answer.context["form"].errors[field]
    assert not RenewalRun.objects.exists()


def test_nothing_to_renew_is_said(client_of, issuer, authority):
    answer = client_of(issuer).post(new_of(authority), SOON | {"within_days": "1"})
    assert answer.status_code == 422
    assert answer.context["form"].errors["within_days"]


def test_a_second_run_is_refused_with_a_way_to_the_first(client_of, issuer, authority):
    client_of(issuer).post(new_of(authority), SOON)
    late = client_of(issuer).post(new_of(authority), SOON)
    run = RenewalRun.objects.get()
    # The certificates are not renewed yet, so the same ones would be asked for again.
    assert late.status_code == 409
    assert run.get_absolute_url() in late.content.decode()


def test_the_fragment_answers_only_what_is_newer(client_of, issuer, authority):
    run = start(authority)
    first = client_of(issuer).get(progress_of(run))
    mark = first.context["mark"]
    assert first.content.decode().count('id="run-progress"') == 1
    assert client_of(issuer).get(progress_of(run), {"was": mark}).status_code == 204
    work_off_runs(now=timezone.now(), seconds=0)
    newer = client_of(issuer).get(progress_of(run), {"was": mark})
    assert newer.status_code == 200
    assert "1 of 2" in " ".join(newer.content.decode().split())
    assert "every 2s" in newer.content.decode()


def test_it_polls_no_more_when_it_rests(client_of, issuer, authority):
    run = start(authority)
    stop_run(run, by=ANA, now=timezone.now())
    assert "every 2s" not in client_of(issuer).get(progress_of(run)).content.decode()


def test_stop_resume_and_end_each_once(client_of, issuer, authority):
    run = start(authority)
    client = client_of(issuer)
    for deed, after in (
        ("stop", RunState.STOPPED),
        ("resume", RunState.RUNNING),
        ("stop", RunState.STOPPED),
        ("end", RunState.DONE),
    ):
        assert client.post(change_of(run), {"do": deed}).status_code == 302
        run.refresh_from_db()
        assert run.state == after
        assert client.post(change_of(run), {"do": deed}).status_code == 409
    assert client.post(change_of(run), {"do": "explode"}).status_code == 422
