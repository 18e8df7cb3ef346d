"""Applying a set and removing it, step by step, against an API server with memory."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt

import pytest
from django.utils import timezone

from aggportal.accounts.roles import Role, give_role
from aggportal.certs.models import Certificate
from aggportal.clusters.models import Deed, ExtensionSet, ObjectState
from aggportal.clusters.models import SetState as State
from aggportal.kube.studio.places import MANAGED_BY, SET
from aggportal.ledger.models import Entry, Outcome
from aggportal.snippets.services.set_work import READY_WITHIN, Crew, work_on
from aggportal.snippets.services.sets import resume_set, start_removing
from tests.certs.makers import ANA
from tests.snippets.applying_made import BEGIN, URL, go_on, states
from tests.snippets.fake_api import described, kinds

ORDER = [
    "namespaces",
    "serviceaccounts",
    "clusterrolebindings",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "secrets",
    "deployments",
    "services",
    "poddisruptionbudgets",
    "networkpolicies",
    "clusterroles",
    "clusterroles",
    "apiservices",
]
SECRET = "/api/v1/namespaces/wardle-system/secrets/wardle-serving"
ACCOUNT = "/api/v1/namespaces/wardle-system/serviceaccounts/wardle"
NAMESPACE = "/api/v1/namespaces/wardle-system"


def told(action):
    rows = Entry.objects.filter(action=action).order_by("seq")
    return list(rows.values_list("outcome", flat=True))


def removing(row, **choices):
    start_removing(row, with_namespace=choices.get("with_namespace", False), by=ANA,
                   now=timezone.now())  # fmt: skip
    return go_on(row)


def test_everything_is_created_in_order_with_the_apiservice_last(applied, api):
    assert kinds(api) == ORDER
    assert applied.state == State.DONE
    assert set(states(applied).values()) == {ObjectState.DONE}
    assert told("extension.applied") == [Outcome.INTENDED, Outcome.DONE]
    assert {each["metadata"]["labels"][MANAGED_BY] for path, each in api.objects.items()
            if path in api.written} == {"aggportal"}  # fmt: skip


def test_the_secret_holds_the_issued_pair_and_nothing_else_of_ours_holds_the_key(applied, api):
    data = described(api.objects, "secrets")["data"]
    key = base64.b64decode(data["tls.key"]).decode()
    assert "PRIVATE KEY" in key
    certificate = Certificate.objects.get(pk=applied.certificate_id)
    assert certificate.material.pem in base64.b64decode(data["tls.crt"]).decode()
    assert told("certificate.key_taken") == [Outcome.DONE]
    stored = f"{applied.described} {[step.note for step in applied.steps.all()]}"
    recorded = " ".join(str(each.canonical) for each in Entry.objects.all())
    assert not any(line in stored + recorded for line in key.splitlines()[1:2])


def test_nothing_follows_what_is_not_ready(begun, api):
    api.ready = False
    row = go_on(begun())
    assert states(row)["Deployment"] == ObjectState.WRITTEN
    assert states(row)["Service"] == ObjectState.WAITING
    step = row.steps.get(kind="Deployment")
    assert str(step.note_sentence) == "The cluster has not taken note of the Deployment yet."
    api.make_ready()
    assert go_on(row).state == State.DONE


def test_what_does_not_become_ready_fails_with_words_and_one_click_goes_on(begun, api):
    api.ready = False
    row = go_on(begun())
    late = timezone.now() + READY_WITHIN + dt.timedelta(seconds=1)
    work_on(row.pk, clock=lambda: late)
    row.refresh_from_db()
    assert row.state == State.STOPPED
    assert "waited for 5 minutes" in str(row.trouble_sentence)
    api.make_ready()
    resume_set(row, by=ANA, now=timezone.now())
    assert go_on(row).state == State.DONE
    assert told("extension.applied") == [Outcome.INTENDED, Outcome.FAILED, Outcome.DONE]


def test_a_refusal_stops_it_where_it_stands(begun, api):
    row = begun()
    api.refuses = {"create networkpolicies"}
    assert go_on(row).state == State.STOPPED
    assert states(row)["NetworkPolicy"] == ObjectState.FAILED
    assert states(row)["APIService"] == ObjectState.WAITING
    assert "may not touch networkpolicies" in str(row.trouble_sentence)


@pytest.mark.parametrize("done", range(0, len(ORDER), 3))
def test_a_worker_that_was_killed_goes_on_and_does_nothing_twice(begun, api, done):
    """It was killed between what it did in the cluster and what it would have noted of it."""
    row = go_on(begun())
    ExtensionSet.objects.update(state=State.RUNNING)
    row.steps.filter(position__gte=done).update(state=ObjectState.WAITING, uid="", did="")
    assert go_on(row).state == State.DONE
    assert kinds(api) == ORDER
    assert told("certificate.key_taken") == [Outcome.DONE]


def test_applying_again_changes_only_what_differs(admin, applied, api):
    api.written.clear()
    assert admin.post(URL, {**BEGIN, "image": "registry.example.com/wardle:2"}).status_code == 302
    row = go_on(ExtensionSet.objects.get())
    assert kinds(api) == ["deployments"]
    assert row.certificate_id == applied.certificate_id
    assert Certificate.objects.filter(kind="leaf").count() == 1


def test_what_the_set_has_no_more_is_told_and_goes_when_it_is_removed(admin, applied, api):
    admin.post(URL, {**BEGIN, "replicas": "1"})
    row = go_on(ExtensionSet.objects.get())
    left = row.steps.get(kind="PodDisruptionBudget")
    assert left.state == ObjectState.LEFT
    assert "no longer part of the set" in str(left.note_sentence)
    removing(row)
    assert not any("poddisruptionbudgets" in path for path in api.objects)


def test_what_somebody_else_made_meanwhile_is_not_overwritten(begun, api):
    row = begun()
    theirs = {"kind": "ServiceAccount", "metadata": {"name": "wardle", "labels": {"team": "x"}}}
    api.put(ACCOUNT, theirs)
    assert go_on(row).state == State.STOPPED
    assert "not part of this set" in str(row.trouble_sentence)
    assert MANAGED_BY not in api.objects[ACCOUNT]["metadata"]["labels"]


def test_the_key_is_not_opened_for_a_secret_of_somebody_else(begun, api):
    row = begun()
    api.put(SECRET, {"kind": "Secret", "metadata": {"name": "wardle-serving"}, "data": {}})
    assert go_on(row).state == State.STOPPED
    assert told("certificate.key_taken") == []


def test_what_was_ticked_is_taken_over_and_keeps_what_else_it_says(admin, api):
    api.put(NAMESPACE, {"kind": "Namespace", "metadata": {"name": "wardle-system"}})
    theirs = {"kind": "ServiceAccount", "metadata": {"name": "wardle", "labels": {"team": "x"}}}
    uid = api.put(ACCOUNT, theirs)["metadata"]["uid"]
    admin.post(URL, {**BEGIN, "allowed": [f"service-account {uid}"]})
    assert go_on(ExtensionSet.objects.get()).state == State.DONE
    metadata = api.objects[ACCOUNT]["metadata"]
    assert metadata["labels"] == {
        "team": "x", MANAGED_BY: "aggportal", "app.kubernetes.io/name": "wardle"
    }  # fmt: skip
    assert metadata["annotations"][SET] == "wardle-system/wardle"
    assert SET not in api.objects[NAMESPACE]["metadata"].get("annotations", {})


def test_readiness_that_may_not_be_read_is_not_waited_for(begun, api):
    api.refuses = {"get endpoints"}
    row = go_on(begun())
    assert row.state == State.DONE
    assert "not waited for" in str(row.steps.get(kind="Service").note_sentence)


def test_removing_goes_the_other_way_and_leaves_nothing(applied, api):
    api.written.clear()
    row = removing(applied, with_namespace=True)
    assert kinds(api) == ORDER[::-1]
    assert row.is_removed
    assert not [path for path in api.objects if "endpoints" not in path]
    assert told("extension.removed") == [Outcome.INTENDED, Outcome.DONE]


def test_the_namespace_stays_unless_it_was_ticked(applied, api):
    removing(applied)
    assert NAMESPACE in api.objects


def test_the_namespace_stays_while_something_else_is_in_it(applied, api):
    api.put(f"{NAMESPACE}/configmaps/theirs", {"metadata": {"name": "theirs"}})
    api.put(f"{NAMESPACE}/configmaps/kube-root-ca.crt", {"metadata": {"name": "kube-root-ca.crt"}})
    row = removing(applied, with_namespace=True)
    assert NAMESPACE in api.objects
    note = str(row.steps.get(kind="Namespace").note_sentence)
    assert "configmaps/theirs" in note
    assert "kube-root-ca" not in note


def test_the_namespace_stays_when_it_cannot_be_seen_whether_it_is_empty(applied, api):
    api.refuses = {"get configmaps"}
    row = removing(applied, with_namespace=True)
    assert "configmaps cannot be seen" in str(row.steps.get(kind="Namespace").note_sentence)


def test_what_took_the_place_of_ours_stays(applied, api):
    api.put(ACCOUNT, {**api.objects[ACCOUNT], "metadata": {"name": "wardle"}})
    row = removing(applied)
    assert ACCOUNT in api.objects
    assert states(row)["ServiceAccount"] == ObjectState.LEFT


def test_somebody_who_is_no_administrator_any_more_applies_nothing(begun, api, administrator):
    row = begun()
    give_role(administrator, Role.VIEWER)
    assert go_on(row).state == State.STOPPED
    assert api.written == []


def test_two_sets_of_one_name_do_not_take_each_others_roles(admin, applied, api):
    page = admin.post(URL, {**BEGIN, "do": "try", "namespace": "elsewhere"})
    foreign = {each.place.name for each in page.context["plan"].foreign}
    assert {"wardle:view", "wardle:edit", "v1alpha1.wardle.example.com"} <= foreign


@pytest.mark.django_db(transaction=True)
def test_the_crew_works_beside_the_round(begun, api):
    row = begun()
    crew = Crew()
    crew.go()
    crew.wait(20)
    row.refresh_from_db()
    assert (row.deed, row.state) == (Deed.APPLY, State.DONE)
    assert dataclasses.is_dataclass(crew)
