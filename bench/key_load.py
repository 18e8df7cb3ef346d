"""Issuing and opening keys in a process of its own while the key-encryption key is exchanged: one
line for each, `ok`, or what failed.

Run inside a portal: python -m bench.key_load
"""

from __future__ import annotations

import os
import secrets

import django


def work() -> str:
    """Issue a certificate, or open the key of one that is there; return what happened."""
    from aggportal.certs.models import Certificate
    from aggportal.certs.services.keys import open_key
    from aggportal.words import RefusedError
    from bench.issuing import issue

    try:
        if secrets.randbelow(10) < 3:
            issue()
            return "issued"
        row = Certificate.objects.exclude(key=None).select_related("key").order_by("?").first()
        if row is not None and row.key is not None:
            open_key(row.key, spki=row.spki_sha256)
        return "opened"
    except RefusedError as refused:
        return f"failed {refused}"


if __name__ == "__main__":
    django.setup()
    while True:
        os.write(1, f"{work()}\n".encode())
