"""Every move and every refusal; reach under any sequence of moves; decided and told; what the tables refuse."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import actors, moves, moves_of_many
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Interview, Job, Pipeline, Reason, Stage, StageChange
from pipeline.moves import Act
from pipeline.outcomes import Refusal
from tests.factories import (
    NOW,
    done,
    make_application,
    make_candidate,
    make_job,
    make_pipeline,
    make_reason,
    make_source,
    make_user,
    move_to,
    reject,
    stage_of,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=3)
Status = Application.Status
Kind = StageChange.Kind


def act(**overrides: Any) -> Act:
    values: dict[str, Any] = {"by": actors.CLOCK, "now": LATER} | overrides
    return Act(**values)


def refused(answer: StageChange | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.sentence


def reach_of(application: Application) -> int:
    return Candidate.objects.get(pk=application.candidate_id).reach


def state_of(application: Application) -> tuple[Any, ...]:
    row = Application.objects.values_list("stage", "status", "decided_at", "told_at", "stage_entered_at")
    return (*row.get(pk=application.pk), application.stage_changes.count(), reach_of(application))


# --- Applying ---------------------------------------------------------------------------------------------------------


def test_an_application_starts_in_the_first_stage_by_position() -> None:
    job = make_job()
    job.pipeline.stages.filter(milestone=Milestone.REVIEW).update(position=0)
    job.pipeline.stages.filter(milestone=Milestone.APPLIED).update(position=1)

    change = done(moves.receive(make_candidate(), job, act=act(note="By post", quiet=True)))

    application = change.application
    assert application.stage.milestone == Milestone.REVIEW
    assert (application.status, application.applied_at, application.stage_entered_at) == (Status.ACTIVE, LATER, LATER)
    assert (change.kind, change.from_stage, change.from_milestone) == (Kind.RECEIVED, None, None)
    assert (change.to_stage, change.to_milestone, change.at) == (application.stage, Milestone.REVIEW, LATER)
    assert (change.note, change.quiet) == ("By post", True)
    assert reach_of(application) == Milestone.REVIEW


def test_an_application_may_start_in_a_named_stage_of_its_own_pipeline_only() -> None:
    job, other = make_job(), make_job()
    named = job.pipeline.stages.get(milestone=Milestone.INTERVIEW)
    application = done(moves.receive(make_candidate(), job, act=act(), stage=named)).application
    assert application.stage == named
    assert reach_of(application) == Milestone.INTERVIEW

    candidate = make_candidate()
    foreign = other.pipeline.stages.get(milestone=Milestone.INTERVIEW)
    sentence = refused(moves.receive(candidate, job, act=act(), stage=foreign))
    assert sentence == (
        f"The stage “Interview” belongs to another pipeline than “{job}”. Choose one of “{job.pipeline}”."
    )
    assert not candidate.applications.exists()


def test_a_candidate_applies_for_a_job_once() -> None:
    application = make_application()
    before = state_of(application)
    sentence = refused(moves.receive(application.candidate, application.job, act=act()))
    assert sentence == f"{application.candidate} already applied for “{application.job}”."
    assert state_of(application) == before
    assert make_application(candidate=application.candidate).job != application.job


def test_a_job_without_stages_receives_nobody() -> None:
    job = make_job(pipeline=Pipeline.objects.create(name="Empty"))
    sentence = refused(moves.receive(make_candidate(), job, act=act()))
    assert sentence == f"The pipeline “Empty” has no stages. Add one before “{job}” receives applications."
    assert not Application.objects.filter(job=job).exists()


# --- Moving -----------------------------------------------------------------------------------------------------------


def test_advancing_and_moving_back_write_their_history() -> None:
    application, person = make_application(), make_user()
    final, review = stage_of(application, Milestone.FINAL_ROUND), stage_of(application, Milestone.REVIEW)

    forward = done(moves.advance(application, final, act=act(by=actors.person(person.pk), note="Strong")))
    assert (forward.kind, forward.from_milestone, forward.to_milestone) == (Kind.ADVANCED, 1, 5)
    assert (forward.actor_kind, forward.moved_by, forward.source, forward.note) == ("person", person, None, "Strong")
    assert (application.stage, application.stage_entered_at) == (final, LATER)

    back = done(moves.move_back(application, review, act=act(now=LATER + timedelta(days=1))))
    assert (back.kind, back.from_stage, back.to_stage) == (Kind.MOVED_BACK, final, review)
    assert (back.from_milestone, back.to_milestone, back.actor_kind, back.moved_by) == (5, 2, "clock", None)
    application.refresh_from_db()
    assert (application.stage, application.stage_entered_at) == (review, LATER + timedelta(days=1))
    assert reach_of(application) == Milestone.FINAL_ROUND


def test_an_import_is_named_in_the_history_and_the_person_who_started_it_is_not_the_mover() -> None:
    source, person, application = make_source(), make_user(), make_application()
    by = actors.imported(source.pk, started_by=person.pk)
    change = done(moves.advance(application, stage_of(application, Milestone.REVIEW), act=act(by=by)))
    assert (change.actor_kind, change.source, change.moved_by) == ("import", source, person)
    ended = done(moves.reject(application, reason=make_reason(), act=act(by=by)))
    assert ended.application.decided_by is None


def test_move_goes_whichever_way_leads_there() -> None:
    application = make_application()
    assert done(moves.move(application, stage_of(application, Milestone.OFFER), act=act())).kind == Kind.ADVANCED
    assert done(moves.move(application, stage_of(application, Milestone.REVIEW), act=act())).kind == Kind.MOVED_BACK


def test_a_move_in_the_wrong_direction_is_refused() -> None:
    application = make_application()
    move_to(application, Milestone.INTERVIEW)
    before, who = state_of(application), application.candidate
    earlier, later = stage_of(application, Milestone.REVIEW), stage_of(application, Milestone.OFFER)
    assert refused(moves.advance(application, earlier, act=act())) == (
        f"“Review” does not come after “Interview”, where {who} is."
    )
    assert refused(moves.move_back(application, later, act=act())) == (
        f"“Offer” does not come before “Interview”, where {who} is."
    )
    for way in (moves.advance, moves.move_back, moves.move):
        assert "where" in refused(way(application, application.stage, act=act()))
    assert state_of(application) == before
    done(moves.advance(application, later, act=act()))


def test_a_stage_of_another_pipeline_is_refused_whatever_its_position() -> None:
    application, other = make_application(), make_job()
    move_to(application, Milestone.INTERVIEW)
    before = state_of(application)
    for milestone in Milestone:
        foreign = other.pipeline.stages.get(milestone=milestone)
        for way in (moves.advance, moves.move_back, moves.move):
            assert "belongs to another pipeline" in refused(way(application, foreign, act=act()))
    assert state_of(application) == before


def test_two_stages_with_one_position_can_still_be_moved_between() -> None:
    application = make_application()
    application.job.pipeline.stages.update(position=4)
    application.refresh_from_db()
    review = stage_of(application, Milestone.REVIEW)
    assert done(moves.move(application, review, act=act())).kind == Kind.ADVANCED
    assert done(moves.move(application, stage_of(application, Milestone.APPLIED), act=act())).kind == Kind.MOVED_BACK


def test_of_two_people_who_move_the_same_card_the_second_is_told_where_it_is() -> None:
    application = make_application()
    other_screen = Application.objects.get(pk=application.pk)
    move_to(application, Milestone.INTERVIEW)
    before = state_of(application)
    expected = (
        f"{application.candidate} is in “Interview” by now. Nothing was changed; look again before you move them."
    )

    for stale in (
        moves.advance(other_screen, stage_of(other_screen, Milestone.REVIEW), act=act()),
        moves.reject(other_screen, reason=make_reason(), act=act()),
        moves.withdraw(other_screen, act=act()),
        moves.hire(other_screen, act=act()),
    ):
        assert refused(stale) == expected
    assert state_of(application) == before

    other_screen.refresh_from_db()
    done(moves.move_back(other_screen, stage_of(other_screen, Milestone.REVIEW), act=act()))


# --- Ends -------------------------------------------------------------------------------------------------------------


def test_a_rejection_is_decided_and_not_yet_told() -> None:
    application, person, reason = make_application(), make_user(), make_reason()
    change = done(moves.reject(application, reason=reason, act=act(by=actors.person(person.pk))))
    application.refresh_from_db()
    assert (application.status, application.decided_at, application.decided_by) == (Status.REJECTED, LATER, person)
    assert (application.reason, application.told_at, application.told_how) == (reason, None, "")
    assert (change.kind, change.reason) == (Kind.REJECTED, reason)
    assert change.from_stage == change.to_stage == application.stage
    assert application in Application.objects.decided_but_not_told()


def test_a_withdrawal_is_no_rejection() -> None:
    application = make_application()
    reason = make_reason(kind=Reason.Kind.WITHDREW)
    change = done(moves.withdraw(application, reason=reason, act=act()))
    application.refresh_from_db()
    assert (application.status, change.kind) == (Status.WITHDRAWN, Kind.WITHDRAWN)
    assert (application.reason, application.decided_at) == (reason, LATER)
    assert not application.stage_changes.filter(kind=Kind.REJECTED).exists()


def test_a_withdrawal_needs_no_reason() -> None:
    assert done(moves.withdraw(make_application(), act=act())).reason is None


def test_a_reason_of_the_wrong_kind_is_refused() -> None:
    application = make_application()
    ours, theirs = make_reason(internal="Too junior"), make_reason(internal="Moved", kind=Reason.Kind.WITHDREW)
    before = state_of(application)
    assert refused(moves.reject(application, reason=theirs, act=act())) == (
        "“Moved” is a reason for a withdrawal. Choose a reason for a rejection."
    )
    assert refused(moves.withdraw(application, reason=ours, act=act())) == (
        "“Too junior” is a reason for a rejection. Choose a reason for a withdrawal."
    )
    assert state_of(application) == before
    done(moves.reject(application, reason=ours, act=act()))


def test_hiring_enters_the_hired_stage() -> None:
    application = make_application()
    change = done(moves.hire(application, act=act()))
    application.refresh_from_db()
    assert (application.status, application.stage.milestone) == (Status.HIRED, Milestone.HIRED)
    assert (change.kind, change.to_milestone) == (Kind.HIRED, Milestone.HIRED)
    assert reach_of(application) == Milestone.HIRED


def test_hiring_in_a_pipeline_without_a_hired_stage_raises_the_reach_all_the_same() -> None:
    application = make_application()
    application.job.pipeline.stages.filter(milestone=Milestone.HIRED).delete()
    change = done(moves.hire(application, act=act()))
    application.refresh_from_db()
    assert application.stage.milestone == Milestone.APPLIED
    assert change.to_milestone == reach_of(application) == Milestone.HIRED


@pytest.mark.parametrize("end", ["reject", "withdraw", "hire"])
def test_what_has_ended_is_not_moved_until_it_is_reopened(end: str) -> None:
    application = make_application()
    reason = make_reason()
    ends: dict[str, Callable[[], StageChange | Refusal]] = {
        "reject": lambda: moves.reject(application, reason=reason, act=act()),
        "withdraw": lambda: moves.withdraw(application, act=act()),
        "hire": lambda: moves.hire(application, act=act()),
    }
    done(ends[end]())
    before = state_of(application)
    stage = application.job.pipeline.stages.exclude(pk=application.stage_id).first()
    assert stage is not None
    again: Callable[[], StageChange | Refusal]
    for again in (*ends.values(), lambda: moves.move(application, stage, act=act())):
        assert " by now. Nothing was changed" in refused(again())
    assert state_of(application) == before
    done(moves.reopen(application, act=act()))
    done(moves.move(application, stage, act=act()))


def test_reopening_takes_the_end_back_and_keeps_its_history() -> None:
    application, person = make_application(), make_user()
    rejected = reject(application, by=person, now=LATER)
    assert moves.record_told(application, how=Application.ToldHow.IN_PERSON, by=actors.person(person.pk), now=LATER)

    change = done(moves.reopen(application, act=act(now=LATER + timedelta(days=1), note="A budget appeared.")))

    row = Application.objects.get(pk=application.pk)
    assert (row.status, row.stage_entered_at) == (Status.ACTIVE, LATER + timedelta(days=1))
    assert (row.decided_at, row.decided_by, row.reason) == (None, None, None)
    assert (row.told_at, row.told_how, row.told_by) == (None, "", None)
    assert change.kind == Kind.REOPENED
    assert change.note == "A budget appeared. They had been told in person on 15 September 2026."
    rejected.refresh_from_db()
    assert (rejected.kind, rejected.at, rejected.moved_by) == (Kind.REJECTED, LATER, person)
    assert application.status == Status.ACTIVE


def test_reopening_what_nobody_was_told_of_adds_nothing_to_the_note() -> None:
    application = make_application()
    reject(application)
    assert done(moves.reopen(application, act=act())).note == ""


def test_what_is_open_cannot_be_reopened() -> None:
    application = make_application()
    before = state_of(application)
    sentence = refused(moves.reopen(application, act=act()))
    assert sentence == f"The application of {application.candidate} is open already."
    assert state_of(application) == before


# --- Told, and spoken with --------------------------------------------------------------------------------------------


def test_nobody_can_be_told_of_what_is_not_decided() -> None:
    application = make_application()
    assert not moves.record_told(application, how="mail", by=actors.CLOCK, now=NOW)
    reject(application)
    assert moves.record_told(application, how="mail", by=actors.CLOCK, now=LATER)
    application.refresh_from_db()
    assert (application.decided_at, application.told_at) == (NOW, LATER)
    assert (application.told_how, application.told_by) == ("mail", None)


def test_the_first_telling_stays() -> None:
    application, person = make_application(), make_user()
    reject(application)
    assert moves.record_told(application, how="phone", by=actors.person(person.pk), now=NOW)
    assert not moves.record_told(application, how="mail", by=actors.CLOCK, now=LATER)
    application.refresh_from_db()
    assert (application.told_at, application.told_how, application.told_by) == (NOW, "phone", person)


def test_whoever_started_an_import_did_not_tell_anybody() -> None:
    application, person = make_application(), make_user()
    reject(application)
    assert moves.record_told(
        application, how="mail", by=actors.imported(make_source().pk, started_by=person.pk), now=NOW
    )
    application.refresh_from_db()
    assert application.told_by is None


def test_a_logged_conversation_was_held_and_moves_nothing() -> None:
    application, person = make_application(), make_user()
    before = state_of(application)
    call = moves.log_conversation(application, kind="phone", note="They asked.", by=actors.person(person.pk), now=LATER)
    assert (call.starts_at, call.held_at, call.logged_by, call.note) == (LATER, LATER, person, "They asked.")
    assert call in Interview.objects.held()
    assert state_of(application) == before


def test_a_planned_conversation_is_recorded_as_held_once_and_never_after_it_was_called_off() -> None:
    application = make_application()
    planned = Interview.objects.create(application=application, starts_at=NOW)
    called_off = Interview.objects.create(application=application, starts_at=NOW, cancelled_at=NOW)
    assert moves.record_held(planned, now=LATER)
    assert not moves.record_held(planned, now=LATER + timedelta(days=1))
    assert not moves.record_held(called_off, now=LATER)
    assert list(Interview.objects.held().values_list("pk", "held_at")) == [(planned.pk, LATER)]


# --- Reach ------------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),  # which application
        st.one_of(st.integers(1, 7), st.sampled_from(["reject", "withdraw", "hire", "reopen", "stale"])),
    ),
    max_size=12,
)


def _take_step(application: Application, step: int | str, reason: Reason) -> StageChange | Refusal:
    if step == "reject":
        return moves.reject(application, reason=reason, act=act())
    if step == "withdraw":
        return moves.withdraw(application, act=act())
    if step == "hire":
        return moves.hire(application, act=act())
    if step == "reopen":
        return moves.reopen(application, act=act())
    if step == "stale":
        application = Application.objects.get(pk=application.pk)
        Application.objects.filter(pk=application.pk).update(stage=stage_of(application, Milestone.REVIEW))
        return moves.move(application, stage_of(application, Milestone.HIRED), act=act())
    return moves.move(application, stage_of(application, int(step)), act=act())


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_no_sequence_of_moves_at_two_jobs_lowers_a_reach(steps: list[tuple[int, int | str]]) -> None:
    """The reach is always the furthest milestone in the candidate's history, and what is refused changes nothing."""
    candidate, reason = make_candidate(), make_reason()
    both = [make_application(candidate=candidate), make_application(candidate=candidate)]
    furthest = Milestone.APPLIED.value
    for which, step in steps:
        application = Application.objects.get(pk=both[which].pk)
        before = StageChange.objects.count()
        answer = _take_step(application, step, reason)
        if isinstance(answer, StageChange):
            furthest = max(furthest, answer.to_milestone)
        assert StageChange.objects.count() == before + isinstance(answer, StageChange)
        assert Candidate.objects.get(pk=candidate.pk).reach == furthest


