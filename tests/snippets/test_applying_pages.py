"""The pages that apply and remove a set: who may, what is shown, what is refused."""

from __future__ import annotations

import pytest

from aggportal.clusters.models import ExtensionSet, ObjectState
from aggportal.clusters.models import SetState as State
from tests.snippets.applying_made import BEGIN, TRY, URL, go_on
from tests.snippets.studio_used import FILLED

ACCOUNT = "/api/v1/namespaces/wardle-system/serviceaccounts/wardle"
NAMESPACE = "/api/v1/namespaces/wardle-system"
THEIRS = {"kind": "ServiceAccount", "metadata": {"name": "wardle"}}


def text_of(response):
    return " ".join(response.content.decode().split())


def test_first_the_cluster_is_asked_and_nothing_is_changed(admin, api):
    page = admin.post(URL, TRY)
    assert page.status_code == 200
    words = {each.place.kind: each.what for each in page.context["plan"].tried}
    assert words["Namespace"] == words["APIService"] == "create"
    assert words["Deployment"] == "untried"
    assert (
        "What lies in the namespace wardle-system cannot be tried before that is there"
        in text_of(page)
    )
    assert api.written == []
    assert not ExtensionSet.objects.exists()


def test_what_is_missing_is_told_with_the_rules_that_allow_it(admin, api):
    api.refuses = {"create deployments", "create clusterroles"}
    page = admin.post(URL, TRY)
    assert "The API server does not allow this: may not touch deployments" in text_of(page)
    assert "create deployments.apps" in text_of(page)
    assert 'resources: ["deployments"]' in page.context["plan"].rights
    assert '"escalate"' in page.context["plan"].rights
    assert 'name="confirm"' not in text_of(page)
    refused = admin.post(URL, BEGIN)
    assert refused.status_code == 409
    assert not ExtensionSet.objects.exists()


def test_what_the_api_server_does_not_serve_is_refused_before_anything_is_begun(admin, api):
    api.unserved = {"poddisruptionbudgets"}
    page = admin.post(URL, TRY)
    assert "does not serve poddisruptionbudgets of policy/v1" in text_of(page)
    assert 'name="confirm"' not in text_of(page)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"confirm": "wardl"}, "nothing was applied"),
        ({"confirm": ""}, "required"),
        ({"allowed": ["service-account forged"]}, "changed since the page was shown"),
    ],
)
def test_without_the_right_confirmation_nothing_is_begun(admin, api, changes, told):
    response = admin.post(URL, {**BEGIN, **changes})
    assert response.status_code == 422
    assert told in text_of(response)
    assert not ExtensionSet.objects.exists()


def test_what_belongs_to_somebody_else_needs_its_tick(admin, api):
    api.put(NAMESPACE, {"kind": "Namespace", "metadata": {"name": "wardle-system"}})
    api.put(ACCOUNT, THEIRS)
    page = admin.post(URL, TRY)
    assert "ServiceAccount wardle-system/wardle" in text_of(page)
    response = admin.post(URL, BEGIN)
    assert response.status_code == 422
    assert "tick each of these" in text_of(response)


@pytest.mark.parametrize(
    "changes", [{"name": "UPPER"}, {"image": "a b"}, {"group": "apps"}, {"namespace": "a\x00b"}]
)
def test_a_wrong_description_comes_back_to_the_studio(admin, api_server, changes):
    response = admin.post(URL, {**BEGIN, **changes})
    assert response.status_code == 422
    assert response.context["form"].errors.keys() == changes.keys()
    assert api_server[0].asked == []


def test_a_cluster_that_does_not_answer_is_said(admin, api_server):
    api_server[0].stop()
    response = admin.post(URL, TRY)
    assert response.status_code == 422
    assert "The cluster could not be asked." in text_of(response)


def test_a_set_under_way_is_not_begun_again(admin, begun):
    begun()
    response = admin.post(URL, BEGIN)
    assert response.status_code == 409
    assert "is being worked on" in text_of(response)


