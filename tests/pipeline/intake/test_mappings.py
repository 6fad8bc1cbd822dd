"""Files are told apart by their headings, and a file that does not fit is refused in one sentence that helps."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from pipeline.intake import exports
from pipeline.intake.mappings import Columns, Field, Mapping, detect, fit
from pipeline.outcomes import Refusal

BERLIN = ZoneInfo("Europe/Berlin")

# Header lines as they were found in public; see the docstrings of the mappings.
GREENHOUSE = (
    "Candidate ID,First Name,Last Name,Email,Phone,Job,Stage,Status,Source,Recruiter,Created At,Rejection Reason"
)
GREENHOUSE_REPORT = "Candidate Name,Email,Phone,Location,Job Name,Requisition ID,Stage,Applied At,Source,Recruiter"
LEVER = (
    "Profile ID,Candidate Name,Candidate Email,Origin,Sources,Application ID,Posting ID,Posting Title,Created At (GMT),"
    "Applied At (GMT),Posting Archive Status,Posting Archive Reason,Posting Archived At (GMT),Current Stage,"
    "Last Advanced At (GMT),Stage - New lead,Stage - Phone interview,Stage - On-site interview"
)
TEAMTAILOR = (
    "Candidate ID,First Name,Last Name,Email,Job,Stage,Job Application ID,Job Application Created At,Rejected At"
)
OWN = "name,email,job,stage"


def columns(header: str) -> Columns:
    headings = header.split(",")
    mapping = detect(headings, exports.MAPPINGS)
    assert isinstance(mapping, Mapping), mapping
    fitted = fit(mapping, headings)
    assert isinstance(fitted, Columns), fitted
    return fitted


def refused(header: str, mapping: Mapping | None = None, repeated: frozenset[str] = frozenset()) -> str:
    refusal = fit(mapping or exports.generic(), header.split(","), repeated=repeated)
    assert isinstance(refusal, Refusal), refusal
    return refusal.sentence


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (GREENHOUSE, "greenhouse"),
        (GREENHOUSE_REPORT, "greenhouse"),
        (LEVER, "lever"),
        (TEAMTAILOR, "teamtailor"),
        (OWN, "generic"),
        ("Vorname,Nachname,E-Mail,Stelle", "generic"),
        ("name,email,job,recruiter", "generic"),
    ],
)
def test_an_export_is_told_by_its_headings(header: str, name: str) -> None:
    assert columns(header).mapping.name == name


@pytest.mark.parametrize(
    ("header", "field", "heading"),
    [
        (GREENHOUSE, Field.EXTERNAL_ID, "Candidate ID"),
        (GREENHOUSE, Field.APPLIED_AT, "Created At"),
        (GREENHOUSE, Field.REASON, "Rejection Reason"),
        (GREENHOUSE_REPORT, Field.JOB_ID, "Requisition ID"),
        (GREENHOUSE_REPORT, Field.FULL_NAME, "Candidate Name"),
        (LEVER, Field.EXTERNAL_ID, "Profile ID"),
        (LEVER, Field.CAME_FROM, "Sources"),
        (LEVER, Field.APPLIED_AT, "Applied At (GMT)"),
        (LEVER, Field.ARCHIVED, "Posting Archive Status"),
        (TEAMTAILOR, Field.APPLIED_AT, "Job Application Created At"),
        (TEAMTAILOR, Field.ENDED_AT, "Rejected At"),
        ("Vorname,Nachname,E-Mail,Stelle", Field.EMAIL, "E-Mail"),
    ],
)
def test_each_field_finds_its_column(header: str, field: Field, heading: str) -> None:
    assert columns(header).headings[field] == heading


def test_case_spaces_and_signs_in_a_heading_do_not_matter() -> None:
    found = columns("FIRST_NAME,e-mail address,Job-Title,APPLIED AT").headings

    assert set(found) == {Field.FIRST_NAME, Field.EMAIL, Field.JOB, Field.APPLIED_AT}


def test_the_columns_of_reached_stages_give_the_names_of_the_stages() -> None:
    assert columns(LEVER).reached == {
        "Stage - New lead": "New lead",
        "Stage - Phone interview": "Phone interview",
        "Stage - On-site interview": "On-site interview",
    }
    assert columns(GREENHOUSE).reached == {}


def test_a_heading_that_names_its_zone_counts() -> None:
    assert columns(LEVER).zone_of(Field.APPLIED_AT, BERLIN) is UTC
    assert columns(TEAMTAILOR).zone_of(Field.APPLIED_AT, BERLIN) is BERLIN


def test_a_furthest_stage_counts_in_every_mapping() -> None:
    for header in (GREENHOUSE, LEVER, TEAMTAILOR, OWN):
        assert columns(f"{header},furthest_stage").headings[Field.FURTHEST_STAGE] == "furthest_stage"


def test_headings_of_two_systems_are_not_guessed_between() -> None:
    both = detect(["Profile ID", "Posting Title", "Job Application ID", "Referring Site", "Email"], exports.MAPPINGS)

    assert isinstance(both, Refusal)
    assert "Lever or Teamtailor" in both.sentence


def test_a_missing_column_is_named_with_what_was_seen_and_what_is_near() -> None:
    columns(OWN)

    sentence = refused("name,emial,job")

    assert "no column for the email" in sentence
    assert "Headings seen: “name”, “emial”, “job”" in sentence
    assert "Is “emial” meant as “Email”?" in sentence
    assert "choose another mapping" in sentence


def test_a_file_without_names_or_jobs_is_refused() -> None:
    assert "no column for the name" in refused("email,job")
    assert "no column for the job" in refused("name,email")
    assert "email, name or job" in refused("a,b")
    assert isinstance(fit(exports.generic(), ["name", "email"], job_is_given=True), Columns)


def test_very_many_headings_are_not_all_repeated_in_the_sentence() -> None:
    sentence = refused(",".join(f"column {number}" for number in range(500)))

    assert "and 488 more" in sentence
    assert len(sentence) < 1_000


def test_a_needed_heading_above_two_columns_is_refused_and_an_unneeded_one_is_not() -> None:
    assert "“email” stands above more than one column" in refused(
        "name,email,job,email (2)", repeated=frozenset({"email"})
    )
    assert "stands above more than one column" in refused("name,email,E-mail,job")
    assert isinstance(
        fit(exports.generic(), ["name", "email", "job", "x", "x (2)"], repeated=frozenset({"x"})), Columns
    )


def test_every_mapping_says_where_its_headings_were_found() -> None:
    for build in (exports.greenhouse, exports.lever, exports.teamtailor):
        assert "Found:" in (build.__doc__ or "")
        assert "Not confirmed:" in (build.__doc__ or "")