def test_raising_a_reach_is_all_that_can_be_done_to_it() -> None:
    candidate = make_candidate()
    for milestone, reach in [(3, 3), (1, 3), (6, 6), (6, 6), (2, 6)]:
        moves.raise_reach(candidate.pk, milestone)
        assert Candidate.objects.get(pk=candidate.pk).reach == reach


def test_a_history_that_is_imported_raises_reaches_and_lowers_none() -> None:
    ahead, behind = make_application(), make_application()
    move_to(ahead, Milestone.OFFER)

    def change(application: Application, milestone: int) -> StageChange:
        stage = stage_of(application, milestone)
        return StageChange(
            application=application, kind=Kind.ADVANCED, from_stage=application.stage, to_stage=stage,
            from_milestone=1, to_milestone=milestone, at=NOW, actor_kind="import",
        )  # fmt: skip

    moves.record_many([change(ahead, 4), change(behind, 5), change(behind, 3)])
    assert (reach_of(ahead), reach_of(behind)) == (Milestone.OFFER, Milestone.FINAL_ROUND)


def test_renaming_reordering_and_remapping_stages_changes_no_reach_and_no_history() -> None:
    application = make_application()
    move_to(application, Milestone.INTERVIEW)
    move_to(application, Milestone.REVIEW)
    history = list(application.stage_changes.values_list("kind", "from_milestone", "to_milestone", "at"))

    for stage in application.job.pipeline.stages.all():
        stage.name, stage.position, stage.milestone = f"{stage.name} (old)", 9 - stage.position, Milestone.APPLIED
        stage.full_clean()
        stage.save()

    assert reach_of(application) == Milestone.INTERVIEW
    assert list(application.stage_changes.values_list("kind", "from_milestone", "to_milestone", "at")) == history
    # The mapping of today holds from today on: the next move means what its stage means now.
    interview = application.job.pipeline.stages.get(name="Interview (old)")
    change = done(moves.move(Application.objects.get(pk=application.pk), interview, act=act()))
    assert change.to_milestone == Milestone.APPLIED
    assert reach_of(application) == Milestone.INTERVIEW


