"""The draft on the page of a hand-off, and undo after sending."""

from __future__ import annotations

import html
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from messaging import drafts, handoffs
from messaging.delivery import outbox
from messaging.models import Draft, HandOff, Message
from messaging.wording.rendering import BODY_LIMIT
from pipeline.models import User
from tests.factories import NOW, OWN_WORDS, REJECTION, make_application, make_colleague, make_hand_off, make_sender

pytestmark = pytest.mark.django_db

MOMENT = NOW + timedelta(hours=2)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(MOMENT, tick=False):
        yield


@pytest.fixture
def recruiter() -> User:
    return make_colleague("Recruiter", first_name="Rita", last_name="Okafor")


@pytest.fixture
def client(recruiter: User) -> Client:
    return client_of(recruiter)


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def url(hand_off: HandOff, what: str = "compose") -> str:
    return reverse(f"admin:messaging_handoff_{what}", args=[hand_off.pk])


def autosave(client: Client, hand_off: HandOff, **text: str) -> Any:
    return client.post(url(hand_off, "draft"), {"subject": "", "body": "", "note": "", "reason": ""} | text)


def begun(client: Client, hand_off: HandOff) -> dict[str, str]:
    initial: dict[str, str] = client.get(url(hand_off)).context["form"].initial
    return initial


# --- The draft --------------------------------------------------------------------------------------------------------


def test_what_is_written_is_saved_says_when_and_is_there_again(client: Client) -> None:
    hand_off = make_hand_off()
    response = autosave(client, hand_off, subject="Our talk", body="Dear Kim,\r\nI", note="She was out.")
    assert response.json() == {"sentence": "Draft saved at 12:00:00."}
    assert begun(client, hand_off) == {"subject": "Our talk", "body": "Dear Kim,\nI", "note": "She was out."}
    assert "Your draft of Tue 15 Sep, 12:00:00 is here again." in client.get(url(hand_off)).content.decode()
    assert HandOff.objects.get().is_open
    assert not Message.objects.filter(origin="person").exists()


def test_a_draft_is_its_writers_and_nobody_elses(client: Client) -> None:
    hand_off = make_hand_off()
    autosave(client, hand_off, body="Dear Kim, between us")
    other = client_of(make_colleague("Recruiter"))
    assert "between us" not in other.get(url(hand_off)).content.decode()
    autosave(other, hand_off, body="Hello Kim")
    assert (begun(client, hand_off)["body"], begun(other, hand_off)["body"]) == ("Dear Kim, between us", "Hello Kim")


def test_who_may_not_write_saves_nothing(client: Client) -> None:
    hand_off = make_hand_off()
    assert autosave(client_of(make_colleague("Auditor")), hand_off, body="Dear Kim").status_code == 403
    assert not Draft.objects.exists()
    assert autosave(client, hand_off, body="Dear Kim").status_code == 200


@pytest.mark.parametrize("text", ["x" * (BODY_LIMIT + 1), "null \x00 byte"])
def test_what_no_text_may_hold_is_not_saved_and_that_is_said(client: Client, text: str) -> None:
    hand_off = make_hand_off()
    response = autosave(client, hand_off, body=text)
    assert (response.status_code, response.json()["sentence"][:9]) == (422, "Not saved")
    assert not Draft.objects.exists()


def test_a_closed_hand_off_takes_no_draft_and_shows_the_one_that_was_not_sent(client: Client) -> None:
    hand_off, other = make_hand_off(), make_sender(first_name="Tom", last_name="Adeyemi")
    autosave(client, hand_off, body="Dear Kim, what I had written")
    handoffs.close_as_not_needed(hand_off, reason="They called.", by=other, now=MOMENT)
    response = autosave(client, hand_off, body="Dear Kim, more")
    assert (response.status_code, response.json()["sentence"][:30]) == (409, "Tom Adeyemi already closed thi")
    page = client.get(url(hand_off)).content.decode()
    assert "What you had written" in page
    assert "Dear Kim, what I had written" in page


def test_the_buttons_save_and_throw_away_without_any_script(client: Client, recruiter: User) -> None:
    hand_off = make_hand_off()
    text = {"subject": "", "body": "Dear Kim", "note": "", "reason": ""}
    response = client.post(url(hand_off), text | {"_save": ""}, follow=True)
    assert "Draft saved at 12:00:00." in response.content.decode()
    assert begun(client, hand_off)["body"] == "Dear Kim"
    client.post(url(hand_off), text | {"_discard": ""})
    assert begun(client, hand_off)["body"] == ""
    assert drafts.find(hand_off, by=recruiter) is None


def test_a_refused_text_is_saved_and_one_that_leaves_is_not(client: Client, recruiter: User) -> None:
    hand_off = make_hand_off()
    pasted = REJECTION.replace("{{ candidate.first_name }}", "Kim")
    text = {"subject": "Hello", "body": pasted, "note": "", "reason": "", "_send": ""}
    assert client.post(url(hand_off), text).status_code == 200
    assert begun(client, hand_off)["body"] == pasted
    client.post(url(hand_off), text | {"body": OWN_WORDS})
    assert HandOff.objects.get().status == "answered"
    assert drafts.find(hand_off, by=recruiter) is None


