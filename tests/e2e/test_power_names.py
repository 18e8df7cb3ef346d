"""Names that are power, tried on a real kube-apiserver: what one person is given reads no Secret of
kube-system, and what two people let pass does, which shows that the trial is real.
"""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.utils import timezone

from aggportal.accounts.roles import Role
from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.certs.services.keys import open_key
from aggportal.pki.errors import PkiError
from tests.certs.makers import make_authority, make_certificate
from tests.certs.two_people_made import REASON, approved, ask, held, with_role
from tests.e2e.control_plane import ControlPlane, write_file

pytestmark = [pytest.mark.e2e, pytest.mark.django_db]
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PROXY = "front-proxy-client"
AS_ADMINISTRATOR = {"X-Remote-User": "anybody", "X-Remote-Group": "system:masters"}
POWER: tuple[dict[str, Any], ...] = (
    {"names": [{"O": "system:masters"}]},
    {"names": [{"O": "SYSTEM:MASTERS"}]},
    {"names": [{"O": "sуstem:mаsters"}]},
    {"names": [{"O": "kubeadm:cluster-admins"}]},
    {"cn": "system:kube-controller-manager"},
    {"cn": "system:node:master", "names": [{"O": "system:nodes"}]},
    {"cn": "system:serviceaccount:kube-system:clusterrole-aggregation-controller"},
    {"cn": PROXY},
)


def status(
    plane: ControlPlane, certificate: Certificate, folder: Path, **headers: str
) -> tuple[int, str]:
    """What kube-apiserver answers who shows `certificate` and asks for kube-system's Secrets."""
    assert certificate.key is not None
    key = open_key(certificate.key, spki=certificate.spki_sha256)
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    pair = write_file(folder / f"{certificate.pk}.pem", plain + certificate.material.pem)
    context = ssl.create_default_context(cadata=plane.authority.pem)
    context.load_cert_chain(pair)
    connection = http.client.HTTPSConnection("127.0.0.1", plane.port, context=context, timeout=30)
    connection.request("GET", SECRETS, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def flags(plane_ca: str, users: Authority, proxies: Authority, folder: Path) -> list[str]:
    """Trust both authorities; the front proxy's name is set."""
    both = write_file(folder / "clients.pem", plane_ca + users.certificate_pem)
    proxy = write_file(folder / "proxies.pem", proxies.certificate_pem)
    return [
        f"--client-ca-file={both}",
        f"--requestheader-client-ca-file={proxy}",
        f"--requestheader-allowed-names={PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
    ]


def test_masters_cert_on_real_apiserver(start_control_plane, tmp_path) -> None:
    users, proxies = make_authority("users", lane=Lane.CLIENT), make_authority("proxies")
    Authority.objects.filter(pk=proxies.pk).update(lane=Lane.FRONT_PROXY, allowed_names=PROXY)
    plane = start_control_plane()
    plane.stop_apiserver()
    plane.start_apiserver(flags(plane.authority.pem, users, proxies, tmp_path))
    for name in POWER:
        with pytest.raises(PkiError):
            ask(users, **{"cn": "x", **name})
    assert not Certificate.objects.exists()
    jane = make_certificate(users, "jane")
    assert status(plane, jane, tmp_path)[0] == 403
    assert status(plane, jane, tmp_path, **AS_ADMINISTRATOR)[0] == 403
    other = make_certificate(proxies, "another-proxy")
    assert status(plane, other, tmp_path, **AS_ADMINISTRATOR)[0] == 401
    proxy = make_certificate(proxies, PROXY)
    assert status(plane, proxy, tmp_path, **AS_ADMINISTRATOR)[0] == 200
    assert masters_by_two(users, plane, tmp_path) == 200


def masters_by_two(users: Authority, plane: ControlPlane, folder: Path) -> int:
    """What two people let pass is let in."""
    chosen = {"power_reason": REASON}
    asked = held(users, "jane", names=[{"O": "system:masters"}], choices=chosen)
    by = with_role("chief", Role.ADMINISTRATOR)
    return status(plane, approved(asked, by=by, now=timezone.now()), folder)[0]
