"""Messages as they stand: the list, one message, how it reads for the candidate, and cancelling what has not left."""

import html
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.admin.words import short_time
from messaging.delivery import outbox, reading
from messaging.models import Message, RecordedVerdict
from tests.factories import (
    NOW,
    make_application,
    make_candidate,
    make_colleague,
    make_hand_off,
    make_message,
    make_template,
)
from tests.guards_off import force

pytestmark = pytest.mark.django_db

Status = Message.Status
LIST = "admin:messaging_message_changelist"
EVIL = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        yield


@pytest.fixture
def client() -> Client:
    return client_of("Recruiter")


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_colleague(role))
    return client


def url(message: Message, what: str = "change") -> str:
    return reverse(f"admin:messaging_message_{what}", args=[message.pk])


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def shown(client: Client, query: str = "") -> set[int]:
    return {message.pk for message in client.get(reverse(LIST) + query).context["cl"].result_list}


def make_sent(**automation: Any) -> Message:
    message = make_message(**automation)
    outbox.drain(clock=timezone.now)
    message.refresh_from_db()
    assert message.status == Status.SENT
    return message


def again(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


# --- The list ---------------------------------------------------------------------------------------------------------


def test_messages_are_found_by_candidate_and_subject(client: Client) -> None:
    candidate = make_candidate(first_name="Mira", last_name="Castellanos", email="mira@example.com")
    wanted = make_sent(application=make_application(candidate=candidate))
    make_message()
    for term in ("mira castellanos", "mira@example", wanted.subject):
        assert shown(client, f"?q={term}") == {wanted.pk}, term


def test_messages_are_narrowed_by_status_kind_origin_and_automation(client: Client) -> None:
    sent, scheduled = make_sent(), make_message()
    assert shown(client, "?status__exact=sent") == {sent.pk}
    assert shown(client, f"?automation__id__exact={scheduled.automation_id}") == {scheduled.pk}
    assert shown(client, "?origin__exact=person") == set()
    assert shown(client, "?touchpoint__exact=rejection") == {sent.pk, scheduled.pk}


def test_the_list_shows_the_latest_first(client: Client) -> None:
    old, new = make_message(), make_message(delay=5)
    assert [message.pk for message in client.get(reverse(LIST)).context["cl"].result_list] == [new.pk, old.pk]


def test_a_time_of_another_year_has_its_year() -> None:
    assert short_time(timezone.now()) == "15 Sep, 12:00"
    assert short_time(timezone.now() - timedelta(days=365)) == "15 Sep 2025, 12:00"


# --- One message ------------------------------------------------------------------------------------------------------


def test_a_scheduled_message_says_what_the_gate_says_now_and_how_it_would_read(client: Client) -> None:
    message = make_message(delay=5)
    page = read(client, url(message))
    assert "What the gate says now" in page
    assert "It is due on 15 September 2026" in page
    assert "We have read your application" in page
    assert cancel_url(message) in page
    assert "Attempts to hand it to the provider" not in page  # there are none yet


def test_a_sent_message_shows_its_text_its_attempts_and_its_verdict_with_the_facts(client: Client) -> None:
    page = read(client, url(make_sent()))
    assert "What the gate says now" not in page
    for words in (
        "We have read your application",
        "Attempts to hand it",
        "simulate",
        "Accepted",
        "May leave",
        "sender may send",
    ):
        assert words in page


def test_a_message_that_was_handed_off_leads_to_the_hand_off(client: Client) -> None:
    hand_off = make_hand_off()
    page = read(client, url(hand_off.message))
    assert reverse("admin:messaging_handoff_compose", args=[hand_off.pk]) in page
    assert hand_off.sentences[0] in page


def test_a_message_is_read_and_not_written(client: Client) -> None:
    message = make_message()
    client.post(url(message), {"subject": "Mine", "status": "sent"})
    assert (again(message).subject, again(message).status) == ("", Status.SCHEDULED)
    assert client.get(reverse("admin:messaging_message_change", args=["x"])).status_code == 302


def test_what_a_verdict_went_by_is_on_its_page(client: Client) -> None:
    make_sent()
    verdict = RecordedVerdict.objects.get()
    page = read(client, reverse("admin:messaging_recordedverdict_change", args=[verdict.pk]))
    assert "Nothing spoke against it." in page
    assert "decided by a person" in page


# --- As the candidate sees it -----------------------------------------------------------------------------------------


def test_a_simulated_mail_is_read_from_its_file(client: Client) -> None:
    message = make_sent()
    page = read(client, url(message, "read"))
    assert "nobody received it" in page
    for header in (message.recipient, message.subject, "recruiting@example.com"):
        assert header in page
    text = read(client, url(message, "read") + "?part=text")
    assert "We have read your application" in text


def test_the_html_part_is_shut_in(client: Client) -> None:
    response = client.get(url(make_sent(), "html"))
    assert "<p>Thank you for applying" in response.content.decode()
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_page_holds_the_mail_in_a_sandbox_and_none_of_its_html(client: Client) -> None:
    body = "Dear {{ candidate.full_name }},\n\nwe read it.\n\n{{ sender.name }}"
    application = make_application(candidate=make_candidate(first_name=EVIL))
    message = make_message(application=application, template=make_template(body=body))
    for address in (url(message, "read"), url(message, "read") + "?part=text", url(message), url(message, "html")):
        assert EVIL not in client.get(address).content.decode()
    assert " sandbox></iframe>" in client.get(url(message, "read")).content.decode()


def test_the_file_of_a_simulated_mail_can_be_taken_along(client: Client) -> None:
    message = make_sent()
    response = client.get(url(message, "file"))
    assert b"".join(response) == reading.path_of(message).read_bytes()
    assert response.headers["Content-Type"] == "message/rfc822"
    assert "attachment" in response.headers["Content-Disposition"]


def test_a_file_that_is_gone_is_said_to_be_and_the_stored_text_is_shown(client: Client) -> None:
    message = make_sent()
    reading.path_of(message).unlink()
    page = read(client, url(message, "read"))
    assert "is not there any more" in page
    assert url(message, "file") not in page
    assert "<p>Thank you for applying" in client.get(url(message, "html")).content.decode()
    assert "There is no file of this mail" in client.get(url(message, "file"), follow=True).content.decode()


def test_what_has_not_left_is_shown_as_it_would_read_now(client: Client) -> None:
    message = make_message()
    assert "It has not left yet" in read(client, url(message, "read"))
    assert "We have read your application" in read(client, url(message, "read") + "?part=text")
    assert "It did not leave" in read(client, url(make_hand_off().message, "read"))


def test_what_cannot_be_rendered_says_why(client: Client) -> None:
    message = make_message()
    force(message.wording.template.wordings.all(), body="{% endif %}")  # type: ignore[union-attr]
    assert "Body, line 1" in read(client, url(message, "read"))


def test_what_a_provider_got_is_shown_with_its_name(client: Client) -> None:
    message = make_sent()
    reading.path_of(message).unlink()
    force(message.attempts.all(), provider="postmark")
    assert "given to the provider (postmark)" in read(client, url(message, "read"))


def test_who_may_not_see_messages_reads_none() -> None:
    message = make_sent()
    client = Client()
    stranger = make_colleague("Auditor")
    client.force_login(stranger)
    assert client.get(url(message, "read")).status_code == 200
    stranger.groups.clear()
    for what in ("read", "html", "file"):
        assert client.get(url(message, what)).status_code == 403
    assert client.get(reverse("admin:messaging_message_read", args=[0])).status_code == 404


# --- Cancelling: from here, in the outbox -------------------------------------------------------------------------------


def cancel_url(message: Message) -> str:
    return reverse("outbox:act", args=["cancel"]) + f"?ids={message.pk}&back={message.pk}"


def test_many_are_chosen_in_the_list_and_the_outbox_asks_before_they_are_cancelled(client: Client) -> None:
    sent, first, second = make_sent(), make_message(), make_message()
    chosen = {"action": "cancel_selected", ACTION_CHECKBOX_NAME: [sent.pk, first.pk, second.pk]}
    page = html.unescape(client.post(reverse(LIST), chosen).content.decode())
    assert "Cancel these 2 messages?" in page
    assert "1 of what you chose does not wait any more" in page
    assert 'action="/admin/outbox/cancel/"' in page
    assert 'name="back" value="messages"' in page
    assert {again(message).status for message in (first, second)} == {Status.SCHEDULED}


def test_who_may_not_cancel_is_offered_nothing_to_do() -> None:
    message = make_message()
    auditor, recruiter = client_of("Auditor"), client_of("Recruiter")
    chosen = {"action": "cancel_selected", ACTION_CHECKBOX_NAME: [message.pk]}
    assert "Cancel this message?" not in auditor.post(reverse(LIST), chosen, follow=True).content.decode()
    assert cancel_url(message) not in read(auditor, url(message))
    assert "Cancel this message?" in recruiter.post(reverse(LIST), chosen).content.decode()
    assert cancel_url(message) in read(recruiter, url(message))
