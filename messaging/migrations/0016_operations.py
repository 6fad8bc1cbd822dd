"""Bulk acts have a row of their own, and the brake can be on one. SQLite rebuilds the table of the brakes, which a guard
reads, so the guards are lifted; the newest migration that needs them puts them back."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.migrations import RunPython

from messaging.guards import GUARDS
from pipeline import guards


def lift(apps, schema_editor):
    guards.remove(GUARDS, using=schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0015_minutes_by_kind"),
        ("pipeline", "0004_merges"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        RunPython(lift, RunPython.noop),
        migrations.CreateModel(
            name="OperationItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("to_do", "Waits for its turn"),
                            ("done", "Done"),
                            ("refused", "Not possible"),
                            ("dropped", "Left as it was"),
                            ("undone", "Undone"),
                            ("stays", "Could not be undone"),
                        ],
                        default="to_do",
                        max_length=10,
                    ),
                ),
                (
                    "sentence",
                    models.CharField(blank=True, help_text="Why not, or what could not be undone.", max_length=500),
                ),
                ("done_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["operation", "pk"],
            },
        ),
        migrations.AlterField(
            model_name="brake",
            name="automation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="brakes",
                to="messaging.automation",
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("released", "A person let their message go"),
                    ("signed", "A wording was signed"),
                    ("rule_changed", "A rule was changed"),
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
        migrations.CreateModel(
            name="Operation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("move", "Move to stage"), ("reject", "Rejection")], max_length=10)),
                ("begun_at", models.DateTimeField()),
                ("quiet", models.BooleanField(default=False, verbose_name="without any message")),
                ("note", models.TextField(blank=True)),
                ("message_count", models.PositiveIntegerField(default=0)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("undo_finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reason",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pipeline.reason",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        help_text="Chosen instead of what automations of its kind would send. Empty: what they send.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operations",
                        to="messaging.template",
                    ),
                ),
                (
                    "to_stage",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pipeline.stage",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-begun_at", "-pk"],
            },
        ),
        migrations.AddField(
            model_name="brake",
            name="operation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="brakes",
                to="messaging.operation",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="operation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="messaging.operation",
            ),
        ),
        migrations.AddConstraint(
            model_name="brake",
            constraint=models.UniqueConstraint(
                condition=models.Q(("dropped_at__isnull", True), ("released_at__isnull", True)),
                fields=("operation",),
                name="brake_one_on_per_operation",
            ),
        ),
        migrations.AddConstraint(
            model_name="brake",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("automation__isnull", False), ("operation__isnull", True)),
                    models.Q(("automation__isnull", True), ("operation__isnull", False)),
                    _connector="OR",
                ),
                name="brake_is_on_one_thing",
            ),
        ),
        migrations.AddField(
            model_name="operationitem",
            name="application",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="operation_items", to="pipeline.application"
            ),
        ),
        migrations.AddField(
            model_name="operationitem",
            name="change",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="operation_item",
                to="pipeline.stagechange",
            ),
        ),
        migrations.AddField(
            model_name="operationitem",
            name="operation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="items", to="messaging.operation"
            ),
        ),
        migrations.AddField(
            model_name="operationitem",
            name="seen_in",
            field=models.ForeignKey(
                help_text="The stage in which the person saw the candidate: who moved since then is not moved again.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="pipeline.stage",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["-begun_at", "-id"], name="operation_list_order"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["by", "kind", "begun_at"], name="operation_by_person"),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "move"), ("reason__isnull", True), ("to_stage__isnull", False)),
                    models.Q(("kind", "reject"), ("reason__isnull", False), ("to_stage__isnull", True)),
                    _connector="OR",
                ),
                name="operation_has_its_choice",
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=models.Q(("quiet", False), ("template__isnull", True), _connector="OR"),
                name="operation_quiet_has_no_template",
            ),
        ),
        migrations.AddIndex(
            model_name="operationitem",
            index=models.Index(fields=["operation", "state"], name="operation_item_by_state"),
        ),
        migrations.AddConstraint(
            model_name="operationitem",
            constraint=models.UniqueConstraint(fields=("operation", "application"), name="operation_has_each_once"),
        ),
        migrations.AddConstraint(
            model_name="operationitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("change__isnull", False), ("state__in", ["done", "undone", "stays"])),
                    models.Q(("change__isnull", True), ("state__in", ["to_do", "refused", "dropped"])),
                    _connector="OR",
                ),
                name="operation_item_done_has_its_change",
            ),
        ),
    ]
