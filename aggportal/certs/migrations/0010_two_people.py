"""Certificates that wait for another person: frozen, with proposals and approvals."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("certs", "0009_certificate_renews"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("approver_name", models.CharField(max_length=150)),
                ("approved_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("subject_kind", models.CharField(max_length=20)),
                ("subject_id", models.CharField(max_length=64)),
                ("label", models.CharField(max_length=300)),
                ("sha256", models.CharField(max_length=64)),
                ("votes_needed", models.PositiveSmallIntegerField(default=1)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "waits for approval"),
                            ("used", "approved and done"),
                            ("rejected", "rejected"),
                            ("expired", "expired"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("asker_name", models.CharField(max_length=150)),
                ("expires_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("settled_by", models.CharField(blank=True, default="", max_length=150)),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.AddField(
            model_name="signingrequest",
            name="approved_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="signingrequest",
            name="held",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="signingrequest",
            name="held_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="signingrequest",
            name="key",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="request",
                to="certs.sealedkey",
            ),
        ),
        migrations.AddField(
            model_name="signingrequest",
            name="tbs_sha256",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AlterField(
            model_name="renewalitem",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("renewed", "renewed"),
                    ("proposed", "waits for another person"),
                    ("refused", "refused"),
                    ("passed", "passed over"),
                ],
                default="waiting",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="signingrequest",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "pending"),
                    ("signing", "signing"),
                    ("issued", "issued"),
                    ("rejected", "rejected"),
                    ("failed", "failed"),
                    ("expired", "expired"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="signingrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("renews__isnull", False), ("state", "pending")),
                fields=("renews",),
                name="request_renewal_waits_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="signingrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by", None),
                    ("requested_by", None),
                    models.Q(("approved_by", models.F("requested_by")), _negated=True),
                    _connector="OR",
                ),
                name="request_approved_by_other",
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="approved_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="asked_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="proposal",
            name="asked_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="proposal",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="approvals",
                to="certs.proposal",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("kind", "subject_kind", "subject_id"),
                name="proposal_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(("votes_needed__gte", 1), ("votes_needed__lte", 5)),
                name="proposal_votes",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                fields=("proposal", "approved_by"), name="approval_once_each"
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("asked_by", None),
                    models.Q(("approved_by", models.F("asked_by")), _negated=True),
                    _connector="OR",
                ),
                name="approval_by_other",
            ),
        ),
    ]
