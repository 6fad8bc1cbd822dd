"""The last door: three modes, and nothing leaves that is not exactly what was cleared."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anymail.message import AnymailStatus
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from pytest_django.fixtures import Settings

from messaging import gate, letterhead
from messaging.delivery import guard, outbox, providers
from messaging.delivery.egress import Egress, prepare_many
from messaging.delivery.mail import Letter
from messaging.delivery.outcomes import Outcome, Result
from messaging.gate import Clearance
from messaging.models import Attempt, Message
from pipeline.models import Candidate, User
from tests.factories import make_application, make_candidate, make_message
from tests.guards_off import force
from tests.messaging.delivery.asking import AGAIN, DUE, FAILED, SENT, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.doubles import Provider, Sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "mail"


def clear(message: Message) -> Clearance:
    cleared = gate.clear(message.pk, now=DUE)
    assert isinstance(cleared, Clearance)
    return cleared


def test_where_another_process_was_quicker_with_one_mail_the_others_still_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Together means all or none, so the rest is asked for alone."""
    taken, *others = cleared = [clear(make_message()) for _ in range(3)]
    mark_used = guard._mark_used

    def mark_after_another_process(attempts: Any, *, now: datetime) -> bool:
        Attempt.objects.filter(pk=taken.attempt.pk, used_at__isnull=True).update(used_at=now)
        return mark_used(attempts, now=now)

    monkeypatch.setattr(guard, "_mark_used", mark_after_another_process)
    first, *rest = prepare_many(cleared, now=DUE)

    assert isinstance(first, Result)
    assert first.outcome is Outcome.REJECTED
    assert [letter.to for letter in rest if not isinstance(letter, Result)] == [[one.recipient] for one in others]
    assert not Attempt.objects.filter(used_at__isnull=True).exists()


def test_a_mail_that_a_bug_keeps_from_being_laid_out_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    faulty, sound = cleared = [clear(make_message()) for _ in range(2)]
    lay_out = Letter.message

    def meets_a_bug(self: Letter, **options: Any) -> Any:
        if self.to == [faulty.recipient]:
            raise LookupError("unknown encoding")
        return lay_out(self, **options)

    monkeypatch.setattr(Letter, "message", meets_a_bug)
    first, second = prepare_many(cleared, now=DUE)

    assert isinstance(first, Result)
    assert not isinstance(second, Result)
    assert second.to == [sound.recipient]


# --- Modes ------------------------------------------------------------------------------------------------------------


def test_in_simulate_mode_each_mail_is_a_file(files: Path) -> None:
    message = make_message()

    assert drain() == {"sent": 1}

    assert fate_of(message) == SENT
    [file] = files.iterdir()
    assert message.attempts.get().provider_message_id == file.name == f"{message.public_id}.eml"
    assert message.attempts.get().provider == "simulate"
    written = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert written["To"] == message.application.candidate.email
    assert written["Subject"] == message.subject
    assert written["Date"].datetime == message.attempts.get().started_at.replace(microsecond=0)
    assert [part.get_content_type() for part in written.walk()][1:] == ["text/plain", "text/html"]


@pytest.mark.parametrize("mode", ["simulate", "", "Live", "LIVE ", "production"])
def test_what_is_not_clearly_live_leaves_nothing(sink: Sink, live: Settings, files: Path, mode: str) -> None:
    live.MAIL_MODE = mode
    message = make_message()

    drain()

    assert (fate_of(message), sink.connections, len(list(files.iterdir()))) == (SENT, 0, 1)


