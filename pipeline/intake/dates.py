"""A date as an export writes it becomes an aware time, or a sentence; what could be two dates is never guessed."""

import re
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum

from pipeline.outcomes import Refusal

EARLIEST_YEAR = 1990
# The two-digit years that Excel writes: it takes 30 to 99 for the last century.
CENTURY_TURNS_AT = 30

ISO = re.compile(r"^\d{4}-\d{2}-\d{2}([T ].*)?$")
YEAR_FIRST = re.compile(r"^(?P<year>\d{4})[/.](?P<month>\d{1,2})[/.](?P<day>\d{1,2})$")
NUMERIC = re.compile(r"^(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})$")
DAY_NAME = re.compile(r"^(?P<day>\d{1,2})\.?[ -](?P<name>[A-Za-z]{3,9})\.?,?[ -](?P<year>\d{4})$")
NAME_DAY = re.compile(r"^(?P<name>[A-Za-z]{3,9})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})$")
CLOCK = re.compile(
    r"[ ,T]+(?:at )?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)? ?(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"(?: ?(?P<zone>UTC|GMT|Z))?$"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class DateOrder(StrEnum):
    """Which of the first two numbers of 03/04/2026 is the month."""

    UNKNOWN = ""
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


def read_date(text: str, *, order: DateOrder, zone: tzinfo) -> datetime | Refusal:
    """Midnight of `zone` where the text has no time; `zone` counts only where the text names none."""
    text = " ".join(text.split())
    if ISO.match(text):
        return _iso(text, zone)
    clock = CLOCK.search(text)
    day = _day(text[: clock.start()] if clock else text, order)
    if isinstance(day, Refusal):
        return day
    at = _time(clock) if clock else time()
    if day is None or at is None:
        return Refusal(f"“{text}” is not a date that we can read: write it like 2026-03-31.")
    named = clock is not None and clock["zone"] is not None
    return _in_range(datetime.combine(day, at, UTC if named else zone), text)


def _iso(text: str, zone: tzinfo) -> datetime | Refusal:
    # “2017-12-06 16:03:36 UTC” is how databases print a time, and not ISO 8601.
    tidy = re.sub(r" ?(UTC|GMT)$", "+00:00", text)
    tidy = re.sub(r" (?=[+-]\d{2}:?\d{2}$)", "", tidy)
    try:
        at = datetime.fromisoformat(tidy)
    except ValueError:
        return Refusal(f"“{text}” is not a date that we can read: write it like 2026-03-31.")
    return _in_range(at if at.tzinfo else at.replace(tzinfo=zone), text)


def _day(text: str, order: DateOrder) -> date | Refusal | None:
    numeric = NUMERIC.match(text)
    if numeric:
        return _numeric_day(numeric, order)
    for pattern in (YEAR_FIRST, DAY_NAME, NAME_DAY):
        match = pattern.match(text)
        if match:
            parts = match.groupdict()
            month = int(parts["month"]) if "month" in parts else _month(parts["name"])
            return _date(int(parts["year"]), month, int(parts["day"]))
    return None


def _numeric_day(match: re.Match[str], order: DateOrder) -> date | Refusal | None:
    first, second, year = int(match["first"]), int(match["second"]), _full_year(match["year"])
    if match["mark"] == ".":
        order = DateOrder.DAY_FIRST  # nobody writes the month first with dots
    elif first > 12:
        order = DateOrder.DAY_FIRST
    elif second > 12:
        order = DateOrder.MONTH_FIRST
    elif first != second and order is DateOrder.UNKNOWN:
        return Refusal(f"“{match[0]}” could be two dates: say whether the day or the month comes first in this file.")
    return _date(year, first, second) if order is DateOrder.MONTH_FIRST else _date(year, second, first)


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (2000 if year < CENTURY_TURNS_AT else 1900)


def _month(name: str) -> int:
    """0, which no date has, where the name is not a month's."""
    short = name[:3].lower()
    return MONTHS.index(short) + 1 if short in MONTHS else 0


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time(clock: re.Match[str]) -> time | None:
    hour, half = int(clock["hour"]), (clock["half"] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, int(clock["minute"]), int(clock["second"] or 0))
    except ValueError:
        return None


def _in_range(at: datetime, text: str) -> datetime | Refusal:
    if at.year < EARLIEST_YEAR:
        return Refusal(f"“{text}” lies before {EARLIEST_YEAR}: the year is probably mistyped.")
    return at
