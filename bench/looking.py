"""Issue, revoke and publish; pkilint, openssl and cryptography look at what was signed.

Run inside a portal: python -m bench.looking CERTIFICATES LISTS. Prints JSON.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from cryptography import x509  # noqa: E402 -- Django comes first
from cryptography.hazmat.primitives.serialization import Encoding  # noqa: E402
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from aggportal.certs.jobs import publish_lists  # noqa: E402
from aggportal.certs.models import Authority, Certificate, Reason  # noqa: E402
from aggportal.certs.services.crls import current_crl  # noqa: E402
from aggportal.certs.services.revoking import (  # noqa: E402
    RevocationChoices,
    revoke_certificates,
)
from aggportal.pki.linting import LintFinding, lint_certificate, lint_revocations  # noqa: E402
from aggportal.web.actors import Actor  # noqa: E402
from bench.installation import AUTHORITY  # noqa: E402
from bench.issuing import issue  # noqa: E402

LEAST_LEFT = 0.25


def main(certificates: int, lists: int) -> dict[str, Any]:
    issued = [issue() for _ in range(certificates)]
    pems = [certificate.material.pem for certificate in issued]
    loaded = [x509.load_pem_x509_certificate(pem.encode()) for pem in pems]
    lint = [told for each in loaded for told in faults(lint_certificate(der(each)))]
    verify = _verified(loaded, pems)
    listed, served, slowest = _revoked(issued[:lists])
    return {
        "lint": lint + listed,
        "verify": verify,
        "agreed": certificates - len(verify),
        "served": served + _kept_fresh(),
        "slowest": slowest,
        "share": min(_shares),
    }


_shares: list[float] = []


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def faults(findings: tuple[LintFinding, ...]) -> list[str]:
    return [f"{each.code} {each.path}" for each in findings if each.is_fault]


def _verified(loaded: list[x509.Certificate], pems: list[str]) -> list[str]:
    """What `openssl verify` or cryptography does not take."""
    root = Authority.objects.get(slug=AUTHORITY).certificate_pem
    wrong = []
    verifier = PolicyBuilder().store(Store([x509.load_pem_x509_certificate(root.encode())]))
    server = verifier.build_server_verifier(x509.DNSName("bars.example"))
    for certificate in loaded:
        try:
            server.verify(certificate, [])
        except VerificationError as exc:
            wrong.append(f"cryptography: {exc}")
    with tempfile.TemporaryDirectory() as folder:
        ca = Path(folder) / "ca.pem"
        ca.write_text(root)
        for number, pem in enumerate(pems):
            (Path(folder) / f"{number}.pem").write_text(pem)
        names = [str(Path(folder) / f"{number}.pem") for number in range(len(pems))]
        command = ["openssl", "verify", "-purpose", "sslserver", "-CAfile", str(ca), *names]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    good = [line for line in done.stdout.splitlines() if line.endswith(": OK")]
    return wrong + [f"openssl: {done.stderr[-200:]}"] * (len(pems) - len(good))


def _revoked(rows: list[Certificate]) -> tuple[list[str], list[str], float]:
    """Revoke one after the other; each is on the list that the address serves next."""
    client, slowest = Client(SERVER_NAME="localhost"), 0.0
    lint, served = [], []
    for row in rows:
        begun = time.monotonic()
        choices = RevocationChoices(reason=Reason.KEY_COMPROMISE)
        revoke_certificates([row.pk], choices, by=Actor(id=None, name="bars"), now=timezone.now())
        answer = client.get(f"/pki/{AUTHORITY}.crl").content
        slowest = max(slowest, time.monotonic() - begun)
        crl = x509.load_der_x509_crl(answer)
        if crl.get_revoked_certificate_by_serial_number(int(row.serial, 16)) is None:
            served.append(f"{row.serial} is not on the list")
        lint += faults(lint_revocations(answer))
    return lint, served, slowest


def _kept_fresh() -> list[str]:
    """Let the worker come every six hours for a month: what of its life has the list left?"""
    wrong, begin = [], timezone.now()
    for hour in range(0, 24 * 30, 6):
        now = begin + dt.timedelta(hours=hour)
        publish_lists(now)
        newest = current_crl(Authority.objects.get(slug=AUTHORITY))
        assert newest is not None  # noqa: S101 -- revoking published one
        share = (newest.next_update - now) / (newest.next_update - newest.this_update)
        _shares.append(share)
        if share < LEAST_LEFT:
            wrong.append(f"{share:.2f} left after {hour} hours")
    return wrong


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
