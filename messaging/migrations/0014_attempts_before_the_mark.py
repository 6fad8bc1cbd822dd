"""What was tried before mails were marked as let out may have left: the reaper must not take it for unused."""

from django.db import migrations
from django.db.models import F


def mark(apps, schema_editor):
    attempts = apps.get_model("messaging", "Attempt").objects.using(schema_editor.connection.alias)
    attempts.filter(used_at__isnull=True).update(used_at=F("started_at"))


class Migration(migrations.Migration):
    dependencies = [("messaging", "0013_merges_in_the_ledger")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