def test_in_allowlist_mode_only_who_is_listed_gets_mail(sink: Sink, live: Settings, files: Path) -> None:
    live.MAIL_MODE = "allowlist"
    live.MAIL_ALLOWLIST = ["kim@team.acme.com", "@friends.acme.com"]
    addresses = ["kim@team.acme.com", "lee@friends.acme.com", "lee@team.acme.com", "kim@sub.friends.acme.com"]
    people = {address: make_candidate(email=address) for address in addresses}
    messages = {
        address: make_message(application=make_application(candidate=person)) for address, person in people.items()
    }

    drain()

    assert sorted(mail["To"] for mail in sink.accepted) == ["kim@team.acme.com", "lee@friends.acme.com"]
    assert {fate_of(message) for message in messages.values()} == {SENT}
    assert {path.stem for path in files.iterdir()} == {
        str(messages[address].public_id) for address in ("lee@team.acme.com", "kim@sub.friends.acme.com")
    }


@pytest.mark.parametrize("obstacle", ["a file where the folder should be", "a folder that nobody may write to"])
def test_a_file_that_cannot_be_written_is_tried_again(files: Path, obstacle: str) -> None:
    message = make_message()
    target = files / f"{message.public_id}.eml"
    if obstacle == "a file where the folder should be":
        files.write_text("in the way")
    else:
        target.mkdir(parents=True)

    drain()

    assert fate_of(message) == AGAIN


def test_an_unknown_provider_is_tried_again_and_costs_no_message(live: Settings) -> None:
    live.MAIL_PROVIDER = "pigeon"
    message = make_message()

    drain()

    assert fate_of(message) == AGAIN
    assert "There is no mail provider “pigeon”." in message.status_reason


