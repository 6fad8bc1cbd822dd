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
from messaging.admin.today import AT_MOST
from messaging.delivery import outbox
from messaging.delivery.outcomes import Result
from messaging.gate import Clearance
from messaging.models import Attempt, Escalation, HandOff, Message, RecordedVerdict
from messaging.policy.floor import Reserve
from pipeline.milestones import Milestone
from pipeline.models import Job, User
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_candidate,
    make_colleague,
    make_hand_off,
    make_job,
    make_message,
    make_user,
)
from tests.guards_off import guards_off

pytestmark = pytest.mark.django_db

TODAY = "admin:index"
PARTS = ("jobs", "hand_offs", "mail", "week", "chart", "machine_sent", "waiting", "first_run")


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
    return {name: response.context.get(name) for name in PARTS}


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


def test_what_was_escalated_to_me_stands_first_and_once(recruiter: User) -> None:
    mine, manager = hand_off_of(recruiter), make_user()
    asked = hand_off_of(None, now=NOW - timedelta(days=7))
    elsewhere = make_hand_off(
        application=make_application(job=make_job(recruiter=None, coordinator=recruiter, hiring_manager=recruiter)),
        now=NOW - timedelta(days=7),
    )
    HandOff.objects.filter(pk=elsewhere.pk).update(owner=make_colleague("Recruiter", first_name="Nadia"))
    for hand_off, to in ((asked, recruiter), (elsewhere, recruiter), (mine, manager)):
        Escalation.objects.create(hand_off=hand_off, step=1, due_at=hand_off.due_at, to=to, escalated_at=NOW)
    HandOff.objects.filter(pk=asked.pk).update(owner=recruiter)
    shown = context_of(recruiter)["hand_offs"]
    assert sorted(listed(shown["escalated"])) == sorted([asked.pk, elsewhere.pk])
    assert listed(shown["mine"]) == [mine.pk]
    assert (shown["counts"]["mine"], shown["counts"]["escalated"]) == (2, 2)
    page = client_of(recruiter).get(reverse(TODAY)).content.decode()
    assert page.index("Escalated to you") < page.index("My hand-offs")
    assert "with Nadia" in page
    HandOff.objects.filter(pk=asked.pk).update(
        due_at=NOW + timedelta(days=9)
    )  # put off: nobody is asked about that yet
    assert listed(context_of(recruiter)["hand_offs"]["escalated"]) == [elsewhere.pk]


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


@pytest.mark.parametrize("owned", [True, False], ids=["mine", "nobody’s"])
@pytest.mark.parametrize("escalated", [True, False], ids=["escalated to me", "in time"])
@pytest.mark.parametrize("status", ["held", "failed", "uncertain"])
def test_what_waits_for_me_stands_once(recruiter: User, owned: bool, escalated: bool, status: str) -> None:
    hand_off = hand_off_of(None)
    HandOff.objects.filter(pk=hand_off.pk).update(owner=recruiter if owned else None)
    with guards_off():
        Message.objects.filter(pk=hand_off.message_id).update(status=status, recipient="kim@example.com")
    if escalated:
        Escalation.objects.create(hand_off=hand_off, step=1, due_at=hand_off.due_at, to=recruiter, escalated_at=NOW)
    client = client_of(recruiter)
    response = client.get(reverse(TODAY))
    shown = response.context["hand_offs"]
    part = "escalated" if escalated else "broken" if status != "held" else "mine" if owned else "unassigned"
    parts = ("escalated", "broken", "mine", "unassigned")
    assert {name: listed(shown[name]) for name in parts} == {name: [hand_off.pk] * (name == part) for name in parts}
    page = html.unescape(response.content.decode())
    assert page.count(f'href="{reverse("admin:messaging_handoff_compose", args=[hand_off.pk])}"') == 1
    assert ("Nobody waits for you." in page) == (not owned and not escalated)
    assert ("Every hand-off has an owner." in page) == owned
    for show in ("mine", "unassigned"):
        there = client.get(shown["url"] + f"?show={show}").context["cl"].result_count
        assert shown["counts"][show] == there == (owned if show == "mine" else not owned)


