"""No statement lets a message leave that the floor, the policy or a stage rule reserves for a person."""

from django.db import migrations

from messaging.guards import GUARDS
from pipeline import guards


class Migration(migrations.Migration):
    dependencies = [("messaging", "0008_safety"), ("pipeline", "0003_guards")]
    operations = [guards.installing(GUARDS)]
