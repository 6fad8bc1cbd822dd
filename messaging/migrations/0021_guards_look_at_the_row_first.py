"""The guards of messages look at the row alone before they ask for anything else, which PostgreSQL begins a query for."""

from django.db import migrations

from messaging.guards import GUARDS
from pipeline import guards


class Migration(migrations.Migration):
    dependencies = [("messaging", "0020_floor_by_application")]
    operations = [guards.installing(GUARDS)]
