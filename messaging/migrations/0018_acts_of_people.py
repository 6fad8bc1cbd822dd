"""What a person did with a hold, a brake, a due date or a bounce stays as it was done. The newest migration that needs the guards
installs them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0017_rights_in_the_ledger")]
    operations = []
