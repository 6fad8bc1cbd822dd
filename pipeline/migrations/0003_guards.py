"""Where the guards of the pipeline began; a later migration installs them all, see pipeline.guards.installing."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0002_reach_corrections")]
    operations = []
