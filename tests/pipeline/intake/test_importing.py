"""Files become candidates, applications and history: what is taken, what is sent back, and what an import never does."""

import gc
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from pipeline import actors, merging, moves
from pipeline.intake import importing, people
from pipeline.intake.entries import Entry
from pipeline.intake.importing import BATCH
from pipeline.intake.reader import Row
from pipeline.intake.report import ImportReport, Why
from pipeline.intake.standing import Person
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Job, Merge, Reason, Source, Stage, StageChange
from pipeline.moves import Act
from tests import factories
from tests.pipeline.intake.files import (
    HEADINGS,
    NOW,
    ann,
    bob,
    bring,
    many,
    reasons,
    rehearse,
    rejected,
    table,
    write,
)

pytestmark = pytest.mark.django_db

LONDON = ZoneInfo("Europe/London")
Status = Application.Status
Kind = StageChange.Kind
TABLES: tuple[type[Model], ...] = (Candidate, Application, StageChange, Reason, Source)


@pytest.fixture
def job() -> Job:
    return factories.make_job(title="Engineer", external_id="REQ-1")


def stage(job: Job, milestone: Milestone) -> Stage:
    return job.pipeline.stages.get(milestone=milestone)


def history(application: Application) -> list[tuple[str, str]]:
    return [(change.kind, change.to_stage.name) for change in application.stage_changes.order_by("at", "pk")]


def only(report: ImportReport) -> dict[str, int]:
    """What is not zero."""
    names = ("created", "updated", "unchanged", "rejected")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


# --- What a row brings ------------------------------------------------------------------------------------------------


def test_a_row_brings_a_candidate_an_application_and_its_history(job: Job, tmp_path: Path) -> None:
    report = bring(write(tmp_path, ann(Applied="2026-03-01", Phone="+44 20 7123 4567")))

    assert only(report) == {"created": 1}
    assert (report.new_candidates, report.flagged) == (1, 0)
    candidate = Candidate.objects.get()
    assert (candidate.first_name, candidate.last_name, candidate.phone) == ("Ann", "Lee", "+44 20 7123 4567")
    assert (candidate.email, candidate.email_key, candidate.email_flag) == ("ann@example.com", "ann@example.com", "")
    assert (candidate.external_source, candidate.external_id) == ("Generic", "1")
    assert candidate.reach == Milestone.APPLIED
    application = candidate.applications.get()
    assert (application.job, application.stage.name, application.status) == (job, "Applied", Status.ACTIVE)
    assert application.applied_at == application.stage_entered_at == datetime(2026, 3, 1, tzinfo=LONDON)
    change = application.stage_changes.get()
    assert (change.kind, change.from_stage, change.at) == (Kind.RECEIVED, None, application.applied_at)


def test_every_change_is_the_imports_and_quiet(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Interview", Status="Rejected"), bob(Stage="Offer", Status="Hired")))

    changes = StageChange.objects.all()
    assert changes.count() == 6
    assert {(change.actor_kind, change.moved_by, change.quiet) for change in changes} == {("import", None, True)}
    assert {change.source for change in changes} == {Source.objects.get(name="Import from Generic", kind="import")}
    assert {application.decided_by for application in Application.objects.all()} == {None}
    assert {application.told_at for application in Application.objects.all()} == {None}


def test_changes_are_open_to_automations_only_when_somebody_asked_for_it(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Review")), quiet=False)

    assert set(StageChange.objects.values_list("quiet", flat=True)) == {False}


def test_a_stage_of_the_file_is_entered_after_the_first(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage=" phone  SCREEN ", Applied="2026-03-01")))

    application = Application.objects.select_related("stage", "candidate").get()
    assert history(application) == [(Kind.RECEIVED, "Applied"), (Kind.ADVANCED, "Phone screen")]
    assert application.stage.name == "Phone screen"
    assert application.stage_entered_at == application.stage_changes.get(kind=Kind.ADVANCED).at == NOW
    assert application.candidate.reach == Milestone.PHONE_SCREEN


