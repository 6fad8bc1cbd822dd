from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_progress")]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="used_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="fingerprint",
            field=models.CharField(
                help_text="SHA-256 of recipient, subject, text, sender and answer address.", max_length=64
            ),
        ),
    ]
