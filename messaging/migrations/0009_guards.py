"""No statement lets a message leave that the floor, the policy or a stage rule reserves for a person. The newest migration that
needs the guards installs them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0008_safety"), ("pipeline", "0003_guards")]
    operations = []
