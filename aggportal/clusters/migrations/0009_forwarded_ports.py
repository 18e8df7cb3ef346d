from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clusters", "0008_drift_secrets"),
    ]

    operations = [
        migrations.AddField(
            model_name="cluster",
            name="forwards_ports",
            field=models.BooleanField(default=False),
        ),
        migrations.AddConstraint(
            model_name="cluster",
            constraint=models.CheckConstraint(
                condition=models.Q(("forwards_ports", True), ("shakes_hands", True), _negated=True),
                name="cluster_handshakes_one_way",
            ),
        ),
    ]
