"""The page of what nobody can prove: what it shows, who may settle it, and what a second click finds."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.delivery import outbox, tracking
from messaging.models import Attempt, LedgerEntry, Message, ProviderEvent
from tests.factories import NOW, let_out, make_application, make_candidate, make_colleague, make_message

pytestmark = pytest.mark.django_db

Status = Message.Status
THEN = NOW + timedelta(hours=2)
LIST = reverse("admin:messaging_message_uncertain")
EVIL = "<script>alert(1)</script>"
ACTS = ("was_sent", "send_again")


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(THEN, tick=False):
        yield


def sign_in(role: str = "Recruiter", **who: str) -> Client:
    client = Client()
    client.force_login(make_colleague(role, **who))
    return client


@pytest.fixture
def client() -> Client:
    return sign_in(first_name="Ana", last_name="Ruiz")


def make_uncertain(**about: Any) -> Message:
    """The process that was sending it ended."""
    message = make_message(**about)
    let_out(message, now=NOW + timedelta(hours=1))
    assert outbox.reap(now=NOW + timedelta(hours=1, minutes=3)) == 1
    message.refresh_from_db()
    assert message.status == Status.UNCERTAIN
    return message


@pytest.fixture
def uncertain() -> Message:
    return make_uncertain()


def url(message: Message, what: str = "settle") -> str:
    return reverse(f"admin:messaging_message_{what}", args=[message.pk])


def read(client: Client, address: str, *, raw: bool = False) -> str:
    response = client.get(address)
    assert response.status_code == 200
    text = response.content.decode()
    return text if raw else html.unescape(text)


def status_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).status


def press(client: Client, message: Message, act: str, **data: str) -> Any:
    accepted = {"accepts": "on"} if act == "send_again" else {}
    return client.post(url(message, act), accepted | data, follow=True)


# --- What it shows -----------------------------------------------------------------------------------------------------


def test_the_list_shows_what_is_uncertain_and_nothing_else(client: Client, uncertain: Message) -> None:
    other = make_message()

    page = read(client, LIST)

    assert "1 message that may have left" in page
    [heading] = re.findall("<h1 .*?</h1>", page, re.DOTALL)
    assert "Uncertain mail" in heading
    assert url(uncertain) in page
    assert url(other) not in page


def test_an_empty_list_says_so(client: Client) -> None:
    assert "Nothing is uncertain" in read(client, LIST)


def test_the_list_asks_as_often_for_many_as_for_one(client: Client) -> None:
    asked = []
    for number in (1, 5):
        for _ in range(number):
            make_uncertain()
        read(client, LIST)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            read(client, LIST)
        asked.append(len(queries))

    assert asked[0] == asked[1]


def test_a_long_list_has_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from messaging.admin import uncertain as pages

    monkeypatch.setattr(pages, "PER_PAGE", 1)
    first, second = make_uncertain(), make_uncertain()

    assert url(first) in read(client, LIST)
    assert url(second) not in read(client, LIST)
    assert url(second) in read(client, LIST + "?p=2")
    assert url(second) in read(client, LIST + "?p=nonsense&p=99")


def test_the_page_says_what_is_known_and_shows_the_mail(client: Client, uncertain: Message) -> None:
    ProviderEvent.objects.create(
        provider="postmark",
        event_id="1",
        kind="unknown",
        at=THEN,
        received_at=THEN,
        description="Held",
        message=uncertain,
    )

    page = read(client, url(uncertain))

    attempt = Attempt.objects.get()
    for words in (
        "The process that was sending it ended without an answer.",
        attempt.fingerprint,
        "attempt 1 at simulate, begun 15 Sep 2026, 11:00:00, ended 11:03:00",
        uncertain.recipient,
        uncertain.subject,
        uncertain.body.splitlines()[0],
        str(uncertain.public_id),
        "unknown, 15 Sep 2026, 12:00:00: Held",
        "Send again and accept the risk",
    ):
        assert words in page, words


def test_what_candidates_and_providers_wrote_is_shown_as_text(client: Client) -> None:
    application = make_application(candidate=make_candidate(first_name=EVIL, email="evil@example.com"))
    message = make_uncertain(application=application)
    Attempt.objects.update(detail=EVIL)

    page = read(client, url(message), raw=True)

    assert EVIL not in page
    assert html.escape(EVIL) in page


def test_the_message_and_its_hand_off_lead_to_it(client: Client, uncertain: Message) -> None:
    assert url(uncertain) in read(client, url(uncertain, "change"))
    hand_off = uncertain.hand_offs.get()
    assert url(uncertain) in read(client, reverse("admin:messaging_handoff_compose", args=[hand_off.pk]))
    assert url(make_message()) not in read(client, reverse("admin:messaging_message_changelist"))


def test_the_message_shows_what_the_provider_reported(client: Client, uncertain: Message) -> None:
    event = ProviderEvent.objects.create(
        provider="simulate", event_id="1", kind="bounced", at=THEN, received_at=THEN, public_id=uncertain.public_id
    )
    tracking.apply(event, now=THEN)

    page = read(client, url(uncertain, "change"))

    assert "What the provider reported" in page
    assert "Bounced" in page
    assert status_of(uncertain) == Status.SENT


def test_what_is_settled_has_no_such_page(client: Client) -> None:
    message = make_message()

    assert client.get(url(message)).headers["Location"] == url(message, "change")
    assert client.get(reverse("admin:messaging_message_settle", args=[0])).status_code == 404
    for act in ACTS:
        assert client.post(reverse(f"admin:messaging_message_{act}", args=[0])).status_code == 404


# --- What one can do ---------------------------------------------------------------------------------------------------


def test_it_was_sent(client: Client, uncertain: Message) -> None:
    response = press(client, uncertain, "was_sent")

    assert response.redirect_chain == [(url(uncertain, "change"), 302)]
    assert [str(message) for message in response.context["messages"]] == ["Ana Ruiz says that it was sent."]
    assert status_of(uncertain) == Status.SENT
    assert LogEntry.objects.get().get_change_message() == "Said that it was sent."
    assert LedgerEntry.objects.get(kind=LedgerEntry.Kind.RESOLVED).data["decision"] == "sent"


def test_send_again(client: Client, uncertain: Message) -> None:
    response = press(client, uncertain, "send_again")

    [said] = response.context["messages"]
    assert str(said) == "Ana Ruiz has it sent again and accepts that it may arrive twice."
    assert status_of(uncertain) == Status.SCHEDULED
    assert LogEntry.objects.count() == 1
    outbox.drain(clock=lambda: THEN)
    assert status_of(uncertain) == Status.SENT


def test_send_again_wants_the_risk_accepted(client: Client, uncertain: Message) -> None:
    response = client.post(url(uncertain, "send_again"))

    assert response.status_code == 200
    assert "Say that you accept it" in html.unescape(response.content.decode())
    assert (status_of(uncertain), LogEntry.objects.count()) == (Status.UNCERTAIN, 0)
    press(client, uncertain, "send_again")
    assert status_of(uncertain) == Status.SCHEDULED


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("first", ACTS)
def test_the_second_click_learns_who_was_first(client: Client, uncertain: Message, first: str, act: str) -> None:
    press(sign_in(first_name="Ben", last_name="Okoro"), uncertain, first)
    before = status_of(uncertain)

    response = client.post(url(uncertain, act), follow=True)  # even without the risk accepted

    [said] = response.context["messages"]
    assert str(said).startswith("Ben Okoro already ")
    assert (status_of(uncertain), LogEntry.objects.count()) == (before, 1)


@pytest.mark.parametrize("act", ACTS)
def test_looking_does_nothing(client: Client, uncertain: Message, act: str) -> None:
    response = client.get(url(uncertain, act))

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert status_of(uncertain) == Status.UNCERTAIN


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("role", "may"), [("Recruiter", True), ("Coordinator", True), ("Administrator", True), ("Auditor", False)]
)
def test_only_who_may_write_to_candidates_settles_it(uncertain: Message, act: str, role: str, may: bool) -> None:
    client = sign_in(role)

    page = read(client, url(uncertain))
    response = press(client, uncertain, act)

    assert (url(uncertain, act) in page) is may
    assert response.status_code == (200 if may else 403)
    assert (status_of(uncertain) != Status.UNCERTAIN) is may


@pytest.mark.parametrize("address", [LIST, "page"])
def test_who_may_not_see_messages_sees_none_here(uncertain: Message, address: str) -> None:
    from tests.messaging.admin.signing_in import sign_in as with_rights

    nobody, _ = with_rights("pipeline.view_job")
    address = url(uncertain) if address == "page" else address

    assert nobody.get(address).status_code == 403
    assert sign_in("Auditor").get(address).status_code == 200
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize("act", ACTS)
def test_another_site_cannot_press_it(uncertain: Message, act: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_colleague("Recruiter"))

    assert strict.post(url(uncertain, act), {"accepts": "on"}).status_code == 403
    assert status_of(uncertain) == Status.UNCERTAIN


def test_the_page_has_no_inline_script_or_style(client: Client, uncertain: Message) -> None:
    page = read(client, url(uncertain), raw=True)
    ours = page[page.index('class="desk desk-reading"') :]
    ours = ours[: ours.index("Send again and accept the risk</")]

    assert "<script" not in ours
    assert "style=" not in ours
    assert "onclick" not in ours
