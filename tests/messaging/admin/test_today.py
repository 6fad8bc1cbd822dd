"""Today: what waits for whoever signs in, what leaves next, and what was taken off people's hands."""

import html
import operator
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging import gate, handoffs
from messaging.admin.today import in_words
from messaging.delivery import outbox
from messaging.delivery.outcomes import Result
from messaging.gate import Clearance
from messaging.models import Attempt, HandOff, Message
from pipeline.models import User
from tests.factories import (
    NOW,
    make_application,
    make_candidate,
    make_colleague,
    make_hand_off,
    make_job,
    make_message,
    make_template,
    make_user,
)

pytestmark = pytest.mark.django_db

TODAY = "admin:index"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):  # a Tuesday
        yield


@pytest.fixture
def recruiter() -> User:
    return make_colleague("Recruiter")


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def context_of(person: User) -> dict[str, Any]:
    response = client_of(person).get(reverse(TODAY))
    assert response.status_code == 200
    return {name: response.context.get(name) for name in ("hand_offs", "mail")}


def hand_off_of(owner: User | None, **values: Any) -> HandOff:
    return make_hand_off(application=make_application(job=make_job(recruiter=owner)), **values)


def listed(rows: list[dict[str, Any]]) -> list[int]:
    return [row["hand_off"].pk for row in rows]


def test_my_hand_offs_are_listed_with_the_most_overdue_first(recruiter: User) -> None:
    fresh = hand_off_of(recruiter)
    overdue = hand_off_of(recruiter, now=NOW - timedelta(days=7))
    hand_off_of(make_colleague("Recruiter"))
    hand_off_of(None)
    closed = hand_off_of(recruiter)
    handoffs.close_as_not_needed(closed, reason="They called.", by=recruiter, now=timezone.now())
    shown = context_of(recruiter)["hand_offs"]
    assert listed(shown["mine"]) == [overdue.pk, fresh.pk]
    assert [row["urgency"] for row in shown["mine"]] == ["overdue", "later"]
    assert (shown["counts"]["mine"], shown["counts"]["overdue"]) == (2, 1)


def test_what_has_no_owner_is_shown_to_everybody(recruiter: User) -> None:
    nobodys = hand_off_of(None)
    hand_off_of(recruiter)
    shown = context_of(make_colleague("Coordinator"))["hand_offs"]
    assert listed(shown["unassigned"]) == [nobodys.pk]
    assert shown["counts"]["unassigned"] == 1


@pytest.mark.parametrize("outcome", [Attempt.Outcome.UNCERTAIN, Attempt.Outcome.REJECTED])
def test_mail_that_went_wrong_is_shown_until_a_person_closed_it(recruiter: User, outcome: Attempt.Outcome) -> None:
    hand_off_of(recruiter)  # held, not broken
    message = make_message()
    cleared = gate.clear(message.pk, now=timezone.now())
    assert isinstance(cleared, Clearance)
    outbox.record(cleared.attempt, Result(outcome=outcome), clock=timezone.now)
    broken = HandOff.objects.get(message=message)
    assert listed(context_of(recruiter)["hand_offs"]["broken"]) == [broken.pk]
    handoffs.tell_by_phone(broken, note="Called.", by=recruiter, now=timezone.now())
    assert listed(context_of(recruiter)["hand_offs"]["broken"]) == []


def test_what_leaves_next_is_in_the_order_of_time_and_short(recruiter: User) -> None:
    later, sooner = make_message(delay=9), make_message(delay=4)
    assert [message.pk for message in context_of(recruiter)["mail"]["next"]] == [sooner.pk, later.pk]
    for _ in range(12):
        make_message(delay=9)
    mail = context_of(recruiter)["mail"]
    assert (len(mail["next"]), mail["scheduled"]) == (10, 14)


