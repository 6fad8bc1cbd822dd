from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0006_provider_events")]

    operations = [
        migrations.AddField(
            model_name="recordedverdict",
            name="versions",
            field=models.JSONField(blank=True, help_text="What decided, and on which wording.", null=True),
        ),
        migrations.AddField(
            model_name="seal",
            name="contents",
            field=models.TextField(blank=True, help_text="The rows, each with its SHA-256.", null=True),
        ),
        migrations.AlterField(
            model_name="seal",
            name="digest",
            field=models.CharField(help_text="SHA-256 over the contents.", max_length=64),
        ),
    ]
