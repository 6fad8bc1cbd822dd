"""Dates as exports write them; what could be two dates is never guessed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.intake.dates import DateOrder, read_date
from pipeline.outcomes import Refusal

BERLIN = ZoneInfo("Europe/Berlin")
UNKNOWN, DAY, MONTH = DateOrder.UNKNOWN, DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST


def read(text: str, order: DateOrder = UNKNOWN) -> datetime:
    at = read_date(text, order=order, zone=BERLIN)
    assert isinstance(at, datetime), at
    return at


def refused(text: str, order: DateOrder = UNKNOWN) -> str:
    refusal = read_date(text, order=order, zone=BERLIN)
    assert isinstance(refusal, Refusal), refusal
    return refusal.sentence


@pytest.mark.parametrize(
    "text",
    [
        "2022-03-22",
        "2022/03/22",
        "2022/3/22",
        "22.03.2022",
        "22.3.22",
        "22/03/2022",
        "03/22/2022",
        "3-22-22",
        "22 March 2022",
        "22. Mar 2022",
        "22-Mar-2022",
        "Mar 22, 2022",
        "March 22nd, 2022",
        "  2022-03-22  ",
    ],
)
def test_one_day_in_many_spellings(text: str) -> None:
    assert read(text) == datetime(2022, 3, 22, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "text",
    [
        "2022-03-22T16:01",
        "2022-03-22 16:01:00",
        "2022-03-22 16:01:00.000",
        "22.03.2022 16:01:00",
        "22/03/2022, 16:01",
        "03/22/2022 4:01 PM",
        "3/22/22 4:01 p.m.",
        "March 22, 2022 at 4:01 pm",
    ],
)
def test_a_time_without_a_zone_is_the_organisations(text: str) -> None:
    assert read(text) == datetime(2022, 3, 22, 16, 1, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "text",
    [
        "2022-03-22T15:01:00Z",
        "2022-03-22T16:01:00.000+01:00",
        "2022-03-22 15:01:00 UTC",
        "2022-03-22 15:01:00 +0000",
        "22.03.2022 15:01 GMT",
    ],
)
def test_a_zone_in_the_text_counts(text: str) -> None:
    assert read(text) == datetime(2022, 3, 22, 15, 1, tzinfo=UTC)


def test_what_could_be_two_dates_is_refused_until_somebody_says_which() -> None:
    assert "could be two dates" in refused("03/04/2022")
    assert "could be two dates" in refused("06-12-17 16:03")
    assert read("03/04/2022", DAY) == datetime(2022, 4, 3, tzinfo=BERLIN)
    assert read("03/04/2022", MONTH) == datetime(2022, 3, 4, tzinfo=BERLIN)


def test_what_can_be_one_date_only_is_that_date_whatever_was_said() -> None:
    assert read("03/03/2022") == datetime(2022, 3, 3, tzinfo=BERLIN)
    assert read("22/03/2022", MONTH) == read("03/22/2022", DAY) == datetime(2022, 3, 22, tzinfo=BERLIN)
    assert read("03.04.2022", MONTH) == datetime(2022, 4, 3, tzinfo=BERLIN)


def test_midnight_and_noon_on_a_twelve_hour_clock() -> None:
    assert read("03/22/2022 12:05 AM").hour == 0
    assert read("03/22/2022 12:05 PM").hour == 12


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "45000",
        "20220322",
        "2022-13-01",
        "31/02/2022",
        "0/5/2022",
        "22 Foo 2022",
        "22.03.2022 25:00",
        "3/22/22 13:05 PM",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert "is not a date that we can read" in refused(text, MONTH)


def test_a_year_before_there_were_such_systems_is_mistyped() -> None:
    assert read("1990-01-01").year == 1990
    assert "mistyped" in refused("1989-12-31")
    assert "mistyped" in refused("0022-03-22")
    assert (read("1/2/29", DAY).year, read("1/2/95", DAY).year) == (2029, 1995)


@given(st.text(alphabet="0123456789/.-: TZAPMmar,+", max_size=25), st.sampled_from(DateOrder))
def test_any_text_gives_an_aware_time_or_a_sentence(text: str, order: DateOrder) -> None:
    at = read_date(text, order=order, zone=BERLIN)
    assert at.sentence.endswith(".") if isinstance(at, Refusal) else at.tzinfo is not None
