"""A bulk act is begun once, worked off in small transactions, and undone as long as nothing of it has left."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from messaging import automations, drafts, gate, handoffs, operations, outgoing, silence
from messaging.bulk import Selected
from messaging.delivery import brake as the_brake
from messaging.delivery import outbox
from messaging.gate import Clearance
from messaging.models import Automation, Brake, HandOff, LedgerEntry, Message, Operation, OperationItem, Template
from messaging.operation_account import account_of
from messaging.operations import Plan
from messaging.policy.decision import Origin
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Reason, StageChange, User
from pipeline.outcomes import Refusal
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

Kind = Operation.Kind
State = OperationItem.State
UNDO = timedelta(minutes=15)
LATER = NOW + timedelta(hours=1)
UPDATE = "Dear {{ candidate.first_name }}, we read your application for {{ job.title }} this week. {{ sender.name }}"


@pytest.fixture
def ana() -> User:
    return make.make_colleague("Coordinator", first_name="Ana", last_name="Ruiz")


@pytest.fixture
def reason() -> Reason:
    return make.make_reason()


@pytest.fixture
def at_once() -> Automation:
    """Rejections are answered at once."""
    return make.make_automation(template=make.make_template(name="Early rejection"))


def applicants(number: int, *, milestone: int = 1, **overrides: Any) -> list[Application]:
    applications = [make.make_application(**overrides) for _ in range(number)]
    for application in applications:
        if milestone > Milestone.APPLIED:
            make.move_to(application, milestone)
    return list(Application.objects.filter(pk__in=[one.pk for one in applications]).order_by("pk"))


def select(applications: list[Application]) -> list[Selected]:
    return [Selected(application_id=one.pk, stage_id=one.stage_id) for one in applications]


def begin(
    applications: list[Application], *, by: User, count: int | None = None, now: datetime = LATER, **choices: Any
) -> Operation:
    kind = Kind.MOVE if "to_stage" in choices else Kind.REJECT
    plan = Plan(kind=kind, selected=select(applications), **choices)
    count = len(applications) if count is None else count
    return operations.begin(plan, message_count=count, by=by, now=now)


def go_on(now: datetime = LATER) -> int:
    return operations.go_on(clock=lambda: now, seconds=60)


def states(operation: Operation) -> list[str]:
    return list(operation.items.order_by("pk").values_list("state", flat=True))


def statuses(applications: list[Application]) -> set[str]:
    return set(Application.objects.filter(pk__in=[one.pk for one in applications]).values_list("status", flat=True))


# --- Doing ------------------------------------------------------------------------------------------------------------


def test_it_is_begun_once_and_done_by_whoever_goes_on(at_once: Automation, ana: User, reason: Reason) -> None:
    early, met = applicants(2), applicants(1, milestone=3)
    operation = begin([*early, *met], by=ana, reason=reason, note="Hiring freeze.")
    assert statuses(early) == {"active"}

    assert go_on() == 3
    assert go_on() == 0

    operation.refresh_from_db()
    assert (states(operation), operation.finished_at) == (["done"] * 3, LATER)
    assert statuses([*early, *met]) == {"rejected"}
    change = StageChange.objects.get(application=early[0], kind="rejected")
    assert (change.moved_by, change.actor_kind, change.note) == (ana, "person", "Hiring freeze.")
    assert change.operation_item.operation == operation
    assert {message.operation for message in Message.objects.all()} == {operation}
    assert [task.application for task in HandOff.objects.open()] == met
    assert [entry.data["event"] for entry in LedgerEntry.objects.filter(kind="operation")] == ["begun", "finished"]


def test_what_the_floor_reserves_never_leaves(at_once: Automation, ana: User, reason: Reason) -> None:
    early, met = applicants(2), applicants(2, milestone=3)
    begin([*early, *met], count=len(early), by=ana, reason=reason)
    go_on()
    outbox.drain(clock=lambda: LATER + UNDO)
    sent = Message.objects.filter(status="sent")
    assert {message.application for message in sent} == set(early)
    assert {task.application for task in HandOff.objects.open()} == set(met)
    assert set(Message.objects.filter(application__in=met).values_list("status", flat=True)) == {"held"}


def test_nothing_leaves_before_it_can_no_longer_be_undone(at_once: Automation, ana: User, reason: Reason) -> None:
    begin(applicants(2), by=ana, reason=reason)
    go_on()
    assert set(Message.objects.values_list("due_at", flat=True)) == {LATER + UNDO}
    just_before = LATER + UNDO - timedelta(seconds=1)
    assert outbox.drain(clock=lambda: just_before) == {}
    assert outbox.drain(clock=lambda: LATER + UNDO) == {"sent": 2}


def test_an_automation_that_waits_longer_keeps_its_time(ana: User, reason: Reason) -> None:
    make.make_automation(delay=3, delay_unit=Automation.DelayUnit.HOURS)
    begin(applicants(1), by=ana, reason=reason)
    go_on()
    assert Message.objects.get().due_at == LATER + timedelta(hours=3)


def test_it_is_worked_off_in_small_transactions_and_goes_on_where_it_stopped(
    at_once: Automation, ana: User, reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", 2)
    people = applicants(5)
    operation = begin(people, by=ana, reason=reason)
    moments = iter([0.0, 0.0, 9.0, 9.0])
    monkeypatch.setattr("time.monotonic", lambda: next(moments))

    assert operations.go_on(clock=lambda: LATER, seconds=5) == 2
    assert states(operation) == ["done"] * 2 + ["to_do"] * 3

    monkeypatch.undo()
    assert go_on() == 3
    assert statuses(people) == {"rejected"}
    assert Message.objects.count() == 5


def test_a_database_that_is_gone_refuses_nobody(at_once: Automation, ana: User, reason: Reason) -> None:
    operation = begin(applicants(2), by=ana, reason=reason)

    def gone(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT INTO") and "stagechange" in sql:
            raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(gone), pytest.raises(OperationalError), transaction.atomic():
        go_on()
    assert states(operation) == ["to_do"] * 2
    go_on()
    assert states(operation) == ["done"] * 2


def test_who_moved_on_meanwhile_is_left_alone(ana: User, reason: Reason) -> None:
    stays, moves_on = applicants(2)
    operation = begin([stays, moves_on], by=ana, reason=reason)
    make.move_to(moves_on, Milestone.REVIEW)
    go_on()
    assert states(operation) == ["done", "refused"]
    assert "is in “Review” by now" in operation.items.get(application=moves_on).sentence


# --- What they are told -----------------------------------------------------------------------------------------------


def test_without_any_message_nobody_is_told_anything(at_once: Automation, ana: User, reason: Reason) -> None:
    people = [*applicants(1), *applicants(1, milestone=3)]
    begin(people, by=ana, reason=reason, quiet=True)
    go_on()
    assert statuses(people) == {"rejected"}
    assert (Message.objects.count(), HandOff.objects.count()) == (0, 0)


def test_a_chosen_template_takes_the_place_and_the_time_of_what_an_automation_would_send(
    ana: User, reason: Reason
) -> None:
    make.make_automation(delay=3, delay_unit=Automation.DelayUnit.HOURS)
    survey = make.make_template(touchpoint="survey", body="Dear {{ candidate.first_name }}, how was it?")
    make.make_automation(template=survey, delay=4, delay_unit=Automation.DelayUnit.HOURS)
    chosen = make.make_template(name="Kinder")
    early, met = applicants(1), applicants(1, milestone=3)
    begin([*early, *met], by=ana, reason=reason, template=chosen)
    go_on()

    message = Message.objects.get(application=early[0], touchpoint="rejection")
    assert (message.template, message.automation, message.origin) == (chosen, None, Origin.AUTOMATION)
    assert (message.status, message.due_at) == ("scheduled", LATER + timedelta(hours=3))
    assert Message.objects.get(application=early[0], touchpoint="survey").template == survey
    # The machine sends it or a person: a choice in bulk is no person's word to one candidate.
    assert Message.objects.get(application=met[0], touchpoint="rejection").status == "held"
    assert isinstance(gate.clear(message.pk, now=message.due_at), Clearance)


def test_a_chosen_template_is_sent_where_no_automation_is(ana: User) -> None:
    chosen = make.make_template(touchpoint="status_update", body=UPDATE)
    application, moved_on = applicants(2, job=make.make_job())
    to = make.stage_of(application, Milestone.REVIEW)
    begin([application, moved_on], by=ana, to_stage=to, template=chosen)
    go_on()
    message, overtaken = Message.objects.order_by("pk")
    assert message.due_at == LATER + UNDO
    moved_on.refresh_from_db()
    make.move_to(moved_on, Milestone.INTERVIEW, now=LATER + timedelta(minutes=1))
    assert outbox.drain(clock=lambda: LATER + UNDO) == {"sent": 1, "stop": 1}
    overtaken.refresh_from_db()
    assert overtaken.status == "cancelled"


def test_another_template_than_the_chosen_one_is_not_sent(at_once: Automation, ana: User, reason: Reason) -> None:
    chosen, other = make.make_template(), make.make_template()
    begin(applicants(1), by=ana, reason=reason, template=chosen)
    go_on()
    message = Message.objects.get()
    forged = message.repeat(cause="operation:again", wording=other.wordings.get(), due_at=LATER, now=LATER)
    forged.template = other
    forged.save()
    case = gate.clear(forged.pk, now=LATER + UNDO)
    assert isinstance(case, gate.Case)
    assert [finding.code for finding in case.verdict.findings] == ["automation_off"]
    assert isinstance(gate.clear(message.pk, now=LATER + UNDO), Clearance)


# --- Taking back ------------------------------------------------------------------------------------------------------


def undo(operation: Operation, *, by: User, now: datetime = LATER + timedelta(minutes=5)) -> Operation:
    answer = operations.undo(operation, by=by, now=now)
    assert not isinstance(answer, Refusal), answer.sentence
    go_on(now)
    operation.refresh_from_db()
    return operation


def test_undone_everybody_is_back_and_nothing_leaves(at_once: Automation, ana: User, reason: Reason) -> None:
    people = [*applicants(2), *applicants(1, milestone=3)]
    before = {one.pk: (one.status, one.stage_id) for one in people}
    operation = begin(people, by=ana, reason=reason)
    go_on()
    assert HandOff.objects.open().exists()

    undo(operation, by=ana)

    after = Application.objects.in_bulk(before)
    assert {pk: (one.status, one.stage_id) for pk, one in after.items()} == before
    assert set(Message.objects.values_list("status", flat=True)) == {"cancelled"}
    assert not HandOff.objects.open().exists()
    assert states(operation) == ["undone"] * 3
    assert (operation.undone_by, operation.is_at_work) == (ana, False)
    assert account_of(operation).to_talk_to == []
    assert outbox.drain(clock=lambda: LATER + timedelta(days=1)) == {}
    assert set(StageChange.objects.filter(kind="reopened").values_list("quiet", flat=True)) == {True}


def test_a_move_is_undone_and_the_reach_stays(ana: User) -> None:
    [application] = applicants(1)
    to = make.stage_of(application, Milestone.PHONE_SCREEN)
    operation = begin([application], by=ana, to_stage=to)
    go_on()
    undo(operation, by=ana)
    current = Application.objects.get(pk=application.pk)
    assert (current.stage, current.stage_entered_at) == (application.stage, application.stage_entered_at)
    assert Candidate.objects.get(pk=application.candidate_id).reach == Milestone.PHONE_SCREEN


def test_of_whom_something_left_it_is_said_that_it_cannot_be_called_back(
    at_once: Automation, ana: User, reason: Reason
) -> None:
    told, called, other = applicants(1)[0], applicants(1, milestone=3)[0], applicants(1)[0]
    operation = begin([told, called, other], by=ana, reason=reason)
    go_on()
    outgoing.send_now(Message.objects.get(application=told), by=ana, now=LATER)
    assert outbox.drain(clock=lambda: LATER) == {"sent": 1}
    handoffs.tell_by_phone(HandOff.objects.get(application=called), note="I told them.", by=ana, now=LATER)

    undo(operation, by=ana)

    assert states(operation) == ["undone"] * 3
    assert statuses([told, called, other]) == {"active"}
    said = {one.application_id: one.refusal for one in account_of(operation).to_talk_to}
    assert said == {
        told.pk: "“Early rejection” had left, and cannot be called back. Talk to them.",
        called.pk: f"{ana} had told them by phone already, which cannot be taken back. Talk to them.",
    }
    assert Message.objects.get(application=told).status == "sent"


def test_who_was_moved_on_since_is_left_where_they_are(ana: User) -> None:
    stays, moves_on = applicants(2, job=make.make_job())
    to = make.stage_of(stays, Milestone.REVIEW)
    operation = begin([stays, moves_on], by=ana, to_stage=to)
    go_on()
    ben = make.make_user(first_name="Ben", last_name="Okafor")
    make.move_to(Application.objects.get(pk=moves_on.pk), Milestone.INTERVIEW, by=ben)

    undo(operation, by=ana)

    assert states(operation) == ["undone", "stays"]
    assert operation.items.get(state="stays").sentence == ("Ben Okafor moved them on since, so they were left there.")
    assert Application.objects.get(pk=moves_on.pk).stage.milestone == Milestone.INTERVIEW


def test_who_has_not_had_their_turn_when_it_is_undone_never_has_it(
    at_once: Automation, ana: User, reason: Reason
) -> None:
    people = applicants(2)
    operation = begin(people, by=ana, reason=reason)
    undo(operation, by=ana, now=LATER)
    assert states(operation) == ["dropped"] * 2
    assert statuses(people) == {"active"}
    assert not operation.is_at_work


def test_it_is_undone_once_and_in_time(at_once: Automation, ana: User, reason: Reason) -> None:
    operation = begin(applicants(1), by=ana, reason=reason)
    go_on()
    late = operations.undo(operation, by=ana, now=LATER + UNDO + timedelta(seconds=1))
    assert isinstance(late, Refusal)
    assert late.sentence.startswith("The time in which it could be undone is over")
    undo(operation, by=ana, now=LATER + UNDO)
    again = operations.undo(operation, by=ana, now=LATER + UNDO)
    assert isinstance(again, Refusal)
    assert again.sentence == f"{ana} undid it already."


@pytest.fixture
def reading() -> Automation:
    """Who is being read hears of it three hours later."""
    return make.make_automation(
        event=Automation.Event.STAGE_ENTERED,
        template=make.make_template(touchpoint="status_update", body=UPDATE),
        delay=3,
        delay_unit=Automation.DelayUnit.HOURS,
    )


def entered(application: Application, milestone: int = Milestone.REVIEW) -> Message:
    """Moved an hour before, and what follows from it."""
    [message] = automations.follow(make.move_to(application, milestone), now=NOW)
    application.refresh_from_db()
    return message


def waiting(application: Application) -> list[tuple[str, datetime]]:
    return list(Message.objects.waiting().filter(application=application).values_list("touchpoint", "due_at"))


def test_undone_what_the_operation_stopped_is_planned_again_for_its_time(
    at_once: Automation, reading: Automation, ana: User, reason: Reason
) -> None:
    [application] = applicants(1)
    before = entered(application)
    operation = begin([application], by=ana, reason=reason)
    go_on()
    assert (waiting(application), operations.count_stopped(operation)) == ([("rejection", LATER + UNDO)], 1)

    undo(operation, by=ana)

    assert waiting(application) == [("status_update", before.due_at)]
    assert outbox.drain(clock=lambda: before.due_at) == {"sent": 1}


def test_as_often_as_somebody_changes_their_mind_one_message_waits(
    at_once: Automation, reading: Automation, ana: User, reason: Reason
) -> None:
    [application] = applicants(1)
    before = entered(application)
    for minutes in (0, 10, 20):
        now = LATER + timedelta(minutes=minutes)
        operation = begin([Application.objects.get(pk=application.pk)], by=ana, reason=reason, now=now)
        go_on(now)
        undo(operation, by=ana, now=now + timedelta(minutes=5))
        assert waiting(application) == [("status_update", before.due_at)]


def test_what_comes_back_is_still_held_and_a_task_is_whose_it_was(
    reading: Automation, ana: User, reason: Reason
) -> None:
    held, with_a_task = applicants(2)
    hold = outgoing.hold(entered(held), reason="Ask Ben.", until=LATER + timedelta(days=2), by=ana, now=NOW)
    assert not isinstance(hold, Refusal)
    prepare = make.make_template(touchpoint="interview_preparation", body=UPDATE)
    make.make_automation(event=Automation.Event.STAGE_ENTERED, template=prepare)
    automations.follow(make.move_to(with_a_task, Milestone.INTERVIEW), now=NOW)
    task = HandOff.objects.get(application=with_a_task)
    handoffs.assign([task], to=ana)
    drafts.save(task, subject="Wednesday", body="Take the tram.", note="", by=ana, now=NOW)
    people = list(Application.objects.order_by("pk"))
    operation = begin(people, by=ana, reason=reason, quiet=True)
    go_on()
    assert not HandOff.objects.open().exists()

    undo(operation, by=ana)

    assert Message.objects.on_hold(LATER + UNDO).get(application=held).touchpoint == "status_update"
    back = HandOff.objects.open().get(application=with_a_task)
    assert (back.owner, back.due_at, back.pk != task.pk) == (ana, task.due_at, True)
    found = drafts.find(back, by=ana)
    assert found is not None
    assert found.body == "Take the tram."


def test_the_gate_decides_anew_what_comes_back(
    at_once: Automation, reading: Automation, ana: User, reason: Reason
) -> None:
    [application] = applicants(1)
    entered(application)
    operation = begin([application], by=ana, reason=reason)
    go_on()
    silence.begin(application.candidate, by=ana, now=LATER)
    undo(operation, by=ana)
    assert waiting(application) == []
    assert "asked not to be contacted" in Message.objects.latest("pk").status_reason


def test_who_was_brought_back_is_not_forgotten_by_what_watches_over_silence(ana: User, reason: Reason) -> None:
    update = make.make_template(touchpoint="status_update", body=UPDATE)
    make.make_automation(event=Automation.Event.NO_NEWS, quiet_days=3, template=update)
    rejected, moved = applicants(1, quiet=False), applicants(1, quiet=False)
    for people, choice in ((rejected, {"reason": reason}), (moved, {"to_stage": make.stage_of(moved[0], 2)})):
        operation = begin(people, by=ana, **choice)
        go_on()
        undo(operation, by=ana)
    planned = automations.plan_no_news(now=NOW + timedelta(days=7))
    assert {message.application for message in planned} == {*rejected, *moved}
    assert {message.status for message in planned} == {"scheduled"}


@pytest.mark.parametrize("kind", Kind)
def test_undone_with_a_number_of_queries_that_does_not_grow(
    kind: str, at_once: Automation, reading: Automation, ana: User, reason: Reason
) -> None:
    job = make.make_job()

    def queries_for(number: int) -> int:
        people = applicants(number, job=job)
        for application in people:
            entered(application)
        to = {"to_stage": make.stage_of(people[0], Milestone.OFFER)} if kind == Kind.MOVE else {"reason": reason}
        operation = begin(people, by=ana, **to)
        go_on()
        with CaptureQueriesContext(connection) as captured:
            undo(operation, by=ana)
        assert states(operation) == ["undone"] * number
        assert Message.objects.waiting().filter(application__in=people).count() == number
        return len(captured)

    assert queries_for(2) == queries_for(7)


# --- Braked -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(settings: Settings) -> None:
    settings.BRAKE_A_DAY, settings.BRAKE_AN_HOUR = 3, 20


@pytest.fixture
def second() -> User:
    return make.make_colleague("Coordinator")


@pytest.mark.usefixtures("small")
def test_up_to_the_limit_it_goes_on_by_itself(at_once: Automation, ana: User, reason: Reason) -> None:
    people = applicants(3)
    begin(people, by=ana, reason=reason)
    assert go_on() == 3
    assert not Brake.objects.exists()


@pytest.mark.usefixtures("small")
def test_above_it_nothing_happens_until_a_second_person_releases_it(
    at_once: Automation, ana: User, second: User, reason: Reason
) -> None:
    people = applicants(4)
    operation = begin(people, by=ana, reason=reason)
    brake = Brake.objects.get()
    assert (brake.operation, brake.automation, brake.count) == (operation, None, 4)
    assert brake.why == ("4 messages on one day; more than 3 are unusual for bulk acts of this kind by this person.")
    assert go_on() == 0
    assert statuses(people) == {"active"}
    assert isinstance(the_brake.release(brake, reason="I know.", by=ana, now=LATER), Refusal)

    assert isinstance(the_brake.release(brake, reason="Checked.", by=second, now=LATER), Brake)

    assert go_on() == 4
    assert statuses(people) == {"rejected"}
    # The automation is not braked for what a second person let go.
    assert outbox.drain(clock=lambda: LATER + UNDO) == {"sent": 4}


@pytest.mark.usefixtures("small")
def test_dropped_nobody_has_their_turn(at_once: Automation, ana: User, second: User, reason: Reason) -> None:
    people = applicants(4)
    operation = begin(people, by=ana, reason=reason)
    the_brake.drop(Brake.objects.get(), reason="A slip.", by=second, now=LATER)
    assert go_on() == 0
    operation.refresh_from_db()
    assert (states(operation), operation.finished_at) == (["dropped"] * 4, LATER)
    assert statuses(people) == {"active"}


@pytest.mark.usefixtures("small")
def test_undone_it_needs_no_second_person_any_more(at_once: Automation, ana: User, reason: Reason) -> None:
    people = applicants(4)
    operation = undo(begin(people, by=ana, reason=reason), by=ana, now=LATER)
    assert (states(operation), operation.is_at_work) == (["dropped"] * 4, False)
    assert statuses(people) == {"active"}
    ended = Brake.objects.get()
    assert (ended.is_on, ended.dropped_by, ended.reason) == (False, ana, "It was undone.")


@pytest.mark.usefixtures("small")
def test_what_one_person_did_of_a_kind_today_counts_and_what_was_undone_does_not(
    at_once: Automation, ana: User, second: User, reason: Reason
) -> None:
    undone = begin(applicants(3), by=ana, reason=reason)
    go_on()
    undo(undone, by=ana, now=LATER)
    begin(applicants(2), by=ana, reason=reason)
    begin(applicants(2), by=second, reason=reason)
    assert not Brake.objects.exists()
    begin(applicants(2), by=ana, reason=reason)
    assert [brake.count for brake in Brake.objects.all()] == [2]


@pytest.mark.usefixtures("small")
def test_five_times_what_they_do_on_a_usual_day_is_not_unusual(at_once: Automation, ana: User, reason: Reason) -> None:
    for days in (4, 2):
        begin([], count=2, by=ana, reason=reason, now=NOW - timedelta(days=days))
    begin([], count=10, by=ana, reason=reason)
    assert not Brake.objects.exists()
    begin([], count=1, by=ana, reason=reason)
    assert Brake.objects.exists()


def test_more_than_were_confirmed_do_not_leave(at_once: Automation, ana: User, second: User, reason: Reason) -> None:
    operation = begin(applicants(3), count=2, by=ana, reason=reason)
    go_on()
    outbox.drain(clock=lambda: LATER + UNDO)
    assert set(Message.objects.values_list("status", flat=True)) == {"scheduled"}
    brake = Brake.objects.get(operation=operation)
    assert brake.why == "3 messages follow from it, and 2 were confirmed; they wait for a second person."
    case = gate.clear(Message.objects.all()[0].pk, now=LATER + UNDO)
    assert isinstance(case, gate.Case)
    assert [finding.code for finding in case.verdict.findings] == ["braked"]
    the_brake.release(brake, reason="Checked.", by=second, now=LATER + UNDO)
    assert outbox.drain(clock=lambda: LATER + UNDO + timedelta(hours=1))["sent"] == 3


# --- Guarded ----------------------------------------------------------------------------------------------------------


def test_no_statement_gives_anybody_a_second_turn_or_changes_what_was_chosen(ana: User, reason: Reason) -> None:
    operation = begin(applicants(1), by=ana, reason=reason)
    go_on()
    item = OperationItem.objects.filter(operation=operation)
    refused: list[tuple[Any, dict[str, Any]]] = [
        (item, {"state": State.TO_DO, "change": None}),
        (item, {"application": applicants(1)[0]}),
        (Operation.objects.filter(pk=operation.pk), {"message_count": 500}),
        (Operation.objects.filter(pk=operation.pk), {"template": Template.objects.create(name="Other")}),
    ]
    for rows, values in refused:
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**values)
    for rows in (item, Operation.objects.filter(pk=operation.pk)):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows._raw_delete(rows.db)
    assert item.update(state=State.STAYS) == 1
