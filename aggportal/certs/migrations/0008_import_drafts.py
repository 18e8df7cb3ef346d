"""Imports between two pages: sealed for minutes, then what came of them."""

from __future__ import annotations

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("certs", "0007_name_entries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportDraft",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("purpose", models.CharField(max_length=40)),
                ("binding", models.CharField(max_length=128)),
                ("algorithm", models.CharField(max_length=20)),
                ("kek_id", models.CharField(db_index=True, max_length=16)),
                ("wrapped_key", models.BinaryField()),
                ("nonce", models.BinaryField()),
                ("ciphertext", models.BinaryField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("result", models.JSONField(blank=True, default=dict)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
    ]
