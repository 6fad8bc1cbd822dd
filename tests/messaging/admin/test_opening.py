"""How long a person had a text before them is known from the page that they opened, and from nobody's say-so."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from messaging.models import HandOff, Release
from pipeline.models import User
from tests.factories import NOW, OWN_WORDS, make_application, make_colleague, make_hand_off, make_job

pytestmark = pytest.mark.django_db

OPENED, SENT = NOW + timedelta(hours=2), NOW + timedelta(hours=2, minutes=17)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(OPENED, tick=False) as clock:
        yield clock


@pytest.fixture
def recruiter() -> User:
    return make_colleague("Recruiter")


@pytest.fixture
def hand_off(recruiter: User) -> HandOff:
    return make_hand_off(application=make_application(job=make_job(recruiter=recruiter)))


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def carried_by(content: str) -> str:
    found = re.search(r'name="opened" value="([^"]+)"', content)
    assert found is not None
    return found[1]


def open_page(client: Client, url: str) -> str:
    return carried_by(client.get(url).content.decode())


def compose_url(hand_off: HandOff) -> str:
    return reverse("admin:messaging_handoff_compose", args=[hand_off.pk])


def send(client: Client, hand_off: HandOff, opened: str, body: str = OWN_WORDS) -> str:
    posted = {"subject": "Kim", "body": body, "_send": "1", "opened": opened}
    return client.post(compose_url(hand_off), posted, follow=True).content.decode()


def test_the_release_says_when_the_page_was_opened(
    recruiter: User, hand_off: HandOff, clock: time_machine.Traveller
) -> None:
    client = client_of(recruiter)
    opened = open_page(client, compose_url(hand_off))
    clock.move_to(SENT)
    send(client, hand_off, opened)
    release = Release.objects.get()
    assert (release.opened_at, release.released_at) == (OPENED, SENT)


def test_a_refusal_does_not_start_the_time_anew(
    recruiter: User, hand_off: HandOff, clock: time_machine.Traveller
) -> None:
    client = client_of(recruiter)
    opened = open_page(client, compose_url(hand_off))
    clock.move_to(OPENED + timedelta(minutes=5))
    kept = carried_by(send(client, hand_off, opened, body="Too short."))
    assert not Release.objects.exists()
    clock.move_to(SENT)
    send(client, hand_off, kept)
    assert Release.objects.get().opened_at == OPENED


def test_so_does_a_message_that_a_person_starts(recruiter: User, clock: time_machine.Traveller) -> None:
    application = make_application(job=make_job(recruiter=recruiter))
    client, url = client_of(recruiter), reverse("admin:messaging_message_write", args=[application.pk])
    opened = open_page(client, url)
    clock.move_to(SENT)
    posted = {"subject": "Kim", "body": OWN_WORDS, "touchpoint": "status_update", "token": uuid.uuid4()}
    client.post(url, posted | {"opened": opened})
    assert Release.objects.get().opened_at == OPENED


@pytest.mark.parametrize("whose", ["nobody", "a colleague", "the future"])
def test_what_is_not_this_persons_own_opening_is_not_believed_and_the_message_leaves_all_the_same(
    whose: str, recruiter: User, hand_off: HandOff, clock: time_machine.Traveller
) -> None:
    opened = "2026-09-15T10:00:00+00:00"
    if whose == "a colleague":
        opened = open_page(client_of(make_colleague("Recruiter")), compose_url(hand_off))
    if whose == "the future":
        clock.move_to(SENT + timedelta(hours=1))
        opened = open_page(client_of(recruiter), compose_url(hand_off))
    clock.move_to(SENT)
    send(client_of(recruiter), hand_off, opened)
    assert Release.objects.get().opened_at is None
