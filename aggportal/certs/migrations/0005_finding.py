"""Orders in which the list of certificates is paged, and authorities whose key may leave."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("certs", "0004_whole_life")]

    operations = [
        migrations.AddField(
            model_name="authority",
            name="key_may_leave",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="certificate",
            index=models.Index(fields=["common_name", "id"], name="certificate_by_name"),
        ),
        migrations.AddIndex(
            model_name="certificate",
            index=models.Index(fields=["authority", "id"], name="certificate_by_authority"),
        ),
    ]
