"""cfssl and openssl look at the same server as we do, and see the same certificate."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from aggportal.pki.armour import pieces_of
from aggportal.tls.scanning import ask, scan
from aggportal.tls.targets import Target
from tests.pki.certificates_made import NOW, authority, make, serving
from tests.tls.servers import openssl_server

pytestmark = pytest.mark.interop


@pytest.fixture
def cfssl():
    path = shutil.which("cfssl")
    if path is None:
        pytest.skip("no cfssl: install golang-cfssl")
    return path


def test_cfssl_certinfo_domain_tells_of_the_same_certificate(tmp_path, cfssl):
    own = serving(authority("serving-ca"))
    with openssl_server(tmp_path, own) as port:
        found = scan(ask(Target(host="127.0.0.1", port=port)), ["127.0.0.1"], now=NOW)
        command = [cfssl, "certinfo", "-domain", f"127.0.0.1:{port}"]
        theirs = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    facts = found.served.path[0]
    assert int(theirs["serial_number"]) == int(facts.serial, 16)
    assert theirs["sans"] == [value for _, value in facts.sans]
    assert theirs["subject"]["common_name"] == facts.common_name
    assert theirs["not_after"] == f"{facts.not_after:%Y-%m-%dT%H:%M:%SZ}"


def test_openssl_s_client_sees_the_same_chain_and_the_same_cas(tmp_path):
    root = authority("serving-ca")
    middle, front = make("between", by=root, is_ca=True), authority("front-proxy-ca")
    flags = ("-verify", "3", "-tls1_2")
    with openssl_server(
        tmp_path, serving(middle), *flags, chain=(root, middle, root), asks_for=(front, root)
    ) as port:
        found = scan(ask(Target(host="127.0.0.1", port=port)), ["127.0.0.1"], now=NOW)
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-showcerts"]
        shown = subprocess.run(command, input=b"", capture_output=True, check=False).stdout
    chain, _, rest = shown.partition(b"Server certificate")
    theirs = [piece.der for piece in pieces_of(chain) if piece.label == "CERTIFICATE"]
    assert [each.thing.der for each in found.served.certificates] == theirs
    named = rest.partition(b"Acceptable client certificate CA names\n")[2].decode().splitlines()
    names = [name.text for name in found.handshake.acceptable]
    assert [line.replace(" = ", "=") for line in named[:2]] == names
    assert b"Peer signature type: ECDSA" in rest
