"""People and workers who want the same thing at the same moment, in threads with a connection each, on a real database."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import TypeVar

import pytest
from django.db import OperationalError, connection, transaction
from django_q.models import OrmQ

from messaging import automations, gate, handoffs
from messaging.gate import Case, Clearance
from messaging.models import Attempt, HandOff, Message, PlannedChange
from messaging.policy.decision import Outcome
from pipeline import actors, merging, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Interview, StageChange
from pipeline.moves import Act
from pipeline.outcomes import Refusal
from tests.factories import (
    NOW,
    OWN_WORDS,
    done,
    make_application,
    make_automation,
    make_message,
    make_reason,
    make_sender,
    make_template,
    move_to,
    reject,
    stage_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")
DUE = NOW + timedelta(hours=1)  # see make_message
PATIENCE = 20  # seconds
HEAD_START = 0.2  # seconds in which the second runs into what the first holds
ROUNDS = 3


def act() -> Act:
    return Act(by=actors.CLOCK, now=NOW)


def at_once(*calls: Callable[[], T]) -> list[T]:
    """All of them start together; their answers in their order."""
    start = Barrier(len(calls), timeout=PATIENCE)

    def run(call: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            start.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(run, call) for call in calls]]


def in_between(first: Callable[[], object], second: Callable[[], T]) -> T:
    """The second starts while the transaction of the first is open; it commits a moment later."""
    is_open = Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                first()
                is_open.set()
                time.sleep(HEAD_START)
        finally:
            connection.close()

    def run() -> T:
        try:
            assert is_open.wait(PATIENCE)
            return second()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        holding, running = pool.submit(hold), pool.submit(run)
        holding.result(PATIENCE)
        return running.result(PATIENCE)


def make_hand_off() -> HandOff:
    application = make_application()
    move_to(application, Milestone.INTERVIEW)
    return make_message(application=application).hand_offs.get()


def statuses(message: Message) -> tuple[str, int, int]:
    row = Message.objects.get(pk=message.pk)
    return row.status, row.attempts.count(), row.hand_offs.count()


# --- One hand-off -----------------------------------------------------------------------------------------------------


def test_two_people_who_answer_one_hand_off_at_once_send_one_message() -> None:
    people = [make_sender(), make_sender()]
    for number in range(1, ROUNDS + 1):
        hand_off = make_hand_off()

        def answer(place: int, pk: int = hand_off.pk) -> Message | Case | Refusal:
            mine = HandOff.objects.get(pk=pk)
            return handoffs.answer(mine, subject="Our talk", body=OWN_WORDS, by=people[place], now=NOW)

        answers = at_once(lambda: answer(0), lambda: answer(1))

        [message] = [found for found in answers if isinstance(found, Message)]
        [refusal] = [found for found in answers if isinstance(found, Refusal)]
        assert list(Message.objects.filter(application=hand_off.application, origin="person")) == [message]
        hand_off.refresh_from_db()
        assert (hand_off.status, hand_off.answer, hand_off.closed_by) == ("answered", message, message.written_by)
        assert refusal.sentence.startswith(f"{message.written_by} already closed this hand-off (answered by mail).")
        assert OrmQ.objects.count() == number
        # Nobody else's words may be too close to these in the next round.
        Message.objects.filter(pk=message.pk).update(status="cancelled")


def test_of_an_answer_a_call_and_a_no_at_once_one_counts() -> None:
    person = make_sender()
    for _ in range(ROUNDS):
        hand_off = make_hand_off()

        def mine(pk: int = hand_off.pk) -> HandOff:
            return HandOff.objects.get(pk=pk)

        answers = at_once(
            lambda: handoffs.answer(mine(), subject="Our talk", body=OWN_WORDS, by=person, now=NOW),
            lambda: handoffs.tell_by_phone(mine(), note="We spoke.", by=person, now=NOW),
            lambda: handoffs.close_as_not_needed(mine(), reason="She wrote first.", by=person, now=NOW),
        )

        assert sorted(isinstance(found, Refusal) for found in answers) == [False, True, True]
        written = Message.objects.filter(application=hand_off.application, origin="person")
        calls = Interview.objects.filter(application=hand_off.application)
        done_by = {"answered": (1, 0), "told_by_phone": (0, 1), "not_needed": (0, 0)}
        hand_off.refresh_from_db()
        assert (written.count(), calls.count()) == done_by[hand_off.status]
        written.update(status="cancelled")


def test_an_answer_and_a_reopening_at_once_leave_no_rejection_that_could_leave() -> None:
    person = make_sender()
    for _ in range(ROUNDS):
        hand_off = make_hand_off()
        application = hand_off.application

        def answer(pk: int = hand_off.pk) -> object:
            mine = HandOff.objects.get(pk=pk)
            return handoffs.answer(mine, subject="Our talk", body=OWN_WORDS, by=person, now=NOW)

        def reopen(pk: int = application.pk) -> object:
            change = done(moves.reopen(Application.objects.get(pk=pk), act=act()))
            return automations.follow(change, now=NOW)

        at_once(answer, reopen)
        assert not Message.objects.filter(application=application, status="scheduled").exists()
        assert HandOff.objects.get(pk=hand_off.pk).status in {"answered", "not_needed"}
        Message.objects.filter(origin="person").update(status="cancelled")


# --- One message ------------------------------------------------------------------------------------------------------


def test_four_workers_who_want_one_message_clear_it_once() -> None:
    for _ in range(ROUNDS):
        message = make_message()
        answers = at_once(*[lambda pk=message.pk: gate.clear(pk, now=DUE)] * 4)
        assert sorted(type(answer).__name__ for answer in answers) == ["Clearance", "NoneType", "NoneType", "NoneType"]
        assert statuses(message) == ("sending", 1, 0)
        assert Attempt.objects.filter(message=message).count() == 1


def test_four_workers_who_want_the_same_messages_clear_each_once() -> None:
    messages = [make_message().pk for _ in range(6)]

    def clear(_: int) -> list[int]:
        found = [gate.clear_many(messages, at_most=2, now=DUE) for _ in range(len(messages))]
        return [answer.attempt.message_id for several in found for answer in several if isinstance(answer, Clearance)]

    taken = at_once(*[lambda number=number: clear(number) for number in range(4)])
    assert sorted(pk for several in taken for pk in several) == messages
    assert Attempt.objects.count() == len(messages)


def test_what_is_just_changed_is_not_cleared_with_others() -> None:
    reopened, free = make_message(), make_message()
    application = Application.objects.get(pk=reopened.application_id)
    answers = in_between(
        lambda: done(moves.reopen(application, act=act())),
        lambda: gate.clear_many([reopened.pk, free.pk], at_most=2, now=DUE),
    )
    assert [answer.attempt.message_id for answer in answers if isinstance(answer, Clearance)] == [free.pk]
    # PostgreSQL passes it over; SQLite waits, and then knows that it was reopened.
    assert statuses(reopened)[:2] == (("cancelled" if connection.vendor == "sqlite" else "scheduled"), 0)


def test_a_reopening_that_is_not_committed_yet_keeps_the_message_from_leaving() -> None:
    message = make_message()
    application = Application.objects.get(pk=message.application_id)
    answer = in_between(lambda: done(moves.reopen(application, act=act())), lambda: gate.clear(message.pk, now=DUE))
    assert isinstance(answer, Case)
    assert answer.verdict.outcome is Outcome.STOP
    assert statuses(message) == ("cancelled", 0, 0)


def test_a_move_at_another_job_that_is_not_committed_yet_keeps_the_message_from_leaving() -> None:
    message = make_message()
    elsewhere = make_application(candidate=message.application.candidate)
    answer = in_between(lambda: move_to(elsewhere, Milestone.PHONE_SCREEN), lambda: gate.clear(message.pk, now=DUE))
    assert isinstance(answer, Case)
    assert [finding.code for finding in answer.verdict.findings] == ["floor"]
    assert statuses(message) == ("held", 0, 1)


def test_a_merge_that_is_not_committed_yet_keeps_the_message_from_leaving() -> None:
    message, met, by = make_message(), make_application(), make_sender()
    move_to(met, Milestone.PHONE_SCREEN)
    people = met.candidate, message.application.candidate
    answer = in_between(
        lambda: merging.merge(*people, by=actors.person(by.pk), now=NOW), lambda: gate.clear(message.pk, now=DUE)
    )
    assert isinstance(answer, Case)
    assert [finding.code for finding in answer.verdict.findings] == ["floor"]
    assert statuses(message) == ("held", 0, 1)


def test_a_call_that_is_not_committed_yet_keeps_the_message_from_leaving() -> None:
    message = make_message()
    application = message.application

    def log() -> object:
        return moves.log_conversation(application, kind="phone", note="", by=actors.CLOCK, now=NOW)

    answer = in_between(log, lambda: gate.clear(message.pk, now=DUE))
    assert isinstance(answer, Case)
    assert statuses(message) == ("held", 0, 1)


def test_a_move_that_comes_while_a_message_is_cleared_finds_it_leaving_and_changes_nothing_of_it() -> None:
    message = make_message()
    cleared: list[object] = []

    def reopen() -> StageChange:
        change = done(moves.reopen(Application.objects.get(pk=message.application_id), act=act()))
        automations.follow(change, now=NOW)
        return change

    change = in_between(lambda: cleared.append(gate.clear(message.pk, now=DUE)), reopen)
    assert isinstance(cleared[0], Clearance)
    assert change.kind == StageChange.Kind.REOPENED
    assert statuses(message) == ("sending", 1, 0)


# --- One change, one card ---------------------------------------------------------------------------------------------


def test_a_change_that_two_follow_at_once_leads_to_one_message() -> None:
    make_automation(delay=60, template=make_template())
    for _ in range(ROUNDS):
        change = reject(make_application())

        def follow(pk: int = change.pk) -> list[Message]:
            return automations.follow(StageChange.objects.select_related("application__job").get(pk=pk), now=NOW)

        planned = at_once(follow, follow, follow)
        assert sorted(len(messages) for messages in planned) == [0, 0, 1]
        assert Message.objects.filter(application=change.application_id).count() == 1
        assert PlannedChange.objects.filter(change=change).count() == 1


def test_a_locked_database_ends_the_sweep_and_is_no_fault_of_the_change() -> None:
    make_automation(delay=60)
    change = reject(make_application(quiet=False))

    def sweep() -> None:
        try:
            with connection.cursor() as cursor:
                impatience = {"sqlite": "PRAGMA busy_timeout = 20", "postgresql": "SET lock_timeout = '20ms'"}
                cursor.execute(impatience[connection.vendor])
            with pytest.raises(OperationalError):
                automations.follow_open_changes(now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Application.objects.select_for_update().get(pk=change.application_id)
        pool.submit(sweep).result(PATIENCE)
    assert not Message.objects.exists()
    while automations.follow_open_changes(now=NOW):
        pass
    assert Message.objects.get().stage_change == change


def test_of_people_who_move_one_card_at_once_one_moves_it() -> None:
    reason = make_reason()
    for _ in range(ROUNDS):
        application = make_application()
        screens = [
            Application.objects.select_related("stage", "job", "candidate").get(pk=application.pk) for _ in range(3)
        ]
        interview, offer = stage_of(application, Milestone.INTERVIEW), stage_of(application, Milestone.OFFER)
        answers = at_once(
            lambda: moves.advance(screens[0], interview, act=act()),  # noqa: B023  (called within the round)
            lambda: moves.advance(screens[1], offer, act=act()),  # noqa: B023
            lambda: moves.reject(screens[2], reason=reason, act=act()),  # noqa: B023
        )
        [moved] = [answer for answer in answers if isinstance(answer, StageChange)]
        application.refresh_from_db()
        assert list(application.stage_changes.order_by("pk"))[1:] == [moved]
        assert (application.stage, application.status == "rejected") == (moved.to_stage, moved.kind == "rejected")


def test_a_reach_that_two_jobs_raise_at_once_is_the_further_one() -> None:
    for _ in range(ROUNDS):
        one = make_application()
        other = make_application(candidate=one.candidate)
        at_once(
            lambda: move_to(one, Milestone.FINAL_ROUND),  # noqa: B023
            lambda: move_to(other, Milestone.REVIEW),  # noqa: B023
        )
        assert Candidate.objects.get(pk=one.candidate_id).reach == Milestone.FINAL_ROUND
