"""Drift on a real cluster: what is planted stands on the page, and mended it turns green."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggportal.kube.apiservices import APISERVICES_PATH
from tests.e2e import cluster_deeds, deeds
from tests.e2e.clinic import CONFIG_MAP, apiservice, no_admission_of_accounts
from tests.kube.tls import TestAuthority

pytestmark = pytest.mark.e2e

NAME = "v1.drifting.example.com"
HOST = "api.clinic.svc"
ECDSA = {"algo": "ecdsa", "size": 256}
PODS = "/api/v1/namespaces/kube-system/pods"
SECRETS = "/api/v1/namespaces/clinic/secrets"
OTHER = TestAuthority(common_name="another-ca")
PATIENCE = 60


@dataclass(frozen=True, kw_only=True)
class Ours:
    """What the portal issued for the cluster: kube-apiserver's flags, two serving archives."""

    flags: list[str]
    earlier: Path
    newest: Path


@pytest.fixture(scope="module")
def ours(administrator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ours")
    for label, lane in (("Drift proxy", "front-proxy"), ("Drift serving", "serving")):
        request = json.dumps({"CN": label.lower(), "key": ECDSA, "ca": {"expiry": "87600h"}})
        deeds.make_authority(administrator, label=label, lane=lane, request=request)
    client = issue(administrator, "drift-proxy", "front-proxy-client", "front-proxy-client")
    unpacked = deeds.unpack(deeds.take_archive(administrator, client), folder / "proxy")
    deeds.install(unpacked, folder / "installed")
    choices = deeds.FlagChoices(
        authority="drift-proxy", certificate=client.path, directory=folder / "installed"
    )
    shown = deeds.choose_flags(administrator, choices)
    flags = deeds.arguments_by_shell(deeds.take_flags(administrator, shown))
    archives = []
    for which in ("earlier", "newest"):
        served = issue(administrator, "drift-serving", "extension-serving", HOST)
        archive = deeds.take_archive(administrator, served)
        archives.append(deeds.unpack(archive, folder / which))
    return Ours(flags=flags, earlier=archives[0], newest=archives[1])


@pytest.fixture(scope="module")
def plane(ours, start_control_plane):
    """A cluster with all of ours in its place."""
    plane = start_control_plane(no_admission_of_accounts(*ours.flags))
    for namespace in ("clinic", "kube-system"):
        plane.ensure_namespace(namespace)
    client = plane.client()
    spec = {"selector": {"app": "api"}, "ports": [{"port": 443, "targetPort": 8443}]}
    client.create("/api/v1/namespaces/clinic/services", made("Service", "api", spec=spec))
    client.create("/api/v1/namespaces/clinic/pods", serving_pod())
    client.create(APISERVICES_PATH, apiservice(NAME, texts(ours.newest)["ca.crt"], 443))
    client.create(SECRETS, tls_secret(ours.newest))
    client.create(PODS, kube_apiserver(ours.flags))
    return plane


@pytest.fixture(scope="module")
def drift(administrator, plane):
    """The address of the page of the connected cluster, whose Secrets are read."""
    kubeconfig = json.dumps(plane.kubeconfig())
    connected = cluster_deeds.connect_by_kubeconfig(
        administrator, name="drifting", kubeconfig=kubeconfig
    )
    cluster = f"/clusters/{cluster_deeds.slug_of(connected)}/"
    at = administrator.open(f"{cluster}settings/")
    form = at.page.form("/trust/")
    assert administrator.send(at, form, reads_secrets="on").status == 200
    return f"{cluster}drift/"


def issue(visitor, authority, profile, name):
    request = {"CN": name, "key": ECDSA, "hosts": [name] if "." in name else []}
    return deeds.issue(visitor, authority=authority, profile=profile, request=json.dumps(request))


def made(kind, name, **rest):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **rest}


def texts(archive):
    """What a Secret holds of an unpacked archive."""
    key = next(archive.glob("*-key.pem"))
    own = archive / f"{key.name.removesuffix('-key.pem')}.pem"
    ca = next(each for each in archive.glob("*.pem") if "drift" in each.name)
    return {"tls.crt": own.read_text(), "tls.key": key.read_text(), "ca.crt": ca.read_text()}


