"""The exchange of a serving CA, step by step, against a fake cluster that answers like one."""

from __future__ import annotations

import base64
import json
import shlex

import pytest
from django.utils import timezone

from aggportal.certs.models import Certificate, Lane
from aggportal.clusters.models import Rotation, RotationStep, StepState
from aggportal.clusters.rotation.serving_deeds import NotAnswered, hosts_of
from aggportal.clusters.rotation.serving_steps import tell_certificates
from aggportal.clusters.services import rotation_moves
from aggportal.clusters.services.bundles import certificates_in
from aggportal.clusters.services.changes import Changed
from aggportal.clusters.services.rotating import (
    NotProven,
    go_back,
    go_on,
    override,
    say_seen,
    start_rotation,
)
from aggportal.clusters.services.rotation_deeds import act
from aggportal.clusters.services.rotation_moves import present_of
from aggportal.ledger.models import Entry
from aggportal.pki.errors import InvalidField
from aggportal.pki.reading import read_certificate
from tests.certs.makers import make_authority, make_certificate
from tests.clusters.conftest import ADA
from tests.clusters.fake_cluster import FakeCluster, raw_apiservice
from tests.kube.servers import answer, status_object
from tests.kube.tls import TestAuthority

NAME = "v1.demo.example.com"
OTHER = "v1.other.example.com"
X509 = "error trying to reach service: x509: certificate signed by unknown authority"


class Answering(FakeCluster):
    """Also answers what is asked of the aggregated APIs: well while `shown` is in caBundle."""

    shown = ""

    def __call__(self, conn, asked):
        group = asked.path.removeprefix("/apis/").split("/")[0]
        raw = self.items.get(f"v1.{group}")
        if raw is None or asked.path != f"/apis/{group}/v1":
            super().__call__(conn, asked)
        elif self.shown in {each.sha256 for each in certificates_in(raw)}:
            answer(conn, 200, {"kind": "APIResourceList", "groupVersion": f"{group}/v1"})
        else:
            answer(conn, 503, status_object(503, "ServiceUnavailable", X509))


@pytest.fixture
def fake_cluster():
    fake = Answering()
    yield fake
    fake.end_watches()


@pytest.fixture
def old():
    return TestAuthority(common_name="old-ca")


@pytest.fixture
def third():
    return TestAuthority(common_name="third-ca")


@pytest.fixture
def new(db):
    return make_authority("new-serving-ca", lane=Lane.SERVING)


def encoded(*pems):
    return base64.b64encode("".join(pems).encode()).decode()


def digest(authority):
    return read_certificate(authority.pem)


@pytest.fixture
def rotation(cluster, fake_cluster, old, third, new):
    """Two APIServices trust the old CA, one of them another one as well; just begun."""
    fake_cluster.put(raw_apiservice(NAME, caBundle=encoded(old.pem)))
    fake_cluster.put(
        raw_apiservice(OTHER, service="demo/other:443", caBundle=encoded(third.pem, old.pem))
    )
    fake_cluster.put(raw_apiservice("v1.far.example.com", caBundle=encoded(third.pem)))
    fake_cluster.shown = digest(old).sha256
    chosen = {"old": digest(old).spki_sha256, "new": new}
    return start_rotation(cluster, "serving_ca", chosen, by=ADA, now=timezone.now())


def row_of(rotation):
    present = present_of(rotation)
    assert present is not None
    return present.row


def do(rotation, **chosen):
    did = act(rotation, row_of(rotation).pk, chosen, by=ADA, now=timezone.now())
    rotation.refresh_from_db()
    return did


def on(rotation):
    go_on(rotation, row_of(rotation).pk, by=ADA, now=timezone.now())


def held(fake_cluster, name):
    return [each.common_name for each in certificates_in(fake_cluster.items[name])]


def serving_from(rotation, fake_cluster, new):
    """Past the first two steps; the backends serve the new certificate."""
    do(rotation)
    on(rotation)
    do(rotation, profile="extension-serving")
    fake_cluster.shown = new.fingerprint_sha256
    with pytest.raises(NotProven):
        on(rotation)
    row = row_of(rotation)
    say_seen(rotation, row.pk, frozenset(a["key"] for a in row.asks), by=ADA, now=timezone.now())
    on(rotation)


def test_it_begins_with_what_trusts_the_old_ca_alone(rotation, old):
    assert rotation.facts["services"] == {"demo/api": [NAME], "demo/other": [OTHER]}
    assert rotation.facts["old"] == "old-ca"
    assert rotation.old_pem.strip() == old.pem.strip()
    assert row_of(rotation).key == "overlap"