@pytest.mark.parametrize(
    ("status", "kind", "reason", "stage_name"),
    [
        (Status.REJECTED, Kind.REJECTED, "Underqualified", "Interview"),
        (Status.WITHDRAWN, Kind.WITHDRAWN, "Moved away", "Interview"),
        (Status.HIRED, Kind.HIRED, "", "Hired"),
    ],
)
def test_an_outcome_comes_as_history(
    job: Job, tmp_path: Path, status: str, kind: str, reason: str, stage_name: str
) -> None:
    row = ann(Stage="Interview", Status=status, Applied="2026-03-01", Reason=reason)
    bring(write(tmp_path, row | {"Rejected at": "2026-04-02"}))

    application = Application.objects.select_related("stage", "reason", "candidate").get()
    ended = application.stage_changes.get(kind=kind)
    assert (application.status, application.stage.name) == (status, stage_name)
    assert application.decided_at == ended.at
    assert ended.at == (NOW if status == Status.HIRED else datetime(2026, 4, 2, tzinfo=LONDON))
    assert (application.reason.internal if application.reason else "") == reason
    assert ended.reason == application.reason
    assert application.candidate.reach == (Milestone.HIRED if status == Status.HIRED else Milestone.INTERVIEW)


def test_a_hire_in_a_pipeline_without_a_hired_stage_still_reaches_hired(tmp_path: Path) -> None:
    job = factories.make_job(title="Engineer")
    stage(job, Milestone.HIRED).delete()

    bring(write(tmp_path, ann(Stage="Offer", Status="hired")))

    application = Application.objects.select_related("candidate", "stage").get()
    assert (application.stage.name, application.candidate.reach) == ("Offer", Milestone.HIRED)


def test_reasons_of_a_file_are_not_offered_to_people(job: Job, tmp_path: Path) -> None:
    known = Reason.objects.create(internal="Underqualified")
    long = "word " * 60

    bring(
        write(
            tmp_path,
            ann(Status="rejected", Reason="Underqualified"),
            bob(Status="rejected", Reason=long),
            ann(ID="3", Email="c@example.com", Status="rejected"),
        )
    )

    by_address = {a.candidate.email: a for a in Application.objects.select_related("candidate", "reason")}
    assert by_address["ann@example.com"].reason == known
    short = by_address["bob@example.com"].reason
    assert short is not None
    assert (len(short.internal), short.is_active, short.shareable) == (200, False, "")
    assert by_address["bob@example.com"].stage_changes.get(kind=Kind.REJECTED).note == long.strip()
    assert str(by_address["c@example.com"].reason) == "Imported without a reason"


def test_an_odd_address_is_taken_and_flagged(job: Job, tmp_path: Path) -> None:
    report = bring(write(tmp_path, ann(Email="ann@exаmple.com"), bob()))

    assert (only(report), report.flagged) == ({"created": 2}, 1)
    assert "mixes" in Candidate.objects.get(first_name="Ann").email_flag
    assert Candidate.objects.get(first_name="Bob").email_flag == ""


# --- Furthest stage ---------------------------------------------------------------------------------------------------


