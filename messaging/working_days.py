"""Working days of the organisation: weekends and public holidays do not count, in its own time zone."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import holidays
from django.conf import settings
from django.utils import timezone

from pipeline.models import User

MORNING = 9  # hour at which what was to wait until a day goes on
END_OF_DAY = 17  # hour at which something due "on a day" is due
AT_MOST_LONGER = 3


@lru_cache(maxsize=4)
def _public_holidays(country: str, subdivision: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision or None)


def is_working_day(day: date) -> bool:
    return day.weekday() < 5 and not _is_public_holiday(day)


def _is_public_holiday(day: date) -> bool:
    if not settings.HOLIDAYS_COUNTRY:
        return False
    return day in _public_holidays(settings.HOLIDAYS_COUNTRY, settings.HOLIDAYS_SUBDIVISION)


def local(moment: datetime) -> datetime:
    """In the organisation's zone, whoever looks at it."""
    return timezone.localtime(moment, timezone.get_default_timezone())


def today(now: datetime) -> date:
    return local(now).date()


def midnight(day: date) -> datetime:
    """Its beginning, where the organisation is."""
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())


def morning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(MORNING)), timezone.get_default_timezone())


def morning_after(moment: datetime, days: int) -> datetime:
    """So many working days later."""
    return morning(add(moment, days).date())


def add(moment: datetime, days: int) -> datetime:
    """The same local time, `days` working days later; from a day off, counting starts at the next working day."""
    there = local(moment)
    day = there.date()
    while days > 0:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return _at(day, there)


def back(moment: datetime, days: int) -> datetime:
    """The latest moment from which `days` working days have passed by now; the counterpart of `add`."""
    there = local(moment)
    day = there.date()
    if not is_working_day(day):
        there = there.replace(hour=23, minute=59, second=59, microsecond=999_999)
    while days > 0:
        days -= is_working_day(day)
        day -= timedelta(days=1)
    return _at(day, there)


def between(earlier: datetime, later: datetime) -> int:
    """Working days that began after the day of `earlier`, up to the day of `later`; never fewer than none."""
    first, last = local(earlier).date(), local(later).date()
    return sum(is_working_day(first + timedelta(days=number)) for number in range(1, (last - first).days + 1))


def due(moment: datetime, days: int, *, person: User | None = None) -> datetime:
    """The end of the working day that is `days` working days later; of the days on which this person works, but for nobody's
    free days does a candidate wait more than AT_MOST_LONGER working days longer."""
    if person is None:
        return end_of(add(moment, days).date())
    day, latest = today(moment), add(moment, days + AT_MOST_LONGER).date()
    while days > 0 and day < latest:
        day += timedelta(days=1)
        days -= person.works_on(day) and not _is_public_holiday(day)
    return end_of(day)


def ahead(moment: datetime, days: int) -> list[date]:
    """The next `days` working days after this one."""
    return [add(moment, number).date() for number in range(1, days + 1)]


def end_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(END_OF_DAY)), timezone.get_default_timezone())


def _at(day: date, there: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(day, there.time().replace(tzinfo=None)), there.tzinfo)