def test_the_time_given_back_is_what_automations_sent_since_monday(recruiter: User) -> None:
    seven = make_template(minutes_saved=7)
    for moment in (NOW - timedelta(days=age) for age in (8, 2, 1, 0)):  # last Monday, Sunday, Monday, Tuesday
        make_message(now=moment, template=seven)
        outbox.drain(clock=partial(operator.add, moment, timedelta(hours=1)))
    make_message(delay=9, template=seven)
    assert Message.objects.filter(status="sent").count() == 4
    mail = context_of(recruiter)["mail"]
    assert (mail["sent"], mail["given_back"]) == (2, "14 min")


def test_what_a_person_wrote_gives_no_time_back(recruiter: User) -> None:
    hand_off = hand_off_of(recruiter)
    words = "Kim, I remember our talk about ferries, and I am sorry that it ends here. Call me any time you like; I mean it."
    answer = handoffs.answer(hand_off, subject="Hello", body=words, by=recruiter, now=timezone.now())
    assert isinstance(answer, Message)
    outbox.drain(clock=timezone.now)
    assert Message.objects.get(pk=answer.pk).status == Message.Status.SENT
    assert context_of(recruiter)["mail"]["given_back"] == "0 min"


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0 min"), (59, "59 min"), (60, "1 h"), (75, "1 h 15 min"), (720, "12 h")]
)
def test_minutes_are_said_in_hours_from_an_hour_on(minutes: int, words: str) -> None:
    assert in_words(minutes) == words


def test_every_number_leads_to_a_list_of_as_many_rows(recruiter: User) -> None:
    hand_off_of(recruiter)
    hand_off_of(recruiter, now=NOW - timedelta(days=7))
    hand_off_of(make_colleague("Recruiter"), now=NOW - timedelta(days=7))
    hand_off_of(None)
    for moment in (NOW - timedelta(days=8), NOW):
        make_message(now=moment)
        outbox.drain(clock=partial(operator.add, moment, timedelta(hours=1)))
    make_message(delay=9)
    client = client_of(recruiter)
    shown = client.get(reverse(TODAY)).context
    counts, mail = shown["hand_offs"]["counts"], shown["mail"]
    assert mail["sent"] == 1
    addresses = {
        shown["hand_offs"]["url"] + "?show=mine": counts["mine"],
        shown["hand_offs"]["overdue_url"]: counts["overdue"],
        shown["hand_offs"]["url"] + "?show=unassigned": counts["unassigned"],
        mail["url"] + "?status__exact=scheduled": mail["scheduled"],
        mail["sent_url"]: mail["sent"],
    }
    page = html.unescape(client.get(reverse(TODAY)).content.decode())
    for address, number in addresses.items():
        assert f'href="{address}"' in page
        assert client.get(address).context["cl"].result_count == number


def test_an_empty_day_says_what_will_appear_here(recruiter: User) -> None:
    page = html.unescape(client_of(recruiter).get(reverse(TODAY)).content.decode())
    for words in ("Nobody waits for you.", "Every hand-off has an owner.", "Nothing is scheduled."):
        assert words in page
    assert "Mail that needs a person" not in page


def test_who_has_no_role_is_told_so() -> None:
    page = client_of(make_user()).get(reverse(TODAY)).content.decode()
    assert "There is nothing here that you may see." in page
    assert "Nobody waits for you." not in page


def test_a_hostile_name_stays_text(recruiter: User) -> None:
    candidate = make_candidate(first_name="<script>alert(1)</script>")
    make_hand_off(application=make_application(candidate=candidate, job=make_job(recruiter=recruiter)))
    make_message(application=make_application(candidate=make_candidate(first_name="<script>alert(1)</script>")))
    assert "<script>alert(1)" not in client_of(recruiter).get(reverse(TODAY)).content.decode()


def test_today_asks_no_question_per_row(recruiter: User) -> None:
    client = client_of(recruiter)

    def fill() -> None:
        hand_off_of(recruiter)
        hand_off_of(None)
        make_message(delay=9)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(TODAY)).status_code == 200
        return len(captured)

    fill()
    client.get(reverse(TODAY))
    few = queries()
    for _ in range(4):
        fill()
    assert queries() == few
    assert few <= 16
