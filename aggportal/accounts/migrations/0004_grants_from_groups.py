"""What stood in Django groups of the three first roles becomes grants for the whole portal."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

ROLES = ("viewer", "issuer", "administrator")


def grants_from_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Grant what each member of a role's group held, and remove those groups."""
    grants = apps.get_model("accounts", "Grant").objects
    groups = apps.get_model("auth", "Group").objects.filter(name__in=ROLES)
    for group in groups:
        for user in apps.get_model("accounts", "User").objects.filter(groups=group):
            grants.get_or_create(
                user=user,
                role=group.name,
                scope_kind="",
                scope_key="",
                defaults={"granted_by": "upgrade", "granted_at": timezone.now()},
            )
    groups.delete()


def groups_from_grants(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put people back into the groups of those roles that were groups."""
    for name in ROLES:
        group, _made = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        people = apps.get_model("accounts", "User").objects.filter(
            grants__role=name, grants__scope_kind=""
        )
        for user in people:
            user.groups.add(group)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_grants")]

    operations = [migrations.RunPython(grants_from_groups, groups_from_grants)]
