"""The one schedule that is the clock. A schedule can name any function, so what nobody here wrote does not stay."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django_q.models import Schedule

from messaging.broker import turn_away

SWEEP = "messaging.tasks.sweep"
MINUTES = 1


@transaction.atomic
def write_schedule(*, now: datetime) -> None:
    """Exactly one, and as it should be; writes nothing where it is. Whatever else was there is an incident."""
    sweep = Schedule.objects.filter(func=SWEEP).order_by("pk").first() or Schedule.objects.create(func=SWEEP)
    others = Schedule.objects.exclude(pk=sweep.pk)
    for function in sorted(set(others.values_list("func", flat=True)) - {SWEEP}):
        turn_away(function, now=now)
    if others.exists():
        others.delete()
    wanted: dict[str, Any] = {"name": "sweep", "schedule_type": Schedule.MINUTES, "minutes": MINUTES, "repeats": -1}
    wanted |= dict.fromkeys(("args", "kwargs", "hook", "cluster", "cron", "intended_date_kwarg"))
    # Further ahead than it can be by itself, it was set by a clock that was wrong, and would wait until then.
    if sweep.next_run is None or sweep.next_run > now + timedelta(minutes=MINUTES):
        wanted["next_run"] = now
    changed = {name: value for name, value in wanted.items() if getattr(sweep, name) != value}
    if changed:
        Schedule.objects.filter(pk=sweep.pk).update(**changed)
