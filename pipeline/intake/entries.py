"""One row, understood: every text checked, the address read, the dates made times, the outcome told. No database."""

import re
import unicodedata
from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from pipeline.intake.addresses import Address, read_address
from pipeline.intake.dates import DateOrder, read_date
from pipeline.intake.formulas import plain
from pipeline.intake.mappings import Columns, Field
from pipeline.intake.reader import Row
from pipeline.intake.report import Rejection, Why
from pipeline.outcomes import Refusal

LONGEST_TEXT = 1_000
LONGEST_NOTE = 20_000
# What the columns of our tables hold.
LONGEST: Map[Field, int] = {
    Field.EXTERNAL_ID: 100,
    Field.FIRST_NAME: 100,
    Field.LAST_NAME: 100,
    Field.FULL_NAME: 200,
    Field.PHONE: 50,
    Field.CAME_FROM: 100,
    Field.NOTE: LONGEST_NOTE,
}
SEVERAL_LINES = (Field.NOTE, Field.REASON)
# They turn the direction of what stands around them, so that a name reads as something else.
DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# A clock that is a little wrong, or a zone that is another one, is no reason to send a row back.
FUTURE_GRACE = timedelta(days=1)


class Outcome(StrEnum):
    """The values are those of Application.Status, which is not imported: this module knows no database."""

    ACTIVE = "active"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    HIRED = "hired"


