"""Makes an installation ready after `migrate`: the roles, and the one schedule that is the clock."""

from datetime import datetime, timedelta
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule

from messaging import roles

SWEEP = "messaging.tasks.sweep"
MINUTES = 1


class Command(BaseCommand):
    help = "Looks at the database, and writes the roles and the schedule. Safe to run at every start."

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(tags=[Tags.database], databases=["default"])
        roles.write_roles()
        with transaction.atomic():
            write_schedule(now=timezone.now())
        self.stdout.write("Roles and schedule are in place.")


def write_schedule(*, now: datetime) -> None:
    """Exactly one; a schedule can run any function, so what nobody here wrote does not stay."""
    sweep = Schedule.objects.filter(func=SWEEP).order_by("pk").first() or Schedule.objects.create(func=SWEEP)
    Schedule.objects.exclude(pk=sweep.pk).delete()
    wanted: dict[str, Any] = {"name": "sweep", "schedule_type": Schedule.MINUTES, "minutes": MINUTES, "repeats": -1}
    wanted |= dict.fromkeys(("args", "kwargs", "hook", "cluster", "cron", "intended_date_kwarg"))
    # Further ahead than it can be by itself, it was set by a clock that was wrong, and would wait until then.
    if sweep.next_run is None or sweep.next_run > now + timedelta(minutes=MINUTES):
        wanted["next_run"] = now
    changed = {name: value for name, value in wanted.items() if getattr(sweep, name) != value}
    if changed:
        Schedule.objects.filter(pk=sweep.pk).update(**changed)
