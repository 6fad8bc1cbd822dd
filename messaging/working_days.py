"""Working days of the organisation: weekends and public holidays do not count, in its own time zone."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import holidays
from django.conf import settings
from django.utils import timezone

END_OF_DAY = 17  # hour at which something due "on a day" is due


@lru_cache(maxsize=4)
def _public_holidays(country: str, subdivision: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision or None)


def is_working_day(day: date) -> bool:
    if day.weekday() >= 5:
        return False
    if not settings.HOLIDAYS_COUNTRY:
        return True
    return day not in _public_holidays(settings.HOLIDAYS_COUNTRY, settings.HOLIDAYS_SUBDIVISION)


def add(moment: datetime, days: int) -> datetime:
    """The same local time, `days` working days later; from a day off, counting starts at the next working day."""
    local = timezone.localtime(moment)
    day = local.date()
    while days > 0:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return _at(day, local)


def back(moment: datetime, days: int) -> datetime:
    """The latest moment from which `days` working days have passed by now; the counterpart of `add`."""
    local = timezone.localtime(moment)
    day = local.date()
    if not is_working_day(day):
        local = local.replace(hour=23, minute=59, second=59, microsecond=999_999)
    while days > 0:
        days -= is_working_day(day)
        day -= timedelta(days=1)
    return _at(day, local)


def between(earlier: datetime, later: datetime) -> int:
    """Working days that began after the day of `earlier`, up to the day of `later`; never fewer than none."""
    first, last = timezone.localtime(earlier).date(), timezone.localtime(later).date()
    return sum(is_working_day(first + timedelta(days=number)) for number in range(1, (last - first).days + 1))


def due(moment: datetime, days: int) -> datetime:
    """The end of the working day that is `days` working days later."""
    return end_of(add(moment, days).date())


def ahead(moment: datetime, days: int) -> list[date]:
    """The next `days` working days after this one."""
    return [add(moment, number).date() for number in range(1, days + 1)]


def end_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(END_OF_DAY)))


def _at(day: date, local: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(day, local.time().replace(tzinfo=None)), local.tzinfo)
