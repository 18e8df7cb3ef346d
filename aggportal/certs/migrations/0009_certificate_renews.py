"""An index of successors that holds nothing of the many certificates which renew none."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("certs", "0008_import_drafts")]

    operations = [
        migrations.AddIndex(
            model_name="certificate",
            index=models.Index(
                condition=models.Q(("predecessor__isnull", False)),
                fields=["predecessor"],
                name="certificate_renews",
            ),
        ),
    ]
