"""Both CAs of a real cluster are exchanged, and no request fails; the portal dies in every step.

The two rotations go on at once, since kube-apiserver and the extension server look at their files
once a minute. The tests stand in the order in which a person goes.
"""

from __future__ import annotations

import pytest

from tests.e2e import cluster_deeds, deeds, rotating_deeds
from tests.e2e.cluster_side import users_in_audit, wait_until
from tests.e2e.portal import Portal
from tests.e2e.rotating_rig import make_next_serving_ca, stand

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

POLL = 75
OLD, NEW = "front-proxy-ca", "front-proxy-ca-2"
OLD_SERVING, NEW_SERVING = "extension-serving-ca", "extension-serving-ca-2"
CONFIG_MAP = "extension-apiserver-authentication"


@pytest.fixture(scope="module")
def own_portal(tmp_path_factory):
    """One that may be killed: others visit the package's."""
    portal = Portal(directory=tmp_path_factory.mktemp("mortal"))
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


@pytest.fixture(scope="module")
def rig(own_portal, start_control_plane, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rotation") / "way"
    with stand(own_portal, start_control_plane, folder) as rig:
        yield rig


@pytest.fixture(scope="module")
def front_proxy(rig):
    """The rotation of the front-proxy CA, begun."""
    cluster = rig.way.cluster
    return rotating_deeds.begin(rig.visitor, cluster, "front_proxy_ca", field="successor")


@pytest.fixture(scope="module")
def serving(rig):
    """The rotation of the serving CA, begun; the portal may shake hands."""
    new = make_next_serving_ca(rig.visitor)
    at = rig.visitor.open(f"/clusters/{rig.way.cluster}/settings/")
    rig.visitor.send(at, at.page.form_with("handshakes"), handshakes="direct")
    return rotating_deeds.begin(rig.visitor, rig.way.cluster, "serving_ca", field="old", new=new)


def test_the_next_front_proxy_ca_is_made_though_the_portal_is_killed(rig, front_proxy):
    assert front_proxy.try_on().status == 409
    rig.killed()
    front_proxy.do(common_name=NEW)
    front_proxy.on()


def test_the_overlap_is_not_believed_before_the_cluster_shows_it(rig, front_proxy):
    rig.put_ca(front_proxy.take("ca"))
    front_proxy.see()
    rig.killed()
    if NEW not in rig.published():
        assert front_proxy.try_on().status == 409


def test_both_serving_cas_are_trusted_though_the_portal_is_killed_meanwhile(rig, serving):
    assert serving.try_on().status == 409
    rig.killed_while(serving.at, "/do/", after=0.15)
    serving.do()
    serving.on()
    assert rig.trusted() == {OLD_SERVING, NEW_SERVING}


def test_the_overlap_is_proven_once_kube_apiserver_has_read_the_file(rig, front_proxy):
    wait_until(lambda: rig.published() == {OLD, NEW}, POLL)
    front_proxy.on(within=15)


def test_the_proxy_client_pair_of_the_new_ca_is_installed(rig, front_proxy, tmp_path):
    rig.killed_while(front_proxy.at, "/do/", after=0.15)
    front_proxy.do()
    deeds.install(deeds.unpack(front_proxy.take("pair"), tmp_path / "pair"), rig.files)
    front_proxy.see()
    front_proxy.on()
    assert front_proxy.try_on().status == 409  # a minute has not passed


def test_the_new_serving_certificate_is_proven_by_a_handshake(rig, serving, tmp_path):
    rig.killed_while(serving.at, "/do/", after=0.15)
    serving.do()
    refused = serving.try_on()
    assert refused.status == 409
    assert "still shows a certificate" in refused.page.text
    unpacked = deeds.unpack(serving.take("files-"), tmp_path / "serving")
    pair = deeds.pair_in(unpacked, "api.wardle.svc")
    rig.serve(pair.certificate_pem.encode(), pair.key_pem.encode())
    serving.back()
    serving.on(within=15)
    serving.on(within=POLL)


def test_the_old_serving_ca_is_dropped_though_the_portal_is_killed_meanwhile(rig, serving):
    rig.killed_while(serving.at, "/do/", after=0.15, confirm=OLD_SERVING)
    serving.do(confirm=OLD_SERVING)
    serving.on()
    assert rig.trusted() == {NEW_SERVING}
    assert "step-current" not in serving.at.text


def test_the_new_pair_is_confirmed_after_a_minute(rig, front_proxy):
    rig.killed()
    front_proxy.on(within=POLL)


def test_the_old_ca_leaves_the_file_and_comes_back_when_deleted_too_early(rig, front_proxy):
    rig.put_ca(front_proxy.take("ca"))
    front_proxy.see()
    rig.killed()
    front_proxy.on(within=10)
    front_proxy.do(confirm=CONFIG_MAP)
    wait_until(lambda: NEW in rig.published(), 5)
    if OLD in rig.published():
        assert "is back" in front_proxy.try_on().page.text


def test_the_config_map_is_rebuilt_without_the_old_ca(rig, front_proxy):
    rig.killed_while(front_proxy.at, "/do/", after=0.1, confirm=CONFIG_MAP)

    def deleted_for_good():
        if OLD in rig.published():
            front_proxy.do(confirm=CONFIG_MAP)
        return rig.published() == {NEW}

    wait_until(deleted_for_good, POLL, pause=2)
    assert front_proxy.try_on().status == 409  # another master might bring it back
    reason = "There is one master, and it has read its file."
    assert front_proxy.override(reason=reason, typed=rig.way.variant.name).status == 200
    assert "step-current" not in front_proxy.at.text


def test_no_request_failed_in_both_rotations(rig):
    rig.hammer.require_none_failed(at_least=1000)
    assert rig.kills >= 9
    assert set(users_in_audit(rig.way.extension)) == {"ada"}


def test_every_step_is_on_record(rig, own_portal):
    actions = [entry["action"] for entry in cluster_deeds.ledger(rig.visitor)]
    assert actions.count("rotation.started") == 2
    assert actions.count("rotation.done") == 2
    assert actions.count("rotation.went_back") == 1
    assert actions.count("rotation.step_overridden") == 1
    assert "The ledger holds" in own_portal.manage("ledger_verify")
