"""The page of an application: each act with its right, its preview and its refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from messaging import automations
from messaging.admin.acts import ACTS
from messaging.models import Automation, HandOff, Message
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Interview, StageChange, User
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

VIEW = "pipeline.view_application"
MOVE, REJECT, ADD_CALL = "pipeline.move_application", "pipeline.reject_application", "pipeline.add_interview"
RIGHTS = {act.verb: act.permission for act in ACTS}


@pytest.fixture
def ana() -> tuple[Client, User]:
    return sign_in(VIEW, MOVE, REJECT, ADD_CALL, "pipeline.add_application", "pipeline.view_candidate")


def page_of(application: Application) -> str:
    return reverse("admin:pipeline_application_change", args=[application.pk])


def act_url(application: Application, verb: str) -> str:
    return reverse("admin:pipeline_application_act", args=[application.pk, verb])


def fresh(application: Application) -> Application:
    return Application.objects.get(pk=application.pk)


def answer_for(application: Application, verb: str) -> dict[str, Any]:
    """What a person fills in for each act."""
    chosen: dict[str, dict[str, Any]] = {
        "move": {"to": make.stage_of(application, Milestone.REVIEW).pk},
        "reject": {"reason": make.make_reason().pk},
        "call": {"kind": "phone"},
        "told": {"how": "in_person"},
    }
    return {"seen": application.stage_id, "note": "Because."} | chosen.get(verb, {})


def ready_for(verb: str) -> Application:
    application = make.make_application()
    if verb in ("reopen", "told"):
        make.reject(application)
    return fresh(application)


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


DONE = {
    "move": lambda a: a.stage.milestone == Milestone.REVIEW,
    "reject": lambda a: a.status == "rejected",
    "hire": lambda a: a.status == "hired",
    "withdraw": lambda a: a.status == "withdrawn",
    "reopen": lambda a: a.status == "active",
    "told": lambda a: a.told_how == "in_person",
    "call": lambda a: a.interviews.held().count() == 1,
}
each_verb = pytest.mark.parametrize("verb", sorted(DONE))


def test_every_act_is_tested() -> None:
    assert set(DONE) == set(RIGHTS)


@each_verb
def test_an_act_is_done_logged_and_answered(verb: str, ana: tuple[Client, User]) -> None:
    client, user = ana
    application = ready_for(verb)
    assert client.get(act_url(application, verb)).status_code == 200
    assert not DONE[verb](fresh(application))

    response = client.post(act_url(application, verb), answer_for(application, verb), follow=True)

    assert response.redirect_chain == [(page_of(application), 302)]
    assert DONE[verb](fresh(application))
    assert str(application.candidate) in said(response)
    assert LogEntry.objects.get().user_id == user.pk


@each_verb
def test_a_preview_changes_nothing(verb: str, ana: tuple[Client, User]) -> None:
    client, _ = ana
    make.make_automation()
    application = ready_for(verb)
    before = (StageChange.objects.count(), Message.objects.count(), Interview.objects.count())
    response = client.post(act_url(application, verb), answer_for(application, verb) | {"preview": "1"})
    assert response.status_code == 200
    assert 'id="follows"' in response.content.decode()
    assert response.context["consequence"].refusal == ""
    assert not DONE[verb](fresh(application))
    assert (StageChange.objects.count(), Message.objects.count(), Interview.objects.count()) == before


@each_verb
def test_an_act_needs_its_own_right(verb: str) -> None:
    others = {MOVE, REJECT, ADD_CALL, "pipeline.change_application"} - {RIGHTS[verb]}
    client, _ = sign_in(VIEW, *others)
    application = ready_for(verb)
    assert client.get(act_url(application, verb)).status_code == 403
    assert client.post(act_url(application, verb), answer_for(application, verb)).status_code == 403
    assert not DONE[verb](fresh(application))
    assert act_url(application, verb) not in client.get(page_of(application)).content.decode()

    client, _ = sign_in(VIEW, RIGHTS[verb])
    assert act_url(application, verb) in client.get(page_of(application)).content.decode()


@each_verb
def test_an_act_on_somebody_who_was_moved_meanwhile_is_refused_with_a_sentence(
    verb: str, ana: tuple[Client, User]
) -> None:
    client, _ = ana
    application = ready_for(verb)
    given = answer_for(application, verb)
    Application.objects.filter(pk=application.pk).update(stage=make.stage_of(application, Milestone.OFFER))
    response = client.post(act_url(application, verb), given)
    assert f"{application.candidate} is in “Offer” by now." in response.content.decode()
    assert not DONE[verb](fresh(application))


def test_an_act_that_somebody_did_before_is_refused_with_a_sentence(ana: tuple[Client, User]) -> None:
    client, _ = ana
    application = ready_for("reject")
    given = answer_for(application, "reject")
    make.reject(application)
    response = client.post(act_url(application, "reject"), given, follow=True)
    assert f"{application.candidate} is rejected by now." in said(response)
    assert StageChange.objects.filter(kind="rejected").count() == 1


def test_the_page_of_an_act_without_its_application_or_of_no_act_is_not_found(ana: tuple[Client, User]) -> None:
    client, _ = ana
    application = make.make_application()
    assert client.get(act_url(application, "move")).status_code == 200
    assert client.get(act_url(application, "promote")).status_code == 404
    assert client.get(reverse("admin:pipeline_application_act", args=[10**9, "move"])).status_code == 404
    assert client.get(reverse("admin:pipeline_application_act", args=["x", "move"])).status_code == 404


def test_rejecting_somebody_early_says_what_will_be_sent_and_rings_the_doorbell(ana: tuple[Client, User]) -> None:
    client, _ = ana
    make.make_automation(
        template=make.make_template(name="Early rejection"), delay=2, delay_unit=Automation.DelayUnit.BUSINESS_DAYS
    )
    application = ready_for("reject")
    given = answer_for(application, "reject")
    preview = client.post(act_url(application, "reject"), given | {"preview": "1"}).content.decode()
    assert "This will send “Early rejection” on" in preview
    assert OrmQ.objects.count() == 0

    response = client.post(act_url(application, "reject"), given, follow=True)
    assert "“Early rejection” leaves on" in said(response)
    assert Message.objects.get().status == Message.Status.SCHEDULED
    assert OrmQ.objects.count() == 1


def test_rejecting_somebody_late_says_whose_hand_off_it_becomes_and_why(ana: tuple[Client, User]) -> None:
    client, _ = ana
    make.make_automation()
    application = make.make_application()
    make.move_to(application, Milestone.PHONE_SCREEN)
    application = fresh(application)
    given = answer_for(application, "reject")
    preview = client.post(act_url(application, "reject"), given | {"preview": "1"}).content.decode()
    assert f"becomes a hand-off for {application.job.recruiter}, due on" in preview
    assert "because the candidate reached phone screen" in preview
    assert HandOff.objects.count() == 0

    response = client.post(act_url(application, "reject"), given, follow=True)
    assert f"is a hand-off for {application.job.recruiter}" in said(response)
    assert HandOff.objects.open().count() == 1


def test_a_reason_shows_which_of_its_parts_the_candidate_may_read(ana: tuple[Client, User]) -> None:
    client, _ = ana
    make.make_reason(internal="Too slow in the test", shareable="we chose somebody with more practice")
    make.make_reason(internal="Did not fit", shareable="")
    make.make_reason(internal="Found a job", kind="withdrew")
    make.make_reason(internal="Retired reason", is_active=False)
    html = client.get(act_url(make.make_application(), "reject")).content.decode()
    assert "Too slow in the test" in html
    assert "“we chose somebody with more practice”" in html
    assert "they may read this" in html
    assert "Nothing of it is shared with the candidate." in html
    assert "Found a job" not in html
    assert "Retired reason" not in html


def test_a_logged_call_hands_off_the_rejection_that_was_waiting(ana: tuple[Client, User]) -> None:
    client, _ = ana
    application = make.make_application()
    make.make_automation(delay=2, delay_unit=Automation.DelayUnit.BUSINESS_DAYS)
    now = timezone.now()
    [message] = automations.follow(make.reject(application, now=now), now=now)
    assert message.status == Message.Status.SCHEDULED
    client.post(act_url(application, "call"), answer_for(fresh(application), "call"))
    message.refresh_from_db()
    assert message.status == Message.Status.HELD
    assert HandOff.objects.open().count() == 1


def test_an_application_is_added_by_hand_and_followed(ana: tuple[Client, User]) -> None:
    client, user = ana
    make.make_automation(event=Automation.Event.RECEIVED, template=make.make_template(touchpoint="acknowledgement"))
    candidate, job = make.make_candidate(), make.make_job()
    url = reverse("admin:pipeline_application_add")
    assert client.get(url, {"candidate": candidate.pk}).context["form"].initial["candidate"] == str(candidate.pk)

    response = client.post(url, {"candidate": candidate.pk, "job": job.pk, "note": "At the job fair."}, follow=True)

    application = Application.objects.get()
    assert response.redirect_chain == [(page_of(application), 302)]
    change = application.stage_changes.get()
    assert (change.moved_by_id, change.note, change.kind) == (user.pk, "At the job fair.", "received")
    assert Message.objects.filter(application=application).count() == 1

    again = client.post(url, {"candidate": candidate.pk, "job": job.pk})
    assert f"{candidate} already applied for “{job}”." in again.content.decode()
    assert Application.objects.count() == 1


def test_adding_an_application_needs_the_right() -> None:
    client, _ = sign_in(VIEW, MOVE)
    url = reverse("admin:pipeline_application_add")
    candidate, job = make.make_candidate(), make.make_job()
    assert client.get(url).status_code == 403
    assert client.post(url, {"candidate": candidate.pk, "job": job.pk}).status_code == 403
    assert Application.objects.count() == 0


def test_two_candidates_of_one_name_are_told_apart_by_their_address() -> None:
    client, _ = sign_in(VIEW, "pipeline.view_candidate", "pipeline.add_application")
    for address in ("zoe@example.com", "zoe.smith@example.com"):
        chosen = make.make_candidate(first_name="Zoe", last_name="Smith", email=address)
    wanted = {"app_label": "pipeline", "model_name": "application", "field_name": "candidate", "term": "zoe"}
    found = client.get(reverse("admin:pipeline_candidate_search"), wanted).json()["results"]
    assert {one["text"] for one in found} == {"Zoe Smith · zoe@example.com", "Zoe Smith · zoe.smith@example.com"}
    page = client.get(reverse("admin:pipeline_application_add"), {"candidate": chosen.pk}).content.decode()
    assert "Zoe Smith · zoe.smith@example.com" in page
    stranger, _ = sign_in("pipeline.add_application")
    assert stranger.get(reverse("admin:pipeline_candidate_search"), wanted).status_code == 403


def test_what_was_decided_is_shown_as_soon_as_something_was() -> None:
    client, _ = sign_in(VIEW)
    application = make.make_application()
    assert "What they may be told" not in client.get(page_of(application)).content.decode()
    make.reject(application)
    assert "What they may be told" in client.get(page_of(application)).content.decode()


def test_a_job_without_stages_gets_no_application(ana: tuple[Client, User]) -> None:
    client, _ = ana
    job = make.make_job()
    job.pipeline.stages.all().delete()
    answer = client.post(
        reverse("admin:pipeline_application_add"), {"candidate": make.make_candidate().pk, "job": job.pk}
    )
    assert "has no stages" in answer.content.decode()


# --- Conversations on the page ---


def formset(application: Application, *rows: dict[str, str], known: int = 0) -> dict[str, str]:
    data = {"interviews-TOTAL_FORMS": str(len(rows)), "interviews-INITIAL_FORMS": str(known)}
    for number, row in enumerate(rows):
        data |= {f"interviews-{number}-{name}": value for name, value in row.items()}
        data[f"interviews-{number}-application"] = str(application.pk)
    return data


PLANNED = {"kind": "video", "starts_at_0": "2026-09-21", "starts_at_1": "10:00", "place": "https://meet.example.com"}
HELD = PLANNED | {"held_at_0": "2026-09-21", "held_at_1": "10:05"}


def test_a_conversation_is_planned_on_the_page_and_signed_by_who_entered_it() -> None:
    client, user = sign_in(VIEW, "pipeline.change_application", "pipeline.view_interview", "pipeline.add_interview")
    application = make.make_application()
    response = client.post(page_of(application), formset(application, PLANNED))
    assert response.status_code == 302
    interview = Interview.objects.get()
    assert (interview.application_id, interview.logged_by_id, interview.held_at) == (application.pk, user.pk, None)


def test_a_conversation_that_was_held_cannot_be_made_unheld() -> None:
    client, user = sign_in(VIEW, "pipeline.change_application", "pipeline.view_interview", "pipeline.change_interview")
    application = make.make_application()
    held = moves.log_conversation(application, kind="phone", note="", by=actors.person(user.pk), now=make.NOW)
    planned = Interview.objects.create(application=application, kind="phone", starts_at=make.NOW + timedelta(days=9))
    rows = (PLANNED | {"id": str(planned.pk)} | HELD, PLANNED | {"id": str(held.pk), "held_at_0": "", "held_at_1": ""})
    response = client.post(page_of(application), formset(application, *rows, known=2))
    assert response.status_code == 302, response.context["errors"]
    held.refresh_from_db()
    planned.refresh_from_db()
    assert held.held_at == make.NOW
    assert planned.held_at is not None
    assert held.place == "https://meet.example.com"


def test_nothing_about_where_an_application_stands_can_be_typed() -> None:
    client, _ = sign_in(VIEW, "pipeline.change_application")
    application = make.make_application()
    client.post(page_of(application), formset(application) | {"status": "hired", "stage": "1", "told_how": "mail"})
    assert fresh(application).status == "active"


def test_the_page_asks_no_more_questions_for_a_longer_history(ana: tuple[Client, User]) -> None:
    client, _ = ana
    application = make.make_application()
    make.move_to(application, Milestone.REVIEW)
    client.get(page_of(application))
    few = _queries(client, page_of(application))
    for milestone in (3, 4, 5, 2, 3, 4):
        make.move_to(fresh(application), milestone)
    for _ in range(3):
        moves.log_conversation(application, kind="phone", note="", by=actors.person(make.make_user().pk), now=make.NOW)
        Interview.objects.create(application=application, kind="phone", starts_at=make.NOW)
    assert _queries(client, page_of(application)) == few


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_list_can_be_narrowed_to_who_still_has_to_be_told() -> None:
    client, _ = sign_in(VIEW)
    told, untold, active, withdrew = (make.make_application() for _ in range(4))
    for application in (told, untold):
        make.reject(application)
    moves.withdraw(withdrew, act=moves.Act(by=actors.CLOCK, now=make.NOW))
    moves.record_told(told, how="phone", by=actors.CLOCK, now=make.NOW)
    shown = {
        value: {
            row.pk
            for row in client.get(reverse("admin:pipeline_application_changelist"), {"told": value})
            .context["cl"]
            .result_list
        }
        for value in ("no", "yes")
    }
    assert shown == {"no": {untold.pk}, "yes": {told.pk}}
    assert active.pk not in shown["no"] | shown["yes"]


def test_the_list_can_be_narrowed_to_my_hand_offs() -> None:
    client, user = sign_in(VIEW)
    make.make_automation()
    jobs = (make.make_job(recruiter=user), make.make_job())
    late = [make.make_application(job=job) for job in jobs]
    make.make_application()
    for application in late:
        make.move_to(application, Milestone.PHONE_SCREEN)
        automations.follow(make.reject(fresh(application)), now=make.NOW)
    url = reverse("admin:pipeline_application_changelist")
    shown = [
        {row.pk for row in client.get(url, {"hand_off": value}).context["cl"].result_list} for value in ("open", "mine")
    ]
    assert shown == [{one.pk for one in late}, {late[0].pk}]


def test_a_conversation_that_is_entered_as_held_hands_off_the_rejection_that_was_waiting() -> None:
    client, _ = sign_in(VIEW, "pipeline.change_application", "pipeline.view_interview", "pipeline.add_interview")
    now = timezone.now()
    make.make_automation(delay=2, delay_unit=Automation.DelayUnit.BUSINESS_DAYS)
    application = make.make_application()
    [message] = automations.follow(make.reject(application, now=now), now=now)
    planned_ahead = PLANNED | {"starts_at_0": f"{now + timedelta(days=30):%Y-%m-%d}"}
    client.post(page_of(application), formset(application, planned_ahead))
    message.refresh_from_db()
    assert message.status == Message.Status.SCHEDULED
    [planned] = Interview.objects.all()
    client, _ = sign_in(VIEW, "pipeline.change_application", "pipeline.view_interview", "pipeline.change_interview")
    client.post(page_of(application), formset(application, HELD | {"id": str(planned.pk)}, known=1))
    message.refresh_from_db()
    assert message.status == Message.Status.HELD


@pytest.mark.parametrize(
    ("verb", "event"), [("move", Automation.Event.STAGE_ENTERED), ("reject", Automation.Event.REJECTED)]
)
@pytest.mark.parametrize("quiet", [{}, {"quiet": "on"}])
def test_an_act_without_any_message_is_followed_by_none(
    verb: str, event: str, quiet: dict[str, str], ana: tuple[Client, User]
) -> None:
    make.make_automation(event=event, delay=1, delay_unit=Automation.DelayUnit.HOURS)
    application = ready_for(verb)
    given = answer_for(application, verb) | quiet
    html = ana[0].post(act_url(application, verb), given | {"preview": "1"}).content.decode()
    assert ("Nobody is written to, and nobody gets a task." in html) is bool(quiet)
    ana[0].post(act_url(application, verb), given)
    assert DONE[verb](fresh(application))
    assert Message.objects.count() == (0 if quiet else 1)


def test_the_script_of_the_form_gets_what_will_follow_and_no_page(ana: tuple[Client, User]) -> None:
    application = ready_for("reject")
    given = answer_for(application, "reject") | {"preview": "1"}
    html = ana[0].post(act_url(application, "reject"), given, headers={"HX-Request": "true"}).content.decode()
    assert 'id="follows"' in html
    assert "<html" not in html
