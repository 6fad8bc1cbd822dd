"""Who is asked about an overdue hand-off gets one mail; those who were asked before get none, because they are no news."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0018_acts_of_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="EscalationNotice",
            fields=[
                (
                    "escalation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="notice",
                        serialize=False,
                        to="messaging.escalation",
                    ),
                ),
                ("told_at", models.DateTimeField()),
            ],
        ),
    ]
