"""One row at a time: what is understood, and what is sent back with which sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.intake import exports
from pipeline.intake.dates import DateOrder
from pipeline.intake.entries import LONGEST_NOTE, Entry, Outcome, Reading, understand
from pipeline.intake.mappings import Columns, Mapping, fit
from pipeline.intake.reader import Row
from pipeline.intake.report import Rejection, Why

NOW = datetime(2026, 9, 15, 9, tzinfo=UTC)
RIGHT = {"Name": "Ann Lee", "Email": "ann@example.com", "Job": "Engineer"}


def look(cells: dict[str, str], *, mapping: Mapping | None = None, **reading: Any) -> Entry | Rejection:
    columns = fit(mapping or exports.generic(), list(cells))
    assert isinstance(columns, Columns), columns
    values: dict[str, Any] = {
        "columns": columns,
        "zone": ZoneInfo("Europe/London"),
        "now": NOW,
        "date_order": DateOrder.UNKNOWN,
    }
    row = Row(line=7, cells=cells, raw=tuple(cells.values()))
    return understand(row, Reading(**values | reading))


def entry(**cells: str) -> Entry:
    looked = look(RIGHT | cells)
    assert isinstance(looked, Entry), looked
    return looked


def rejected(**cells: str) -> Rejection:
    looked = look(RIGHT | cells)
    assert isinstance(looked, Rejection), looked
    assert looked.sentence.endswith(".")
    return looked


def test_a_row_becomes_an_entry() -> None:
    read = entry(
        ID=" 17 ",
        Phone="+44 20 7123 4567",
        Source="Referral",
        Stage="Phone  screen",
        Applied="2026-03-01",
        Notes="first line\nsecond line",
    )

    assert (read.line, read.first_name, read.last_name, read.address.address) == (7, "Ann", "Lee", "ann@example.com")
    assert (read.external_id, read.phone, read.came_from, read.job) == (
        "17",
        "+44 20 7123 4567",
        "Referral",
        "Engineer",
    )
    assert (read.stage, read.outcome, read.ended_at) == ("Phone screen", Outcome.ACTIVE, None)
    assert read.applied_at == datetime(2026, 3, 1, tzinfo=ZoneInfo("Europe/London"))
    assert read.note == "first line\nsecond line"


def test_a_row_whose_columns_cannot_be_told_apart_is_sent_back() -> None:
    columns = fit(exports.generic(), list(RIGHT))
    assert isinstance(columns, Columns)
    reading = Reading(columns=columns, zone=UTC, now=NOW, date_order=DateOrder.UNKNOWN)

    looked = understand(Row(line=2, cells={}, raw=("x",), problem="The row has 1 column."), reading)

    assert looked == Rejection(why=Why.COLUMNS, sentence="The row has 1 column.")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Ann Lee", "Ann", "Lee"),
        ("Ann  Mary   Lee", "Ann", "Mary Lee"),
        ("Lee, Ann", "Ann", "Lee"),
        ("van der Berg, Ann Mary", "Ann Mary", "van der Berg"),
        ("Suharto", "Suharto", ""),
        ("Lee,", "Lee", ""),
    ],
)
def test_a_name_in_one_column_is_divided(name: str, first: str, last: str) -> None:
    read = entry(Name=name)

    assert (read.first_name, read.last_name) == (first, last)


def test_names_in_two_columns_stay_as_they_are_and_one_is_enough() -> None:
    def names(first: str, last: str) -> tuple[str, str]:
        looked = look({"First name": first, "Last name": last, "Email": "ann@example.com", "Job": "Engineer"})
        assert isinstance(looked, Entry), looked
        return looked.first_name, looked.last_name

    assert names("Mary Ann", "Lee") == ("Mary Ann", "Lee")
    assert names("Ann", "") == ("Ann", "")
    assert names("", "Suharto") == ("Suharto", "")


def test_a_row_without_a_name_is_sent_back() -> None:
    assert rejected(Name="  ").why is Why.NAME


def test_an_address_that_cannot_be_used_is_sent_back_with_the_reason() -> None:
    assert rejected(Email="ann@example.com, eve@example.com").why is Why.ADDRESS
    assert "more than one" in rejected(Email="ann@example.com, eve@example.com").sentence
    assert "line break" in rejected(Email="ann@example.com\nBcc: eve@example.com").sentence


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ({"Name": "Ann\r\nBcc: eve@example.com"}, "The name holds a line break"),
        ({"Name": "Ann\u2028Lee"}, "The name holds a line break"),
        ({"Name": "Ann \u202eeeL"}, "right-to-left override"),
        ({"Name": "Ann\x00Lee"}, "The name holds a NUL byte"),
        ({"Phone": "1\x07"}, "control character U+0007"),
        ({"Notes": "a\x00b"}, "The note holds a NUL byte"),
        ({"Name": "x" * 201}, "The name has 201 characters; 200 are possible"),
        ({"Name": f"Ann {'x' * 101}"}, "more than 100 characters"),
        ({"Phone": "1" * 51}, "50 are possible"),
        ({"ID": "1" * 101}, "100 are possible"),
        ({"Rejection reason": "x" * 1_001}, "The reason has 1,001 characters; 1,000 are possible"),
        ({"Email": "x" * 1_001}, "1,000 are possible"),
        ({"Notes": "x" * (LONGEST_NOTE + 1)}, "20,000 are possible"),
    ],
)
def test_a_text_that_cannot_be_stored_or_shown_is_sent_back(cells: dict[str, str], word: str) -> None:
    entry(Name="Ann Lee", Phone="1", ID="1", Notes="x" * LONGEST_NOTE, **{"Rejection reason": "x" * 1_000})

    rejection = rejected(**cells)

    assert rejection.why is Why.TEXT
    assert word in rejection.sentence


def test_what_is_odd_in_a_column_that_is_not_imported_does_not_matter() -> None:
    assert entry(Hobby="\x00\u202e" + "x" * 5_000).first_name == "Ann"


def test_an_apostrophe_against_formulas_is_taken_off_again() -> None:
    read = entry(Phone="'+44 20 7123 4567", Email="'+ann@example.com", Notes="'=1+1")

    assert (read.phone, read.address.address, read.note) == ("+44 20 7123 4567", "+ann@example.com", "=1+1")
    assert entry(Name="'t Hooft").first_name == "'t"


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ({}, Outcome.ACTIVE),
        ({"Status": ""}, Outcome.ACTIVE),
        ({"Status": "Active"}, Outcome.ACTIVE),
        ({"Status": "In Process"}, Outcome.ACTIVE),
        ({"Status": "active", "Rejected at": "2026-03-01"}, Outcome.ACTIVE),
        ({"Status": "REJECTED"}, Outcome.REJECTED),
        ({"Status": "Rejected", "Rejection reason": "Candidate withdrew"}, Outcome.WITHDRAWN),
        ({"Status": "Rejected", "Rejection reason": "Declined our offer"}, Outcome.WITHDRAWN),
        ({"Status": "Rejected", "Rejection reason": "Underqualified"}, Outcome.REJECTED),
        ({"Status": "withdrawn"}, Outcome.WITHDRAWN),
        ({"Status": "Hired"}, Outcome.HIRED),
        ({"Hired at": "2026-03-01"}, Outcome.HIRED),
        ({"Status": "Rejected", "Hired at": "2026-03-01"}, Outcome.REJECTED),
        ({"Rejected at": "2026-03-01"}, Outcome.REJECTED),
        ({"Archived": "false"}, Outcome.ACTIVE),
        ({"Archived": "TRUE", "Reason": "Underqualified"}, Outcome.REJECTED),
        ({"Archived": "yes", "Reason": "Withdrew"}, Outcome.WITHDRAWN),
        ({"Archived": "true", "Reason": "Hired"}, Outcome.HIRED),
        ({"Status": "Archived", "Reason": "Underqualified"}, Outcome.REJECTED),
    ],
)
def test_the_outcome_is_told_by_status_archive_or_date(cells: dict[str, str], outcome: Outcome) -> None:
    assert entry(**cells).outcome is outcome


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ({"Status": "Converted"}, "“Converted” is not a status that we know"),
        ({"Archived": "maybe", "Reason": "x"}, "“maybe” does not say"),
        ({"Archived": "true", "Reason": ""}, "no reason says whether they were rejected, withdrew or were hired"),
    ],
)
def test_an_outcome_that_cannot_be_told_is_sent_back(cells: dict[str, str], word: str) -> None:
    assert rejected(**cells).why is Why.STATUS
    assert word in rejected(**cells).sentence


def test_the_day_of_the_end_is_the_one_of_the_outcome() -> None:
    days = {"Rejected at": "2026-04-01", "Hired at": "2026-05-01"}

    assert entry(Status="Rejected", **days).ended_at == datetime(2026, 4, 1, tzinfo=ZoneInfo("Europe/London"))
    assert entry(Status="Hired", **days).ended_at == datetime(2026, 5, 1, tzinfo=ZoneInfo("Europe/London"))
    assert entry(Status="Active", **days).ended_at is None


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ({"Applied": "03/04/2026"}, "Applied at: “03/04/2026” could be two dates"),
        ({"Applied": "soon"}, "is not a date"),
        ({"Applied": "2026-09-17"}, "lies in the future"),
        ({"Applied": "2026-05-01", "Rejected at": "2026-04-01"}, "before it began"),
    ],
)
def test_a_date_that_cannot_be_meant_is_sent_back(cells: dict[str, str], word: str) -> None:
    entry(Applied="2026-04-01", **{"Rejected at": "2026-05-01"})

    assert rejected(**cells).why is Why.DATE
    assert word in rejected(**cells).sentence


def test_a_clock_that_is_a_little_fast_is_forgiven() -> None:
    assert entry(Applied=(NOW + timedelta(hours=3)).isoformat()).applied_at == NOW


def test_the_order_of_the_date_can_be_said_for_the_file() -> None:
    looked = look(RIGHT | {"Applied": "03/04/2026"}, date_order=DateOrder.DAY_FIRST)

    assert isinstance(looked, Entry)
    assert looked.applied_at == datetime(2026, 4, 3, tzinfo=ZoneInfo("Europe/London"))


def test_a_job_for_the_whole_file_is_that_of_the_rows_that_name_none() -> None:
    given = look(RIGHT | {"Job": ""}, job="Designer")
    named = look(RIGHT, job="Designer")

    assert isinstance(given, Entry)
    assert isinstance(named, Entry)
    assert (given.job, named.job) == ("Designer", "Engineer")


def test_every_stage_that_was_reached_is_kept() -> None:
    lever = exports.lever()
    cells = {
        "Candidate Name": "Ann Lee",
        "Candidate Email": "ann@example.com",
        "Posting Title": "Engineer",
        "Applied At (GMT)": "2026-07-01 12:00:00",
        "Stage - New applicant": "2026-07-01 12:00:00",
        "Stage - Phone interview": "2026-07-05 12:00:00",
        "Stage - Offer": "",
        "Furthest stage": "Onsite",
    }

    looked = look(cells, mapping=lever)

    assert isinstance(looked, Entry)
    assert looked.reached == ("New applicant", "Phone interview", "Onsite")
    assert looked.applied_at == datetime(2026, 7, 1, 12, tzinfo=UTC)
