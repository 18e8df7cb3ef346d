"""Issuing in a process of its own, one certificate after the other; each serial is printed once it
is acknowledged.

Run inside a portal: python -m bench.issuing COUNT
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import django

from bench.installation import AUTHORITY

if TYPE_CHECKING:
    from aggportal.certs.models import Certificate

SPEC = {"CN": "bars.example", "hosts": ["bars.example"], "key": {"algo": "ecdsa", "size": 256}}


def issue() -> Certificate:
    """Issue one certificate from the authority of the bars."""
    from django.utils import timezone

    from aggportal.certs.models import Authority
    from aggportal.certs.services.issuing import IssueChoices, issue_certificate
    from aggportal.pki.requests import load_request_spec
    from aggportal.web.actors import Actor

    authority = Authority.objects.get(slug=AUTHORITY)
    choices = IssueChoices(profile="extension-serving", file_base="bars")
    by = Actor(id=None, name=f"process-{os.getpid()}")
    return issue_certificate(authority, load_request_spec(SPEC), choices, by=by, now=timezone.now())


def acknowledge(serial: str) -> None:
    """Say it to whoever waits, in one write."""
    os.write(1, f"{serial}\n".encode())


if __name__ == "__main__":
    django.setup()
    for _ in range(int(sys.argv[1])):
        acknowledge(issue().serial)
