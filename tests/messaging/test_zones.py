"""Every zone there is, at each of its clock changes: no hour that does not exist or exists twice leads anything astray, and
the rows know the moment and not the hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from pytest_django import Settings

from messaging import working_days
from messaging.values import gather_values
from pipeline.models import Candidate, Interview
from tests.factories import make_application, make_interview

FROM, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime"})


@cache
def changes_of(name: str) -> tuple[datetime, ...]:
    """The first moments of another offset, to the minute."""
    zone, found, day = ZoneInfo(name), [], FROM
    while day < UNTIL:
        after = day + timedelta(days=7)
        if day.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            early, late = day, after
            while late - early > timedelta(minutes=1):
                middle = early + (late - early) / 2
                same = middle.astimezone(zone).utcoffset() == day.astimezone(zone).utcoffset()
                early, late = (middle, late) if same else (early, middle)
            found.append(late.replace(second=0, microsecond=0))
        day = after
    return tuple(found)


def unlike_others() -> list[str]:
    """One of each that has the same hours in these years."""
    return list({(changes_of(name), FROM.astimezone(ZoneInfo(name)).utcoffset()): name for name in ZONES}.values())


def around(name: str) -> Iterator[datetime]:
    """Moments before, in and after the hour that is missing or comes twice."""
    for change in changes_of(name) or (FROM,):
        for minutes in (-1440, -61, -30, -1, 0, 1, 30, 61, 1440):
            yield change + timedelta(minutes=minutes)


def test_there_is_something_to_try() -> None:
    changing = [name for name in ZONES if changes_of(name)]
    assert len(ZONES) > 400
    assert len(changing) > 100
    assert len(unlike_others()) > 50
    # One where midnight itself does not exist.
    assert any(change.astimezone(ZoneInfo("America/Santiago")).hour == 1 for change in changes_of("America/Santiago"))


def test_working_days_are_counted_in_any_zone(settings: Settings) -> None:
    settings.HOLIDAYS_COUNTRY = ""
    for name in unlike_others():
        settings.TIME_ZONE = name
        assert working_days.local(FROM).tzinfo == ZoneInfo(name)
        for moment in around(name):
            day = working_days.today(moment)
            begun = working_days.midnight(day)
            assert begun <= moment, (name, moment)
            assert working_days.local(begun.astimezone(UTC)).date() == day, (name, moment)
            later = working_days.add(moment, 1)
            assert timedelta(hours=20) < later - moment < timedelta(days=4), (name, moment)
            assert working_days.between(moment, later) == 1, (name, moment)
            assert working_days.due(moment, 2).astimezone(UTC) > moment, (name, moment)


@pytest.mark.django_db
def test_rows_know_the_moment_and_candidates_read_their_own_hour() -> None:
    """Also for the hour that comes twice: of the two it is the one that was meant."""
    application = make_application()
    interview = make_interview(application)
    for name in ("Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"):
        Candidate.objects.update(time_zone=name)
        application.candidate.refresh_from_db()
        for moment in around(name):
            Interview.objects.filter(pk=interview.pk).update(starts_at=moment.astimezone(ZoneInfo(name)))
            interview.refresh_from_db()
            assert (interview.starts_at, interview.starts_at.utcoffset()) == (moment, timedelta(0))
            said = gather_values(application, interview=interview, sender=None)["interview"]
            assert said["time"] == f"{moment.astimezone(ZoneInfo(name)):%H:%M}"


def test_no_candidates_zone_is_too_odd_to_tell_a_time_in() -> None:
    candidate, interview = Candidate(), Interview(kind="phone")
    from messaging.values import _interview_values

    for name in ZONES:
        candidate.time_zone = name
        for interview.starts_at in around(name):
            said = _interview_values(interview, candidate)
            assert (said["time_zone"], len(said["time"])) == (name, 5)