# --- How close the text is --------------------------------------------------------------------------------------------


def test_every_passage_that_is_taken_over_is_marked_and_own_words_are_not(client: Client) -> None:
    hand_off = make_hand_off()
    job = hand_off.application.job.title
    taken = [
        f"Thank you for applying for {job}.",
        "We have read your application and we will not be moving forward with it.",
    ]
    text = f"Dear Kim,\n\n{taken[0]} Your bridges were lovely to look at. {taken[1]} I mean it.\n\nRita"
    said = client.post(url(hand_off, "check"), {"subject": "Hello", "body": text, "note": "", "reason": ""}).json()
    page = html.unescape(said["html"])
    marked = [piece.partition("</mark>")[0] for piece in page.split("<mark>")[1:]]
    assert said["too_close"]
    assert marked == taken
    assert f"{said['score']} % of your words stand in the template" in page


def test_how_close_it_is_is_shown_before_it_is_too_close(client: Client) -> None:
    hand_off = make_hand_off()
    body = OWN_WORDS.replace("Ana", "") + "\nWe have read your application and we will not be moving forward with it.\n"
    said = client.post(url(hand_off, "check"), {"subject": "Hello", "body": body, "note": "", "reason": ""}).json()
    assert (said["may_leave"], said["too_close"]) == (True, False)
    assert 0 < said["score"] < 50
    assert f'value="{said["score"]}"' in said["html"]


# --- Undo -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def _undo(settings: Settings) -> None:
    settings.UNDO_SECONDS = 60


def send(client: Client, hand_off: HandOff) -> Message:
    text = {"subject": "Our talk", "body": OWN_WORDS, "note": "", "reason": "", "_send": ""}
    assert client.post(url(hand_off), text).status_code == 302
    return Message.objects.get(origin="person")


def take_back(client: Client, message: Message) -> Any:
    return client.post(reverse("admin:messaging_handoff_undo", args=[message.pk]))


@pytest.mark.usefixtures("_undo")
class TestUndo:
    def test_after_sending_the_next_page_offers_to_take_it_back_and_the_text_is_there_again(
        self, client: Client
    ) -> None:
        hand_off = make_hand_off()
        message = send(client, hand_off)
        page = client.get(reverse("admin:messaging_handoff_changelist")).content.decode()
        assert reverse("admin:messaging_handoff_undo", args=[message.pk]) in page
        assert 'data-undo="60"' in page
        assert "leaves at 12:01:00" in page
        outbox.drain(clock=timezone.now)
        response = take_back(client, message)
        task = HandOff.objects.open().get()
        assert response.headers["Location"] == url(task)
        assert begun(client, task) == {"subject": "Our talk", "body": OWN_WORDS, "note": ""}
        outbox.drain(clock=lambda: MOMENT + timedelta(hours=1))
        assert Message.objects.get(pk=message.pk).status == "cancelled"
        assert "data-undo" not in client.get(url(task)).content.decode()
        assert url(task) in client.get(url(hand_off)).content.decode()  # the closed one leads to where it goes on

    def test_it_is_offered_to_its_writer_alone(self, client: Client) -> None:
        message, other = send(client, make_hand_off()), client_of(make_colleague("Recruiter"))
        assert "data-undo" not in other.get(reverse("admin:messaging_handoff_changelist")).content.decode()
        assert take_back(other, message).status_code == 404
        assert take_back(client_of(make_colleague("Auditor")), message).status_code == 403
        assert client.get(reverse("admin:messaging_handoff_undo", args=[message.pk])).status_code == 405
        assert Message.objects.get(pk=message.pk).status == "scheduled"
        assert take_back(client, message).status_code == 302
        assert Message.objects.get(pk=message.pk).status == "cancelled"

    def test_after_the_minute_it_is_said_that_it_is_too_late(self, client: Client) -> None:
        message = send(client, make_hand_off())
        with time_machine.travel(MOMENT + timedelta(seconds=60), tick=False):
            assert "data-undo" not in client.get(reverse("admin:messaging_handoff_changelist")).content.decode()
            response = client.post(reverse("admin:messaging_handoff_undo", args=[message.pk]), follow=True)
            assert "cannot be taken back any more" in response.content.decode()
            outbox.drain(clock=timezone.now)
        assert Message.objects.get(pk=message.pk).status == "sent"

    def test_a_message_without_a_hand_off_leads_back_to_its_page_with_the_text(self, client: Client) -> None:
        application = make_application()
        page = reverse("admin:messaging_message_write", args=[application.pk])
        text = {"touchpoint": "offer", "token": uuid.uuid4(), "subject": "A thought", "body": OWN_WORDS, "_send": ""}
        response = client.post(page, text, follow=True)
        message = Message.objects.get()
        assert "data-undo" in response.content.decode()
        location = take_back(client, message).headers["Location"]
        form = client.get(location).context["form"]
        assert [form[name].value() for name in ("touchpoint", "subject", "body")] == ["offer", "A thought", OWN_WORDS]
        assert form["token"].value() != text["token"]
        other = client_of(make_colleague("Recruiter")).get(location).context["form"]
        assert not other["body"].value()
