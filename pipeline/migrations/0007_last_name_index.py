"""Looking for records of the same person does not read every candidate."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0006_profile"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="candidate",
            index=models.Index(django.db.models.functions.text.Lower("last_name"), name="candidate_by_last_name"),
        ),
    ]