def test_others_than_administrators_apply_and_remove_nothing(applied, client_of, issuer, viewer):
    own = applied.get_absolute_url()
    for person in (issuer, viewer):
        client = client_of(person)
        assert client.post(URL, BEGIN).status_code == 403
        assert client.get(f"{own}remove/").status_code == 403
        assert client.post(f"{own}remove/", {"confirm": "wardle"}).status_code == 403
        assert client.post(f"{own}change/", {"do": "stop"}).status_code == 403
        assert client.get(own).status_code == 200
        assert "Remove it" not in text_of(client.get(own))


def test_the_page_of_a_set_shows_each_step_and_asks_again_while_it_runs(admin, begun, api):
    api.ready = False
    row = go_on(begun())
    page = admin.get(row.get_absolute_url())
    assert "not taken note of the Deployment yet" in text_of(page)
    assert "progress/?was=" in text_of(page)
    progress = f"{row.get_absolute_url()}progress/"
    assert admin.get(progress, {"was": page.context["mark"]}).status_code == 204
    api.make_ready()
    go_on(row)
    newer = admin.get(progress, {"was": page.context["mark"]})
    assert newer.status_code == 200
    assert "hx-get" not in text_of(newer)
    assert "14 of 14" in text_of(newer)


def test_it_is_stopped_and_gone_on_with_once(admin, begun):
    row = begun()
    change = f"{row.get_absolute_url()}change/"
    assert admin.post(change, {"do": "stop"}).status_code == 302
    assert admin.post(change, {"do": "stop"}).status_code == 409
    assert go_on(row).state == State.STOPPED
    assert admin.post(change, {"do": "resume"}).status_code == 302
    assert admin.post(change, {"do": "resume"}).status_code == 409
    assert go_on(row).state == State.DONE
    assert admin.post(change, {"do": "explode"}).status_code == 422
    assert admin.get(change).status_code == 405


def test_removing_asks_for_the_name_and_goes_through(admin, applied, api):
    url = f"{applied.get_absolute_url()}remove/"
    assert "the last one first" in text_of(admin.get(url))
    wrong = admin.post(url, {"confirm": "wardl"})
    assert wrong.status_code == 422
    assert "nothing was removed" in text_of(wrong)
    begun = admin.post(url, {"confirm": "wardle", "with_namespace": "on"})
    assert begun.url == applied.get_absolute_url()
    row = go_on(applied)
    assert row.is_removed
    assert "It is removed already." in text_of(admin.get(url))
    assert admin.post(url, {"confirm": "wardle"}).status_code == 409


def test_a_removal_that_the_cluster_refuses_is_not_begun(admin, applied, api):
    api.refuses = {"delete services"}
    url = f"{applied.get_absolute_url()}remove/"
    response = admin.post(url, {"confirm": "wardle"})
    assert response.status_code == 409
    assert "may not touch services" in text_of(response)
    assert "delete services" in text_of(response)
    applied.refresh_from_db()
    assert applied.state == State.DONE


def test_what_is_under_way_is_not_removed(admin, begun):
    url = f"{begun().get_absolute_url()}remove/"
    assert "Stop that first" in text_of(admin.get(url))
    assert admin.post(url, {"confirm": "wardle"}).status_code == 409


def test_a_removal_of_a_cluster_that_does_not_answer_is_said(admin, applied, api_server):
    api_server[0].stop()
    response = admin.get(f"{applied.get_absolute_url()}remove/")
    assert response.status_code == 422
    assert "The cluster could not be asked." in text_of(response)


def test_another_clusters_address_shows_nothing_of_the_set(admin, applied):
    assert admin.get(f"/clusters/other/extension/{applied.pk}/").status_code == 404
    assert admin.get("/clusters/prod/extension/99999/").status_code == 404


def test_the_studio_lists_what_was_applied_from_here(admin, applied, client_of, viewer):
    page = text_of(admin.get("/clusters/prod/extension/new/"))
    assert "Applied from here" in page
    assert applied.get_absolute_url() in page
    shown = text_of(client_of(viewer).post("/clusters/prod/extension/new/", FILLED))
    assert "Apply it to prod" not in shown
    assert "An operator of the cluster who may issue" in shown


def test_a_failed_step_shows_why_and_offers_to_go_on(admin, begun, api):
    row = begun()
    api.refuses = {"create services"}
    go_on(row)
    page = text_of(admin.get(row.get_absolute_url()))
    assert "may not touch services" in page
    assert "Go on" in page
    assert row.steps.get(kind="Service").state == ObjectState.FAILED
