"""One act on many applications: the preview, the act, and those who are left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from messaging import automations, bulk, operations
from messaging.bulk import BulkOutcome, Selected, read_selection, write_selection
from messaging.models import Automation, HandOff, Message, Operation, PlannedChange
from messaging.operation_account import account_of
from messaging.operations import Plan
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Reason, StageChange, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

Kind = Operation.Kind
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def ana() -> User:
    return make.make_user(first_name="Ana", last_name="Ruiz")


@pytest.fixture
def reason() -> Reason:
    return make.make_reason()


def act_of(user: User) -> Act:
    return Act(by=actors.person(user.pk), now=LATER)


def select(*applications: Application) -> list[Selected]:
    return [Selected(application_id=one.pk, stage_id=one.stage_id) for one in applications]


def application_at(milestone: int, **overrides: Any) -> Application:
    application = make.make_application(**overrides)
    if milestone > Milestone.APPLIED:
        make.move_to(application, milestone)
    return Application.objects.get(pk=application.pk)


@pytest.fixture
def early_rejection() -> Automation:
    return make.make_automation(
        template=make.make_template(name="Early rejection"), delay=2, delay_unit=Automation.DelayUnit.BUSINESS_DAYS
    )


def plan_to_reject(selected: list[Selected], reason: Reason) -> Plan:
    return Plan(kind=Kind.REJECT, selected=selected, reason=reason)


def preview_reject(selected: list[Selected], *, reason: Reason, by: User) -> BulkOutcome:
    return operations.preview(plan_to_reject(selected, reason), by=by, now=LATER)


def do(plan: Plan, *, by: User) -> BulkOutcome:
    operation = operations.begin(plan, message_count=4, by=by, now=LATER)
    operations.go_on(clock=lambda: LATER, seconds=60)
    return account_of(operation).outcome


def reject(selected: list[Selected], *, reason: Reason, by: User) -> BulkOutcome:
    return do(plan_to_reject(selected, reason), by=by)


def state() -> tuple[Any, ...]:
    return (
        list(Application.objects.order_by("pk").values_list("pk", "status", "stage", "decided_at")),
        Message.objects.count(),
        HandOff.objects.count(),
        StageChange.objects.count(),
        PlannedChange.objects.count(),
    )


def in_short(outcome: BulkOutcome) -> list[tuple[Any, ...]]:
    return sorted(
        (
            one.candidate,
            bool(one.refusal),
            [(planned.template, planned.due_at) for planned in one.messages],
            [(str(task.owner), task.due_at, task.reasons) for task in one.hand_offs],
        )
        for one in outcome.consequences
    )


def test_a_preview_says_what_the_act_then_does_and_changes_nothing(
    early_rejection: Automation, ana: User, reason: Reason
) -> None:
    mixed = [application_at(milestone) for milestone in (1, 2, 3, 4, 5)]
    make.reject(mixed[1])
    before = state()

    preview = preview_reject(select(*mixed), reason=reason, by=ana)
    assert state() == before

    outcome = reject(select(*mixed), reason=reason, by=ana)
    assert in_short(outcome) == in_short(preview)
    assert (len(outcome.done), len(outcome.refused), outcome.message_count, outcome.hand_off_count) == (4, 1, 1, 3)
    assert Message.objects.filter(status=Message.Status.SCHEDULED).count() == 1
    assert HandOff.objects.open().count() == 3
    assert Application.objects.filter(status=Application.Status.REJECTED).count() == 5


def test_messages_are_grouped_by_template_and_time_and_hand_offs_by_their_owner(
    early_rejection: Automation, ana: User, reason: Reason
) -> None:
    ben, job = make.make_sender(first_name="Ben", last_name="Okafor"), make.make_job()
    job_of_ben = make.make_job(recruiter=ben)
    early = [application_at(1, job=job) for _ in range(3)]
    late = [application_at(3, job=job), application_at(4, job=job), application_at(3, job=job_of_ben)]

    outcome = preview_reject(select(*early, *late), reason=reason, by=ana)

    [mailing] = outcome.mailings
    assert ([planned.template for planned in mailing.planned], len(mailing.people)) == (["Early rejection"], 3)
    assert {errand.owner: len(errand.people) for errand in outcome.errands} == {job.recruiter: 2, ben: 1}
    assert outcome.silent == []


def test_who_was_moved_since_they_were_seen_is_left_alone_and_named(
    early_rejection: Automation, ana: User, reason: Reason
) -> None:
    seen, moved = application_at(1), application_at(1)
    selection = select(seen, moved)
    make.move_to(moved, Milestone.PHONE_SCREEN)

    outcome = reject(selection, reason=reason, by=ana)

    assert [one.candidate for one in outcome.done] == [str(seen.candidate)]
    [refused] = outcome.refused
    assert refused.refusal.startswith(f"{moved.candidate} is in “Phone screen” by now.")
    assert Application.objects.get(pk=moved.pk).status == Application.Status.ACTIVE


def test_one_whom_the_database_does_not_take_fails_nobody_else(ana: User, reason: Reason) -> None:
    applications = [application_at(1) for _ in range(3)]
    broken = applications[1]

    def break_one(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # PostgreSQL gets a column as a list.
        values = [value for param in params or () for value in (param if isinstance(param, list) else [param])]
        if sql.startswith("INSERT INTO") and "stagechange" in sql and broken.pk in values:
            raise DatabaseError("no room left")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_one):
        outcome = reject(select(*applications), reason=reason, by=ana)

    assert [one.application_id for one in outcome.refused] == [broken.pk]
    assert outcome.refused[0].candidate == str(broken.candidate)
    statuses = dict(Application.objects.values_list("pk", "status"))
    assert [statuses[one.pk] for one in applications] == ["rejected", "active", "rejected"]


def test_an_application_that_is_gone_is_in_the_outcome_too(ana: User, reason: Reason) -> None:
    selection = [*select(application_at(1)), Selected(application_id=10**9, stage_id=1)]
    outcome = preview_reject(selection, reason=reason, by=ana)
    assert (len(outcome.done), len(outcome.refused)) == (1, 1)
    assert len(reject(selection, reason=reason, by=ana).done) == 1


def test_moving_refuses_who_is_there_already_and_who_is_in_another_pipeline(ana: User) -> None:
    job = make.make_job()
    here, there = application_at(1, job=job), application_at(2, job=job)
    elsewhere = application_at(1)
    to = make.stage_of(here, Milestone.REVIEW)

    outcome = do(Plan(kind=Kind.MOVE, selected=select(here, there, elsewhere), to_stage=to), by=ana)

    assert [one.application_id for one in outcome.done] == [here.pk]
    assert [one.refusal for one in outcome.refused] == [
        f"{there.candidate} is in “Review” already.",
        (
            f"The stage “Review” belongs to another pipeline than “{elsewhere.job}”. "
            f"Choose one of “{elsewhere.job.pipeline}”."
        ),
    ]
    assert Application.objects.get(pk=here.pk).stage == to


def test_a_preview_of_a_move_says_what_the_next_stage_sends_and_which_message_it_stops(ana: User) -> None:
    make.make_automation(
        name="Next step",
        event=Automation.Event.STAGE_ENTERED,
        delay=1,
        delay_unit=Automation.DelayUnit.HOURS,
        template=make.make_template(
            name="Next step", touchpoint="status_update", body="Hello {{ candidate.first_name }}"
        ),
    )
    application = make.make_application()
    change = make.move_to(application, Milestone.REVIEW)
    [waiting] = automations.follow(change, now=NOW)
    application = Application.objects.get(pk=application.pk)

    to = make.stage_of(application, Milestone.PHONE_SCREEN)
    plan = Plan(kind=Kind.MOVE, selected=select(application), to_stage=to)
    [one] = operations.preview(plan, by=ana, now=LATER).consequences

    assert [planned.template for planned in one.messages] == ["Next step"]
    assert [stopped.template for stopped in one.stopped] == ["Next step"]
    assert Message.objects.get().pk == waiting.pk
    assert Message.objects.get().status == Message.Status.SCHEDULED


def test_who_is_told_nothing_is_said_to_be_told_nothing(ana: User, reason: Reason) -> None:
    application = application_at(1)
    outcome = preview_reject(select(application), reason=reason, by=ana)
    assert [one.application_id for one in outcome.silent] == [application.pk]
    assert outcome.silent[0].nothing_follows


def test_two_applications_of_one_person_see_each_other_in_the_preview_as_in_the_act(
    early_rejection: Automation, ana: User, reason: Reason
) -> None:
    first = application_at(1)
    second = application_at(3, candidate=first.candidate)
    preview = preview_reject(select(first, second), reason=reason, by=ana)
    assert in_short(preview) == in_short(reject(select(first, second), reason=reason, by=ana))
    assert (preview.message_count, preview.hand_off_count) == (0, 2)


def test_a_preview_asks_as_much_for_many_as_for_a_few(early_rejection: Automation, ana: User, reason: Reason) -> None:
    """And the act as well, whoever of them is handed off."""
    job = make.make_job()

    def asked(verb: Any, number: int) -> int:
        selection = select(*(application_at(1 + 2 * (n % 2), job=job) for n in range(number)))
        with CaptureQueriesContext(connection) as captured:
            outcome = verb(selection, reason=reason, by=ana)
        assert len(outcome.done) == number
        assert min(outcome.message_count, outcome.hand_off_count) == number // 2
        return len(captured)

    asked(preview_reject, 2)
    assert asked(preview_reject, 4) == asked(preview_reject, 12) < 60
    assert asked(reject, 4) == asked(reject, 12) < 100


def test_what_waits_for_those_who_move_is_settled_for_all_of_them_at_once(ana: User) -> None:
    to_write = [make.make_hand_off().application for _ in range(3)]
    waiting = [make.make_message().application for _ in range(3)]
    for application in (*to_write, *waiting):
        make.done(moves.reopen(application, act=act_of(ana)))
    changes = [one.stage_changes.latest("pk") for one in (*to_write, *waiting)]

    automations.follow_many(changes, now=LATER)

    assert set(Message.objects.values_list("status", flat=True)) == {Message.Status.CANCELLED}
    assert set(Message.objects.values_list("status_reason", flat=True)) == {
        "What this message follows from was taken back or has moved on."
    }
    assert {(one.status, one.note) for one in HandOff.objects.all()} == {
        (HandOff.Status.NOT_NEEDED, "What this message follows from was taken back or has moved on.")
    }
    assert automations.follow_many(changes, now=LATER) == []


def test_a_selection_comes_back_as_it_was_written() -> None:
    selection = [Selected(application_id=4, stage_id=2), Selected(application_id=7, stage_id=3)]
    assert read_selection(write_selection(selection)) == selection


@pytest.mark.parametrize(
    "text", ["", "4", "4:2,", "4:2;7:3", "4:2,4:2", "a:b", "4:-2", "4:2\n", "4:2,7:" + "9" * 19, " 4:2", "٤:2"]
)
def test_a_selection_that_nobody_wrote_is_refused(text: str) -> None:
    assert isinstance(read_selection(text), Refusal)


def test_more_than_a_page_can_answer_for_is_refused() -> None:
    most = [Selected(application_id=number, stage_id=1) for number in range(1, bulk.AT_MOST + 1)]
    assert read_selection(write_selection(most)) == most
    assert isinstance(read_selection(write_selection([*most, Selected(application_id=9999, stage_id=1)])), Refusal)
