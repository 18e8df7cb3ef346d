"""The trigram index behind finding a part of a name; no schema that a model knows of."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from aggportal.certs.text_search import drop_index, ensure_index


def make(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    ensure_index(schema_editor.connection)


def drop(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    drop_index(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("certs", "0005_finding")]

    operations = [migrations.RunPython(make, drop)]
