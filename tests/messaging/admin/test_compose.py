"""The page on which a person writes to one candidate, out of a hand-off or because they want to."""

import html
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging import gate, handoffs
from messaging.admin import compose, desk, handoff_acts
from messaging.delivery import outbox
from messaging.delivery.outcomes import Result
from messaging.gate import Clearance
from messaging.models import Attempt, HandOff, Message
from messaging.policy.floor import Touchpoint
from messaging.wording.rendering import BODY_LIMIT
from pipeline.milestones import Milestone
from pipeline.models import Application, Interview, Reason, User
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_candidate,
    make_colleague,
    make_hand_off,
    make_interview,
    make_message,
    make_sender,
    make_template,
    make_user,
    make_wording,
)

pytestmark = pytest.mark.django_db

Status = HandOff.Status
EVIL = "<script>alert(1)</script>"
PREPARATION = """Hello {{ candidate.first_name }},

you meet {{ interview.interviewers }} next. Bring questions; there is no test to prepare for.

{{ sender.name }}"""


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
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


def read(client: Client, hand_off: HandOff) -> str:
    return html.unescape(client.get(url(hand_off)).content.decode())


def post(client: Client, hand_off: HandOff, button: str, **fields: str) -> Any:
    text = {"subject": "Your application", "body": OWN_WORDS, "note": "", "reason": ""}
    return client.post(url(hand_off), text | fields | {button: ""})


def page_of(response: Any) -> str:
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def again(hand_off: HandOff) -> HandOff:
    return HandOff.objects.get(pk=hand_off.pk)


def template_words(hand_off: HandOff, *, by: User) -> str:
    """What somebody would paste: the template with the candidate's name and their own filled in."""
    candidate, job = hand_off.application.candidate, hand_off.application.job
    return (
        f"Dear {candidate.first_name},\n\nThank you for applying for {job.title}. We have read your application and we "
        f"will not be moving forward with it.\n\n{by}"
    )


def make_prepared(**interview: Any) -> HandOff:
    """A message that a person sends, in the template's words if they like."""
    template = make_template(touchpoint=Touchpoint.INTERVIEW_PREPARATION, body=PREPARATION)
    application = make_application()
    if interview:
        make_interview(application, **interview)
    return make_hand_off(application=application, template=template, event="rejected")


# --- What the page shows ----------------------------------------------------------------------------------------------


def test_the_page_says_who_where_why_whose_and_until_when(client: Client) -> None:
    candidate = make_candidate(first_name="Mira", last_name="Castellanos", email="mira@example.com", phone="+44 113 1")
    hand_off = make_hand_off(reach=Milestone.FINAL_ROUND, application=make_application(candidate=candidate))
    page = read(client, hand_off)
    shown = [
        "Mira Castellanos",
        "mira@example.com",
        "+44 113 1",
        "Final round",
        hand_off.application.job.title,
        str(hand_off.owner),
        "Due: Thu 17 Sep",
        *hand_off.sentences,
    ]
    assert [words for words in shown if words not in page] == []


def test_the_page_shows_what_may_be_drawn_on_and_marks_what_is_internal(client: Client) -> None:
    hand_off = make_hand_off()
    Reason.objects.update(internal="Doubts of the panel", shareable="We need more years with queues.")
    make_interview(hand_off.application, starts_at=NOW - timedelta(days=1), held_at=NOW, note="Nervous, warm.")
    make_interview(hand_off.application, starts_at=NOW + timedelta(days=3), interviewers="Bea Stone")
    page = read(client, hand_off)
    assert "We need more years with queues." in page
    assert "Bea Stone" in page
    for secret, mark in (
        ("Doubts of the panel", "Internal, not for the candidate"),
        ("Nervous, warm.", "Internal note"),
    ):
        assert page.index(mark) < page.index(secret)


