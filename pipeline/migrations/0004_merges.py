"""Two records of one person become one, and two again; an application is once per job beside the duplicates that rest."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from pipeline import guards

REACHES = [
    (0, "None yet"),
    (1, "Applied"),
    (2, "Review"),
    (3, "Phone screen"),
    (4, "Interview"),
    (5, "Final round"),
    (6, "Offer"),
    (7, "Hired"),
]
PROTECT = django.db.models.deletion.PROTECT

# SQLite builds the table of the applications anew, and cannot while a trigger of any table speaks of it: those of the
# messages too, of which the pipeline never hears. They come back as they stood.
lifted: list[tuple[str, str]] = []


def lift(_, schema_editor):
    if schema_editor.connection.vendor != "sqlite":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{guards.PREFIX}%"]
        )
        lifted[:] = cursor.fetchall()
        for name, _sql in lifted:
            cursor.execute(f"DROP TRIGGER {name}")


def put_back(_, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for _name, sql in lifted:
            cursor.execute(sql)
    lifted.clear()


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0003_guards")]

    operations = [
        migrations.RunPython(lift, put_back),
        migrations.AlterModelOptions(
            name="candidate",
            options={
                "ordering": ["-created_at", "-pk"],
                "permissions": [
                    ("import_candidates", "Can import candidates"),
                    ("merge_candidates", "Can merge and un-merge candidates"),
                ],
            },
        ),
        migrations.AddField(
            model_name="candidate",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=PROTECT,
                related_name="merged_records",
                to="pipeline.candidate",
            ),
        ),
        migrations.AlterField(
            model_name="application",
            name="status",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("rejected", "Rejected"),
                    ("withdrawn", "Withdrawn"),
                    ("hired", "Hired"),
                    ("duplicate", "Duplicate"),
                ],
                default="active",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint(model_name="application", name="application_once_per_job"),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "duplicate"), _negated=True),
                fields=("candidate", "job"),
                name="application_once_per_job",
            ),
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kept",
                    models.ForeignKey(on_delete=PROTECT, related_name="merges", to="pipeline.candidate"),
                ),
                (
                    "away",
                    models.ForeignKey(on_delete=PROTECT, related_name="merges_away", to="pipeline.candidate"),
                ),
                (
                    "merged_by",
                    models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("merged_at", models.DateTimeField()),
                ("kept_reach", models.PositiveSmallIntegerField(choices=REACHES)),
                ("away_reach", models.PositiveSmallIntegerField(choices=REACHES)),
                ("kept_do_not_contact_at", models.DateTimeField(null=True)),
                ("kept_consent_at", models.DateTimeField(null=True)),
                ("filled", models.JSONField(default=list)),
                (
                    "last_change",
                    models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to="pipeline.stagechange"),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kept", models.F("away")), _negated=True), name="merge_is_of_two"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MergedApplication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "merge",
                    models.ForeignKey(on_delete=PROTECT, related_name="applications", to="pipeline.merge"),
                ),
                (
                    "application",
                    models.ForeignKey(on_delete=PROTECT, related_name="merges", to="pipeline.application"),
                ),
                ("was_of", models.ForeignKey(on_delete=PROTECT, related_name="+", to="pipeline.candidate")),
                ("status", models.CharField(blank=True, max_length=10)),
                ("decided_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("merge", "application"), name="merged_application_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Unmerge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "merge",
                    models.OneToOneField(on_delete=PROTECT, related_name="unmerge", to="pipeline.merge"),
                ),
                (
                    "unmerged_by",
                    models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("unmerged_at", models.DateTimeField()),
                ("from_reach", models.PositiveSmallIntegerField(choices=REACHES)),
                ("to_reach", models.PositiveSmallIntegerField(choices=REACHES)),
            ],
            options={"ordering": ["pk"]},
        ),
        migrations.RunPython(put_back, lift),
        guards.installing(guards.GUARDS),
    ]