def tls_secret(archive):
    data = {n: base64.b64encode(text.encode()).decode() for n, text in texts(archive).items()}
    return made("Secret", "api-tls", type="kubernetes.io/tls", data=data)


def serving_pod():
    volumes = [{"name": "tls", "secret": {"secretName": "api-tls"}}]
    spec = {"containers": [{"name": "api", "image": "api"}], "volumes": volumes}
    pod = made("Pod", "api-1", spec=spec)
    pod["metadata"]["labels"] = {"app": "api"}
    return pod


def kube_apiserver(flags):
    container = {"name": "kube-apiserver", "image": "x", "command": ["kube-apiserver", *flags]}
    return made("Pod", "kube-apiserver-one", spec={"containers": [container]})


def ask_until(visitor, drift, *wanted):
    """Press "Compare now" until the board says all that is wanted; the board as text."""
    ends = time.monotonic() + PATIENCE
    while True:
        at = visitor.open(drift)
        board = at.page.element("drift-board").text
        if all(words in board for words in wanted):
            return board
        assert time.monotonic() < ends, board
        assert visitor.send(at, at.page.form("/doctor/ask/")).path == drift
        time.sleep(1)


def change(client, path, **sections):
    document = dict(client.get_json(path))
    for name, values in sections.items():
        document[name] = {**document[name], **values}
    client.replace(path, document)


def test_a_cluster_with_all_of_ours_is_green(administrator, drift):
    board = ask_until(administrator, drift, "no drift")
    assert "Not compared" not in board
    for place in ("requestheader-client-ca-file", NAME, "clinic/api-tls", "--proxy-client-cert"):
        assert place in board


def test_the_role_for_the_one_secret_is_printed(administrator, drift):
    page = administrator.open(drift).page
    assert "- api-tls" in page.element("drift-secrets").text


def test_each_planted_difference_is_told_exactly(administrator, drift, plane, ours):
    client = plane.client()
    data = client.get_json(CONFIG_MAP)["data"]
    cas = data["requestheader-client-ca-file"] + OTHER.pem
    names = json.dumps(["front-proxy-client", "somebody"])
    entries = {"requestheader-client-ca-file": cas, "requestheader-allowed-names": names}
    change(client, CONFIG_MAP, data=entries)
    bundle = base64.b64encode(OTHER.pem.encode()).decode()
    change(client, f"{APISERVICES_PATH}/{NAME}", spec={"caBundle": bundle})
    change(client, f"{SECRETS}/api-tls", data=tls_secret(ours.earlier)["data"])
    client.delete(f"{PODS}/kube-apiserver-one")
    client.create(PODS, kube_apiserver([f for f in ours.flags if "allowed-names" not in f]))
    board = ask_until(
        administrator,
        drift,
        "It also holds CN=another-ca, which is not ours",
        "somebody is there too, and is not ours.",
        "Drift serving is missing",
        "It is another one of ours",
        "It is missing.",
    )
    assert "5 differences" in board
    assert "5 differences" in administrator.open(drift.removesuffix("drift/")).page.text


def test_no_private_key_is_kept(ours, portal):
    lines = texts(ours.earlier)["tls.key"].splitlines()[1:-1]
    encoded = tls_secret(ours.earlier)["data"]["tls.key"][:60]
    files = [each for each in portal.directory.rglob("*") if each.is_file()]
    assert files
    for each in files:
        content = each.read_bytes()
        assert not any(line.encode() in content for line in (*lines, encoded)), each


def test_mended_it_is_green_again(administrator, drift, plane, ours):
    client = plane.client()
    client.delete(CONFIG_MAP)
    bundle = tls_secret(ours.newest)["data"]["ca.crt"]
    change(client, f"{APISERVICES_PATH}/{NAME}", spec={"caBundle": bundle})
    change(client, f"{SECRETS}/api-tls", data=tls_secret(ours.newest)["data"])
    client.delete(f"{PODS}/kube-apiserver-one")
    client.create(PODS, kube_apiserver(ours.flags))
    ask_until(administrator, drift, "no drift")


def test_a_secret_that_is_gone_is_told(administrator, drift, plane):
    plane.client().delete(f"{SECRETS}/api-tls")
    ask_until(administrator, drift, "There is no such Secret, though its pods mount it.")