def test_the_conversations_of_another_application_count_too(client: Client) -> None:
    candidate = make_candidate()
    make_interview(make_application(candidate=candidate), held_at=NOW, starts_at=NOW, note="Asked about trains.")
    make_interview(make_application(), held_at=NOW, starts_at=NOW, note="Somebody else entirely.")
    page = read(client, make_hand_off(application=make_application(candidate=candidate)))
    assert "Asked about trains." in page
    assert "Somebody else entirely." not in page


def test_the_timeline_stands_beside_the_editor(client: Client) -> None:
    hand_off = make_hand_off()
    make_interview(hand_off.application, held_at=NOW, starts_at=NOW)
    assert "Moved forward from" in read(client, hand_off)


def test_own_words_start_from_nothing_and_the_template_is_there_to_know(client: Client) -> None:
    response = client.get(url(make_hand_off()))
    assert response.context["form"].initial == {"subject": "", "body": "", "note": ""}
    assert "What the template would have said" in page_of(response)
    assert "We have read your application" in page_of(response)


def test_what_a_person_only_sends_is_there_already_in_their_own_name(client: Client) -> None:
    response = client.get(url(make_prepared(interviewers="Bea Stone")))
    body = response.context["form"].initial["body"]
    assert "you meet Bea Stone next" in body
    assert body.endswith("Rita Okafor")


def test_a_candidate_who_came_further_since_needs_own_words_after_all(client: Client) -> None:
    template = make_template(signed=False)
    application = make_application()
    hand_off = make_hand_off(reach=Milestone.REVIEW, application=application, template=template)
    assert client.get(url(hand_off)).context["form"].initial["body"]
    make_interview(application, starts_at=NOW, held_at=NOW)
    assert not client.get(url(hand_off)).context["form"].initial["body"]


def test_a_text_that_reads_like_a_rejection_is_not_offered_once_they_were_met(client: Client) -> None:
    application = make_application()
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE)  # and yet it rejects
    hand_off = make_hand_off(reach=Milestone.REVIEW, application=application, template=template)
    assert client.get(url(hand_off)).context["form"].initial["body"]
    make_interview(application, starts_at=NOW, held_at=NOW)
    assert not client.get(url(hand_off)).context["form"].initial["body"]


def test_what_keeps_any_text_from_leaving_is_said_before_somebody_writes(client: Client) -> None:
    hand_off = make_hand_off()
    assert "Nothing can leave to" not in read(client, hand_off)
    hand_off.application.candidate.do_not_contact_at = NOW
    hand_off.application.candidate.save()
    assert "Nothing can leave to" in read(client, hand_off)
    assert "asked not to be contacted" in read(client, hand_off)


def test_a_hostile_name_stays_text(client: Client) -> None:
    hand_off = make_hand_off(application=make_application(candidate=make_candidate(first_name=EVIL, last_name=EVIL)))
    assert EVIL not in client.get(url(hand_off)).content.decode()


def test_the_page_asks_no_more_questions_for_a_longer_history(client: Client) -> None:
    hand_off = make_hand_off()
    client.get(url(hand_off))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url(hand_off)).status_code == 200
        return len(captured)

    make_interview(hand_off.application, starts_at=NOW, held_at=NOW)
    few = queries()
    for days in range(1, 6):
        make_interview(hand_off.application, starts_at=NOW - timedelta(days=days), held_at=NOW - timedelta(days=days))
        make_interview(hand_off.application, starts_at=NOW + timedelta(days=days))
    assert queries() == few


# --- Sending ----------------------------------------------------------------------------------------------------------


def test_own_words_leave_and_close_the_hand_off(client: Client, recruiter: User) -> None:
    hand_off = make_hand_off()
    response = post(client, hand_off, "_send")
    assert response.headers["Location"] == reverse("admin:messaging_handoff_changelist")
    closed = again(hand_off)
    assert (closed.status, closed.closed_by) == (Status.ANSWERED, recruiter)
    assert closed.answer is not None
    assert (closed.answer.written_by, closed.answer.body) == (recruiter, OWN_WORDS)
    assert LogEntry.objects.filter(object_id=hand_off.pk, user=recruiter).exists()
    outbox.drain(clock=timezone.now)
    assert Message.objects.get(pk=closed.answer.pk).status == Message.Status.SENT


