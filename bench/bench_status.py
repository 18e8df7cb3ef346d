"""Telling who is revoked: `python -m bench.bench_status [10000]`.

How long a list with so many entries takes to sign, what revoking one more costs, and how many OCSP
answers a second go out: kept ones, and ones signed anew (with a nonce) for each kind of key.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from bench.harness import Portal, load, portal

KEYS = {
    "ecdsa": {"algo": "ecdsa", "size": 256},
    "rsa": {"algo": "rsa", "size": 2048},
    "ed25519": {"algo": "ed25519"},
}
FILL = """
import json, secrets, time
from django.utils import timezone
from aggportal.certs.models import *
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.crls import publish_crl
from aggportal.certs.services.revoking import RevocationChoices, revoke_certificates
from aggportal.pki.requests import load_request_spec
from aggportal.web.actors import Actor
config = {{"signing": {{"default": {{"expiry": "8760h", "usages": ["signing", "server auth"]}}}}}}
now, by = timezone.now(), Actor(id=None, name="bench")
def row(authority, n, **rest):
    return Certificate(
        authority=authority, origin=Origin.IMPORTED, serial=f"{{n:040x}}", common_name=f"c{{n}}",
        subject=f"CN=c{{n}}", profile="default", key_text="ECDSA P-256", file_base=f"c{{n}}",
        not_before=authority.not_before, not_after=authority.not_after, issued_at=now,
        issued_by="bench", fingerprint_sha256=secrets.token_hex(32),
        spki_sha256=secrets.token_hex(32), **rest)
for name, key in {keys!r}.items():
    choices = AuthorityChoices(label=name, slug=name, lane=Lane.GENERAL, mode=Mode.STRICT,
                               file_base=name, signing_config=json.dumps(config))
    spec = load_request_spec({{"CN": name, "key": key}})
    authority = create_authority(spec, choices, by=by, now=now)
    gone = dict(revoked_at=now, revocation_reason=Reason.SUPERSEDED, revoked_by="bench")
    Certificate.objects.bulk_create(row(authority, n, **gone) for n in range(100, {rows} + 100))
    Certificate.objects.bulk_create(row(authority, n) for n in range(1, 11))
    begun = time.perf_counter()
    crl = publish_crl(authority, by=by, now=now)
    signed = time.perf_counter() - begun
    pk = Certificate.objects.get(authority=authority, serial=f"{{10:040x}}").pk
    begun = time.perf_counter()
    revoke_certificates([pk], RevocationChoices(reason=Reason.SUPERSEDED), by=by, now=now)
    print(f"{{name:<8}} a list of {{crl.entries}} entries, {{len(crl.der) / 1e3:.0f}} kB: "
          f"{{signed * 1000:.0f}} ms; revoking one more: "
          f"{{(time.perf_counter() - begun) * 1000:.0f}} ms", flush=True)
"""
WORKERS = 4


def main(rows: int) -> None:
    """Print a row for each kind of key and question."""
    with portal(lambda made: made.manage(FILL.format(rows=rows, keys=KEYS))) as made:
        for name in KEYS:
            issuer = x509.load_der_x509_certificate(fetch(made, "GET", f"/pki/{name}.crt"))
            for serial, word in ((1, "good"), (100, "revoked")):
                kept = [asking(made, name, issuer, serial, nonce=False) for _ in range(WORKERS)]
                print(load(f"{name}: {word}, kept", kept, count=800))
                fresh = [asking(made, name, issuer, serial, nonce=True) for _ in range(WORKERS)]
                print(load(f"{name}: {word}, signed anew", fresh, count=400))
        fetches = [fetching(made, "/pki/ecdsa.crl") for _ in range(WORKERS)]
        print(load("the list", fetches, count=200))


def fetch(made: Portal, method: str, path: str, body: bytes | None = None) -> bytes:
    """Ask once over a connection of its own."""
    return _ask(http.client.HTTPConnection("127.0.0.1", made.port, timeout=60), method, path, body)


def fetching(made: Portal, path: str) -> Callable[[], None]:
    """Return what fetches `path` over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", made.port, timeout=60)
    return lambda: _discard(_ask(connection, "GET", path, None))


def asking(
    made: Portal, name: str, issuer: x509.Certificate, serial: int, *, nonce: bool
) -> Callable[[], None]:
    """Return what asks about one serial over one connection, with a new nonce each time or none."""
    connection = http.client.HTTPConnection("127.0.0.1", made.port, timeout=60)
    hashed = ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, hashes.SHA256()).build()

    def ask() -> None:
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            hashed.issuer_name_hash, hashed.issuer_key_hash, serial, hashes.SHA256()
        )
        if nonce:
            builder = builder.add_extension(x509.OCSPNonce(os.urandom(16)), critical=False)
        der = builder.build().public_bytes(Encoding.DER)
        answer = ocsp.load_der_ocsp_response(_ask(connection, "POST", f"/pki/{name}/ocsp", der))
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise RuntimeError(str(answer.response_status))

    return ask


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None
) -> bytes:
    headers = {"Content-Type": "application/ocsp-request"} if body else {}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return content


def _discard(_content: bytes) -> None:
    return


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