# --- What the tables refuse -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("milestone", [None, 0, 8, -1, 99])
def test_a_stage_without_a_milestone_cannot_be_saved(milestone: Any) -> None:
    pipeline = make_pipeline()
    stage = Stage(pipeline=pipeline, name="Coffee", position=8, milestone=milestone)
    with pytest.raises(ValidationError, match="milestone"):
        stage.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        stage.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        pipeline.stages.update(milestone=milestone)
    stage.milestone = Milestone.PHONE_SCREEN
    stage.full_clean()
    stage.save()


def _set(application: Application, **values: Any) -> None:
    with transaction.atomic():
        Application.objects.filter(pk=application.pk).update(**values)


def test_an_application_cannot_end_without_its_time_or_be_told_without_saying_how() -> None:
    application = make_application()
    wrongs: list[dict[str, Any]] = [
        {"status": "rejected"},
        {"decided_at": NOW},
        {"told_at": NOW},
        {"told_how": "mail"},
    ]
    for wrong in wrongs:
        with pytest.raises(IntegrityError):
            _set(application, **wrong)
    _set(application, status="rejected", decided_at=NOW, told_at=NOW, told_how="mail")


@pytest.mark.parametrize("reach", [8, 99])
def test_a_reach_beyond_the_last_milestone_cannot_be_stored(reach: int) -> None:
    candidate = make_candidate()
    with pytest.raises(IntegrityError), transaction.atomic():
        Candidate.objects.filter(pk=candidate.pk).update(reach=reach)
    Candidate.objects.filter(pk=candidate.pk).update(reach=7)


