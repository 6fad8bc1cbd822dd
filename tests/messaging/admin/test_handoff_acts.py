"""Claiming a hand-off, putting it off, and the lists in which a team finds its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging import escalations, handoffs, working_days
from messaging.models import HandOff, Snooze
from pipeline.models import User
from tests.factories import (
    NOW,
    make_application,
    make_candidate,
    make_colleague,
    make_hand_off,
    make_job,
    make_sender,
)

pytestmark = pytest.mark.django_db

LIST = "admin:messaging_handoff_changelist"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        yield


@pytest.fixture
def recruiter() -> User:
    return make_colleague("Recruiter", first_name="Rita", last_name="Okafor")


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def of_job(**job: Any) -> HandOff:
    return make_hand_off(application=make_application(job=make_job(**job)))


def nobodys() -> HandOff:
    return of_job(recruiter=None)


def url(hand_off: HandOff, what: str) -> str:
    return reverse(f"admin:messaging_handoff_{what}", args=[hand_off.pk])


def owner_of(hand_off: HandOff) -> User | None:
    return HandOff.objects.get(pk=hand_off.pk).owner


def shown(client: Client, query: str) -> set[int]:
    return {hand_off.pk for hand_off in client.get(reverse(LIST) + query).context["cl"].result_list}


# --- Lists ------------------------------------------------------------------------------------------------------------


def test_my_teams_are_those_of_the_jobs_in_which_i_have_a_part(recruiter: User) -> None:
    mine = {
        of_job(**{"recruiter": None, role: recruiter}).pk for role in ("recruiter", "coordinator", "hiring_manager")
    }
    closed = of_job(recruiter=recruiter)
    handoffs.close_as_not_needed(closed, reason="Done.", by=recruiter, now=NOW)
    of_job(recruiter=make_sender())
    client = client_of(recruiter)
    assert shown(client, "?show=team") == mine
    [count] = [show["count"] for show in client.get(reverse(LIST)).context["shows"] if show["value"] == "team"]
    assert count == 3


def test_what_was_escalated_to_me_is_listed_until_its_due_date_changes() -> None:
    manager = make_colleague("Auditor", first_name="Maya")  # may look, and not write
    hand_off, by = of_job(recruiter=make_sender(), hiring_manager=manager), make_sender()
    of_job()
    HandOff.objects.update(due_at=NOW - timedelta(days=7))
    escalations.escalate(now=NOW, at_most=100)
    client = client_of(manager)
    assert shown(client, "?show=escalated") == {hand_off.pk}
    assert "Escalated to the job’s hiring manager" in client.get(reverse(LIST) + "?show=escalated").content.decode()
    day = working_days.ahead(NOW, 3)[-1]
    handoffs.snooze(hand_off, until=day, reason="The panel meets then.", by=by, now=NOW)
    assert shown(client, "?show=escalated") == set()
    assert "Put off: The panel meets then." in client.get(reverse(LIST)).content.decode()


def test_an_empty_list_says_what_belongs_there(recruiter: User) -> None:
    page = client_of(recruiter).get(reverse(LIST)).content.decode()
    assert "becomes a hand-off here" in page
    nobodys()
    assert "becomes a hand-off here" not in client_of(recruiter).get(reverse(LIST)).content.decode()


def test_how_it_was_closed_is_told_where_closed_ones_are_shown(recruiter: User) -> None:
    nobodys()
    client = client_of(recruiter)
    columns = {query: client.get(reverse(LIST) + query).context["cl"].list_display for query in ("", "?show=all")}
    assert ["state" in names for names in columns.values()] == [False, True]


def test_the_list_asks_no_more_questions_for_more_rows(recruiter: User) -> None:
    client = client_of(recruiter)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(LIST)).status_code == 200
        return len(captured)

    def add(count: int) -> None:
        for _ in range(count):
            hand_off = of_job(recruiter=make_sender(), hiring_manager=make_sender())
            HandOff.objects.filter(pk=hand_off.pk).update(due_at=NOW - timedelta(days=3))
        escalations.escalate(now=NOW, at_most=100)

    client.get(reverse(LIST))
    add(2)
    few = queries()
    add(3)
    assert queries() == few


# --- Claiming ---------------------------------------------------------------------------------------------------------


def test_who_may_answer_claims_a_hand_off_from_the_list_and_stays_there(recruiter: User) -> None:
    hand_off, client = nobodys(), client_of(recruiter)
    narrowed = "http://testserver" + reverse(LIST) + "?show=unassigned"
    page = client.get(narrowed).content.decode()
    assert f'formaction="{url(hand_off, "claim")}"' in page
    response = client.post(url(hand_off, "claim"), {"seen_with": ""}, headers={"referer": narrowed})
    assert response.headers["Location"] == reverse(LIST) + "?show=unassigned"
    assert owner_of(hand_off) == recruiter
    assert LogEntry.objects.filter(object_id=hand_off.pk, change_message__contains="Claimed").exists()
    assert f'formaction="{url(hand_off, "claim")}"' not in client.get(reverse(LIST)).content.decode()  # it is theirs


def test_a_foreign_referer_leads_nowhere_but_to_the_hand_off(recruiter: User) -> None:
    hand_off, client = nobodys(), client_of(recruiter)
    for referer in ("https://evil.example.com/?show=mine", "nonsense", f"http://testserver{url(hand_off, 'compose')}"):
        response = client.post(url(hand_off, "claim"), {"seen_with": ""}, headers={"referer": referer})
        assert response.headers["Location"] == url(hand_off, "compose")


def test_what_somebody_else_claimed_meanwhile_stays_theirs(recruiter: User) -> None:
    hand_off, other = nobodys(), make_sender(first_name="Tom", last_name="Adeyemi")
    handoffs.assign([hand_off], to=other)
    response = client_of(recruiter).post(url(hand_off, "claim"), {"seen_with": ""}, follow=True)
    assert "It went to Tom Adeyemi a moment ago" in response.content.decode()
    assert owner_of(hand_off) == other
    client_of(recruiter).post(url(hand_off, "claim"), {"seen_with": other.pk})
    assert owner_of(hand_off) == recruiter


def test_the_chosen_ones_are_claimed_together(recruiter: User) -> None:
    first, second, other = nobodys(), nobodys(), nobodys()
    data = {"action": "claim_all", ACTION_CHECKBOX_NAME: [first.pk, second.pk]}
    client_of(recruiter).post(reverse(LIST), data)
    assert [owner_of(hand_off) == recruiter for hand_off in (first, second, other)] == [True, True, False]


@pytest.mark.parametrize("what", ["claim", "snooze"])
def test_who_may_only_look_neither_claims_nor_puts_off(what: str, recruiter: User) -> None:
    hand_off = nobodys()
    day = working_days.ahead(NOW, 5)[-1].isoformat()
    auditor = client_of(make_colleague("Auditor"))
    data = {"seen_with": "", "until": day, "why": "Later."}
    assert auditor.post(url(hand_off, what), data).status_code == 403
    assert (owner_of(hand_off), Snooze.objects.count()) == (None, 0)
    page = auditor.get(url(hand_off, "compose")).content.decode()
    assert url(hand_off, what) not in page
    assert client_of(recruiter).post(url(hand_off, what), data).status_code == 302
    assert url(hand_off, "snooze") in client_of(recruiter).get(url(hand_off, "compose")).content.decode()


@pytest.mark.parametrize("what", ["claim", "snooze", "end_snooze", "give", "draft", "check"])
def test_nothing_happens_without_a_post_or_to_a_hand_off_that_is_not_there(what: str, recruiter: User) -> None:
    hand_off, client = nobodys(), client_of(recruiter)
    assert client.get(url(hand_off, what)).status_code == 405
    assert owner_of(hand_off) is None
    assert client.post(reverse(f"admin:messaging_handoff_{what}", args=[999_999])).status_code == 404


# --- Putting off ------------------------------------------------------------------------------------------------------


def test_a_hand_off_is_put_off_with_a_reason_that_its_page_shows(recruiter: User) -> None:
    hand_off, client = of_job(recruiter=recruiter), client_of(recruiter)
    form = client.get(url(hand_off, "compose")).context["snooze_form"]
    days = [value for value, _ in form.fields["until"].choices]
    assert days[0] == working_days.add(hand_off.due_at, 1).date().isoformat()  # later than it is due, and no sooner
    response = client.post(url(hand_off, "snooze"), {"until": days[0], "why": "The panel meets then."}, follow=True)
    assert "is due on Friday 18 September now" in response.content.decode()
    page = client.get(url(hand_off, "compose")).content.decode()
    assert "The panel meets then." in page
    assert "Put off from Thursday, 17 September to Friday, 18 September" in page
    assert LogEntry.objects.filter(object_id=hand_off.pk, change_message__contains="Put off").exists()


def test_putting_off_is_undone_from_the_list_for_a_moment_and_from_its_page_at_any_time(recruiter: User) -> None:
    hand_off, client = of_job(recruiter=recruiter), client_of(recruiter)
    other = client_of(make_colleague("Recruiter"))
    due, data = hand_off.due_at, {"until": "2026-09-18", "why": "The panel meets then."}
    undo = url(hand_off, "end_snooze")
    assert undo not in client.get(url(hand_off, "compose")).content.decode()

    client.post(url(hand_off, "snooze"), data)
    assert undo in client.get(reverse(LIST)).content.decode()
    assert undo not in other.get(reverse(LIST)).content.decode()
    response = client.post(undo, headers={"Referer": f"http://testserver{reverse(LIST)}?show=mine"}, follow=True)
    assert response.redirect_chain[0][0].endswith("?show=mine")
    assert "is due on Thursday 17 September again" in response.content.decode()
    assert HandOff.objects.get().due_at == due
    assert undo not in response.content.decode()
    assert "Put off: " not in response.content.decode()

    client.post(url(hand_off, "snooze"), data)
    assert client.get(reverse(LIST)).content.decode().count(undo) == 1
    with time_machine.travel(NOW + timedelta(hours=3), tick=False):
        assert undo not in client.get(reverse(LIST)).content.decode()
        assert undo in other.get(url(hand_off, "compose")).content.decode()
        assert (
            "Put off no longer: due on Thursday, 17 September again" in other.post(undo, follow=True).content.decode()
        )
    assert HandOff.objects.get().due_at == due
    assert "nothing was changed" in client.post(undo, follow=True).content.decode()


@pytest.mark.parametrize(
    ("until", "why"),
    [("", "Later."), ("2026-09-18", ""), ("2026-09-19", "Later."), ("2027-01-04", "Later."), ("x", "y")],
)
def test_a_hand_off_is_not_put_off_without_a_day_and_a_reason(recruiter: User, until: str, why: str) -> None:
    hand_off, client = of_job(recruiter=recruiter), client_of(recruiter)
    client.post(url(hand_off, "snooze"), {"until": until, "why": why}, follow=True)
    assert HandOff.objects.get().due_at == hand_off.due_at
    client.post(url(hand_off, "snooze"), {"until": "2026-09-18", "why": "Later."})
    assert HandOff.objects.get().due_at > hand_off.due_at


def test_a_hostile_reason_stays_text(recruiter: User) -> None:
    hand_off, client = of_job(recruiter=recruiter, title="<i>x</i>"), client_of(recruiter)
    HandOff.objects.filter(pk=hand_off.pk).update(
        reasons=[{"code": "floor", "sentence": '"><script>alert(1)</script> because <script>alert(2)</script>'}]
    )
    evil = '"><script>alert(3)</script>'
    client.post(url(hand_off, "snooze"), {"until": "2026-09-18", "why": evil})
    assert Snooze.objects.get().reason == evil
    make_hand_off(application=make_application(candidate=make_candidate(last_name=evil), job=make_job(recruiter=None)))
    for page in (reverse(LIST), url(hand_off, "compose")):
        assert "<script>alert(" not in client.get(page).content.decode()
    assert timezone.now() == NOW + timedelta(hours=2)
