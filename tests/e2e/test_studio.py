"""What the studio gives is accepted, object by object and in order, by a real kube-apiserver."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from aggportal.kube import studio
from aggportal.kube.errors import ApiError
from tests.e2e.control_plane import ExtensionServer
from tests.e2e.own_address import own_address
from tests.e2e.test_extension_server import (
    FLUNDERS,
    availability,
    front_proxy_flags,
    wait_until,
)
from tests.kube.tls import TestAuthority

pytestmark = pytest.mark.e2e

# The control plane is kube-apiserver 1.20.
DESCRIBED = studio.Extension(
    name="wardle",
    namespace="wardle-system",
    group="wardle.example.com",
    version="v1alpha1",
    image="registry.example.com/team/wardle:1.2.3",
    minor=20,
    resources=("flunders",),
    sources=("10.0.0.0/16", "2001:db8::/32"),
    flow_schema=True,
)
PLURALS = {
    "NetworkPolicy": "networkpolicies",
    "APIService": "apiservices",
}


@pytest.fixture(scope="module")
def address():
    with own_address() as address:
        yield address


@pytest.fixture(scope="module")
def plane(start_control_plane, tmp_path_factory):
    flags = front_proxy_flags(tmp_path_factory.mktemp("front-proxy"))
    return start_control_plane([*flags, "--enable-aggregator-routing=true"])


@pytest.fixture(scope="module")
def serving():
    return TestAuthority(common_name="serving-ca")


@pytest.fixture(scope="module")
def pair(serving):
    return serving.serving(*DESCRIBED.hosts)


@pytest.fixture(scope="module")
def found(serving, pair):
    """The set as YAML and read back, as kubectl would."""
    made = studio.manifests(
        DESCRIBED,
        ca_pem=serving.pem,
        pair=studio.ServingPair(
            certificate_pem=pair.certificate_pem, key_pem=pair.key_pem, root_pem=serving.pem
        ),
    )
    return list(yaml.safe_load_all(studio.set_yaml(made)))


def collection(document):
    """The path of all objects of its kind, as kubectl would find it."""
    version, kind = document["apiVersion"], document["kind"]
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    namespace = document["metadata"].get("namespace")
    inside = f"namespaces/{namespace}/" if namespace else ""
    return f"/{'apis' if '/' in version else 'api'}/{version}/{inside}{plural}"


def path_of(document):
    return f"{collection(document)}/{document['metadata']['name']}"


@pytest.fixture(scope="module")
def applied(plane, found):
    """Each object is tried with a dry run and then created, in order."""
    client = plane.client()
    for document in found:
        client.create(collection(document), document, dry_run=True)
        client.create(collection(document), document)
    return client


def test_every_object_is_accepted_in_order(applied, found):
    for document in found:
        kept = applied.get_json(path_of(document))
        assert kept["metadata"]["labels"]["app.kubernetes.io/name"] == "wardle"


def test_what_is_kept_is_what_was_asked_for(applied, found):
    """Nothing of it was dropped as unknown; what the server adds by itself is left out."""
    for document in found:
        kept = applied.get_json(path_of(document))
        rest = {key: value for key, value in document.items() if key != "apiVersion"}
        assert _within(rest, kept), document["kind"]


def _within(asked, kept):
    if isinstance(asked, dict):
        return isinstance(kept, dict) and all(_within(v, kept.get(k)) for k, v in asked.items())
    if isinstance(asked, list):
        same = isinstance(kept, list) and len(kept) == len(asked)
        return same and all(_within(a, k) for a, k in zip(asked, kept, strict=True))
    return asked == kept


def test_the_roles_are_such_as_view_and_edit_gather_and_allow_what_they_say(applied, plane):
    """The controller that gathers them is not part of this control plane."""
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    for role in ("view", "edit", "admin"):
        own = applied.get_json(f"{roles}/wardle:{'edit' if role == 'admin' else role}")
        wanted = applied.get_json(f"{roles}/{role}")["aggregationRule"]["clusterRoleSelectors"]
        labels = own["metadata"]["labels"].items()
        assert any(each["matchLabels"].items() <= labels for each in wanted), role
    binding = _binding("wardle:view", user="ada")
    applied.create(collection(binding), binding)
    client = plane.client(plane.authority.client("ada"))
    assert _may(client, "list")
    assert not _may(client, "delete")


def _binding(role, *, user):
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"{user}-views", "namespace": DESCRIBED.namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def _may(client, verb):
    asked = {
        "namespace": DESCRIBED.namespace,
        "verb": verb,
        "group": DESCRIBED.group,
        "resource": "flunders",
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    return client.create(path, review)["status"]["allowed"]


def test_a_server_with_the_certificate_of_the_set_becomes_available(applied, plane, pair, address):
    """No kubelet runs here: it is started by hand, and the Service's endpoints are written."""
    extension = ExtensionServer(plane=plane, serving=pair, address=address)
    extension.start()
    ports = [{"name": "https", "port": extension.port}]
    endpoints = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": DESCRIBED.name, "namespace": DESCRIBED.namespace},
        "subsets": [{"addresses": [{"ip": address}], "ports": ports}],
    }
    applied.create(f"/api/v1/namespaces/{DESCRIBED.namespace}/endpoints", endpoints)
    wait_until(lambda: availability(plane).key == ("True", "Passed", "passed"), 60)
    wait_until(lambda: applied.get_raw(FLUNDERS).status == 200, 20)


def test_a_newer_target_is_refused_by_this_old_server(applied):
    """The version field is what decides: policy/v1 is not served by 1.20."""
    newer = dataclasses.replace(DESCRIBED, name="newer", minor=21)
    documents = studio.manifests(newer, ca_pem="")
    budget = next(each.document for each in documents if each.kind == "PodDisruptionBudget")
    with pytest.raises(ApiError):
        applied.create(collection(budget), budget, dry_run=True)