def test_the_first_step_wants_both_everywhere_and_shows_what_it_would_change(rotation):
    with pytest.raises(NotProven):
        on(rotation)
    facts = row_of(rotation).facts
    assert [name for name, _diff in row_of(rotation).diffs] == [NAME, OTHER]
    assert "caBundle" in facts["diffs"][0][1]
    assert set(facts["marks"]) == {NAME, OTHER}


def test_both_are_written_and_what_else_is_trusted_stays(rotation, fake_cluster):
    do(rotation)
    assert held(fake_cluster, NAME) == ["old-ca", "new-serving-ca"]
    assert held(fake_cluster, OTHER) == ["third-ca", "old-ca", "new-serving-ca"]
    assert held(fake_cluster, "v1.far.example.com") == ["third-ca"]
    on(rotation)
    assert row_of(rotation).key == "certificate"
    told = Entry.objects.filter(action="apiservice.bundle_patched", outcome="done")
    assert told.count() == 2


def test_who_changed_it_since_it_was_shown_is_not_overwritten(rotation, fake_cluster, third, old):
    with pytest.raises(NotProven):
        on(rotation)
    fake_cluster.put(raw_apiservice(NAME, caBundle=encoded(old.pem, third.pem)))
    with pytest.raises(Changed):
        do(rotation)
    assert held(fake_cluster, NAME) == ["old-ca", "third-ca"]


def test_an_account_that_may_not_patch_is_told_the_missing_rule(rotation, fake_cluster):
    fake_cluster.refuses.add("patch")
    with pytest.raises(NotProven):
        on(rotation)
    assert "apiservices" in row_of(rotation).rules


def test_a_certificate_is_issued_for_each_service_once(rotation, new):
    do(rotation)
    on(rotation)
    do(rotation, profile="extension-serving")
    do(rotation, profile="extension-serving")
    issued = Certificate.objects.filter(authority=new)
    assert {each.common_name for each in issued} == {"api.demo.svc", "other.demo.svc"}
    assert set(rotation.facts["certificates"]) == {"demo/api", "demo/other"}


def test_what_was_issued_before_the_portal_was_killed_is_found_again(rotation, new):
    do(rotation)
    on(rotation)
    do(rotation, profile="extension-serving")
    rotation.facts = {**rotation.facts, "certificates": {}}
    rotation.save(update_fields=["facts"])
    RotationStep.objects.filter(rotation=rotation).update(facts={})
    do(rotation, profile="extension-serving")
    assert Certificate.objects.filter(authority=new).count() == 2


def test_the_certificate_of_another_rotation_is_not_taken_for_its_own(rotation, new):
    do(rotation)
    on(rotation)
    do(rotation, profile="extension-serving")
    theirs = rotation.facts["certificates"]
    rotation.facts = {**rotation.facts, "certificates": {}}
    rotation.save(update_fields=["facts"])
    RotationStep.objects.filter(rotation=rotation).update(facts={})
    Rotation.objects.create(
        cluster=rotation.cluster,
        kind="serving_ca",
        subject="of another cluster",
        facts={"certificates": theirs},
        started_at=timezone.now(),
        started_by="bob",
    )
    do(rotation, profile="extension-serving")
    assert not set(rotation.facts["certificates"].values()) & set(theirs.values())


def test_issuing_ends_in_time_and_says_what_is_left(rotation, monkeypatch):
    do(rotation)
    on(rotation)
    monkeypatch.setattr(rotation_moves, "SECONDS", 0.0)
    assert "2 are left" in str(do(rotation, profile="extension-serving").sentence)
    monkeypatch.undo()
    do(rotation, profile="extension-serving")
    assert set(rotation.facts["certificates"]) == {"demo/api", "demo/other"}


def test_its_secret_is_written_by_the_repair_that_shows_the_change_first(rotation):
    do(rotation)
    on(rotation)
    do(rotation, profile="extension-serving")
    made = rotation.facts["certificates"]["demo/api"]
    first = tell_certificates(rotation, row_of(rotation)).ways[0]
    assert first.href == f"/clusters/lab/apiservices/{NAME}/secret/?certificate={made}"