def test_a_mail_library_that_sent_nothing_and_says_no_more_leaves_it_uncertain(
    live: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(BaseEmailBackend):
        def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
            return 0

    monkeypatch.setattr(providers, "make_connection", lambda _: Silent())
    message = make_message()

    drain()

    assert fate_of(message) == UNCERTAIN
    assert "said that nothing was sent" in message.status_reason


def test_a_provider_that_says_nothing_of_the_address_leaves_it_uncertain(
    live: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Vague(BaseEmailBackend):
        def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
            for mail in email_messages:
                mail.anymail_status = AnymailStatus()  # type: ignore[attr-defined]
            return len(email_messages)

    monkeypatch.setattr(providers, "make_connection", lambda _: Vague())
    message = make_message()

    drain()

    assert fate_of(message) == UNCERTAIN
    assert "said nothing of this address" in message.status_reason


def test_the_folder_of_the_files_is_made_with_all_above_it(settings: Settings, tmp_path: Path) -> None:
    cleared = clear(make_message())
    settings.VAR_DIR = tmp_path / "not" / "there"

    with Egress(clock=lambda: DUE) as egress:
        assert egress.send(cleared).outcome is Outcome.ACCEPTED

    [file] = (tmp_path / "not" / "there" / "mail").iterdir()
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")


def test_a_connection_that_cannot_be_closed_takes_nothing_back(live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(BaseEmailBackend):
        def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
            return len(email_messages)

        def close(self) -> None:
            raise ConnectionResetError

    monkeypatch.setattr(providers, "make_connection", lambda _: Gone())
    message = make_message()

    assert drain() == {"sent": 1}

    assert fate_of(message) == SENT


# --- What leaves is what was cleared ----------------------------------------------------------------------------------


def other_text(cleared: Clearance) -> Clearance:
    return dataclasses.replace(cleared, case=dataclasses.replace(cleared.case, body="Another text"))


def other_subject(cleared: Clearance) -> Clearance:
    return dataclasses.replace(cleared, case=dataclasses.replace(cleared.case, subject="Another subject"))


def other_recipient(cleared: Clearance) -> Clearance:
    return dataclasses.replace(cleared, recipient="other@example.com")


def second_recipient(cleared: Clearance) -> Clearance:
    return dataclasses.replace(cleared, recipient=f"{cleared.recipient}, other@example.com")


def no_recipient(cleared: Clearance) -> Clearance:
    return dataclasses.replace(cleared, recipient="")


def reaped(cleared: Clearance) -> Clearance:
    outbox.reap(now=DUE + timedelta(days=1))
    return cleared


def taken_back(cleared: Clearance) -> Clearance:
    force(Message.objects.filter(pk=cleared.case.message.pk), status=Message.Status.CANCELLED)
    return cleared


def other_attempt_in_the_rows(cleared: Clearance) -> Clearance:
    force(Attempt.objects.filter(pk=cleared.attempt.pk), fingerprint="0" * 64)
    return cleared


def the_same(cleared: Clearance) -> Clearance:
    return cleared


TAMPERINGS = [
    other_text,
    other_subject,
    other_recipient,
    second_recipient,
    no_recipient,
    reaped,
    taken_back,
    other_attempt_in_the_rows,
]


def test_what_was_cleared_leaves(sink: Sink) -> None:
    with Egress(clock=lambda: DUE) as egress:
        assert egress.send(the_same(clear(make_message()))).outcome == Attempt.Outcome.ACCEPTED
    assert len(sink.accepted) == 1


@pytest.mark.parametrize("tamper", TAMPERINGS)
@pytest.mark.parametrize("mode", ["simulate", "live"])
def test_what_was_not_cleared_does_not_leave(
    sink: Sink, live: Settings, files: Path, tamper: Callable[[Clearance], Clearance], mode: str
) -> None:
    live.MAIL_MODE = mode
    cleared = tamper(clear(make_message()))

    with Egress(clock=lambda: DUE) as egress:
        result = egress.send(cleared)

    assert (result.outcome, sink.connections, files.exists()) == (Attempt.Outcome.REJECTED, 0, False)


def test_what_was_not_cleared_is_shown_to_a_person_and_logged(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    message = make_message()
    cleared = clear(message)

    with Egress(clock=lambda: DUE) as egress, caplog.at_level(logging.WARNING):
        outbox.record(cleared.attempt, egress.send(other_text(cleared)), clock=lambda: DUE)

    assert fate_of(message) == FAILED
    assert "The text is not the one that was cleared, or not from whom." in message.hand_offs.get().sentences[0]
    assert caplog.records[-1].exc_info is not None


# --- Hostile rows, written behind every form's back -------------------------------------------------------------------

NAMES = {
    "a line break": "Kim\r\nBcc: evil@example.com",
    "a line separator": "Kim\u2028Bcc: evil@example.com",
    "control characters": "K\x08im\x1b[31m\x7f\x85",
    "overrides of the direction": "Kim\u202e\u2066gnp.exe",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_candidates_name_changes_nothing_but_the_text(provider: Provider, name: str) -> None:
    message = make_message(template=subject_with_the_name())
    Candidate.objects.filter(pk=message.application.candidate_id).update(first_name=NAMES[name])

    drain()

    assert fate_of(message) == SENT
    [mail] = provider.accepted
    assert mail["To"] == message.recipient
    assert {"Cc", "Bcc"}.isdisjoint(mail)
    assert [header for header in mail["Headers"] if "evil" in header["Value"]] == []
    assert mail["Subject"].isprintable()
    assert mail["Subject"].startswith("About you, K")


def subject_with_the_name() -> Any:
    from tests.factories import make_template, make_wording

    template = make_template()
    make_wording(template, subject="About you, {{ candidate.first_name }}")
    return template


ADDRESSES = {
    "two": "kim@example.com, evil@example.com",
    "two, with a semicolon": "kim@example.com;evil@example.com",
    "a line break and a header": "kim@example.com\r\nBcc: evil@example.com",
    "a name": "Kim <kim@example.com>",
    "a group": "friends: kim@example.com, evil@example.com;",
    "none": "",
    "no domain": "kim",
    "a literal host": "kim@[127.0.0.1]",
    "an invisible character": "kim\u202e@example.com",
    "a NUL": "kim\x01@example.com",
}


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("mode", ["simulate", "live"])
def test_what_is_not_one_address_gets_nothing(
    provider: Provider, live: Settings, files: Path, name: str, mode: str
) -> None:
    live.MAIL_MODE = mode
    message = make_message()
    Candidate.objects.filter(pk=message.application.candidate_id).update(email=ADDRESSES[name])

    drain()

    assert (provider.requests, files.exists()) == ([], False)
    fate = fate_of(message)
    assert (fate.status, fate.attempts, len(message.hand_offs.open())) == ("held", (), 1)


SUBJECTS = {
    "a line break": "Hello\r\nBcc: evil@example.com",
    "a lone line feed": "Hello\nthere",
    "a line separator": "Hello\u2028there",
    "a control character": "Hello\x07",
    "an override of the direction": "Hello \u202eereht",
    "nothing": "   ",
}


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_subject_that_cannot_be_a_head_does_not_leave(provider: Provider, name: str) -> None:
    """The gate stops a wording like this; here it comes from somewhere else, with a clearance of its own."""
    from messaging.wording.fingerprint import fingerprint

    message = make_message()
    cleared = clear(message)
    case = dataclasses.replace(cleared.case, subject=SUBJECTS[name])
    print_of = fingerprint(
        recipient=cleared.recipient,
        subject=case.subject,
        body=case.body,
        sender=letterhead.sender_line(case.sender),
        reply_to=letterhead.reply_address(case.sender),
    )
    force(Attempt.objects.filter(pk=cleared.attempt.pk), fingerprint=print_of)
    cleared.attempt.refresh_from_db()

    with Egress(clock=lambda: DUE) as egress:
        result = egress.send(dataclasses.replace(cleared, case=case))

    assert (result.outcome, provider.requests) == (Attempt.Outcome.REJECTED, [])


@pytest.mark.parametrize("character", ["\x00", "\x08", "\u202e", "\u2028", "\x9b"])
def test_a_text_with_an_invisible_character_does_not_leave(provider: Provider, character: str) -> None:
    cleared = clear(make_message())
    case = dataclasses.replace(cleared.case, body=f"Dear Kim,{character}\r\n\thello")
    with Egress(clock=lambda: DUE) as egress:
        result = egress.send(dataclasses.replace(cleared, case=case))
    assert (result.outcome, result.detail) == (Attempt.Outcome.REJECTED, "The text holds an invisible character.")
    assert provider.requests == []


def test_a_subject_that_mail_programs_would_decode_does_not_leave(provider: Provider) -> None:
    cleared = clear(make_message())
    case = dataclasses.replace(cleared.case, subject="=?utf-8?q?You_are_hired?=")
    with Egress(clock=lambda: DUE) as egress:
        result = egress.send(dataclasses.replace(cleared, case=case))
    assert (result.outcome, provider.requests) == (Attempt.Outcome.REJECTED, [])
    assert "encoded word" in result.detail


@pytest.mark.parametrize(
    "address", ["ana@acme.com\r\nBcc: evil@example.com", "ana@acme.com, evil@example.com", "ana", "@"]
)
def test_an_answer_address_that_is_none_leaves_nothing(provider: Provider, address: str) -> None:
    message = make_message()
    assert message.wording is not None
    User.objects.filter(pk=message.wording.signatures.get().signed_by_id).update(email=address)

    drain()

    assert (fate_of(message), provider.requests) == (FAILED, [])


def test_only_the_end_of_the_process_gets_through(provider: Provider, live: Settings) -> None:
    """What django-q2 raises when a task took too long is no Exception: nobody may take it for an answer."""
    from django_q.exceptions import TimeoutException
    from django_q.timeout import TimeoutHandler

    from tests.messaging.delivery.doubles import Exchange

    message = make_message()
    provider.behaviour = Exchange.hang
    with pytest.raises(TimeoutException), TimeoutHandler(1):
        drain()

    assert fate_of(message) == Fate(status="sending", attempts=("",))
    outbox.reap(now=DUE + timedelta(days=1))
    assert fate_of(message).status == "uncertain"
    drain(DUE + timedelta(days=2))
    assert len(provider.requests) == 1