def test_the_template_is_refused_with_the_passage_marked_and_the_text_kept(client: Client, recruiter: User) -> None:
    hand_off = make_hand_off()
    pasted = template_words(hand_off, by=recruiter)
    response = post(client, hand_off, "_send", body=pasted)
    assert response.context["form"]["body"].value() == pasted
    page = page_of(response)
    assert "Too close to the template" in page
    marked = page[page.index("<mark>") : page.index("</mark>")]
    assert "We have read your application" in marked
    assert again(hand_off).is_open
    assert not Message.objects.filter(origin="person").exists()
    post(client, hand_off, "_send")
    assert again(hand_off).status == Status.ANSWERED


def test_what_is_too_short_to_be_own_words_is_refused(client: Client) -> None:
    hand_off = make_hand_off()
    assert "too short" in page_of(post(client, hand_off, "_send", body="Sorry, no.\n\nRita"))
    assert again(hand_off).is_open


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("subject", "", "The subject is empty."),
        ("subject", "Hello\nBcc: all@example.com", "line break"),
        ("body", "", "The body is empty."),
        ("body", OWN_WORDS + "\n{{ candidate.first_name }}", "placeholder"),
        ("body", OWN_WORDS + "\n[missing: interview.date]", "[missing:"),
        ("body", "x" * (BODY_LIMIT + 1), "at most"),
        ("subject", "x" * 201, "at most"),
        ("body", OWN_WORDS + "\x00", "Null characters"),
    ],
)
def test_a_text_that_cannot_leave_is_refused_with_a_sentence_and_kept(
    client: Client, field: str, text: str, sentence: str
) -> None:
    hand_off = make_hand_off()
    response = post(client, hand_off, "_send", **{field: text})
    assert sentence in page_of(response)
    assert response.context["form"][field].value() == text
    assert again(hand_off).is_open
    assert not Message.objects.filter(origin="person").exists()
    post(client, hand_off, "_send")
    assert again(hand_off).status == Status.ANSWERED


def test_a_gap_in_the_prefilled_text_has_to_be_filled_before_it_leaves(client: Client) -> None:
    hand_off = make_prepared()
    text = client.get(url(hand_off)).context["form"].initial
    assert "[missing: interview.interviewers]" in text["body"]
    assert "[missing:" in page_of(post(client, hand_off, "_send", **text))
    assert again(hand_off).is_open
    filled = text["body"].replace("[missing: interview.interviewers]", "Bea Stone")
    post(client, hand_off, "_send", subject=text["subject"], body=filled)
    assert again(hand_off).status == Status.ANSWERED


def test_the_line_ends_of_a_browser_become_those_of_a_text(client: Client) -> None:
    hand_off = make_hand_off()
    post(client, hand_off, "_send", body=OWN_WORDS.replace("\n", "\r\n"))
    answer = again(hand_off).answer
    assert answer is not None
    assert answer.body == OWN_WORDS


def test_send_and_open_next_goes_to_the_most_urgent_of_ones_own(recruiter: User, client: Client) -> None:
    hand_off, later, sooner = make_hand_off(), make_hand_off(), make_hand_off(now=NOW - timedelta(days=3))
    make_hand_off(now=NOW - timedelta(days=9))  # somebody else's
    handoffs.assign([hand_off, later, sooner], to=recruiter)
    assert post(client, hand_off, "_send_next").headers["Location"] == url(sooner)
    post(client, sooner, "_not_needed", reason="They called.")
    post(client, later, "_not_needed", reason="They called.")
    last = make_hand_off()
    words = "\n\n".join(f"Thought {number} about your talk on ferries and tides, Kim." for number in range(9))
    response = post(client, last, "_send_next", body=words)
    assert response.headers["Location"] == reverse("admin:messaging_handoff_changelist")