def test_two_applications_for_one_job_or_two_candidates_with_one_address_cannot_be_stored() -> None:
    application = make_application()
    with pytest.raises(IntegrityError), transaction.atomic():
        Application.objects.create(
            candidate=application.candidate,
            job=application.job,
            stage=application.stage,
            applied_at=NOW,
            stage_entered_at=NOW,
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        make_candidate(email=application.candidate.email.upper())
    assert Job.objects.filter(applications__candidate=application.candidate).count() == 1


# --- Taking a move back -----------------------------------------------------------------------------------------------


def moved() -> StageChange:
    """Into review, some days after applying."""
    application = make_application()
    change = move_to(application, Milestone.REVIEW, by=make_user(), now=NOW + timedelta(days=5))
    return StageChange.objects.select_related("application__candidate", "from_stage").get(pk=change.pk)


def take_back(change: StageChange, *, act: Act) -> StageChange | Refusal:
    return moves_of_many.take_back_many([change], act=act)[change.application_id]


def test_a_move_that_is_taken_back_leaves_the_application_where_it_was_since_when_it_was() -> None:
    change = moved()
    back = done(take_back(change, act=act(now=NOW + timedelta(days=6), quiet=True)))
    application = Application.objects.get(pk=change.application_id)
    assert (application.stage.milestone, application.stage_entered_at) == (Milestone.APPLIED, NOW)
    assert (back.kind, back.quiet) == (Kind.UNDONE, True)
    assert reach_of(application) == Milestone.REVIEW
    # Also the second time: what was undone starts no wait.
    again = move_to(application, Milestone.OFFER, now=NOW + timedelta(days=7))
    done(take_back(again, act=act(now=NOW + timedelta(days=8), quiet=True)))
    assert Application.objects.get(pk=application.pk).stage_entered_at == NOW


def test_a_move_is_not_taken_back_over_a_later_one() -> None:
    change = moved()
    move_to(Application.objects.get(pk=change.application_id), Milestone.OFFER)
    assert "moved them on since" in refused(take_back(change, act=act()))


def test_that_somebody_applied_is_not_taken_back() -> None:
    assert "Only a move" in refused(take_back(make_application().stage_changes.get(), act=act()))
