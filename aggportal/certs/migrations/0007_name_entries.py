"""Every certificate's names as rows of their own, for those stored before there were such rows."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from aggportal.pki.covering import stored_value

_BATCH = 1000
_KINDS = frozenset({"dns", "ip", "email", "uri", "other"})


def fill(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the rows batch by batch, in the order of the ids, so that memory stays flat."""
    certificates = apps.get_model("certs", "Certificate").objects
    entries = apps.get_model("certs", "CertificateName")
    last = 0
    while True:
        rows = certificates.filter(pk__gt=last, name_entries=None).order_by("pk")
        batch = list(rows.values_list("pk", "names", "material__pem")[:_BATCH])
        if not batch:
            return
        entries.objects.bulk_create(
            entries(certificate_id=pk, kind=kind, value=value)
            for pk, names, pem in batch
            for kind, value in sorted(set(_names(names)) | set(_sha1(pem)))
        )
        last = batch[-1][0]


def _names(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        kind, _space, value = line.partition(" ")
        if kind in _KINDS:
            yield kind, stored_value(kind, value)


def _sha1(pem: str | None) -> Iterator[tuple[str, str]]:
    lines = [line for line in (pem or "").splitlines() if line and not line.startswith("-")]
    try:
        der = base64.b64decode("".join(lines), validate=True)
    except ValueError:
        return
    if der:
        yield "sha1", hashlib.sha1(der, usedforsecurity=False).hexdigest()


def empty(apps: Any, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("certs", "CertificateName").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("certs", "0006_text_search")]

    operations = [migrations.RunPython(fill, empty)]