def test_when_much_mail_went_wrong_the_lists_have_the_rest(recruiter: User) -> None:
    for _ in range(AT_MOST + 1):
        hand_off_of(recruiter)
    with guards_off():
        Message.objects.update(status="uncertain", recipient="kim@example.com")
    response = client_of(recruiter).get(reverse(TODAY))
    assert len(response.context["hand_offs"]["broken"]) == AT_MOST
    assert f"All {AT_MOST + 1} uncertain" in response.content.decode()


def test_what_leaves_next_is_in_the_order_of_time_and_short(recruiter: User) -> None:
    later, sooner = make_message(delay=9), make_message(delay=4)
    assert [message.pk for message in context_of(recruiter)["mail"]["next"]] == [sooner.pk, later.pk]
    for _ in range(12):
        make_message(delay=9)
    mail = context_of(recruiter)["mail"]
    assert (len(mail["next"]), mail["counts"]["scheduled"]) == (AT_MOST, 14)


def test_the_time_given_back_is_what_automations_sent_since_monday(recruiter: User) -> None:
    for moment in (NOW - timedelta(days=age) for age in (8, 2, 1, 0)):  # last Monday, Sunday, Monday, Tuesday
        make_message(now=moment)
        outbox.drain(clock=partial(operator.add, moment, timedelta(hours=1)))
    make_message(delay=9)
    assert Message.objects.filter(status="sent").count() == 4
    week = context_of(recruiter)["week"]
    assert (week["sent"], week["given_back"], week["before"]) == (2, "10 min", "10 min")
    assert (week["goal"], week["percent"]) == (12, 1)


def test_what_a_person_wrote_gives_no_time_back_and_is_what_it_was_for(recruiter: User) -> None:
    hand_off = hand_off_of(recruiter)
    assert context_of(recruiter)["week"]["median"] == "none answered yet"
    answer = handoffs.answer(hand_off, subject="Hello", body=OWN_WORDS, by=recruiter, now=timezone.now())
    assert isinstance(answer, Message)
    outbox.drain(clock=lambda: timezone.now() + timedelta(minutes=5))
    assert Message.objects.get(pk=answer.pk).status == Message.Status.SENT
    week = context_of(recruiter)["week"]
    assert (week["given_back"], week["sent"]) == ("0 min", 0)
    assert (week["answered"], week["median"]) == (1, "2 h")


def test_who_waits_and_nobody_is_on_is_shown_with_the_longest_silence_first(recruiter: User) -> None:
    silent, longest = (make_application(now=NOW - timedelta(days=days)) for days in (9, 30))
    hand_off_of(recruiter)  # rejected and not told, but somebody has the task
    make_application()
    waiting = context_of(recruiter)["waiting"]
    assert [row["application"].pk for row in waiting["rows"]] == [longest.pk, silent.pk]
    assert (waiting["number"], waiting["forgotten"]) == (3, 2)


def test_what_is_held_is_counted_by_its_reason(recruiter: User) -> None:
    for _ in range(2):
        hand_off_of(recruiter)
    hand_off_of(recruiter, reach=Milestone.OFFER)
    held = context_of(recruiter)["mail"]["held"]["reasons"]
    assert [one["number"] for one in held] == [2, 1]
    assert "phone screen" in held[0]["sentence"]


def test_the_days_are_drawn_with_a_table_beside_them(recruiter: User) -> None:
    make_message()
    outbox.drain(clock=timezone.now)
    shown = context_of(recruiter)["chart"]
    assert len(shown["bars"]) == 14
    assert (shown["bars"][-1]["label"], shown["bars"][-1]["cells"]) == ("Tue 15 Sep", ["1", "0", "0"])
    page = client_of(recruiter).get(reverse(TODAY)).content.decode()
    assert '<th scope="row">Tue 15 Sep</th><td class="report-number">1</td>' in page


# --- The line that must always read zero ---

ZERO = '#promise"><strong>{}</strong>'


def test_it_reads_zero(recruiter: User) -> None:
    make_message()
    outbox.drain(clock=timezone.now)
    page = client_of(recruiter).get(reverse(TODAY)).content.decode()
    assert ZERO.format(0) in page
    assert "This must never happen" not in page


