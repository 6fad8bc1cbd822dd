"""No statement changes history or lowers a reach."""

from django.db import migrations

from pipeline import guards


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0002_reach_corrections")]
    operations = [guards.installing(guards.GUARDS)]
