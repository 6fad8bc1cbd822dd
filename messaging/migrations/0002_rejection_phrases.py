"""The phrases that make a text read like a rejection; people edit the list from here on."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from messaging.wording.tripwire import DEFAULT_PHRASES


def write_phrases(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    phrase = apps.get_model("messaging", "RejectionPhrase")
    phrase.objects.bulk_create([phrase(text=text) for text in DEFAULT_PHRASES], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]
    operations = [migrations.RunPython(write_phrases, migrations.RunPython.noop)]
