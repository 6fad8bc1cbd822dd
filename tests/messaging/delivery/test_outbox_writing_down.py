"""What the provider answered is written down: together where it can be, each alone where one of them cannot, later where the
database is in the way, and each exactly once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from messaging.delivery import outbox
from messaging.delivery.outcomes import Outcome, Result
from messaging.models import Attempt, Message
from pipeline.models import Application
from tests.factories import let_out, make_message
from tests.guards_off import force
from tests.messaging.delivery.asking import DUE, FAILED, SENT, Fate, fate_of
from tests.messaging.delivery.database import broken, cursed
from tests.messaging.delivery.turns import ACCEPTED, REJECTED, Watch, make_messages

pytestmark = pytest.mark.django_db

LATER = DUE + timedelta(seconds=7)
LEAVING = Fate(status="sending", attempts=("",))


@pytest.fixture(autouse=True)
def _watch(watch: Watch) -> None:
    pass


def begin(messages: list[Message]) -> list[Attempt]:
    return [let_out(message, now=DUE).attempt for message in messages]


def write_down(attempts: list[Attempt], *results: Result) -> list[str]:
    return outbox.record_many(list(zip(attempts, results, strict=True)), clock=lambda: LATER)


def first_table(asked: CaptureQueriesContext) -> str:
    """Of the first statement that asks for or changes rows."""
    statements = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    return str(statements[0].split('"')[1])


class TestTogether:
    def test_each_gets_its_own_end(self) -> None:
        first, rejected, last = messages = make_messages(3)
        assert write_down(begin(messages), ACCEPTED, REJECTED, ACCEPTED) == ["sent", "failed", "sent"]
        assert (fate_of(first), fate_of(rejected), fate_of(last)) == (SENT, FAILED, SENT)

    @pytest.mark.parametrize("number", [1, 2])
    def test_what_was_sent_says_when_and_under_which_name(self, number: int) -> None:
        *messages, other = make_messages(number + 1)
        attempts = begin([*messages, other])
        force(Message.objects.all(), status_reason="It is tried again.")
        results = [
            Result(outcome=Outcome.ACCEPTED, provider_message_id=f"name {at}", detail=f"Thanks {at}")
            for at in range(number)
        ]
        assert write_down(attempts[:-1], *results) == ["sent"] * number
        for message, result in zip(messages, results, strict=True):
            assert fate_of(message) == SENT
            assert (message.status_at, message.sent_at, message.status_reason) == (LATER, LATER, "")
            attempt = message.attempts.get()
            assert (attempt.provider_message_id, attempt.detail) == (result.provider_message_id, result.detail)
            assert attempt.finished_at == LATER
            application = Application.objects.get(messages=message)
            assert (application.told_at, application.told_how) == (LATER, "mail")
        assert fate_of(other) == LEAVING

    def test_more_of_them_take_no_more_statements_and_the_first_is_for_the_applications(self) -> None:
        """As everybody takes them first, so that no two wait for each other."""
        counts = []
        for number in (2, 5):
            attempts = begin(make_messages(number))
            with CaptureQueriesContext(connection) as asked:
                write_down(attempts, *[ACCEPTED] * number)
            counts.append(len(asked))
            assert first_table(asked) == "pipeline_application"
        assert counts[0] == counts[1]

    @pytest.mark.parametrize("result", [ACCEPTED, REJECTED])
    def test_one_alone_takes_its_application_first_too(self, result: Result) -> None:
        attempts = begin(make_messages(1))
        with CaptureQueriesContext(connection) as asked:
            write_down(attempts, result)
        assert first_table(asked) == "pipeline_application"

    @pytest.mark.parametrize("status", ["cancelled", "uncertain"])
    def test_one_that_somebody_changed_keeps_its_status_and_no_other_is_taken_for_it(
        self, status: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        changed, sound, other = messages = make_messages(3)
        attempts = begin(messages)
        force(Message.objects.filter(pk=changed.pk), status=status)
        assert write_down(attempts[:2], ACCEPTED, ACCEPTED) == ["sent", "sent"]
        assert fate_of(changed) == Fate(status=status, attempts=("accepted",))
        assert (fate_of(sound), fate_of(other)) == (SENT, LEAVING)
        assert f"Message {changed.pk} had an open attempt and was not being sent" in caplog.text
        assert "could not be written together" not in caplog.text

    def test_a_bug_that_one_meets_is_raised_once_the_others_are_written(self, caplog: pytest.LogCaptureFixture) -> None:
        faulty, *others = messages = make_messages(4)
        attempts = begin(messages)
        with cursed("messaging_handoff", message=faulty), pytest.raises(DatabaseError, match="cursed"):
            write_down(attempts, REJECTED, ACCEPTED, REJECTED, ACCEPTED)
        assert [fate_of(message) for message in others] == [SENT, FAILED, SENT]
        assert fate_of(faulty) == LEAVING
        assert f"The result of attempt {attempts[0].pk} could not be written." in caplog.text


class TestWhileTheDatabaseDoesNotAnswer:
    @pytest.fixture(autouse=True)
    def _in_one_transaction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The test's own, which a new connection would not know of."""
        monkeypatch.setattr(outbox, "close_old_connections", lambda: None)

    def test_a_result_is_written_later(self, watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
        [message] = make_messages(1)
        [attempt] = begin([message])
        with broken("UPDATE", times=2):
            assert write_down([attempt], ACCEPTED) == ["sent"]
        assert (fate_of(message), watch.pauses) == (SENT, [0.1, 0.5])
        assert [record.getMessage() for record in caplog.records] == [
            f"The result of attempt {attempt.pk} could not be written yet; trying again."
        ] * 2

    def test_after_five_pauses_it_is_given_up_and_the_reaper_finds_it(self, watch: Watch) -> None:
        [message] = make_messages(1)
        attempts = begin([message])
        with broken("UPDATE", times=6), pytest.raises(OperationalError):
            write_down(attempts, ACCEPTED)
        assert watch.pauses == [0.1, 0.5, 1.0, 2.0, 5.0]
        assert fate_of(message) == LEAVING
        assert outbox.reap(now=DUE + timedelta(days=1)) == 1

    def test_the_last_try_is_after_the_last_pause(self, watch: Watch) -> None:
        [message] = make_messages(1)
        attempts = begin([message])
        with broken("UPDATE", times=5):
            assert write_down(attempts, ACCEPTED) == ["sent"]
        assert len(watch.pauses) == 5

    def test_what_was_to_be_written_together_waits_together(self, watch: Watch) -> None:
        """And is not tried one by one on a database that answers nobody."""
        messages = make_messages(2)
        attempts = begin(messages)
        with broken("UPDATE", times=1):
            assert write_down(attempts, ACCEPTED, ACCEPTED) == ["sent", "sent"]
        assert watch.pauses == [0.1]

    def test_what_is_written_already_is_not_written_again(self, watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
        """Two were accepted, and then the database went away under the rejected ones."""
        messages = make_messages(4)
        attempts = begin(messages)
        with broken("INSERT", times=1, after=count_inserts(ACCEPTED, ACCEPTED, REJECTED)):
            ends = write_down(attempts, ACCEPTED, ACCEPTED, REJECTED, REJECTED)
        assert ends == ["sent", "sent", "failed", "failed"]
        assert [fate_of(message) for message in messages] == [SENT, SENT, FAILED, FAILED]
        assert watch.pauses == [0.1]
        # Only of the one that is missing.
        assert f"The result of attempt {attempts[3].pk} could not" in caplog.text


def count_inserts(*results: Result) -> int:
    """Which statements that takes, of as many others."""
    attempts = begin(make_messages(len(results)))
    inserts = 0

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal inserts
        inserts += sql.startswith("INSERT")
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        write_down(attempts, *results)
    return inserts


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_is_made_anew(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not heal, however often it is tried."""
    message = make_message()
    [attempt] = begin([message])
    broke = connection.connection

    def answer(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if connection.connection is broke:
            connection.errors_occurred = True
            raise OperationalError("gone")
        return execute(sql, *rest)

    monkeypatch.setattr(connection, "is_usable", lambda: connection.connection is not broke)
    with connection.execute_wrapper(answer):
        assert write_down([attempt], ACCEPTED) == ["sent"]
    assert (fate_of(message), watch.pauses) == (SENT, [0.1])
