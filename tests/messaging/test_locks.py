"""Which rows are held, and in which order: applications, candidates, messages, and of each kind by its key. SQLite holds the
whole file instead, so there the clauses are read and taken out before it would see them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from messaging import gate
from messaging.delivery import outbox, outcomes
from messaging.gate import Clearance
from messaging.models import Attempt, Message
from tests.factories import NOW, make_message
from tests.written_anew import forget_queries

pytestmark = pytest.mark.django_db

DUE = NOW + timedelta(hours=1)  # see make_message
CLAUSE = re.compile(r" FOR UPDATE(?: OF (?P<tables>.+?))?(?P<skips> SKIP LOCKED)?$")
ORDER = re.compile(r" ORDER BY (.+?) (?:LIMIT|FOR)")


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Each lock that is taken from here on: how many rows, of which tables, in which order, and whether it passes over. In
    the order, 1 is the first column that is read, here the key."""
    if connection.vendor == "sqlite":
        for feature in ("", "_of", "_skip_locked"):
            monkeypatch.setattr(connection.features, f"has_select_for_update{feature}", True)
    forget_queries()
    taken: list[str] = []

    def listen(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        clause = CLAUSE.search(sql)
        if clause is None:
            return execute(sql, params, many, context)
        without = sql[: clause.start()]
        with connection.cursor() as cursor:
            cursor.execute(without, params)
            rows = len(cursor.fetchall())
        order = ORDER.search(sql)
        words = f"{rows} {clause['tables']}{f' by {order[1]}' if order else ''}{clause['skips'] or ''}"
        taken.append(re.sub(r'"|pipeline_|messaging_| ASC', "", words))
        return execute(without if connection.vendor == "sqlite" else sql, params, many, context)

    with connection.execute_wrapper(listen):
        yield taken
    forget_queries()


@pytest.fixture
def others() -> list[Message]:
    """Nobody has to hold these."""
    return [make_message(), make_message()]


def test_one_message_is_cleared_under_its_locks(others: list[Message], locks: list[str]) -> None:
    message = make_message()
    del locks[:]
    assert isinstance(gate.clear(message.pk, now=DUE), Clearance)
    assert locks == ["1 application", "1 candidate", "1 message"]


def test_what_somebody_else_holds_is_passed_over_and_the_oldest_are_taken_first(
    others: list[Message], locks: list[str]
) -> None:
    messages = [make_message() for _ in range(3)]
    del locks[:]
    assert gate.clear_many([message.pk for message in messages], at_most=2, now=DUE)
    assert locks == ["2 message, application, candidate by message.due_at, message.id SKIP LOCKED"]


def test_many_are_settled_under_locks_in_one_order(others: list[Message], locks: list[str]) -> None:
    messages = [make_message(), make_message()]
    del locks[:]
    gate.settle_many([message.pk for message in messages], now=DUE)
    assert locks == ["2 application by 1", "2 candidate by 1", "2 message by message.id"]


def test_after_a_move_applications_are_held_before_their_messages(others: list[Message], locks: list[str]) -> None:
    message = make_message()
    del locks[:]
    gate.resettle(message.application_id, now=DUE)
    assert locks == ["1 application by 1", "1 message by message.id"]


def test_what_was_answered_is_written_down_under_the_lock_of_its_application(
    others: list[Message], locks: list[str]
) -> None:
    attempts = []
    for message in (make_message(), make_message(), make_message()):
        clearance = gate.clear(message.pk, now=DUE)
        assert isinstance(clearance, Clearance)
        attempts.append(clearance.attempt)
    Attempt.objects.update(used_at=DUE)
    del locks[:]
    assert outbox.record(attempts[0], outcomes.accepted("id"), clock=lambda: DUE) == Message.Status.SENT
    # The second time for what the candidate was told.
    assert locks == ["1 application", "1 application by 1"]
    del locks[:]
    answers = [(attempt, outcomes.accepted(str(attempt.pk))) for attempt in attempts[1:]]
    assert outbox.record_many(answers, clock=lambda: DUE) == [Message.Status.SENT] * 2
    assert locks == ["2 application by 1", "2 application by 1"]