# --- Closing it without a mail ----------------------------------------------------------------------------------------


def test_told_by_phone_is_recorded_with_the_note(client: Client, recruiter: User) -> None:
    hand_off = make_hand_off()
    post(client, hand_off, "_phone", note="Called at noon, took it well.")
    closed = again(hand_off)
    assert (closed.status, closed.note, closed.closed_by) == (
        Status.TOLD_BY_PHONE,
        "Called at noon, took it well.",
        recruiter,
    )
    application = Application.objects.get(pk=hand_off.application_id)
    assert application.told_how == Application.ToldHow.PHONE
    assert Interview.objects.held().filter(application=application).exists()
    assert LogEntry.objects.filter(object_id=hand_off.pk, change_message__contains="phone").exists()


def test_not_needed_is_recorded_with_the_reason(client: Client) -> None:
    hand_off = make_hand_off()
    post(client, hand_off, "_not_needed", reason="They withdrew by phone.")
    assert (again(hand_off).status, again(hand_off).note) == (Status.NOT_NEEDED, "They withdrew by phone.")
    assert not Message.objects.filter(origin="person").exists()


@pytest.mark.parametrize("is_told", [True, False])
def test_who_closes_it_without_a_word_is_asked_whether_they_know_the_outcome(client: Client, *, is_told: bool) -> None:
    hand_off = make_hand_off()
    rejected = Application.objects.filter(pk=hand_off.application_id)
    if is_told:
        rejected.update(told_at=NOW, told_how=Application.ToldHow.IN_PERSON)
    told = reverse("admin:pipeline_application_act", args=[hand_off.application_id, "told"])
    assert ("until somebody enters that they were told" in read(client, hand_off)) == (not is_told)
    post(client, hand_off, "_not_needed", reason="They know.")
    assert (told in client.get(reverse("admin:index")).content.decode()) == (not is_told)
    client.post(told, {"how": Application.ToldHow.IN_PERSON, "seen": rejected.get().stage_id})
    assert rejected.get().told_how == Application.ToldHow.IN_PERSON


@pytest.mark.parametrize(("button", "field"), [("_phone", "note"), ("_not_needed", "reason")])
def test_closing_without_saying_why_is_refused_and_the_text_stays(client: Client, button: str, field: str) -> None:
    hand_off = make_hand_off()
    for nothing in ("", "  \n "):
        response = post(client, hand_off, button, **{field: nothing})
        assert response.context["form"].errors[field]
        assert response.context["form"]["body"].value() == OWN_WORDS
        assert again(hand_off).is_open
    post(client, hand_off, button, **{field: "Because."})
    assert not again(hand_off).is_open


# --- Somebody was first -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "second",
    [
        {"button": "_send"},
        {"button": "_send", "body": "too short"},
        {"button": "_send", "body": "x" * (BODY_LIMIT + 1)},
        {"button": "_phone", "note": "I called as well."},
        {"button": "_phone", "note": ""},
        {"button": "_not_needed", "reason": "They know."},
    ],
)
def test_the_second_learns_who_was_first_and_keeps_every_word(second: dict[str, str]) -> None:
    hand_off = make_hand_off()
    post(client_of(make_colleague("Recruiter", first_name="Tom", last_name="First")), hand_off, "_send")
    first_answer = again(hand_off).answer
    text = {"subject": "My subject", "body": "My own long letter.", "note": "", "reason": ""} | second
    button = text.pop("button")
    page = page_of(post(client_of(make_colleague("Recruiter")), hand_off, button, **text))
    assert "Tom First already closed this hand-off" in page
    for words in filter(None, text.values()):
        assert words in page
    assert again(hand_off).answer == first_answer
    assert Message.objects.filter(origin="person").count() == 1


