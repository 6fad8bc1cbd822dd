"""What the guard asks of a mail, one condition after the other, each beside the mail that leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from anymail.signals import pre_send
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from messaging.delivery import guard, mail
from messaging.delivery.egress import Egress
from messaging.delivery.outcomes import NotAsClearedError
from messaging.models import Attempt, Incident, LedgerEntry, Message
from pipeline.models import Candidate, User
from tests.factories import make_candidate, make_user
from tests.guards_off import force
from tests.messaging.delivery.doubles import Provider, Sink
from tests.messaging.delivery.letters import copy_of, make_cleared, make_letter

pytestmark = pytest.mark.django_db

Change = Callable[[EmailMultiAlternatives], None]


def to_colleague(*people: User, **values: Any) -> EmailMessage:
    return EmailMessage("Hello", "Text", to=[person.email for person in people], **values)


def refused(letter: EmailMessage) -> str:
    """The reason; and it is an incident."""
    before = Incident.objects.count()
    with pytest.raises(NotAsClearedError) as refusal:
        guard.check(letter, now=timezone.now())
    assert Incident.objects.count() == before + 1
    return str(refusal.value)


# --- To a candidate ---------------------------------------------------------------------------------------------------


def test_what_was_cleared_is_let_out_once() -> None:
    letter = make_letter()
    guard.check(letter, now=timezone.now())
    assert Attempt.objects.get().used_at is not None
    assert refused(copy_of(letter)) == "The clearance of this mail is over, or was used before."


def with_attachment(letter: EmailMultiAlternatives) -> None:
    letter.attach("offer.txt", "You are hired", "text/plain")


def with_other_html(letter: EmailMultiAlternatives) -> None:
    letter.alternatives.clear()
    letter.attach_alternative("<p>You are hired</p>", "text/html")


def without_html(letter: EmailMultiAlternatives) -> None:
    letter.alternatives.clear()


def with_second_html(letter: EmailMultiAlternatives) -> None:
    letter.attach_alternative("<p>You are hired</p>", "text/html")


def setting(**values: Any) -> Change:
    def change(letter: EmailMultiAlternatives) -> None:
        for name, value in values.items():
            setattr(letter, name, value)

    return change


def with_header(name: str, value: str) -> Change:
    return lambda letter: letter.extra_headers.update({name: value})


CHANGES: dict[str, Change] = {
    "another subject": setting(subject="You are hired"),
    "another text": setting(body="You are hired"),
    "another sender": setting(from_email="ceo@acme.example"),
    "another answer address": setting(reply_to=["evil@example.com"]),
    "a second answer address": lambda letter: letter.reply_to.append("evil@example.com"),
    "another recipient": setting(to=["other@example.com"]),
    "a second recipient": lambda letter: letter.to.append("other@example.com"),
    "two addresses in one field": lambda letter: letter.to.__setitem__(0, f"{letter.to[0]}, other@example.com"),
    "the same address twice": lambda letter: letter.to.append(letter.to[0]),
    "a copy": setting(cc=["other@example.com"]),
    "a blind copy": setting(bcc=["other@example.com"]),
    "no recipient": setting(to=[]),
    "an address that is none": setting(to=["kim"]),
    "another HTML part": with_other_html,
    "no HTML part": without_html,
    "a second HTML part": with_second_html,
    "a text that is HTML": setting(content_subtype="html"),
    "an attachment": with_attachment,
    "another visible recipient": with_header("To", "other@example.com"),
    "a template of the provider": setting(template_id="welcome"),
    "values for each recipient": setting(merge_data={"kim@example.com": {}}),
    "a later time": setting(send_at=timezone.now()),
    "what the provider alone understands": setting(esp_extra={"Bcc": "evil@example.com"}),
    "a header that the provider understands": with_header("X-MC-Template", "welcome"),
    "no message": lambda letter: letter.extra_headers.pop(mail.MESSAGE_HEADER),
    "a message that is none": with_header(mail.MESSAGE_HEADER, "17"),
    "an unknown message": with_header(mail.MESSAGE_HEADER, "00000000-0000-4000-8000-000000000000"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_differs_from_what_was_cleared_is_refused_and_uses_nothing_up(name: str) -> None:
    letter = make_letter()
    changed = copy_of(letter)
    CHANGES[name](changed)

    refused(changed)

    assert Attempt.objects.get().used_at is None
    guard.check(letter, now=timezone.now())


def test_the_attempt_of_another_message_is_none() -> None:
    letter, other = make_letter(), make_letter()
    changed = copy_of(letter, headers=dict(other.extra_headers))
    assert refused(changed) == "The mail would not go to the one address that it was cleared for."
    guard.check(letter, now=timezone.now())
    guard.check(other, now=timezone.now())


def test_a_clearance_ends_with_its_lease() -> None:
    letter = make_letter()
    expires_at = Attempt.objects.get().expires_at
    with pytest.raises(NotAsClearedError, match="over"):
        guard.check(letter, now=expires_at)
    guard.check(letter, now=expires_at - timedelta(seconds=1))


def test_a_clearance_ends_with_its_outcome() -> None:
    letter = make_letter()
    Attempt.objects.update(outcome=Attempt.Outcome.UNCERTAIN)
    assert refused(letter) == "The clearance of this mail is over, or there never was one."


def test_a_message_that_is_not_being_sent_is_refused() -> None:
    letter = make_letter()
    force(Message.objects.all(), status=Message.Status.CANCELLED)
    assert refused(letter) == "The clearance of this mail is over."


@pytest.mark.django_db(transaction=True)
def test_nothing_leaves_out_of_a_transaction_that_could_be_taken_back(live: Settings) -> None:
    letter = make_letter()
    with transaction.atomic(), pytest.raises(NotAsClearedError, match="out of a transaction"):
        guard.check(letter, now=timezone.now())
    assert Attempt.objects.get().used_at is None
    guard.check(letter, now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_simulated_mail_may_be_written_within_one() -> None:
    letter = make_letter()
    with transaction.atomic():
        guard.check(letter, now=timezone.now())
    assert Attempt.objects.get().used_at is not None


@pytest.mark.django_db(transaction=True)
def test_of_many_that_send_the_same_mail_at_once_one_may() -> None:
    letter = make_letter()
    start, let_out, kept = threading.Barrier(6), [], []

    def run() -> None:
        try:
            start.wait()
            guard.check(copy_of(letter), now=timezone.now())
            let_out.append(1)
        except NotAsClearedError:
            kept.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(let_out), len(kept), Incident.objects.count()) == (1, 5, 5)


# --- To colleagues ----------------------------------------------------------------------------------------------------


def test_mail_of_the_system_goes_to_active_colleagues() -> None:
    guard.check(to_colleague(make_user()), now=timezone.now())
    guard.check(to_colleague(make_user(), make_user(), cc=[make_user().email]), now=timezone.now())
    assert not Incident.objects.exists()


@pytest.mark.parametrize("who", [{"is_active": False}, {"is_staff": False}])
def test_who_does_not_work_here_any_more_gets_none(who: dict[str, bool]) -> None:
    assert "does not go to colleagues alone" in refused(to_colleague(make_user(**who)))
    refused(to_colleague(make_user(), make_user(**who)))


def test_a_stranger_gets_none() -> None:
    refused(EmailMessage("Hello", "Text", to=["stranger@example.com"]))
    refused(to_colleague(make_user(), bcc=["stranger@example.com"]))


@pytest.mark.parametrize("spelling", [str, str.upper])
def test_a_colleague_who_is_a_candidate_gets_what_was_cleared_and_nothing_else(spelling: Callable[[str], str]) -> None:
    person = make_user()
    letter = to_colleague(person)
    guard.check(letter, now=timezone.now())
    make_candidate(email=spelling(person.email))
    refused(letter)


def test_an_address_that_was_changed_behind_the_forms_is_still_a_candidates() -> None:
    person, candidate = make_user(), make_candidate()
    Candidate.objects.filter(pk=candidate.pk).update(email=person.email)
    refused(to_colleague(person))


# --- What is told -----------------------------------------------------------------------------------------------------


def test_a_refusal_is_an_incident_without_an_address_that_says_where_it_came_from() -> None:
    letter = make_letter()
    refused(copy_of(letter, body="Another text"))
    incident = Incident.objects.get()
    assert (incident.kind, incident.message) == (Incident.Kind.MAIL_REFUSED, Message.objects.get())
    assert f"It came from {__name__}, line" in incident.sentence
    assert "@" not in incident.sentence
    assert LedgerEntry.objects.get().kind == LedgerEntry.Kind.INCIDENT


def test_a_refusal_without_a_message_is_an_incident_too() -> None:
    refused(EmailMessage("Hello", "Text", to=["stranger@example.com"]))
    assert Incident.objects.get().message is None


def test_a_refusal_stands_where_nobody_can_write_it_down(caplog: pytest.LogCaptureFixture) -> None:
    letter = EmailMessage("Hello", "Text", to=["kim"])
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(NotAsClearedError, match="no mail address"):
            guard.check(letter, now=timezone.now())
    assert not Incident.objects.exists()
    assert "The recipient is no mail address." in caplog.text
    refused(letter)


def test_a_head_that_cannot_be_is_no_incident() -> None:
    with pytest.raises(ValueError, match="newline"):
        guard.check(EmailMessage("Hello\nBcc: evil@example.com", "Text", to=["kim@example.com"]), now=timezone.now())
    assert not Incident.objects.exists()


# --- On the way from the check to the connection ----------------------------------------------------------------------


def test_what_is_changed_after_the_check_does_not_leave(provider: Provider) -> None:
    """Anymail's other listeners are given the mail as well, and may write in it."""

    def write_in_it(*, message: EmailMessage, **_: Any) -> None:
        message.body += "\nYou are hired"

    receivers = list(pre_send.receivers)
    pre_send.connect(write_in_it)
    pre_send.receivers = pre_send.receivers[::-1]  # before ours
    try:
        with Egress(clock=timezone.now) as egress:
            result = egress.send(make_cleared())
    finally:
        pre_send.receivers = receivers
        pre_send.sender_receivers_cache.clear()
    assert (result.outcome, provider.requests) == (Attempt.Outcome.REJECTED, [])
    assert "changed after it was checked" in Incident.objects.get().sentence
    with Egress(clock=timezone.now) as egress:
        assert egress.send(make_cleared()).outcome == Attempt.Outcome.ACCEPTED


def test_one_check_lets_one_mail_through_one_connection_once(sink: Sink) -> None:
    from messaging.delivery.providers import make_connection

    letter, other = make_letter(), make_letter()
    guard.check(letter, now=timezone.now())
    with guard.checked(letter):
        assert make_connection("smtp").send_messages([letter]) == 1
        with pytest.raises(NotAsClearedError, match="used before"):
            make_connection("smtp").send_messages([letter])
    with guard.checked(letter):
        assert make_connection("smtp").send_messages([other]) == 1  # by its own clearance
    assert len(sink.accepted) == 2


def test_real_mail_does_not_leave_by_a_side_door_in_simulate_mode(sink: Sink, live: Settings) -> None:
    from messaging.delivery.providers import make_connection

    live.MAIL_MODE = "simulate"
    letter = make_letter()
    with pytest.raises(NotAsClearedError, match="in the mode that is set"):
        make_connection("smtp").send_messages([letter])
    assert (sink.connections, Attempt.objects.get().used_at) == (0, None)
    live.MAIL_MODE = "live"
    make_connection("smtp").send_messages([letter])
    assert len(sink.accepted) == 1