def test_a_furthest_stage_raises_the_reach_and_moves_nobody(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Review", Furthest_stage="Final round"), bob(Stage="Review")))

    met = Application.objects.select_related("stage", "candidate").get(candidate__first_name="Ann")
    assert (met.stage.name, met.candidate.reach) == ("Review", Milestone.FINAL_ROUND)
    assert history(met)[-2:] == [(Kind.ADVANCED, "Final round"), (Kind.MOVED_BACK, "Review")]
    assert met.stage_entered_at == met.stage_changes.order_by("pk").last().at  # type: ignore[union-attr]
    assert Candidate.objects.get(first_name="Bob").reach == Milestone.REVIEW


def test_new_evidence_about_somebody_known_raises_the_reach_once(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Review")))
    path = write(tmp_path, ann(Stage="Review", Furthest_stage="Phone screen"), name="again.csv")

    assert only(bring(path, now=NOW + timedelta(days=1))) == {"updated": 1}
    assert only(bring(path, now=NOW + timedelta(days=2))) == {"unchanged": 1}

    application = Application.objects.select_related("candidate", "stage").get()
    assert (application.stage.name, application.candidate.reach) == ("Review", Milestone.PHONE_SCREEN)
    assert application.stage_changes.count() == 4


def test_evidence_about_an_application_that_is_over_raises_the_reach_and_nothing_else(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Review", Status="rejected", Rejected_at="2026-05-01")))
    before = Application.objects.values().get()

    bring(write(tmp_path, ann(Stage="Review", Status="rejected", Furthest_stage="Interview"), name="again.csv"))

    assert Application.objects.values().get() == before
    assert Candidate.objects.get().reach == Milestone.INTERVIEW


def test_the_history_alone_tells_the_reach(job: Job, tmp_path: Path) -> None:
    stages = [known.name for known in job.pipeline.stages.all()]
    rows = [
        ann(
            ID=f"{at}-{far}",
            Email=f"p{at}.{far}@example.com",
            Stage=stages[at],
            Furthest_stage=stages[far],
            Status=status,
        )
        for at in range(7)
        for far in range(7)
        for status in (("active", "rejected", "hired")[(at + far) % 3],)
    ]

    bring(write(tmp_path, *rows))

    for candidate in Candidate.objects.prefetch_related("applications__stage_changes"):
        changes = [change for run in candidate.applications.all() for change in run.stage_changes.all()]
        assert candidate.reach == max(change.to_milestone for change in changes)


def test_the_columns_of_a_lever_export_count_as_evidence(tmp_path: Path) -> None:
    factories.make_job(title="Engineer")
    headings = [
        "Profile ID",
        "Candidate Name",
        "Candidate Email",
        "Posting ID",
        "Posting Title",
        "Applied At (GMT)",
        "Current Stage",
        "Posting Archive Status",
        "Posting Archive Reason",
        "Stage - Applied",
        "Stage - Phone interview",
    ]
    row = {
        "Profile ID": "p-1",
        "Candidate Name": "Ann Lee",
        "Candidate Email": "ann@example.com",
        "Posting Title": "Engineer",
        "Applied At (GMT)": "2026-03-01 10:00:00",
        "Current Stage": "Applied",
        "Posting Archive Status": "true",
        "Posting Archive Reason": "Underqualified",
        "Stage - Applied": "2026-03-01 10:00:00",
        "Stage - Phone interview": "2026-03-05 10:00:00",
    }
    path = write(tmp_path, row, headings=headings)

    assert only(bring(path)) == {"rejected": 1}
    assert "“Phone interview” is not a stage of “Engineer”. Its stages are “Applied”, “Review”" in reasons(path)[0]
    assert only(bring(path, stage_names={"phone INTERVIEW": "Phone screen"})) == {"created": 1}

    candidate = Candidate.objects.get()
    assert (candidate.external_source, candidate.external_id, candidate.reach) == (
        "Lever",
        "p-1",
        Milestone.PHONE_SCREEN,
    )
    application = candidate.applications.select_related("stage").get()
    assert (application.status, application.stage.name) == (Status.REJECTED, "Applied")
    assert application.applied_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


# --- The same again ---------------------------------------------------------------------------------------------------


def test_the_second_import_of_a_file_changes_nothing(job: Job, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        ann(Stage="Interview", Furthest_stage="Offer", Phone="1", Applied="2026-03-01"),
        bob(Stage="Review", Status="rejected", Reason="Underqualified"),
        bob(ID="3", Email="c@example.com", Status="hired"),
        bob(ID="", Email="d@example.com", Status="withdrawn", Stage="Offer"),
    )
    assert only(bring(path)) == {"created": 4}

    def everything() -> list[list[dict[str, Any]]]:
        return [list(model._default_manager.order_by("pk").values()) for model in TABLES]

    before = everything()

    assert only(bring(path, now=NOW + timedelta(days=3))) == {"unchanged": 4}
    assert everything() == before


def test_a_later_export_moves_forward_and_updates_what_changed(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Review")))

    report = bring(write(tmp_path, ann(Name="Anna Lee", Stage="Interview", Phone="1"), name="later.csv"))

    assert only(report) == {"updated": 1}
    candidate = Candidate.objects.get()
    assert (candidate.full_name, candidate.phone, candidate.reach) == ("Anna Lee", "1", Milestone.INTERVIEW)
    assert history(candidate.applications.get())[-1] == (Kind.ADVANCED, "Interview")


def test_an_older_export_moves_nobody_back_and_lowers_no_reach(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Interview", Phone="1")))

    report = bring(write(tmp_path, ann(Stage="Applied"), name="older.csv"))

    assert only(report) == {"unchanged": 1}
    candidate = Candidate.objects.get()
    assert (candidate.reach, candidate.phone) == (Milestone.INTERVIEW, "1")
    assert candidate.applications.select_related("stage").get().stage.name == "Interview"


def test_the_same_name_divided_in_another_place_is_no_news(job: Job, tmp_path: Path) -> None:
    factories.make_candidate(first_name="Mary Ann", last_name="Lee", email="ann@example.com")

    bring(write(tmp_path, ann(Name="Mary Ann Lee")))

    assert Candidate.objects.get().first_name == "Mary Ann"


def test_an_outcome_that_came_later_ends_what_only_imports_have_moved(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Review")))

    report = bring(
        write(tmp_path, ann(Stage="Interview", Status="rejected", Rejected_at="2026-09-01"), name="later.csv")
    )

    assert only(report) == {"updated": 1}
    application = Application.objects.select_related("stage", "candidate").get()
    assert (application.status, application.stage.name) == (Status.REJECTED, "Interview")
    assert application.decided_at == application.stage_changes.get(kind=Kind.REJECTED).at
    assert application.candidate.reach == Milestone.INTERVIEW


def test_nothing_ends_before_it_came_to_where_it_is(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Review")))

    bring(write(tmp_path, ann(Stage="Review", Status="rejected", Rejected_at="2026-03-01"), name="later.csv"))

    application = Application.objects.get()
    assert application.decided_at == application.stage_entered_at == NOW


def test_an_import_ends_nothing_that_people_here_have_moved(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(), bob()))
    moved = Application.objects.select_related("job", "stage").get(candidate__first_name="Ann")
    moves.move(moved, stage(job, Milestone.REVIEW), act=Act(by=actors.person(factories.make_user().pk), now=NOW))
    path = write(tmp_path, ann(Status="rejected"), bob(Status="rejected"), name="later.csv")

    assert only(bring(path)) == {"updated": 1, "rejected": 1}

    [reason] = reasons(path)
    assert "is rejected in the file and active here, and people here have moved it. End it by hand" in reason
    assert Application.objects.get(pk=moved.pk).status == Status.ACTIVE
    assert Application.objects.get(candidate__first_name="Bob").status == Status.REJECTED


def test_an_import_reopens_nothing(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(Stage="Review", Status="rejected")))

    assert only(bring(write(tmp_path, ann(Stage="Offer", Status="active"), name="later.csv"))) == {"updated": 1}

    application = Application.objects.select_related("stage", "candidate").get()
    assert (application.status, application.stage.name) == (Status.REJECTED, "Review")
    assert application.candidate.reach == Milestone.OFFER


def test_a_candidate_of_another_job_gets_a_second_application(job: Job, tmp_path: Path) -> None:
    factories.make_job(title="Designer")
    bring(write(tmp_path, ann(Stage="Final round")))

    report = bring(write(tmp_path, ann(Job="Designer"), name="second.csv"))

    assert (only(report), report.new_candidates) == ({"created": 1}, 0)
    assert Candidate.objects.get().reach == Milestone.FINAL_ROUND
    assert Application.objects.count() == 2


# --- Twice in one file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [0, BATCH])
def test_a_later_row_about_the_same_application_updates_it(job: Job, tmp_path: Path, apart: int) -> None:
    between = many(apart)
    path = write(
        tmp_path,
        ann(ID="a", Stage="Review"),
        *between,
        ann(ID="a", Stage="Interview", Phone="1"),
        ann(ID="a", Email="ANN@example.com", Stage="Applied"),
    )

    expected = {"created": 1 + apart, "updated": 1, "unchanged": 1}
    assert only(rehearse(path)) == expected
    assert only(bring(path)) == expected

    candidate = Candidate.objects.get(external_id="a")
    assert (candidate.phone, candidate.reach) == ("1", Milestone.INTERVIEW)
    assert history(candidate.applications.get())[-1] == (Kind.ADVANCED, "Interview")


@pytest.mark.parametrize("apart", [0, BATCH])
def test_one_address_with_two_ids_is_for_a_person_to_decide(job: Job, tmp_path: Path, apart: int) -> None:
    path = write(tmp_path, ann(ID="a"), *many(apart), ann(ID="b", Email="Ann@Example.com", Job="engineer"))

    for go in (rehearse, bring):
        assert only(go(path)) == {"created": 1 + apart, "rejected": 1}
        assert reasons(path) == [
            "Ann@example.com has the id “a” here and “b” in the file. A person has to decide whether these are two people."
        ]
    assert Candidate.objects.get(email_key="ann@example.com").external_id == "a"


@pytest.mark.parametrize("apart", [0, BATCH])
def test_one_id_with_two_addresses_is_for_a_person_to_decide(job: Job, tmp_path: Path, apart: int) -> None:
    path = write(tmp_path, ann(ID="a"), *many(apart), bob(ID="a"))

    for go in (rehearse, bring):
        assert only(go(path)) == {"created": 1 + apart, "rejected": 1}
        assert "The id “a” belongs to ann@example.com here and to bob@example.com in the file." in reasons(path)[0]
    assert not Candidate.objects.filter(email_key="bob@example.com").exists()


def test_a_candidate_who_was_here_without_an_id_gets_it(job: Job, tmp_path: Path) -> None:
    factories.make_candidate(first_name="Ann", last_name="Lee", email="Ann@example.com")

    report = bring(write(tmp_path, ann(ID="17")))

    candidate = Candidate.objects.get()
    assert (only(report), report.new_candidates) == ({"created": 1}, 0)
    assert (candidate.external_source, candidate.external_id, candidate.email) == ("Generic", "17", "Ann@example.com")


def test_ids_of_two_systems_do_not_mix(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(ID="1")), source="Old tracker")

    report = bring(write(tmp_path, bob(ID="1"), ann(ID="9"), name="other.csv"), source="Other tracker")

    assert only(report) == {"created": 1, "unchanged": 1}
    assert Candidate.objects.get(first_name="Bob").external_source == "Other tracker"
    assert Candidate.objects.get(first_name="Ann").external_id == "1"
    assert set(Source.objects.values_list("name", flat=True)) == {
        "Import from Old tracker",
        "Import from Other tracker",
    }


# --- What is sent back ------------------------------------------------------------------------------------------------


def test_every_row_that_is_not_taken_is_written_with_its_line_and_its_reason(job: Job, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        ann(),
        bob(Email="broken"),
        bob(Job="Astronaut"),
        bob(Stage="Lunch"),
        bob(Furthest_stage="Dinner"),
        bob(Status="unsure"),
        bob(Applied="yesterday"),
        bob(Name=""),
        bob(Name="Bob\x00Ray"),
    )
    with path.open("a", encoding="utf-8") as file:
        file.write("2,Bob Ray,bob@example.com\n")

    report = bring(path)

    assert only(report) == {"created": 1, "rejected": 9}
    assert report.reasons == {
        Why.ADDRESS.value: 1,
        Why.JOB.value: 1,
        Why.STAGE.value: 2,
        Why.STATUS.value: 1,
        Why.DATE.value: 1,
        Why.NAME.value: 1,
        Why.TEXT.value: 1,
        Why.COLUMNS.value: 1,
    }
    assert [row["Import line"] for row in rejected(path)] == [str(line) for line in range(3, 12)]
    assert rejected(path)[1]["Import reason"] == "There is no job “Astronaut”: create it first, with this title."
    assert "Its stages are “Applied”" in rejected(path)[2]["Import reason"]
    assert rejected(path)[0]["Email"] == "broken"
    assert list(rejected(path)[0]) == ["Import line", "Import reason", *HEADINGS]
    assert Candidate.objects.count() == 1


def test_a_corrected_file_of_rejected_rows_can_be_imported(job: Job, tmp_path: Path) -> None:
    path = write(tmp_path, ann(Phone="+44 20 7123", Name="=HYPERLINK(1)", Job="Astronaut"))
    bring(path)
    assert "'=HYPERLINK(1)" in path.with_suffix(".rejects.csv").read_text(encoding="utf-8-sig")
    assert rejected(path)[0]["Phone"] == "'+44 20 7123"

    factories.make_job(title="Astronaut")
    again = path.with_suffix(".rejects.csv").rename(tmp_path / "corrected.csv")

    assert only(bring(again)) == {"created": 1}
    candidate = Candidate.objects.get()
    assert (candidate.phone, candidate.first_name) == ("+44 20 7123", "=HYPERLINK(1)")


def test_jobs_are_found_by_id_and_by_title(tmp_path: Path) -> None:
    first = factories.make_job(title="Ingénieur", external_id="REQ-1")
    second = factories.make_job(title="Twice", external_id="REQ-2")
    closed = factories.make_job(title="twice", status=Job.Status.CLOSED)
    alone = factories.make_job(title="Over", status=Job.Status.CLOSED)
    headings = [*HEADINGS, "Job ID"]

    path = write(
        tmp_path,
        ann(Job="INGÉNIEUR"),
        bob(Job="whatever") | {"Job ID": "REQ-1"},
        ann(ID="3", Email="c@example.com", Job="Twice"),
        ann(ID="4", Email="d@example.com", Job="over"),
        ann(ID="5", Email="e@example.com", Job=""),
        ann(ID="6", Email="f@example.com", Job="") | {"Job ID": "REQ-9"},
        ann(ID="7", Email="g@example.com", Job="twice") | {"Job ID": "REQ-9"},
        headings=headings,
    )

    assert only(bring(path)) == {"created": 5, "rejected": 2}
    assert (first.applications.count(), second.applications.count(), alone.applications.count()) == (2, 2, 1)
    assert closed.applications.count() == 0
    assert reasons(path) == [
        "The row names no job: create the job first, or name it for the whole file.",
        "There is no job with the id “REQ-9”: create the job first, or name it for the whole file.",
    ]
    factories.make_job(title="TWICE")
    again = write(tmp_path, bob(ID="9", Email="z@example.com", Job="Twice"), name="again.csv")
    assert only(bring(again)) == {"rejected": 1}
    assert "3 jobs are called “Twice”" in reasons(again)[0]


def test_a_job_whose_pipeline_has_no_stages_takes_nobody(job: Job, tmp_path: Path) -> None:
    empty = factories.make_job(title="Designer")
    empty.pipeline.stages.all().delete()
    path = write(tmp_path, ann(), bob(Job="Designer"))

    assert only(bring(path)) == {"created": 1, "rejected": 1}
    assert "has no stages" in reasons(path)[0]


# --- As a whole -------------------------------------------------------------------------------------------------------


def test_a_rehearsal_says_what_the_import_does_and_leaves_no_trace(job: Job, tmp_path: Path) -> None:
    bring(write(tmp_path, ann(), bob(Stage="Review"), name="before.csv"))
    path = write(
        tmp_path,
        ann(Stage="Interview"),
        bob(Stage="Applied"),
        bob(ID="3", Email="c@example.com"),
        bob(ID="3", Email="c@example.com", Stage="Offer", Status="rejected"),
        bob(ID="3", Email="c@example.com", Stage="Offer", Status="rejected"),
        bob(ID="4", Email="broken"),
    )
    before = [list(model._default_manager.values()) for model in TABLES]

    rehearsed, said = rehearse(path), rejected(path)
    assert [list(model._default_manager.values()) for model in TABLES] == before

    assert bring(path) == rehearsed
    assert rejected(path) == said
    assert only(rehearsed) == {"created": 1, "updated": 2, "unchanged": 2, "rejected": 1}


def test_a_source_that_is_registered_as_a_token_is_not_used_for_an_import(job: Job, tmp_path: Path) -> None:
    Source.objects.create(name="Import from Tracker", kind=Source.Kind.TOKEN, relays_decisions=True)

    with pytest.raises(AssertionError, match="registered as something else"):
        bring(write(tmp_path, ann()), source="Tracker")

    assert not Candidate.objects.exists()


def test_the_number_of_statements_hardly_grows_with_the_rows_of_a_batch(job: Job, tmp_path: Path) -> None:
    def statements(count: int, name: str) -> int:
        rows = [row | {"Stage": "Review", "Status": "rejected", "Reason": "No"} for row in many(count)]
        path = write(tmp_path, *[row | {"ID": f"{name}{row['ID']}", "Email": f"{name}{row['Email']}"} for row in rows])
        with CaptureQueriesContext(connection) as queries:
            assert only(bring(path)) == {"created": count}
        return len(queries)

    statements(1, "first")
    # SQLite takes about ninety new rows a statement.
    assert statements(100, "hundred") < statements(10, "ten") + 10


@pytest.mark.parametrize("go", [bring, rehearse])
def test_no_more_than_two_batches_are_in_memory_at_any_time(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: Callable[..., ImportReport]
) -> None:
    monkeypatch.setattr(importing, "BATCH", 20)
    path = write(tmp_path, *(row | {"Stage": "Review"} for row in many(200)))
    alive: list[int] = []

    def count(position: int) -> None:
        alive.append(sum(type(thing) in (Row, Entry, Person) for thing in gc.get_objects()))

    assert only(go(path, progress=count)) == {"created": 200}

    assert len(alive) == 10
    assert max(alive) <= 2 * 3 * 20


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_the_same_time_bring_everybody_once(job: Job, tmp_path: Path) -> None:
    paths = [write(tmp_path, *many(3 * BATCH), name=f"{number}.csv") for number in range(2)]
    reports: list[ImportReport] = []

    def go(path: Path) -> None:
        try:
            reports.append(bring(path))
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.created for report in reports) == 3 * BATCH
    assert [report.rejected for report in reports] == [0, 0]
    assert Candidate.objects.count() == Application.objects.count() == StageChange.objects.count() == 3 * BATCH


def test_a_table_in_any_clothes_is_the_same_table(job: Job, tmp_path: Path) -> None:
    text = table(ann(Name="Zoë Łukasz"), bob(Name="Åsa Öberg"))
    path = tmp_path / "people.csv"
    path.write_bytes(text.replace(",", ";").encode("utf-16"))

    assert only(bring(path)) == {"created": 2}
    assert set(Candidate.objects.values_list("first_name", flat=True)) == {"Zoë", "Åsa"}


# --- Records that were merged -----------------------------------------------------------------------------------------


def merged_into_bob(job: Job, tmp_path: Path) -> tuple[Candidate, Candidate]:
    """Bob, whom the import finds by Ann's address and id as well."""
    bring(write(tmp_path, ann(), bob()))
    kept, away = Candidate.objects.get(email_key="bob@example.com"), Candidate.objects.get(email_key="ann@example.com")
    assert isinstance(merging.merge(kept, away, by=actors.person(factories.make_user().pk), now=NOW), Merge)
    return kept, away


def test_an_import_of_the_other_address_finds_the_record_that_was_kept(job: Job, tmp_path: Path) -> None:
    kept, away = merged_into_bob(job, tmp_path)
    factories.make_job(title="Designer", external_id="REQ-2", pipeline=job.pipeline)
    for take in (rehearse, bring):
        report = take(write(tmp_path, ann(Job="Designer", Stage="Interview")))
        assert (only(report), report.new_candidates) == ({"created": 1}, 0)
    kept.refresh_from_db()
    away.refresh_from_db()
    assert (kept.applications.count(), kept.reach) == (3, Milestone.INTERVIEW)
    assert (away.applications.count(), away.external_id) == (0, "1")
    assert report.rejected == 0


def test_an_import_says_nothing_new_of_an_application_that_rests(job: Job, tmp_path: Path) -> None:
    kept, _ = merged_into_bob(job, tmp_path)
    assert sorted(kept.applications.values_list("status", flat=True)) == [Status.ACTIVE, Status.DUPLICATE]
    report = bring(write(tmp_path, ann(Stage="Interview"), bob(Stage="Interview")))
    assert report.rejected == 0
    assert sorted(kept.applications.values_list("status", "stage__name")) == [
        (Status.ACTIVE, "Interview"),
        (Status.DUPLICATE, "Applied"),
    ]


def test_whoever_is_merged_while_rows_are_read_is_read_again(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(write(tmp_path, ann(), bob()))
    kept, away = Candidate.objects.get(email_key="bob@example.com"), Candidate.objects.get(email_key="ann@example.com")
    factories.make_job(title="Designer", external_id="REQ-2", pipeline=job.pipeline)
    read, calls = people.read_people_to_change, list[None]()

    def read_beside_a_merge(*args: Any, **kwargs: Any) -> Any:
        """The merge comes after the first reading; what wrote with that is taken back, and the merge with it."""
        calls.append(None)
        known = read(*args, **kwargs)
        merging.merge(kept, away, by=actors.person(factories.make_user().pk), now=NOW)
        return known if len(calls) == 1 else read(*args, **kwargs)

    monkeypatch.setattr(importing, "read_people_to_change", read_beside_a_merge)
    report = bring(write(tmp_path, ann(Job="Designer")))
    assert (len(calls), report.created, report.new_candidates) == (2, 1, 0)
    assert (kept.applications.count(), away.applications.count()) == (3, 0)
