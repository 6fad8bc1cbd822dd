"""The guard of the floor asks SQLite for the mail of one candidate, and not for all that was ever sent. The newest migration that
needs the guards installs them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0019_escalation_notices")]
    operations = []
