"""A set is applied to a real kube-apiserver from the studio's pages, and removed again.

The tests are the steps of one walk and go in this order. No controllers run here; what they do is
done by stand-ins, and the server is the real one with the certificate out of the set's Secret.
"""

from __future__ import annotations

import json
import time

import pytest
import yaml

from aggportal.kube import studio
from tests.e2e import cluster_deeds, deeds
from tests.e2e.cluster_side import apply_documents
from tests.e2e.own_address import own_address
from tests.e2e.stand_ins import StandIns
from tests.e2e.test_extension_server import FLUNDERS, availability, front_proxy_flags, wait_until

pytestmark = pytest.mark.e2e

SET = {
    "name": "wardle",
    "namespace": "wardle-system",
    "group": "wardle.example.com",
    "version": "v1alpha1",
    "image": "registry.example.com/team/wardle:1.2.3",
    "resources": "flunders",
    "minor": "20",
    "flow_schema": "on",
}
PLACES = [
    studio.place_of(each)
    for each in studio.manifests(
        studio.Extension(
            name="wardle", namespace="wardle-system", group="wardle.example.com",
            version="v1alpha1", image="wardle:1", minor=20, flow_schema=True,
        ),
        ca_pem="",
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def plane(start_control_plane, tmp_path_factory):
    flags = front_proxy_flags(tmp_path_factory.mktemp("front-proxy"))
    return start_control_plane([*flags, "--enable-aggregator-routing=true"])


@pytest.fixture(scope="module")
def stand_ins(plane):
    with (
        own_address() as address,
        StandIns(
            plane=plane, namespace="wardle-system", name="wardle", address=address
        ) as stand_ins,
    ):
        yield stand_ins


@pytest.fixture(scope="module")
def authority(administrator):
    return deeds.make_authority(
        administrator,
        label="Studio serving",
        lane="serving",
        request=json.dumps({"CN": "studio-serving-ca", "key": {"algo": "ecdsa", "size": 256}}),
    )


def connected(administrator, plane, name, pair=None):
    kubeconfig = json.dumps(plane.kubeconfig(pair))
    at = cluster_deeds.connect_by_kubeconfig(administrator, name=name, kubeconfig=kubeconfig)
    return f"/clusters/{cluster_deeds.slug_of(at)}/"


@pytest.fixture(scope="module")
def cluster(administrator, plane):
    return connected(administrator, plane, "studied")


def tried(administrator, cluster, authority, **changes):
    """Describe the server and press "Apply it to …"; the page with what the cluster says."""
    at = administrator.open(f"{cluster}extension/new/")
    fields = {**SET, "authority": authority, **changes}
    at = administrator.send(at, at.page.form("/extension/new/"), button="show", **fields)
    at = administrator.send(at, at.page.form("/extension/new/"), button="try")
    assert at.status == 200, at.page.text
    return at


def until(administrator, path, wanted, seconds=60, part="set-progress"):
    """Look at the set's page until a part of it says what is wanted; its text."""
    ends = time.monotonic() + seconds
    while True:
        text = administrator.open(path).page.element(part).text
        if wanted(text):
            return text
        assert time.monotonic() < ends, text
        time.sleep(0.3)


@pytest.fixture(scope="module")
def begun(administrator, cluster, authority, stand_ins):
    """The path of the page of the set that is being applied."""
    at = tried(administrator, cluster, authority)
    assert (
        "What lies in the namespace wardle-system cannot be tried before that is there"
        in at.page.text
    )
    assert "refused" not in at.page.text
    at = administrator.send(at, at.page.form_with("confirm"), button="apply", confirm="wardle")
    assert at.status == 200, at.page.text
    return at.path


def test_an_account_without_rights_is_told_which_and_the_yaml_allows_them(
    administrator, plane, authority
):
    pair = plane.authority.client("poor")
    cluster = connected(administrator, plane, "poor-studio", pair)
    at = tried(administrator, cluster, authority, name="poor", namespace="poor")
    assert "The API server does not allow this" in at.page.text
    assert "create deployments.apps" in at.page.text
    assert not [each for each in at.page.forms if "confirm" in each.known]
    rules = yaml.safe_load(at.page.element("set-rights").text)
    group = "rbac.authorization.k8s.io"
    meta = {"apiVersion": f"{group}/v1", "metadata": {"name": "poor-studio"}}
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": "poor-studio"}
    user = {"apiGroup": group, "kind": "User", "name": "poor"}
    binding = {"kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [user]}
    documents = [{**meta, "kind": "ClusterRole", "rules": rules}, {**meta, **binding}]
    apply_documents(plane, yaml.safe_dump_all(documents))
    at = tried(administrator, cluster, authority, name="poor", namespace="poor")
    assert at.page.form_with("confirm")
    assert "What this account may not do" not in at.page.text


def test_nothing_follows_before_the_server_runs(administrator, begun, plane):
    text = until(administrator, begun, lambda text: "Deployment" in text and "not ready" in text)
    assert "7 of 15" in " ".join(text.split())
    assert plane.client().get_raw(PLACES[-1].path).status == 404


def test_a_killed_portal_goes_on_where_it_stood_until_it_is_available(
    administrator, begun, plane, portal, stand_ins
):
    portal.kill()
    stand_ins.rolls = True
    portal.serve()
    until(administrator, begun, lambda text: "15 of 15" in " ".join(text.split()))
    assert availability(plane).status == "True"
    wait_until(lambda: plane.client().get_raw(FLUNDERS).status == 200, 20)
    for place in PLACES:
        assert plane.client().get_raw(place.path).status == 200, place
    told = [row for row in cluster_deeds.ledger(administrator) if row["action"].startswith("ext")]
    assert [row["outcome"] for row in told] == ["intended", "done"]


def test_the_key_is_in_the_secret_and_on_no_page(administrator, begun, plane):
    secret = plane.client().get_json("/api/v1/namespaces/wardle-system/secrets/wardle-serving")
    assert secret["data"]["tls.key"] not in administrator.open(begun).text
    assert "PRIVATE KEY" not in administrator.open(begun).text
    assert "wardle-serving" in administrator.open(begun).page.text


def test_tried_again_it_is_unchanged_in_the_eyes_of_the_real_server(
    administrator, cluster, authority, begun
):
    at = tried(administrator, cluster, authority)
    assert at.page.text.count("unchanged") == 15


def test_what_somebody_else_has_needs_a_tick(administrator, cluster, authority, begun):
    at = tried(administrator, cluster, authority, namespace="elsewhere")
    form = at.page.form_with("confirm")
    at = administrator.send(at, form, button="apply", confirm="wardle")
    assert at.status == 422
    assert "tick each of these" in at.page.text


def test_removed_in_reverse_it_leaves_nothing(administrator, begun, plane, stand_ins):
    at = administrator.open(f"{begun}remove/")
    form = at.page.form_with("confirm")
    wrong = administrator.send(at, form, confirm="wardl", with_namespace="on")
    assert wrong.status == 422
    at = administrator.send(at, form, confirm="wardle", with_namespace="on")
    until(administrator, begun, lambda text: "removed" in text, part="set-title")
    for place in PLACES:
        assert plane.client().get_raw(place.path).status == 404, place
    assert stand_ins.troubles == []