@pytest.mark.parametrize("button", ["_send", "_phone", "_not_needed"])
def test_who_is_overtaken_between_opening_and_closing_learns_it_too(
    recruiter: User, rf: RequestFactory, button: str
) -> None:
    hand_off = make_hand_off()
    stale = compose._find(hand_off.pk)
    post(client_of(make_colleague("Recruiter", first_name="Tom", last_name="First")), hand_off, "_send")
    words = {"subject": "Mine", "body": OWN_WORDS + "\n\nCall me.", "note": "Called.", "reason": "They know."}
    form = compose.AnswerForm(words)
    assert form.is_valid()
    close = {"_send": compose._send, "_phone": compose._tell_by_phone, "_not_needed": compose._close_as_not_needed}
    request = request_of(rf, recruiter)
    response = close[button](admin.site.get_model_admin(HandOff), request, stale, form)
    assert "Tom First already closed" in " ".join(str(message) for message in messages.get_messages(request))
    assert isinstance(response, TemplateResponse)
    page = html.unescape(response.render().content.decode())
    assert [text for text in words.values() if text not in page] == []
    assert Message.objects.filter(origin="person").count() == 1


def request_of(rf: RequestFactory, person: User) -> HttpRequest:
    request = rf.post("/")
    request.user = person
    request.session = SessionStore()
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    return request


def test_a_closed_hand_off_shows_what_became_of_it(client: Client) -> None:
    hand_off = make_hand_off()
    post(client, hand_off, "_send")
    page = read(client, hand_off)
    assert "Answered by mail" in page
    assert "billing migration" in page
    assert 'name="_send"' not in page


# --- Who may ----------------------------------------------------------------------------------------------------------


def test_who_may_not_write_to_candidates_reads_the_page_and_closes_nothing() -> None:
    hand_off = make_hand_off()
    auditor = client_of(make_colleague("Auditor"))
    assert "You may look" in read(auditor, hand_off)
    assert 'name="_send"' not in read(auditor, hand_off)
    for button in ("_send", "_send_next", "_phone", "_not_needed"):
        assert post(auditor, hand_off, button, note="x", reason="x").status_code == 403
    assert auditor.post(url(hand_off, "check"), {"body": OWN_WORDS}).status_code == 403
    assert auditor.post(url(hand_off, "give"), {"owner": make_sender().pk}).status_code == 403
    assert again(hand_off).is_open
    assert post(client_of(make_colleague("Recruiter")), hand_off, "_send").status_code == 302


def test_who_may_not_see_hand_offs_sees_none() -> None:
    hand_off = make_hand_off()
    for stranger in (make_user(), make_sender()):  # one who may only write cannot look around
        client = client_of(stranger)
        assert client.get(url(hand_off)).status_code == 403
        assert post(client, hand_off, "_send").status_code == 403
        assert client.post(url(hand_off, "check"), {"body": OWN_WORDS}).status_code == 403
    assert Client().get(url(hand_off)).headers["Location"].startswith(reverse("admin:login"))


def test_a_form_of_another_site_closes_nothing(recruiter: User) -> None:
    hand_off = make_hand_off()
    client = Client(enforce_csrf_checks=True)
    client.force_login(recruiter)
    assert post(client, hand_off, "_send").status_code == 403
    assert client.post(url(hand_off, "check"), {"body": OWN_WORDS}).status_code == 403
    assert again(hand_off).is_open


def test_looking_at_a_page_of_effects_has_none(client: Client) -> None:
    hand_off = make_hand_off()
    for what in ("check", "give"):
        assert client.get(url(hand_off, what)).status_code == 405
    client.get(url(hand_off) + "?_not_needed=&reason=x")
    assert again(hand_off).is_open


