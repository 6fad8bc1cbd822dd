"""The pages of safe mode and of the brake, and what today's page says about them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from messaging import automations
from messaging.delivery import brake as the_brake
from messaging.models import Automation, Brake, Installation, Message
from pipeline.models import User
from tests.factories import NOW, make_application, make_automation, make_colleague, make_job, make_message, reject

pytestmark = pytest.mark.django_db

SAFE_MODE = "/admin/safe-mode/"
BRAKES = "/admin/brakes/"
NOON = NOW + timedelta(hours=3)
GIVEN = {"reason": "I looked at it."}


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response: Any) -> str:
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


# --- Safe mode --------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(db: None) -> Message:
    """In safe mode, because this database is a copy."""
    message = make_message()
    Installation.objects.create(
        instance="another", safe_since=NOW + timedelta(hours=2), safe_why="elsewhere", known_until=NOW
    )
    return message


def test_everybody_reads_on_today_that_nothing_is_sent_and_where_to_look(waiting: Message) -> None:
    for role in ("Recruiter", "Coordinator", "Administrator", "Auditor"):
        today = text_of(client_of(make_colleague(role)).get(reverse("admin:index")))
        assert "Nothing is sent: Another installation sent this database’s mail last." in today
        assert f'href="{SAFE_MODE}"' in today
    Installation.objects.update(safe_since=None)
    assert "Nothing is sent" not in text_of(client_of(make_colleague("Recruiter")).get(reverse("admin:index")))


def test_the_page_says_why_since_when_and_how_much(waiting: Message) -> None:
    page = text_of(client_of(make_colleague("Administrator")).get(SAFE_MODE))
    for words in (
        "Nothing is sent since",
        "1 message is scheduled",
        "1 of them is due",
        "The last mail that this database",
    ):
        assert words in page
    Installation.objects.update(safe_why="restored", known_until=None, sent_until=NOW)
    page = text_of(client_of(make_colleague("Administrator")).get(SAFE_MODE))
    assert "This database knows of no mail that left." in page
    assert "The last mail that is on record here left on" in page
    assert 'name="go_on"' not in page


def test_an_administrator_hands_over_what_may_have_been_sent(waiting: Message) -> None:
    person = make_colleague("Administrator")
    done = client_of(person).post(SAFE_MODE, GIVEN | {"hand_over": "1"}, follow=True)
    assert said(done) == "Safe mode is over; mail leaves again. 1 message went to people."
    assert f"{person} ended it last" in text_of(done)
    waiting.refresh_from_db()
    assert waiting.status == "held"
    assert LogEntry.objects.get(user=person).get_change_message() == "Ended safe mode."


def test_an_administrator_says_that_nothing_was_sent_elsewhere(waiting: Message) -> None:
    done = client_of(make_colleague("Administrator")).post(SAFE_MODE, GIVEN | {"go_on": "1"}, follow=True)
    assert said(done) == "Safe mode is over; mail leaves again."
    waiting.refresh_from_db()
    assert waiting.status == "scheduled"


@pytest.mark.parametrize(
    "given", [{"go_on": "1", "reason": ""}, {"hand_over": "1"}, GIVEN, GIVEN | {"reason": "x" * 2001, "go_on": "1"}]
)
def test_without_a_reason_or_a_choice_it_goes_on(given: dict[str, str], waiting: Message) -> None:
    done = client_of(make_colleague("Administrator")).post(SAFE_MODE, given, follow=True)
    assert said(done)
    assert Installation.objects.get().is_in_safe_mode
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("role", ["Recruiter", "Coordinator", "Auditor"])
def test_others_read_it_and_cannot_end_it(role: str, waiting: Message) -> None:
    client = client_of(make_colleague(role))
    assert "An administrator ends safe mode." in text_of(client.get(SAFE_MODE))
    assert client.post(SAFE_MODE, GIVEN | {"go_on": "1"}).status_code == 403
    assert client.get(SAFE_MODE, GIVEN | {"go_on": "1"}).status_code == 200
    assert Installation.objects.get().is_in_safe_mode


def test_a_stranger_reads_nothing(waiting: Message, client: Client) -> None:
    assert client.get(SAFE_MODE).status_code == 302
    assert client.get(BRAKES).status_code == 302


# --- The brake --------------------------------------------------------------------------------------------------------


@pytest.fixture
def brake(settings: Settings) -> Brake:
    settings.BRAKE_A_DAY = 1
    make_automation(name="Early rejection", delay=1, delay_unit=Automation.DelayUnit.HOURS)
    job = make_job()
    for _ in range(2):
        automations.follow(reject(make_application(job=job)), now=NOW)
    [brake] = the_brake.put_on_where_needed(now=NOON)
    return brake


def url(brake: Brake, verb: str) -> str:
    return reverse(f"brakes:{verb}", args=[brake.pk])


def test_today_and_the_page_say_what_waits(brake: Brake) -> None:
    client = client_of(make_colleague("Coordinator"))
    assert "“Early rejection” was about to send far more than usual" in text_of(client.get(reverse("admin:index")))
    page = text_of(client.get(BRAKES))
    assert "2 messages wait; 2 of them would leave at once." in page
    assert url(brake, "release") in page


@pytest.mark.parametrize("role", ["Coordinator", "Administrator"])
def test_a_second_person_releases_it(role: str, brake: Brake) -> None:
    person = make_colleague(role)
    done = client_of(person).post(url(brake, "release"), GIVEN, follow=True)
    assert said(done) == "The messages of “Early rejection” leave now, each at its time."
    assert f"{person} released it" in text_of(done)
    assert "No brake is on" in text_of(done)
    assert LogEntry.objects.get(user=person).get_change_message() == "Released."


def test_a_second_person_drops_it(brake: Brake) -> None:
    person = make_colleague("Coordinator")
    done = client_of(person).post(url(brake, "drop"), GIVEN, follow=True)
    assert said(done) == "2 messages of “Early rejection” will not leave."
    assert f"{person} dropped it" in text_of(done)
    assert set(Message.objects.values_list("status", flat=True)) == {"held"}
    assert LogEntry.objects.get(user=person).get_change_message() == "Dropped."


def test_who_set_it_off_is_told_that_another_one_releases_it(brake: Brake) -> None:
    person = make_colleague("Coordinator")
    LogEntry.objects.log_actions(person.pk, Automation.objects.filter(brakes=brake), 2, "Changed.", single_object=True)
    client = client_of(person)
    page = text_of(client.get(BRAKES))
    assert "somebody else releases it" in page
    assert url(brake, "release") not in page
    assert "A second person looks at it" in said(client.post(url(brake, "release"), GIVEN, follow=True))
    assert Brake.objects.on().exists()


@pytest.mark.parametrize("verb", ["release", "drop"])
def test_it_takes_the_right_a_reason_and_a_post(verb: str, brake: Brake) -> None:
    for role in ("Recruiter", "Auditor"):
        client = client_of(make_colleague(role))
        assert url(brake, verb) not in text_of(client.get(BRAKES))
        assert client.post(url(brake, verb), GIVEN).status_code == 403
    client = client_of(make_colleague("Coordinator"))
    assert client.get(url(brake, verb)).status_code == 405
    assert client.post(reverse(f"brakes:{verb}", args=[10**9]), GIVEN).status_code == 404
    for reason in ("", "x" * 2001):
        assert said(client.post(url(brake, verb), {"reason": reason}, follow=True)).startswith("Say why")
    assert Brake.objects.on().exists()
    assert client.post(url(brake, verb), GIVEN).status_code == 302
    assert not Brake.objects.on().exists()
