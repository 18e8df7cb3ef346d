"""Private keys that may never leave."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("certs", "0002_received_requests")]

    operations = [
        migrations.AddField(
            model_name="certificate",
            name="exportable",
            field=models.BooleanField(default=True),
        ),
    ]
