"""A database that is copied, moved or restored sends nothing until an administrator looked at it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from messaging import gate, handoffs
from messaging.delivery import safe_mode
from messaging.delivery.safe_mode import FILE
from messaging.gate import Case
from messaging.models import Attempt, Installation, LedgerEntry, Message, RecordedVerdict
from messaging.policy.decision import Outcome
from messaging.policy.floor import Touchpoint
from pipeline.models import User
from pipeline.outcomes import Refusal
from tests.factories import OWN_WORDS, make_application, make_message, make_sender, make_user, move_to
from tests.guards_off import force, guards_off
from tests.messaging.delivery.asking import DUE, SENT, Fate, drain, fate_of
from tests.messaging.delivery.doubles import Provider

pytestmark = pytest.mark.django_db

LATER = DUE + timedelta(hours=2)
REASON = "The old server is switched off."


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def record() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(safe_mode._path().read_text())
    return read


def change_record(**values: Any) -> None:
    safe_mode._path().write_text(json.dumps(record() | values))


def why() -> str:
    return Installation.objects.get().safe_why


def forget_everything_sent() -> None:
    """What a backup from before the first send does not hold."""
    with guards_off():
        RecordedVerdict.objects.all().delete()
        Attempt.objects.all().delete()
        Message.objects.update(status="scheduled", sent_at=None, recipient="")


def lose_both_halves() -> None:
    Installation.objects.all().delete()
    safe_mode._path().unlink()


def restore_an_older_backup() -> Message:
    """One message left, and the database does not know of it any more."""
    message = make_message()
    assert drain() == {"sent": 1}
    forget_everything_sent()
    return message


def copy_elsewhere(settings: Settings, tmp_path: Path) -> Message:
    """One message left, and another one was due when the copy woke up."""
    make_message()
    assert drain() == {"sent": 1}
    waiting = make_message()
    settings.VAR_DIR = tmp_path / "elsewhere"
    return waiting


# --- At home ----------------------------------------------------------------------------------------------------------


def test_a_new_installation_is_at_home_and_notes_what_it_sends(provider: Provider) -> None:
    message = make_message()

    assert drain() == {"sent": 1}

    attempt = message.attempts.get()
    assert record() == {
        "instance": Installation.objects.get().instance,
        "place": safe_mode._place(),
        "attempt": attempt.pk,
        "sent_at": attempt.started_at.isoformat(),
    }
    assert LedgerEntry.objects.get(kind="safe_mode").data == {"event": "adopted"}
    make_message()
    assert drain() == {"sent": 1}
    assert record()["attempt"] > attempt.pk


def test_at_home_it_costs_two_queries_and_changes_nothing(provider: Provider) -> None:
    make_message()
    drain()
    before, touched = record(), safe_mode._path().stat().st_mtime_ns
    with CaptureQueriesContext(connection) as asked:
        assert not safe_mode.keeps_everything(now=LATER)
    assert len(asked) == 2
    assert drain(LATER) == {}
    safe_mode.note_sends(now=DUE)
    assert (record(), safe_mode._path().stat().st_mtime_ns) == (before, touched)


def test_simulated_mail_is_no_mail_so_a_database_of_it_is_at_home_anywhere(settings: Settings, tmp_path: Path) -> None:
    assert settings.MAIL_MODE == "simulate"
    copied = copy_elsewhere(settings, tmp_path)
    assert drain() == {"sent": 1}
    assert fate_of(copied) == SENT
    assert record()["attempt"] == 0


def test_a_new_database_in_the_folder_of_an_old_one_is_at_home(provider: Provider) -> None:
    make_message()
    drain()
    Installation.objects.all().delete()
    forget_everything_sent()
    with guards_off():
        Message.objects.all().delete()
    assert not safe_mode.keeps_everything(now=LATER)
    assert (record()["attempt"], Installation.objects.get().adopted_at) == (0, LATER)


def test_what_a_killed_drain_sent_is_noted_by_the_next_one(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    message = make_message()
    with monkeypatch.context() as killed:
        killed.setattr(safe_mode, "note_sends", lambda **_: None)
        drain()
    assert record()["attempt"] == 0
    make_message()
    drain()
    assert record()["attempt"] > message.attempts.get().pk


def test_a_record_only_grows(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    make_message()
    drain()
    # Another worker notes a later send between this one's look and its turn.
    make_message()
    drain()
    newest = record()["attempt"]
    change_record(attempt=0, sent_at="")
    original = safe_mode._read_record
    seen = [original()]

    def read() -> Any:
        if seen:
            change_record(attempt=newest + 5)
            return seen.pop()
        return original()

    monkeypatch.setattr(safe_mode, "_read_record", read)
    safe_mode.note_sends(now=DUE)
    assert record()["attempt"] == newest + 5


def test_of_two_workers_that_start_together_one_adopts(monkeypatch: pytest.MonkeyPatch) -> None:
    make_message()
    original = safe_mode._locked

    def slow() -> Any:
        monkeypatch.setattr(safe_mode, "_locked", original)
        safe_mode.keeps_everything(now=DUE)  # the other one
        return original()

    monkeypatch.setattr(safe_mode, "_locked", slow)
    assert not safe_mode.keeps_everything(now=DUE)
    assert LedgerEntry.objects.filter(kind="safe_mode").count() == 1


def test_the_lock_waits_for_whoever_holds_it() -> None:
    taken = threading.Event()

    def take() -> None:
        with safe_mode._locked():
            taken.set()

    with safe_mode._locked():
        other = threading.Thread(target=take)
        other.start()
        assert not taken.wait(0.2)
    other.join(5)
    assert taken.is_set()


# --- Not at home ------------------------------------------------------------------------------------------------------


def test_a_copy_elsewhere_sends_nothing(provider: Provider, settings: Settings, tmp_path: Path) -> None:
    waiting = copy_elsewhere(settings, tmp_path)

    assert drain() == {}

    assert (fate_of(waiting).status, waiting.due_at, len(provider.accepted), why()) == (
        "scheduled", DUE, 1, "elsewhere",
    )  # fmt: skip
    assert LedgerEntry.objects.order_by("pk").last().data == {"event": "began", "why": "elsewhere"}  # type: ignore[union-attr]
    assert drain(LATER) == {}
    assert LedgerEntry.objects.filter(kind="safe_mode").count() == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda: change_record(place="another"),
        lambda: change_record(instance="another"),
        lambda: safe_mode._path().write_text("{"),
        lambda: safe_mode._path().write_text('{"instance": "x"}'),
        lambda: change_record(sent_at="yesterday"),
        lose_both_halves,
    ],
    ids=["another place", "another installation", "no JSON", "half a record", "no time", "no halves"],
)
def test_a_record_that_is_not_this_databases_own_keeps_everything(
    provider: Provider, change: Callable[[], None]
) -> None:
    make_message()
    drain()
    make_message()
    change()
    assert drain() == {}
    assert (why(), len(provider.accepted)) == ("elsewhere", 1)


@pytest.mark.parametrize("name", ["INSTANCE_NAME", "MACHINE_ID", "hostname"])
def test_another_machine_is_another_place(
    name: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_mode, "MACHINE_ID", tmp_path / "machine-id")
    (tmp_path / "machine-id").write_text("" if name == "hostname" else "one\n")
    here = safe_mode._place()
    assert safe_mode._place() == here
    if name == "INSTANCE_NAME":
        settings.INSTANCE_NAME = "hiring"
    elif name == "MACHINE_ID":
        (tmp_path / "machine-id").write_text("two\n")
    else:
        (tmp_path / "machine-id").unlink()
        assert safe_mode._place() == here
        monkeypatch.setattr("socket.gethostname", lambda: "another")
    assert safe_mode._place() != here


def test_a_backup_that_is_older_than_what_was_sent_sends_nothing_again(provider: Provider) -> None:
    message = restore_an_older_backup()
    assert drain(LATER) == {}
    installation = Installation.objects.get()
    assert (why(), installation.known_until, installation.sent_until) == ("restored", None, DUE)
    assert (fate_of(message).status, len(provider.accepted)) == ("scheduled", 1)


def test_the_same_number_at_another_time_is_another_send(provider: Provider) -> None:
    make_message()
    drain()
    force(Attempt.objects.all(), started_at=DUE + timedelta(minutes=1))
    make_message()
    assert drain(LATER) == {}
    assert (why(), Installation.objects.get().known_until) == ("restored", DUE + timedelta(minutes=1))


def test_a_backup_from_before_the_first_delivery_is_found_out_too(provider: Provider) -> None:
    restore_an_older_backup()
    Installation.objects.all().delete()
    assert drain(LATER) == {}
    assert why() == "restored"


def test_the_gate_lets_nothing_go_either(provider: Provider, settings: Settings, tmp_path: Path) -> None:
    waiting = copy_elsewhere(settings, tmp_path)
    drain()
    case = gate.clear(waiting.pk, now=DUE)
    assert isinstance(case, Case)
    assert [finding.code for finding in case.verdict.findings] == ["safe_mode"]
    assert case.verdict.outcome is Outcome.LATER
    application = make_application()
    draft = handoffs.draft(
        application, touchpoint=Touchpoint.STATUS_UPDATE, subject="Hello", body=OWN_WORDS, by=make_sender(), now=DUE
    )
    assert isinstance(handoffs.compose(draft, now=DUE), Case)
    Installation.objects.update(safe_since=None)
    assert isinstance(handoffs.compose(draft, now=DUE), Message)


def test_a_folder_that_cannot_be_written_keeps_everything(
    provider: Provider, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_message()

    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(safe_mode, "_write", full)
        assert drain() == {}
    assert not Installation.objects.exists()
    assert drain() == {"sent": 1}
    with monkeypatch.context() as disk:
        disk.setattr(safe_mode, "_write", full)
        make_message()
        assert drain() == {"sent": 1}
    assert record()["attempt"] < Attempt.objects.latest("pk").pk
    assert drain(LATER) == {}


def test_a_database_that_does_not_answer_keeps_everything_until_the_next_drain(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_message()

    def gone(**_: Any) -> None:
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(safe_mode, "keeps_everything", gone)
        assert drain() == {}
    with monkeypatch.context() as broken:
        broken.setattr(safe_mode, "note_sends", gone)
        assert drain() == {"sent": 1}


# --- The end of it ----------------------------------------------------------------------------------------------------


@pytest.fixture
def administrator() -> User:
    return make_user(first_name="Noor", last_name="Haddad")


def test_what_may_have_been_sent_goes_to_people_and_the_rest_leaves_at_its_time(
    provider: Provider, administrator: User
) -> None:
    perhaps = restore_an_older_backup()
    drain(LATER)
    later = make_message(now=LATER)
    assert (doubt := safe_mode.doubt(now=LATER)) is not None
    assert (doubt.scheduled, doubt.doubtful) == (2, 1)

    assert safe_mode.hand_over_and_go_on(reason=f" {REASON} ", by=administrator, now=LATER) == 1

    assert fate_of(perhaps) == Fate(status="held", hand_offs=("perhaps_sent",))
    assert safe_mode.doubt(now=LATER) is None
    installation = Installation.objects.get()
    assert (installation.ended_by, installation.ended_reason, installation.ended_at) == (administrator, REASON, LATER)
    entry = LedgerEntry.objects.order_by("pk").last()
    assert entry is not None
    assert (entry.actor_id, entry.data) == (administrator.pk, {"event": "ended", "handed_over": 1})
    assert drain(LATER + timedelta(hours=1)) == {"sent": 1}
    assert (fate_of(later), len(provider.accepted)) == (SENT, 2)


def test_a_persons_message_that_may_have_been_sent_goes_back_to_a_person(
    provider: Provider, settings: Settings, tmp_path: Path, administrator: User
) -> None:
    make_message()
    drain()
    application = make_application()
    move_to(application, 2)
    draft = handoffs.draft(
        application, touchpoint=Touchpoint.STATUS_UPDATE, subject="Hello", body=OWN_WORDS, by=make_sender(), now=DUE
    )
    assert handoffs.compose(draft, now=DUE) is draft
    settings.VAR_DIR = tmp_path / "elsewhere"
    assert drain() == {}
    assert safe_mode.hand_over_and_go_on(reason=REASON, by=administrator, now=DUE) == 1
    assert draft.hand_offs.get().must_be_own_words


def test_where_nothing_was_sent_elsewhere_an_administrator_lets_it_leave(
    provider: Provider, settings: Settings, tmp_path: Path, administrator: User
) -> None:
    moved = copy_elsewhere(settings, tmp_path)
    drain()
    assert safe_mode.go_on(reason=REASON, by=administrator, now=DUE) is None
    assert drain() == {"sent": 1}
    assert fate_of(moved) == SENT
    assert drain(LATER) == {}
    assert not Installation.objects.get().is_in_safe_mode


def test_where_it_is_known_that_something_was_sent_nobody_lets_it_leave_again(
    provider: Provider, administrator: User
) -> None:
    restore_an_older_backup()
    drain(LATER)
    assert isinstance(safe_mode.go_on(reason=REASON, by=administrator, now=LATER), Refusal)
    assert drain(LATER) == {}
    assert len(provider.accepted) == 1


@pytest.mark.parametrize("end", [safe_mode.go_on, safe_mode.hand_over_and_go_on])
def test_it_ends_once_and_with_a_reason(
    end: Any, provider: Provider, settings: Settings, tmp_path: Path, administrator: User
) -> None:
    copy_elsewhere(settings, tmp_path)
    drain()
    refused = end(reason=" ", by=administrator, now=DUE)
    assert isinstance(refused, Refusal)
    assert refused.sentence.startswith("Say why")
    assert safe_mode.doubt(now=LATER) is not None
    assert not isinstance(end(reason=REASON, by=administrator, now=DUE), Refusal)
    again = end(reason=REASON, by=administrator, now=DUE)
    assert isinstance(again, Refusal)
    assert again.sentence.startswith("Safe mode is over already")


def test_what_the_clock_plans_anew_may_have_been_sent_too_and_what_follows_from_today_may_not(
    provider: Provider, administrator: User
) -> None:
    restore_an_older_backup()
    drain(LATER)
    planned_anew = make_message()
    force(Message.objects.filter(pk=planned_anew.pk), created_at=LATER + timedelta(minutes=1))
    new = make_message(now=LATER + timedelta(minutes=2))
    later = LATER + timedelta(hours=2)
    assert safe_mode.hand_over_and_go_on(reason=REASON, by=administrator, now=later) == 2
    assert fate_of(planned_anew) == Fate(status="held", hand_offs=("perhaps_sent",))
    assert fate_of(new).status == "scheduled"


def test_what_was_cancelled_meanwhile_is_not_handed_over(
    provider: Provider, settings: Settings, tmp_path: Path
) -> None:
    waiting = copy_elsewhere(settings, tmp_path)
    drain()
    Message.objects.filter(pk=waiting.pk).update(status="cancelled")
    assert safe_mode._hand_over(waiting.pk, now=DUE) == 0
    assert fate_of(waiting) == Fate(status="cancelled")


def test_the_command_says_it_in_a_sentence_and_an_exit_code(
    provider: Provider, settings: Settings, tmp_path: Path
) -> None:
    output = StringIO()
    call_command("safe_mode", stdout=output)
    assert output.getvalue() == "Mail leaves.\n"
    copy_elsewhere(settings, tmp_path)
    drain()
    with pytest.raises(SystemExit) as ended:
        call_command("safe_mode", stdout=output)
    assert ended.value.code == 1
    assert "1 scheduled, 1 of them may have been sent already." in output.getvalue()


def test_the_file_is_beside_the_database_and_not_in_it(folder: Path, provider: Provider) -> None:
    make_message()
    drain()
    assert (folder / FILE).is_file()
    assert not list(folder.glob("*.new"))
