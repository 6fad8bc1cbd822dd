"""What a person did with a hold, a brake, a due date or a bounce stays as it was done."""

from django.db import migrations

from messaging.guards import GUARDS
from pipeline import guards


class Migration(migrations.Migration):
    dependencies = [("messaging", "0017_rights_in_the_ledger")]
    operations = [guards.installing(GUARDS)]
