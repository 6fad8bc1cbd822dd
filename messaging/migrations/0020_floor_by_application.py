"""The guard of the floor asks SQLite for the mail of one candidate, and not for all that was ever sent."""

from django.db import migrations

from messaging.guards import GUARDS
from pipeline import guards


class Migration(migrations.Migration):
    dependencies = [("messaging", "0019_escalation_notices")]
    operations = [guards.installing(GUARDS)]