def test_names_that_the_cluster_said_are_one_word_each_in_a_shell(rotation, new):
    place = "de mo/$(reboot)"
    certificate = make_certificate(new, "api.demo.svc", profile="extension-serving")
    facts = {"services": {place: [NAME]}, "ports": {place: 8443}}
    rotation.facts = {**rotation.facts, **facts, "certificates": {place: certificate.pk}}
    lines = tell_certificates(rotation, row_of(rotation)).commands[0].lines
    said = shlex.split(lines.splitlines()[0])
    assert said[:5] == ["kubectl", "--namespace", "de mo", "port-forward", "service/$(reboot)"]
    assert said[5] == "8443:8443"


def test_without_a_handshake_a_person_says_that_the_backends_serve_it(rotation):
    do(rotation)
    on(rotation)
    do(rotation, profile="extension-serving")
    with pytest.raises(NotProven):
        on(rotation)
    keys = {ask["key"] for ask in row_of(rotation).asks}
    assert keys == {"serves:demo/api", "serves:demo/other"}


def test_the_old_one_is_dropped_and_others_stay(rotation, fake_cluster, new):
    serving_from(rotation, fake_cluster, new)
    do(rotation, confirm="old-ca")
    assert held(fake_cluster, NAME) == ["new-serving-ca"]
    assert held(fake_cluster, OTHER) == ["third-ca", "new-serving-ca"]
    on(rotation)
    rotation.refresh_from_db()
    assert rotation.state == "done"
    assert list(rotation.cluster.serving_authorities.all()) == [new]


def test_a_backend_that_still_serves_the_old_one_keeps_both(rotation, fake_cluster, new, old):
    serving_from(rotation, fake_cluster, new)
    fake_cluster.shown = digest(old).sha256
    with pytest.raises(NotAnswered):
        do(rotation, confirm="old-ca")
    assert held(fake_cluster, NAME) == ["old-ca", "new-serving-ca"]
    assert held(fake_cluster, OTHER) == ["third-ca", "old-ca", "new-serving-ca"]


def test_what_is_silent_already_is_not_touched(rotation, fake_cluster, new):
    serving_from(rotation, fake_cluster, new)
    fake_cluster.shown = "nobody"
    with pytest.raises(NotAnswered):
        do(rotation, confirm="old-ca")
    assert held(fake_cluster, NAME) == ["old-ca", "new-serving-ca"]


def test_whoever_goes_back_to_the_first_step_has_both_written_again(rotation, fake_cluster, new):
    serving_from(rotation, fake_cluster, new)
    do(rotation, confirm="old-ca")
    go_back(rotation, row_of(rotation).pk, by=ADA, now=timezone.now())
    with pytest.raises(NotProven):
        on(rotation)
    go_back(rotation, row_of(rotation).pk, by=ADA, now=timezone.now())
    do(rotation)
    assert sorted(held(fake_cluster, NAME)) == ["new-serving-ca", "old-ca"]
    on(rotation)
    assert row_of(rotation).key == "certificate"


def test_a_step_is_passed_without_proof_for_a_reason(rotation):
    why = "kubectl showed me both"
    override(rotation, row_of(rotation).pk, why, by=ADA, now=timezone.now())
    step = rotation.steps.get(key="overlap")
    assert (step.state, step.reason) == (StepState.OVERRIDDEN, why)
    assert row_of(rotation).key == "certificate"


def test_the_same_key_takes_nobodys_place(rotation, cluster, fake_cluster, new):
    fake_cluster.put(raw_apiservice(NAME, caBundle=encoded(new.certificate_pem)))
    chosen = {"old": new.spki_sha256, "new": new}
    with pytest.raises(InvalidField) as refused:
        start_rotation(cluster, "serving_ca", chosen, by=ADA, now=timezone.now())
    assert refused.value.field == "new"


def test_a_ca_that_nobody_trusts_any_more_is_refused(cluster, new, old):
    chosen = {"old": digest(old).spki_sha256, "new": new}
    with pytest.raises(InvalidField) as refused:
        start_rotation(cluster, "serving_ca", chosen, by=ADA, now=timezone.now())
    assert refused.value.field == "old"


def test_the_names_that_a_backend_had_before_are_kept():
    assert hosts_of("demo/api", frozenset({"api.example.com", "api.demo.svc"})) == (
        "api.demo.svc",
        "api.demo.svc.cluster.local",
        "api.demo",
        "api.example.com",
    )


def test_no_key_stands_in_what_a_rotation_keeps(rotation, fake_cluster, new):
    serving_from(rotation, fake_cluster, new)
    kept = json.dumps([rotation.facts, *rotation.steps.values_list("facts", "seen", "missing")])
    assert "PRIVATE KEY" not in kept
