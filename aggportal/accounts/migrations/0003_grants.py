"""Grants: roles for the whole portal, or for one authority or cluster."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "viewer"),
                            ("requester", "requester"),
                            ("issuer", "issuer"),
                            ("approver", "approver"),
                            ("auditor", "auditor"),
                            ("operator", "cluster operator"),
                            ("administrator", "administrator"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "scope_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "everywhere"),
                            ("authority", "authority"),
                            ("cluster", "cluster"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("scope_key", models.CharField(blank=True, default="", max_length=40)),
                ("granted_by", models.CharField(max_length=150)),
                ("granted_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("scope_kind", "scope_key", "pk"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "role", "scope_kind", "scope_key"), name="grant_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "role__in",
                                    [
                                        "viewer",
                                        "requester",
                                        "issuer",
                                        "approver",
                                        "auditor",
                                        "operator",
                                        "administrator",
                                    ],
                                ),
                                ("scope_key", ""),
                                ("scope_kind", ""),
                            ),
                            models.Q(
                                ("role__in", ["requester", "issuer", "approver", "administrator"]),
                                ("scope_kind", "authority"),
                                models.Q(("scope_key", ""), _negated=True),
                            ),
                            models.Q(
                                ("role__in", ["operator", "administrator"]),
                                ("scope_kind", "cluster"),
                                models.Q(("scope_key", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="grant_role_fits_its_scope",
                    ),
                ],
            },
        ),
    ]