def test_without_the_guards_it_would_show_what_a_machine_sent(recruiter: User) -> None:
    held = hand_off_of(recruiter).message
    with guards_off():
        RecordedVerdict.objects.create(
            message=held, decided_at=NOW, outcome="send", reserve=Reserve.PERSON_WRITES, findings=[], facts={}
        )
        Message.objects.filter(pk=held.pk).update(status="sent", sent_at=NOW, recipient="kim@example.com")
    client = client_of(recruiter)
    page = client.get(reverse(TODAY)).content.decode()
    assert ZERO.format(1) in page
    assert "This must never happen" in page
    listed_there = client.get(reverse("reports:moments")).content.decode()
    assert reverse("admin:messaging_message_change", args=[held.pk]) in listed_there


def test_every_number_leads_to_a_list_of_as_many_rows(recruiter: User) -> None:
    hand_off_of(recruiter)
    hand_off_of(recruiter, now=NOW - timedelta(days=7))
    hand_off_of(make_colleague("Recruiter"), now=NOW - timedelta(days=7))
    hand_off_of(None)
    for moment in (NOW - timedelta(days=8), NOW):
        make_message(now=moment)
        outbox.drain(clock=partial(operator.add, moment, timedelta(hours=1)))
    make_message(delay=9)
    handoffs.tell_by_phone(hand_off_of(None), note="Called.", by=recruiter, now=timezone.now())
    client = client_of(recruiter)
    shown = client.get(reverse(TODAY)).context
    counts, mail, week = shown["hand_offs"]["counts"], shown["mail"], shown["week"]
    assert (week["sent"], week["answered"]) == (1, 1)
    addresses = {
        shown["hand_offs"]["url"] + "?show=mine": counts["mine"],
        shown["hand_offs"]["overdue_url"]: counts["overdue"],
        shown["hand_offs"]["url"] + "?show=unassigned": counts["unassigned"],
        shown["hand_offs"]["url"] + "?show=mine": counts["mine"],
        mail["held"]["url"]: mail["held"]["number"],
        mail["held"]["reasons"][0]["url"]: mail["held"]["reasons"][0]["number"],
        week["sent_url"]: week["sent"],
        week["answered_url"]: week["answered"],
    }
    page = html.unescape(client.get(reverse(TODAY)).content.decode())
    for address, number in addresses.items():
        assert f'href="{address}"' in page
        assert client.get(address).context["cl"].result_count == number
    for show, number in mail["counts"].items():
        address = reverse("outbox:list") + f"?show={show}"
        assert f'href="{address}"' in page
        assert len(client.get(address).context["rows"]) == number


def test_the_boards_of_my_open_jobs_are_a_click_away(recruiter: User) -> None:
    mine, closed = make_job(recruiter=recruiter), make_job(recruiter=recruiter, status=Job.Status.CLOSED)
    others = [make_job(coordinator=recruiter), make_job(hiring_manager=recruiter)]
    make_job()
    make_application(job=mine, now=NOW - timedelta(days=8))
    make_application(job=closed)
    page = client_of(recruiter).get(reverse(TODAY)).content.decode()
    standings = context_of(recruiter)["jobs"]["standings"]
    assert [standing.job for standing in standings] == sorted([mine, *others], key=lambda job: job.title)
    assert {standing.job: (standing.active, standing.long) for standing in standings}[mine] == (1, 1)
    assert f'href="{reverse("board:job", args=[mine.pk])}"' in page
    assert "1 for 7 days or more" in page


def test_an_empty_day_says_what_will_appear_here(recruiter: User) -> None:
    page = html.unescape(client_of(recruiter).get(reverse(TODAY)).content.decode())
    for words in (
        "Nobody waits for you.",
        "Every hand-off has an owner.",
        "Nothing is scheduled.",
        "Nothing is held.",
        "Nobody waits without somebody on it.",
        "Nothing was sent in the last two weeks.",
    ):
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
        make_application(now=NOW - timedelta(days=9))

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
    assert few <= 36
