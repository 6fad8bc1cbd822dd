"""The audit finds nothing where everything went through the gate, and names whatever did not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from messaging import audit, handoffs, ledger
from messaging.audit import Grade, Observation
from messaging.delivery import outbox
from messaging.models import Attempt, LedgerEntry, Message, PolicyRow, ProviderEvent, RecordedVerdict, Release
from pipeline import actors
from pipeline.models import User
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_hand_off,
    make_message,
    make_sender,
    make_stage_rule,
    make_template,
    make_user,
)
from tests.guards_off import guards_off, tamper

pytestmark = pytest.mark.django_db

Status = Message.Status
LATER = NOW + timedelta(hours=2)
BODY = "Dear {{ candidate.first_name }}, we are still reading. {{ sender.name }}"


def send_everything() -> None:
    outbox.drain(clock=lambda: LATER)


def sent_by_machine(**automation: Any) -> Message:
    message = make_message(**automation)
    send_everything()
    message.refresh_from_db()
    assert message.status == Status.SENT
    return message


def sent_by_hand(*, by: User | None = None) -> Message:
    """The answer to a hand-off, nineteen minutes after that came."""
    hand_off = make_hand_off()
    now = hand_off.created_at + timedelta(minutes=19)
    answered = handoffs.answer(hand_off, subject="Our talk", body=OWN_WORDS, by=by or make_sender(), now=now)
    assert isinstance(answered, Message)
    send_everything()
    answered.refresh_from_db()
    assert answered.status == Status.SENT
    return answered


def resolve(message: Message, **data: Any) -> None:
    by = actors.person(make_user().pk)
    ledger.write(LedgerEntry.Kind.RESOLVED, about=message, by=by, now=NOW, data=data)


def observed(grade: Grade, **options: Any) -> list[Observation]:
    return [observation for observation in audit.audit(**options) if observation.grade is grade]


def violations(**options: Any) -> set[tuple[str, str]]:
    return {(found.code, found.subject) for found in observed(Grade.VIOLATION, **options)}


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("audit", *arguments, stdout=out)
    return out.getvalue()


# --- Nothing to find --------------------------------------------------------------------------------------------------


def test_what_went_through_the_gate_is_in_order() -> None:
    ana = make_sender(first_name="Ana", last_name="Ruiz")
    sent_by_machine()
    by_hand = sent_by_hand(by=ana)
    make_hand_off()
    make_message()
    ledger.seal(now=LATER)

    assert [found.grade for found in audit.audit()] == [Grade.RESERVED]
    [reserved] = observed(Grade.RESERVED)
    assert reserved.subject == f"message:{by_hand.pk}"
    assert reserved.sentence == "Rejection, written by a person: Ana Ruiz, in 19 min 0 s."
    assert (reserved.data["written_by"], reserved.data["seconds"]) == (ana.pk, 19 * 60)
    assert "0 violations. 1 reserved messages left by a person’s hand. 0 decisions would differ today." in run()


def test_it_says_how_many_rows_it_will_look_at_and_looks_at_them() -> None:
    sent_by_machine()
    sent_by_hand()
    ledger.seal(now=LATER)
    looked: list[int] = []
    list(audit.audit(progress=looked.append))
    assert sum(looked) == audit.count() > 0


def test_the_time_counts_from_when_the_page_was_opened_where_that_is_known() -> None:
    message = sent_by_hand()
    with guards_off():
        Release.objects.filter(message=message).delete()
        Release.objects.create(
            message=message,
            released_by_id=message.written_by_id,
            released_at=NOW + timedelta(hours=1, minutes=30),
            opened_at=NOW + timedelta(minutes=5),
            fingerprint="a" * 64,
        )
    [reserved] = observed(Grade.RESERVED)
    assert reserved.sentence.endswith("in 1 h 25 min.")
    assert reserved.data["since"] == "opened"


def test_a_message_that_a_person_began_by_themselves_took_an_unknown_time() -> None:
    message = sent_by_hand()
    with guards_off():
        message.answers.update(answer=None)
        Release.objects.filter(message=message).update(opened_at=None)
    assert [found.sentence.rpartition(", ")[2] for found in observed(Grade.RESERVED)] == ["in an unknown time."]


# --- What must never be -----------------------------------------------------------------------------------------------


def change(row: Any, **fields: Any) -> None:
    columns = ", ".join(f"{name} = %s" for name in fields)
    tamper(type(row), f"UPDATE {{table}} SET {columns} WHERE {row._meta.pk.column} = %s", *fields.values(), row.pk)


def verdict_of(message: Message) -> RecordedVerdict:
    return message.verdicts.get()


def sent_without_a_decision(message: Message) -> set[tuple[str, str]]:
    tamper(RecordedVerdict, "DELETE FROM {table} WHERE message_id = %s", message.pk)
    return {("not_cleared", f"message:{message.pk}"), ("not_cleared", f"attempt:{message.attempts.get().pk}")}


def sent_after_a_refusal(message: Message) -> set[tuple[str, str]]:
    verdict = verdict_of(message)
    change(verdict, outcome="hand_off")
    return {("replay", f"recordedverdict:{verdict.pk}")} | {
        ("not_cleared", f"message:{message.pk}"),
        ("not_cleared", f"attempt:{message.attempts.get().pk}"),
    }


def sent_without_an_attempt(message: Message) -> set[tuple[str, str]]:
    tamper(Attempt, "DELETE FROM {table} WHERE message_id = %s", message.pk)
    return {("no_attempt", f"message:{message.pk}"), ("shown_sent", f"message:{message.pk}")}


def another_attempt(message: Message) -> set[tuple[str, str]]:
    first = message.attempts.get()
    with guards_off():
        second = Attempt.objects.create(
            message=message,
            number=2,
            started_at=LATER + timedelta(hours=1),
            expires_at=LATER,
            recipient="",
            fingerprint=first.fingerprint,
            provider=first.provider,
            outcome=Attempt.Outcome.ACCEPTED,
            finished_at=LATER,
        )
    subject = f"attempt:{second.pk}"
    return {("twice", f"message:{message.pk}"), ("not_cleared", subject), ("no_recipient", subject)}


def reserve_in_the_record(message: Message) -> set[tuple[str, str]]:
    verdict = verdict_of(message)
    change(verdict, reserve=2)
    return {("replay", f"recordedverdict:{verdict.pk}"), ("reserved", f"message:{message.pk}")}


def facts_of_somebody_interviewed(message: Message) -> set[tuple[str, str]]:
    verdict = verdict_of(message)
    change(verdict, facts=json.dumps(verdict.facts | {"reach": 4}))
    return {("replay", f"recordedverdict:{verdict.pk}")}


def facts_that_are_not_whole(message: Message) -> set[tuple[str, str]]:
    verdict = verdict_of(message)
    facts = {name: value for name, value in verdict.facts.items() if name != "reach"}
    change(verdict, facts=json.dumps(facts))
    return {("unreadable", f"recordedverdict:{verdict.pk}")}


def facts_of_another_time_zone(message: Message) -> set[tuple[str, str]]:
    verdict = verdict_of(message)
    change(verdict, facts=json.dumps(verdict.facts | {"now": "2026-09-15T09:00:00"}))
    return {("unreadable", f"recordedverdict:{verdict.pk}")}


def another_kind_of_message(message: Message) -> set[tuple[str, str]]:
    change(message, touchpoint="acknowledgement")
    return {("other_message", f"recordedverdict:{verdict_of(message).pk}")}


def shown_as_unsent(message: Message) -> set[tuple[str, str]]:
    change(message, status="failed")
    return {("shown_unsent", f"message:{message.pk}")}


def never_taken(message: Message) -> set[tuple[str, str]]:
    change(message.attempts.get(), outcome="refused")
    return {("shown_sent", f"message:{message.pk}")}


def one_id_for_two(message: Message) -> set[tuple[str, str]]:
    other = sent_by_machine()
    for attempt in Attempt.objects.filter(message__in=[message, other]):
        change(attempt, provider_message_id="the-same")
    return {("one_id", f"attempt:{message.attempts.get().pk}")}


def reported_by_the_provider(message: Message) -> set[tuple[str, str]]:
    told: dict[str, Any] = {"provider": "postmark", "at": NOW, "received_at": NOW, "applied_at": NOW}
    ProviderEvent.objects.create(event_id="1", kind="delivered", message=message, **told)
    ProviderEvent.objects.create(event_id="2", kind="unsubscribed", **told)  # says nothing of a mail that left
    stranger = ProviderEvent.objects.create(event_id="3", kind="delivered", **told)
    return {("reported", f"providerevent:{stranger.pk}")}


def a_broken_chain(message: Message) -> set[tuple[str, str]]:
    ledger.seal(now=LATER)
    change(verdict_of(message), versions="null")
    return {("chain", "seal:1")}


TAMPERINGS: list[Callable[[Message], set[tuple[str, str]]]] = [
    sent_without_a_decision,
    sent_after_a_refusal,
    sent_without_an_attempt,
    another_attempt,
    reserve_in_the_record,
    facts_of_somebody_interviewed,
    facts_that_are_not_whole,
    facts_of_another_time_zone,
    another_kind_of_message,
    shown_as_unsent,
    never_taken,
    one_id_for_two,
    reported_by_the_provider,
    a_broken_chain,
]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.__name__)
def test_whatever_did_not_go_through_the_gate_is_named(
    tampering: Callable[[Message], set[tuple[str, str]]],
) -> None:
    message = sent_by_machine()
    assert violations() == set()
    expected = tampering(message)
    assert violations() == expected
    with pytest.raises(CommandError, match=f"The audit found {len(expected)} violations"):
        run()


def test_a_person_may_ask_for_a_second_try_and_may_say_that_it_was_sent() -> None:
    twice, never = sent_by_machine(), sent_by_machine()
    another_attempt(twice)
    change(never.attempts.get(), outcome="uncertain")
    assert {("twice", f"message:{twice.pk}"), ("shown_sent", f"message:{never.pk}")} <= violations()
    resolve(twice)
    resolve(never)
    assert {code for code, _ in violations()} == {"not_cleared", "no_recipient"}


def test_who_lets_a_message_go_is_who_wrote_it() -> None:
    message = sent_by_hand()
    with guards_off():
        Release.objects.filter(message=message).delete()
        Release.objects.create(
            message=message, released_by=make_user(), released_at=NOW, opened_at=None, fingerprint="a" * 64
        )
    assert violations() == {("other_person", f"message:{message.pk}")}


def test_what_a_person_wrote_was_let_go_by_a_person() -> None:
    message = sent_by_hand()
    with guards_off():
        Release.objects.filter(message=message).delete()
    assert violations() == {("not_released", f"message:{message.pk}")}


def test_a_reserved_message_that_turns_into_a_machines_is_named() -> None:
    message = sent_by_hand()
    change(message, origin="automation", written_by_id=None)
    verdict = verdict_of(message)
    assert violations() == {
        ("other_message", f"recordedverdict:{verdict.pk}"),
        ("reserved", f"message:{message.pk}"),
    }
    assert "nobody" in observed(Grade.RESERVED)[0].sentence


# --- What would be otherwise today ------------------------------------------------------------------------------------


def test_a_policy_that_became_stricter_is_a_difference_and_no_violation() -> None:
    message = sent_by_machine()
    PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=2)
    assert violations() == set()
    [difference] = observed(Grade.DIFFERENCE)
    assert (difference.code, difference.subject) == ("today", f"recordedverdict:{verdict_of(message).pk}")
    assert "hand_off (reserve 2; policy)" in difference.sentence
    assert "1 decisions would differ today" in run()


def test_a_stage_rule_that_came_later_is_a_difference() -> None:
    message = sent_by_machine()
    assert message.template is not None
    make_stage_rule(make_template(), from_milestone=1, reserve=1)
    assert observed(Grade.DIFFERENCE) == []
    make_stage_rule(message.template, from_milestone=1, reserve=1)
    assert [found.code for found in observed(Grade.DIFFERENCE)] == ["today"]


def test_what_other_code_decided_otherwise_is_a_difference() -> None:
    otherwise, unreadable = sent_by_machine(), sent_by_machine()
    facts_of_somebody_interviewed(otherwise)
    facts_that_are_not_whole(unreadable)
    change(verdict_of(otherwise), versions=json.dumps({"code": "0" * 16}))
    change(verdict_of(unreadable), versions="null")
    assert violations() == set()
    assert {found.code for found in observed(Grade.DIFFERENCE)} == {"other_code", "unreadable"}


def test_differences_are_counted_and_the_first_of_them_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.management.commands.audit.SHOWN", 1)
    sent_by_machine()
    sent_by_machine()
    PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=2)
    out = run()
    assert out.count("DIFFERENCE") == 1
    assert "And 1 more differences" in out


# --- The command ------------------------------------------------------------------------------------------------------


def test_json_is_an_object_a_line_and_the_sum_last() -> None:
    message = sent_by_hand()
    *lines, total = [json.loads(line) for line in run("--json").splitlines()]
    assert [(line["grade"], line["subject"]) for line in lines] == [("reserved", f"message:{message.pk}")]
    assert total == {"rows": 4, "violation": 0, "difference": 0, "reserved": 1}


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_every_line_stands_for_itself_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    sent_by_hand()
    terminal = Terminal()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    call_command("audit", stdout=terminal)
    written = terminal.getvalue()
    assert "Audit:   0%" in written
    seen = [line.rpartition("\r")[2] for line in written.splitlines()]
    assert [line.partition(" ")[0] for line in seen].count("RESERVED") == 1


def test_since_leaves_out_what_was_before() -> None:
    message = sent_by_machine()
    never_taken(message)
    assert violations() != set()
    assert violations(since=LATER + timedelta(hours=1)) == set()
    assert "0 violations" in run("--since", "2026-09-16")
    with pytest.raises(CommandError, match="1 violations"):
        run("--since", "2026-09-15")


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "15.9.2026"])
def test_a_day_that_is_none_gets_a_sentence(day: str) -> None:
    with pytest.raises(CommandError, match="is no day; write it as"):
        run("--since", day)


def test_it_asks_no_question_per_row(django_assert_num_queries: Any, django_assert_max_num_queries: Any) -> None:
    sent_by_machine()
    sent_by_hand()
    with django_assert_max_num_queries(30) as asked:
        list(audit.audit())
    for _ in range(4):
        sent_by_machine()
    with django_assert_num_queries(len(asked)):
        list(audit.audit())