def test_a_hand_off_can_be_given_away_on_its_own_page(client: Client) -> None:
    hand_off, taker = make_hand_off(), make_sender(first_name="Tom")
    before = hand_off.owner
    for nobody in ("", "x", make_user().pk):
        client.post(url(hand_off, "give"), {"owner": nobody})
        assert again(hand_off).owner == before
    client.post(url(hand_off, "give"), {"owner": taker.pk})
    assert again(hand_off).owner == taker
    response = client.post(url(hand_off, "give"), {"owner": taker.pk}, follow=True)
    assert "Nothing changed" in page_of(response)


def test_nobody_is_given_what_they_may_not_answer(recruiter: User, rf: RequestFactory) -> None:
    hand_off, stranger = make_hand_off(), make_user()
    request = request_of(rf, recruiter)
    handoff_acts.assign(admin.site.get_model_admin(HandOff), request, [hand_off], to=stranger)
    assert "may not write to candidates" in " ".join(str(message) for message in messages.get_messages(request))
    assert again(hand_off).owner == hand_off.owner


@pytest.mark.parametrize(
    ("hours", "label"),
    [
        (-30, ("overdue", "Overdue since Mon 14 Sep")),
        (-1, ("overdue", "Overdue since today")),
        (1, ("today", "Today, 13:00")),
        (24, ("later", "Tomorrow")),
        (72, ("later", "Fri 18 Sep")),
    ],
)
def test_a_due_date_is_said_as_people_say_it(hours: int, label: tuple[str, str]) -> None:
    now = timezone.now()
    hand_off = HandOff(due_at=now + timedelta(hours=hours))
    assert desk.due_label(hand_off, now=now) == label
    hand_off.status = Status.ANSWERED
    assert desk.due_label(hand_off, now=now)[0] == "later"


# --- While they write -------------------------------------------------------------------------------------------------


def check(client: Client, hand_off: HandOff, body: str, subject: str = "Hello") -> dict[str, Any]:
    answer: dict[str, Any] = client.post(url(hand_off, "check"), {"subject": subject, "body": body}).json()
    return answer


def test_the_check_shows_the_passage_and_where_it_comes_from(client: Client, recruiter: User) -> None:
    hand_off = make_hand_off()
    said = check(client, hand_off, template_words(hand_off, by=recruiter))
    assert (said["too_close"], said["may_leave"], said["own_words"]) == (True, False, True)
    assert said["label"].startswith("the template “")
    assert "We have read your application" in said["passage"]
    assert "We have read your application" in said["known_passage"]
    assert said["score"] > 80
    assert "<mark>" in said["html"]
    assert [finding["code"] for finding in said["findings"]] == ["too_close"]


def test_the_check_has_nothing_against_own_words(client: Client) -> None:
    said = check(client, make_hand_off(), OWN_WORDS)
    assert (said["too_close"], said["too_short"], said["may_leave"], said["findings"]) == (False, False, True, [])
    assert said["sentence"] == "These are your own words. It can leave."


def test_the_check_asks_for_more_where_there_is_little(client: Client) -> None:
    said = check(client, make_hand_off(), "Dear Kim, I am sorry.")
    assert (said["too_short"], said["tone"]) == (True, "waiting")


def test_the_check_does_not_ask_for_own_words_where_the_template_may_be_sent(client: Client) -> None:
    hand_off = make_prepared(interviewers="Bea Stone")
    text = client.get(url(hand_off)).context["form"].initial
    said = check(client, hand_off, text["body"], text["subject"])
    assert (said["may_leave"], said["own_words"], said["too_close"]) == (True, False, False)


def test_the_check_says_everything_else_that_is_wrong(client: Client) -> None:
    said = check(client, make_hand_off(), OWN_WORDS, subject="")
    assert said["findings"] == [{"code": "text_problem", "sentence": "The subject is empty."}]
    assert "The subject is empty." in said["html"]
    said = check(client, make_hand_off(), "x" * (BODY_LIMIT + 1))
    assert (said["may_leave"], said["findings"][0]["code"]) == (False, "form")


