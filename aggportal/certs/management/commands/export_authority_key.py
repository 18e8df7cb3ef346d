"""`manage.py export_authority_key SLUG --recipient cert.pem --out FILE`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.certs.models import Authority
from aggportal.certs.services.key_exporting import take_export
from aggportal.web.actors import system_actor
from aggportal.web.hardening import harden_process
from aggportal.words import RefusedError

_MAX_BYTES = 64 * 1024


class Command(BaseCommand):
    """The only way for a whole key of an authority out of the portal, save cert-manager's."""

    help = (
        "Write an authority's private key, encrypted to a recipient (CMS). An administrator asks "
        "for it on the authority's page, and two other people approve it there, within a day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the authority's short name, as in its address")
        parser.add_argument("--recipient", type=Path, required=True, help="certificate (PEM)")
        parser.add_argument("--out", type=Path, required=True, help="file to write; must be new")

    def handle(self, *args: object, **options: object) -> None:
        harden_process()
        out = Path(str(options["out"]))
        try:
            authority = Authority.objects.select_related("key").get(slug=options["slug"])
            recipient = _read(Path(str(options["recipient"])))
            self._export(authority, recipient, out)
        except Authority.DoesNotExist as exc:
            raise CommandError("There is no authority of that short name.") from exc
        except (RefusedError, OSError) as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{out}: only the recipient's private key opens it")

    def _export(self, authority: Authority, recipient: str, out: Path) -> None:
        """Take the place for the file before the approvals are used up."""
        os.close(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        by = system_actor("export_authority_key")
        try:
            out.write_bytes(take_export(authority, recipient, by=by, now=timezone.now()))
        except BaseException:
            out.unlink(missing_ok=True)
            raise


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES).decode("ascii", "replace")
