"""Incidents: an administrator sees them on Today, reads them, and closes each once with what was found out."""

from __future__ import annotations

import html

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging import incidents
from messaging.models import Incident, LedgerEntry
from messaging.roles import ROLES
from pipeline.models import User
from pipeline.outcomes import Refusal
from tests.factories import NOW, make_colleague, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator() -> User:
    return make_colleague("Administrator")


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def make_incident() -> Incident:
    return incidents.raise_incident(Incident.Kind.MAIL_REFUSED, sentence="A mail was kept.", now=NOW)


def url(incident: Incident, what: str = "close") -> str:
    return reverse(f"admin:messaging_incident_{what}", args=[incident.pk])


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_it_is_closed_once_and_the_ledger_knows_by_whom() -> None:
    incident, first, second = make_incident(), make_user(), make_user()
    assert incidents.close(incident, note="A script.", by=first, now=NOW) == incident
    assert (incident.closed_at, incident.closed_by, incident.note) == (NOW, first, "A script.")
    answer = incidents.close(incident, note="Mine.", by=second, now=NOW)
    assert isinstance(answer, Refusal)
    incident.refresh_from_db()
    assert (incident.closed_by, incident.note) == (first, "A script.")
    entries = LedgerEntry.objects.filter(subject=f"incident:{incident.pk}").values_list("actor_id", flat=True)
    assert list(entries) == [None, first.pk]


def test_an_administrator_closes_it_with_a_note(administrator: User) -> None:
    incident, client = make_incident(), client_of(administrator)
    before = read(client, url(incident, "change"))
    assert "Nobody has looked at this yet" in before
    assert "Closed by" not in before
    assert ">Close<" not in before.replace("\n", "").replace(" ", "")  # would only leave the page

    page = client.post(url(incident), {"note": "A script of ours."}, follow=True).content.decode()

    incident.refresh_from_db()
    assert (incident.closed_by, incident.note) == (administrator, "A script of ours.")
    assert "The incident is closed." in page
    assert "Nobody has looked at this yet" not in page
    assert "Closed by" in page
    assert LogEntry.objects.get().change_message == "Closed with a note."

    again = client.post(url(incident), {"note": "Another."}, follow=True).content.decode()
    assert "Somebody closed this incident before you." in again
    assert LogEntry.objects.count() == 1


def test_it_is_not_closed_without_a_note_or_by_opening_a_page(administrator: User) -> None:
    incident, client = make_incident(), client_of(administrator)
    assert "Write down what you found out." in client.post(url(incident), {"note": " "}, follow=True).content.decode()
    assert client.get(url(incident)).status_code == 405
    incident.refresh_from_db()
    assert incident.closed_at is None


def test_one_that_is_not_there_is_not_found(administrator: User) -> None:
    assert client_of(administrator).post(reverse("admin:messaging_incident_close", args=[17])).status_code == 404


@pytest.mark.parametrize("role", ROLES)
def test_who_may_close_it_is_told_on_today(role: str) -> None:
    incident, client = make_incident(), client_of(make_colleague(role))
    may_close = role == "Administrator"
    assert ("1 incident nobody has looked at yet" in read(client, reverse("admin:index"))) is may_close
    assert ("Nobody has looked at this yet" in read(client, url(incident, "change"))) is may_close
    assert client.post(url(incident), {"note": "Mine."}).status_code == (302 if may_close else 403)
    assert "nobody has looked at yet" not in read(client, reverse("admin:index"))


def test_what_nobody_looked_at_stands_first(administrator: User) -> None:
    old, closed = make_incident(), make_incident()
    incidents.close(closed, note="A script.", by=administrator, now=timezone.now())
    shown = client_of(administrator).get(reverse("admin:messaging_incident_changelist")).context["cl"].result_list
    assert [incident.pk for incident in shown] == [old.pk, closed.pk]
