"""Weekends, public holidays and the clock change, in the organisation's own time zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from messaging import working_days

LONDON = ZoneInfo("Europe/London")


def at(day: str, time: str = "09:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("day", "is_working_day"),
    [
        ("2026-09-14", True),  # Monday
        ("2026-09-18", True),  # Friday
        ("2026-09-19", False),
        ("2026-09-20", False),
        ("2026-12-24", True),
        ("2026-12-25", False),  # Christmas, a Friday
        ("2026-12-28", False),  # Boxing Day is a Saturday, so Monday is free
        ("2026-12-29", True),
        ("2027-01-01", False),
    ],
)
def test_weekends_and_public_holidays_are_no_working_days(*, day: str, is_working_day: bool) -> None:
    assert working_days.is_working_day(date.fromisoformat(day)) is is_working_day


def test_holidays_are_those_of_the_country_and_its_part(settings: Settings) -> None:
    st_andrews_day = date(2026, 11, 30)
    assert working_days.is_working_day(st_andrews_day)
    settings.HOLIDAYS_SUBDIVISION = "SCT"
    assert not working_days.is_working_day(st_andrews_day)
    settings.HOLIDAYS_COUNTRY, settings.HOLIDAYS_SUBDIVISION = "US", ""
    assert not working_days.is_working_day(date(2026, 11, 26))  # Thanksgiving


def test_without_a_country_only_weekends_are_free(settings: Settings) -> None:
    settings.HOLIDAYS_COUNTRY = ""
    assert working_days.is_working_day(date(2026, 12, 25))
    assert not working_days.is_working_day(date(2026, 12, 26))


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-09-15", 0, "2026-09-15"),
        ("2026-09-15", 2, "2026-09-17"),
        ("2026-09-17", 2, "2026-09-21"),  # over a weekend
        ("2026-09-18", 1, "2026-09-21"),
        ("2026-09-19", 1, "2026-09-21"),  # from a Saturday
        ("2026-09-20", 2, "2026-09-22"),
        ("2026-12-24", 1, "2026-12-29"),  # over Christmas
        ("2026-12-25", 2, "2026-12-30"),
        ("2026-12-31", 1, "2027-01-04"),
    ],
)
def test_working_days_are_counted_and_the_time_of_day_stays(start: str, days: int, end: str) -> None:
    assert working_days.add(at(start), days) == at(end)


def test_the_local_time_stays_when_the_clocks_change() -> None:
    friday = at("2026-10-23")  # the clocks go back on Sunday
    monday = working_days.add(friday, 1)
    assert (monday.strftime("%H:%M %Z"), friday.strftime("%H:%M %Z")) == ("09:00 GMT", "09:00 BST")
    assert monday == at("2026-10-26")


def test_days_are_those_of_the_organisation_and_not_of_utc_or_of_who_looks(settings: Settings) -> None:
    late_on_thursday = datetime(2026, 9, 17, 23, 30, tzinfo=UTC)  # in London it is Friday
    assert working_days.add(late_on_thursday, 1) == at("2026-09-21", "00:30")
    with timezone.override("America/New_York"):
        assert working_days.add(late_on_thursday, 1) == at("2026-09-21", "00:30")
    settings.TIME_ZONE = "America/New_York"
    assert working_days.add(late_on_thursday, 1).date() == date(2026, 9, 18)


@pytest.mark.parametrize(
    ("moment", "days", "due"),
    [
        (at("2026-09-15", "08:00"), 2, at("2026-09-17", "17:00")),
        (at("2026-09-15", "23:59"), 2, at("2026-09-17", "17:00")),
        (at("2026-09-17"), 2, at("2026-09-21", "17:00")),
        (at("2026-12-23"), 2, at("2026-12-29", "17:00")),
        (at("2026-12-24"), 1, at("2026-12-29", "17:00")),
        (at("2026-03-27"), 1, at("2026-03-30", "17:00")),  # the clocks go forward in between
    ],
)
def test_what_is_due_on_a_day_is_due_at_its_end(moment: datetime, days: int, due: datetime) -> None:
    assert working_days.due(moment, days) == due


@given(moment=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), days=st.integers(1, 40))  # noqa: DTZ001
def test_the_end_is_always_a_working_day_with_as_many_in_between(moment: datetime, days: int) -> None:
    start = moment.replace(tzinfo=LONDON)
    end = working_days.add(start, days)
    between = (date.fromordinal(day) for day in range(start.date().toordinal() + 1, end.date().toordinal() + 1))
    assert working_days.is_working_day(end.date())
    assert sum(map(working_days.is_working_day, between)) == days
    assert (end.hour, end.minute) == (start.hour, start.minute)
