"""A real kube-apiserver and a real extension API server, scanned through the portal's page."""

from __future__ import annotations

import re
import time

import pytest
from django.test import Client

from aggportal.certs.models import Authority, Lane
from tests.certs.makers import make_authority
from tests.e2e.control_plane import ControlPlane, ExtensionServer, write_file
from tests.kube.tls import TestAuthority

pytestmark = [pytest.mark.e2e, pytest.mark.django_db]


def flags(front: Authority, directory) -> list[str]:
    """kube-apiserver's flags for an authority of the portal as front-proxy CA."""
    return [
        f"--requestheader-client-ca-file={write_file(directory / 'ca.crt', front.certificate_pem)}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ]


def scanned(client: Client, port: int, **rest: str) -> str:
    answer = client.post("/scan/", {"target": f"127.0.0.1:{port}", **rest})
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


def scanned_until(words: str, client: Client, port: int, **rest: str) -> str:
    """Scan until the page says `words`: the servers learn of the front-proxy CA from a ConfigMap,
    some seconds after they listen.
    """
    deadline = time.monotonic() + 60
    while words not in (text := scanned(client, port, **rest)) and time.monotonic() < deadline:
        time.sleep(1)
    return text


def test_kubernetes_asks_for_our_front_proxy_authority(
    start_control_plane, client_of, issuer, tmp_path, settings
):
    settings.SCANS_PER_MINUTE = 1000
    asked = "our front-proxy authority “front-proxy-ca”"
    front = make_authority("front-proxy-ca", lane=Lane.FRONT_PROXY, profiles=["front-proxy-client"])
    plane: ControlPlane = start_control_plane(flags(front, tmp_path))
    serving = TestAuthority(common_name="serving-ca").serving("api.wardle.svc")
    extension = ExtensionServer(plane=plane, serving=serving)
    extension.start()
    for port, name in ((plane.port, "127.0.0.1"), (extension.port, "api.wardle.svc")):
        text = scanned_until(asked, client_of(issuer), port, name=name)
        assert asked in text
        assert f"It holds for {name}." in text
        assert "lets in who has none" in text
        assert "CN=kubernetes-ca" in text
        assert "It speaks TLS 1.2, TLS 1.3." in text