def test_the_check_of_a_hostile_text_answers_with_text(client: Client, recruiter: User) -> None:
    hand_off = make_hand_off()
    said = check(client, hand_off, template_words(hand_off, by=recruiter) + "\n\n" + EVIL)
    assert said["too_close"]
    assert EVIL not in said["html"]


def test_the_check_changes_nothing(client: Client) -> None:
    hand_off = make_hand_off()
    before = Message.objects.count()
    check(client, hand_off, OWN_WORDS)
    assert Message.objects.count() == before
    assert again(hand_off).is_open


def test_the_preview_is_the_mail_shut_in(client: Client) -> None:
    response = client.post(
        reverse("admin:messaging_message_preview"), {"subject": "Hi", "body": f"Dear Kim,\n\n{EVIL}"}
    )
    page = response.content.decode()
    assert "<p>Dear Kim,</p>" in page
    assert EVIL not in page
    policy = response.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    auditor = client_of(make_colleague("Auditor"))
    assert auditor.post(reverse("admin:messaging_message_preview"), {"body": "x"}).status_code == 403
    assert client.get(reverse("admin:messaging_message_preview")).status_code == 405


# --- After the provider -----------------------------------------------------------------------------------------------


def hand_off_after(outcome: Attempt.Outcome, *, message: Message | None = None) -> HandOff:
    """What the provider's answer makes of an automation's message, or of a person's."""
    message = message or make_message()
    cleared = gate.clear(message.pk, now=NOW + timedelta(hours=2))
    assert isinstance(cleared, Clearance)
    result = Result(outcome=outcome, detail="ReadTimeout: no answer within 20 seconds")
    outbox.record(cleared.attempt, result, clock=timezone.now)
    return HandOff.objects.get(message=message, status=Status.OPEN)


def test_an_uncertain_mail_warns_before_anybody_writes_again(client: Client) -> None:
    hand_off = hand_off_after(Attempt.Outcome.UNCERTAIN)
    response = client.get(url(hand_off))
    page = page_of(response)
    assert page.index("They may have this message already") < page.index('name="body"')
    assert "ReadTimeout: no answer within 20 seconds" in page
    assert "What may have reached them already" in page
    assert response.context["form"].initial["body"] == ""


def test_a_mail_that_the_provider_did_not_take_can_be_sent_as_it_is(client: Client) -> None:
    hand_off = hand_off_after(Attempt.Outcome.REJECTED)
    response = client.get(url(hand_off))
    assert "They may have this message already" not in page_of(response)
    assert "ReadTimeout: no answer within 20 seconds" in page_of(response)
    initial = response.context["form"].initial
    assert initial["body"].endswith("Rita Okafor")
    assert post(client, hand_off, "_send", **initial).status_code == 302
    assert again(hand_off).status == Status.ANSWERED


def written(recruiter: User, client: Client) -> Message:
    hand_off = make_hand_off()
    post(client, hand_off, "_send")
    answer = again(hand_off).answer
    assert answer is not None
    return answer


def test_own_words_that_the_provider_did_not_take_are_there_again(client: Client, recruiter: User) -> None:
    hand_off = hand_off_after(Attempt.Outcome.REJECTED, message=written(recruiter, client))
    initial = client.get(url(hand_off)).context["form"].initial
    assert initial == {"subject": "Your application", "body": OWN_WORDS, "note": ""}
    assert post(client, hand_off, "_send", **initial).status_code == 302


def test_own_words_that_may_have_arrived_are_shown_and_not_ready_to_send(client: Client, recruiter: User) -> None:
    hand_off = hand_off_after(Attempt.Outcome.UNCERTAIN, message=written(recruiter, client))
    response = client.get(url(hand_off))
    assert response.context["form"].initial["body"] == ""
    assert "billing migration" in page_of(response)


# --- A message that a person starts -----------------------------------------------------------------------------------


def write_url(application: Application, what: str = "write") -> str:
    return reverse(f"admin:messaging_message_{what}", args=[application.pk])


