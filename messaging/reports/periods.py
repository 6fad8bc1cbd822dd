"""Weeks and days as the organisation lives them: from Monday on, in its own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models.functions import TruncDate, TruncWeek
from django.utils import timezone

from messaging import working_days


@dataclass(frozen=True, kw_only=True)
class Period:
    """From `since` on and before `until`."""

    since: datetime
    until: datetime

    @property
    def mondays(self) -> list[date]:
        """Of every week in it, so that a week without anything is a row as well."""
        first, last = start_of_week(self.since), self.until
        found = []
        while first < last:
            found.append(first.date())
            first = midnight(first.date() + timedelta(days=7))
        return found

    @property
    def days(self) -> list[date]:
        first, last = (working_days.today(end) for end in (self.since, self.until - timedelta(microseconds=1)))
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def midnight(day: date) -> datetime:
    return working_days.midnight(day)


def start_of_week(moment: datetime) -> datetime:
    """Monday, midnight."""
    day = working_days.today(moment)
    return midnight(day - timedelta(days=day.weekday()))


def end_of_day(moment: datetime) -> datetime:
    return midnight(working_days.today(moment) + timedelta(days=1))


def this_week(now: datetime) -> Period:
    return Period(since=start_of_week(now), until=end_of_day(now))


def week_before(now: datetime) -> Period:
    """The whole week before this one."""
    monday = start_of_week(now)
    return Period(since=midnight(monday.date() - timedelta(days=7)), until=monday)


def last_weeks(count: int, *, now: datetime) -> Period:
    """This week, as far as it is, and the ones before."""
    monday = start_of_week(now).date()
    return Period(since=midnight(monday - timedelta(days=7 * (count - 1))), until=end_of_day(now))


def last_days(count: int, *, now: datetime) -> Period:
    """Today, and the days before."""
    return Period(since=midnight(working_days.today(now) - timedelta(days=count - 1)), until=end_of_day(now))


def day_of(field: str) -> TruncDate:
    """For the database, in the organisation's zone, whoever reads the report."""
    return TruncDate(field, tzinfo=timezone.get_default_timezone())


def week_of(field: str) -> TruncWeek:
    """Its Monday, in the same zone."""
    return TruncWeek(field, tzinfo=timezone.get_default_timezone())
