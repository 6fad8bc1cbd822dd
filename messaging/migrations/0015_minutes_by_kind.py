"""The minutes that a message takes by hand are said once for each kind, beside the report that counts with them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0014_attempts_before_the_mark")]
    operations = [migrations.RemoveField(model_name="template", name="minutes_saved")]
