"""The ledger says who gave whom which rights."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0016_operations")]

    operations = [
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("released", "A person let their message go"),
                    ("signed", "A wording was signed"),
                    ("rule_changed", "A rule was changed"),
                    ("rights_changed", "Somebody’s rights were changed"),
                    ("hand_off_closed", "A hand-off was closed"),
                    ("hand_off_snoozed", "A hand-off was put off"),
                    ("hand_off_escalated", "An overdue hand-off was escalated"),
                    ("cancelled", "A message was cancelled"),
                    ("rescheduled", "A message was held, released, postponed or sent early"),
                    ("bounce_answered", "A mail that did not arrive was answered"),
                    ("resolved", "An uncertain message was resolved"),
                    ("reach_corrected", "A reach was corrected"),
                    ("merged", "Two candidates were merged"),
                    ("unmerged", "A merge was taken apart"),
                    ("silence", "A candidate asked for silence, or ended it"),
                    ("operation", "A bulk act was begun, finished or undone"),
                    ("brake", "The brake was put on, released or dropped"),
                    ("safe_mode", "Safe mode began or ended"),
                    ("incident", "An incident"),
                ],
                max_length=20,
            ),
        ),
    ]