def write(client: Client, application: Application, **fields: str) -> Any:
    text = {
        "touchpoint": Touchpoint.STATUS_UPDATE.value,
        "subject": "News",
        "body": OWN_WORDS,
        "token": str(uuid.uuid4()),
    }
    return client.post(write_url(application), text | fields)


def test_a_person_writes_because_they_want_to(client: Client, recruiter: User) -> None:
    application = make_application()
    assert "Write to Kim" in html.unescape(client.get(write_url(application)).content.decode())
    response = write(client, application)
    assert response.headers["Location"] == reverse("admin:pipeline_application_change", args=[application.pk])
    message = Message.objects.get()
    assert (message.written_by, message.touchpoint, message.origin) == (recruiter, Touchpoint.STATUS_UPDATE, "person")
    assert LogEntry.objects.filter(object_id=message.pk, user=recruiter).exists()


def test_a_form_that_is_sent_twice_makes_one_message(client: Client) -> None:
    application, token = make_application(), str(uuid.uuid4())
    for _ in range(2):
        assert write(client, application, token=token).status_code == 302
    assert Message.objects.count() == 1
    write(client, application)
    assert Message.objects.count() == 2


def test_a_template_is_no_message_of_ones_own_here_either(client: Client, recruiter: User) -> None:
    application = make_application()
    hand_off = make_hand_off(application=application)
    pasted = template_words(hand_off, by=recruiter)
    response = write(client, application, touchpoint=Touchpoint.FEEDBACK.value, body=pasted)
    assert "Too close to the template" in page_of(response)
    assert response.context["form"]["body"].value() == pasted
    assert not Message.objects.filter(origin="person").exists()
    assert write(client, application, touchpoint=Touchpoint.FEEDBACK.value).status_code == 302


def test_the_check_of_a_new_message_goes_by_its_kind(client: Client) -> None:
    application = make_application()
    make_wording(make_template(), body="A known text of more than a few words, which anybody may have read before.")
    known = {"subject": "Hi", "body": "A known text of more than a few words, which anybody may have read before."}
    said = {
        kind: client.post(
            write_url(application, "check"), known | {"touchpoint": kind, "token": str(uuid.uuid4())}
        ).json()
        for kind in (Touchpoint.STATUS_UPDATE.value, Touchpoint.CHECK_IN.value)
    }
    assert said[Touchpoint.STATUS_UPDATE.value]["may_leave"]
    assert said[Touchpoint.CHECK_IN.value]["too_close"]


@pytest.mark.parametrize("field", ["touchpoint", "token"])
def test_a_new_message_of_no_kind_or_with_a_forged_token_is_refused(client: Client, field: str) -> None:
    application = make_application()
    assert write(client, application, **{field: "nonsense"}).status_code == 200
    assert not Message.objects.exists()
    assert client.post(write_url(application, "check"), {"touchpoint": "nonsense"}).json()["may_leave"] is False
    assert write(client, application).status_code == 302


def test_the_page_of_a_new_message_points_to_the_hand_off_that_waits(client: Client) -> None:
    hand_off = make_hand_off()
    assert url(hand_off) in read_new(client, hand_off.application)
    assert "A hand-off waits" not in read_new(client, make_application())


def read_new(client: Client, application: Application) -> str:
    page = html.unescape(client.get(write_url(application)).content.decode())
    return page.split("Timeline")[0]


def test_who_may_not_write_starts_no_message() -> None:
    application = make_application()
    auditor = client_of(make_colleague("Auditor"))
    assert auditor.get(write_url(application)).status_code == 403
    assert write(auditor, application).status_code == 403
    assert auditor.post(write_url(application, "check"), {"body": "x"}).status_code == 403
    recruiter = client_of(make_colleague("Recruiter"))
    assert recruiter.get(write_url(application, "check")).status_code == 405
    assert recruiter.get(reverse("admin:messaging_message_write", args=[999])).status_code == 404