STATUSES: Map[str, Outcome] = {
    "active": Outcome.ACTIVE,
    "open": Outcome.ACTIVE,
    "new": Outcome.ACTIVE,
    "in progress": Outcome.ACTIVE,
    "in process": Outcome.ACTIVE,
    "rejected": Outcome.REJECTED,
    "not selected": Outcome.REJECTED,
    "disqualified": Outcome.REJECTED,
    "withdrawn": Outcome.WITHDRAWN,
    "withdrew": Outcome.WITHDRAWN,
    "candidate withdrew": Outcome.WITHDRAWN,
    "hired": Outcome.HIRED,
}
YES, NO = frozenset({"true", "yes", "y", "1", "x"}), frozenset({"", "false", "no", "n", "0"})
WITHDREW = re.compile(r"\bwithdr(?:ew|awn|aw|awal)\b|\bdeclined (?:our |the )?offer\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the whole file is to be read. `job` is for files without a job column."""

    columns: Columns
    zone: tzinfo
    now: datetime
    date_order: DateOrder
    job: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Empty texts were empty in the file; `reached` are names of stages that the candidate got to at any time."""

    line: int
    address: Address
    first_name: str
    last_name: str
    external_id: str
    phone: str
    came_from: str
    job: str
    job_id: str
    stage: str
    reached: tuple[str, ...]
    outcome: Outcome
    applied_at: datetime | None
    ended_at: datetime | None
    reason: str
    note: str


class _Unfit(Exception):
    """Carries a Rejection out of the reading of one row; it never leaves this module."""

    def __init__(self, why: Why, sentence: str) -> None:
        self.rejection = Rejection(why=why, sentence=sentence)


def understand(row: Row, reading: Reading) -> Entry | Rejection:
    if row.problem:
        return Rejection(why=Why.COLUMNS, sentence=row.problem)
    try:
        return _entry(row, reading)
    except _Unfit as unfit:
        return unfit.rejection


def _entry(row: Row, reading: Reading) -> Entry:
    columns = reading.columns
    texts = {name: _text(name, row.cells[heading]) for name, heading in columns.headings.items()}
    address = read_address(texts[Field.EMAIL])
    if isinstance(address, Refusal):
        raise _Unfit(Why.ADDRESS, address.sentence)
    first_name, last_name = _name(texts)
    applied_at = _moment(Field.APPLIED_AT, texts, reading)
    outcome = _outcome(texts)
    ended_at = _ended_at(outcome, texts, reading)
    if applied_at and ended_at and ended_at < applied_at:
        raise _Unfit(
            Why.DATE, f"The application ended on {ended_at:%d %B %Y}, before it began on {applied_at:%d %B %Y}."
        )
    return Entry(
        line=row.line,
        address=address,
        first_name=first_name,
        last_name=last_name,
        external_id=texts.get(Field.EXTERNAL_ID, ""),
        phone=texts.get(Field.PHONE, ""),
        came_from=texts.get(Field.CAME_FROM, ""),
        job=texts.get(Field.JOB, "") or reading.job,
        job_id=texts.get(Field.JOB_ID, ""),
        stage=texts.get(Field.STAGE, ""),
        reached=_reached(row, columns, texts),
        outcome=outcome,
        applied_at=applied_at,
        ended_at=ended_at,
        reason=texts.get(Field.REASON, ""),
        note=texts.get(Field.NOTE, ""),
    )


def _text(name: Field, cell: str) -> str:
    text = plain(cell)
    longest = LONGEST.get(name, LONGEST_TEXT)
    if len(text) > longest:
        raise _Unfit(Why.TEXT, f"The {name} has {len(text):,} characters; {longest:,} are possible.")
    if name is Field.EMAIL:
        return text  # has rules of its own
    text = text.strip()
    for character in text:
        if character in DIRECTION_MARKS or _is_control(character, name):
            raise _Unfit(Why.TEXT, f"The {name} holds {_called(character)}: remove it.")
    return text if name in SEVERAL_LINES else " ".join(text.split())


def _is_control(character: str, name: Field) -> bool:
    if name in SEVERAL_LINES and character in "\n\r\t":
        return False
    return unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")


def _called(character: str) -> str:
    if character in "\n\r\u2028\u2029":
        return "a line break"
    if character == "\0":
        return "a NUL byte"
    name = unicodedata.name(character, "").lower()
    return f"the character “{name}”" if name else f"the control character U+{ord(character):04X}"


def _name(texts: Map[Field, str]) -> tuple[str, str]:
    """A name in one column is divided after its first word, or at its comma: “Doe, Jane” is Jane Doe."""
    first, last = texts.get(Field.FIRST_NAME, ""), texts.get(Field.LAST_NAME, "")
    full = texts.get(Field.FULL_NAME, "")
    if not first and not last and full:
        last, comma, first = full.partition(",")
        if not comma or not first.strip():
            first, _, last = full.replace(",", "").partition(" ")
        first, last = first.strip(), last.strip()
    if not first:
        first, last = last, ""
    if not first:
        raise _Unfit(Why.NAME, "The row has an address and no name: nobody could be greeted by it.")
    if max(len(first), len(last)) > LONGEST[Field.FIRST_NAME]:
        raise _Unfit(Why.TEXT, f"The name has more than {LONGEST[Field.FIRST_NAME]} characters.")
    return first, last


def _moment(name: Field, texts: Map[Field, str], reading: Reading) -> datetime | None:
    text = texts.get(name, "")
    if not text:
        return None
    at = read_date(text, order=reading.date_order, zone=reading.columns.zone_of(name, reading.zone))
    if isinstance(at, Refusal):
        raise _Unfit(Why.DATE, f"{str(name).capitalize()}: {at.sentence}")
    if at > reading.now + FUTURE_GRACE:
        raise _Unfit(Why.DATE, f"{str(name).capitalize()}: “{text}” lies in the future.")
    return min(at, reading.now)


def _ended_at(outcome: Outcome, texts: Map[Field, str], reading: Reading) -> datetime | None:
    if outcome is Outcome.ACTIVE:
        return None  # a day on which it had ended for a while says nothing about now
    return _moment(Field.HIRED_AT if outcome is Outcome.HIRED else Field.ENDED_AT, texts, reading)


def _outcome(texts: Map[Field, str]) -> Outcome:
    """A status that is written counts; else that the application is archived, or has a day on which it ended."""
    status = texts.get(Field.STATUS, "").casefold()
    reason = texts.get(Field.REASON, "")
    if status and status != "archived":
        if status not in STATUSES:
            known = ", ".join(sorted({str(outcome) for outcome in Outcome}))
            raise _Unfit(Why.STATUS, f"“{texts[Field.STATUS]}” is not a status that we know: write one of {known}.")
        return _told_apart(STATUSES[status], reason)
    if texts.get(Field.HIRED_AT):
        return Outcome.HIRED
    archived = status == "archived" or _is_yes(texts.get(Field.ARCHIVED, ""))
    if archived and not reason:
        raise _Unfit(
            Why.STATUS,
            "The application is archived, and no reason says whether they were rejected, withdrew or were hired.",
        )
    if archived and reason.casefold() == "hired":
        return Outcome.HIRED
    if archived or texts.get(Field.ENDED_AT):
        return _told_apart(Outcome.REJECTED, reason)
    return Outcome.ACTIVE


def _told_apart(outcome: Outcome, reason: str) -> Outcome:
    """Some systems file a withdrawal under the rejections, with a reason that says so. Withdrew is not rejected."""
    return Outcome.WITHDRAWN if outcome is Outcome.REJECTED and WITHDREW.search(reason) else outcome


def _is_yes(text: str) -> bool:
    if text.casefold() in YES:
        return True
    if text.casefold() in NO:
        return False
    raise _Unfit(Why.STATUS, f"“{text}” does not say whether the application is archived: write yes or no.")


def _reached(row: Row, columns: Columns, texts: Map[Field, str]) -> tuple[str, ...]:
    stages = [stage for heading, stage in columns.reached.items() if row.cells[heading].strip()]
    furthest = texts.get(Field.FURTHEST_STAGE, "")
    return (*stages, furthest) if furthest else tuple(stages)
