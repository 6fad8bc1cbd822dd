"""The board as a person with given rights uses it: what it shows, what a move asks, does and refuses, and its undo."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging.admin.board_cards import NAME, SOURCE
from messaging.models import Automation, HandOff, Message
from messaging.policy.floor import Touchpoint
from pipeline.milestones import Milestone
from pipeline.models import Application, Job, StageChange, User
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

VIEW, VIEW_JOB, MOVE = "pipeline.view_application", "pipeline.view_job", "pipeline.move_application"


@pytest.fixture
def ana() -> tuple[Client, User]:
    return sign_in(VIEW, VIEW_JOB, MOVE)


@pytest.fixture
def application() -> Application:
    return make.make_application(now=timezone.now() - timedelta(days=8))


def url(job: Job) -> str:
    return reverse("board:job", args=[job.pk])


def automate(touchpoint: str = Touchpoint.STATUS_UPDATE, **when: Any) -> None:
    template = make.make_template(
        touchpoint=touchpoint, name="We read it", body="Dear {{ candidate.first_name }}, soon."
    )
    event = {"event": Automation.Event.STAGE_ENTERED, "delay": 1, "delay_unit": Automation.DelayUnit.HOURS}
    make.make_automation(template=template, **event | when)


def move(client: Client, application: Application, milestone: int = Milestone.REVIEW, /, **given: Any) -> Any:
    fields = {
        "application": application.pk,
        "seen": application.stage_id,
        "to": make.stage_of(application, milestone).pk,
        "note": "",
    }
    return client.post(reverse("board:move", args=[application.job_id]), fields | given)


def stage(application: Application) -> int:
    return Application.objects.get(pk=application.pk).stage.milestone


def nothing_was_written() -> bool:
    return not Message.objects.exists() and not HandOff.objects.exists()


# --- What is shown ----------------------------------------------------------------------------------------------------


def test_the_board_shows_who_is_where_since_when(ana: tuple[Client, User], application: Application) -> None:
    html = ana[0].get(url(application.job)).content.decode()
    assert str(application.candidate) in html
    assert "8 days" in html
    assert "board-long" in html
    assert f'data-move="{reverse("board:move", args=[application.job_id])}"' in html


def test_who_may_only_look_finds_nothing_to_move_with(application: Application) -> None:
    client, _ = sign_in(VIEW, VIEW_JOB)
    html = client.get(url(application.job)).content.decode()
    assert str(application.candidate) in html
    assert "data-move" not in html
    assert "do/move" not in html


@pytest.mark.parametrize("rights", [(VIEW,), (VIEW_JOB,), (MOVE,)])
def test_the_pages_need_their_rights(rights: tuple[str, ...], application: Application) -> None:
    client, _ = sign_in(*rights)
    assert client.get(reverse("board:list")).status_code == 403
    assert client.get(url(application.job)).status_code == 403
    both, _ = sign_in(VIEW, VIEW_JOB)
    assert both.get(reverse("board:list")).status_code == 200
    assert both.get(url(application.job)).status_code == 200


def test_a_job_that_is_not_there_is_not_found(ana: tuple[Client, User]) -> None:
    assert ana[0].get(reverse("board:job", args=[4711])).status_code == 404


def test_the_filters_stand_in_the_address(ana: tuple[Client, User], application: Application) -> None:
    other = make.make_application(job=application.job, candidate=make.make_candidate(first_name="Zoe"))
    html = ana[0].get(url(application.job), {"q": "zoe"}).content.decode()
    assert str(other.candidate) in html
    assert str(application.candidate) not in html
    assert "1 of 2" in html
    assert 'value="zoe"' in html


@pytest.mark.parametrize("query", ["days=x", "days=-1", "source=Nowhere", "q=%00", "q=" + "9" * 300, "hand_off=?"])
def test_a_filter_that_makes_no_sense_breaks_nothing(
    query: str, ana: tuple[Client, User], application: Application
) -> None:
    assert ana[0].get(f"{url(application.job)}?{query}").status_code == 200


def test_the_script_gets_the_columns_alone(ana: tuple[Client, User], application: Application) -> None:
    html = ana[0].get(url(application.job), headers={"HX-Request": "true"}).content.decode()
    assert str(application.candidate) in html
    assert "<html" not in html


def test_a_name_is_text(ana: tuple[Client, User], application: Application) -> None:
    make.make_application(job=application.job, candidate=make.make_candidate(first_name="<b>Zoe", last_name=""))
    html = ana[0].get(url(application.job)).content.decode()
    assert "&lt;b&gt;Zoe" in html
    assert "<b>Zoe" not in html


def test_every_card_says_what_is_its_own(ana: tuple[Client, User], application: Application) -> None:
    """Whatever stands in a name: also the marks that the words of a card are put in the place of."""
    odd = make.make_candidate(first_name=NAME, last_name=SOURCE, came_from="Fair & square")
    make.make_application(job=application.job, candidate=odd, now=timezone.now())
    waiting = make.make_application(job=application.job, candidate=make.make_candidate(first_name="Zoe"))
    automate(Touchpoint.FEEDBACK)
    move(ana[0], waiting, Milestone.FINAL_ROUND, confirmed="1")
    cards = re.findall("<li .*?</li>", ana[0].get(url(application.job)).content.decode())
    assert len(cards) == 3
    [first, second, third] = sorted(cards, key=lambda card: ("Zoe" in card, NAME in card))
    assert f"<b>{application.candidate}</b>" in first
    assert "8 days" in first
    assert "board-long" in first
    assert "board-source" not in first
    assert f"<b>{NAME} {SOURCE}</b>" in second
    assert "Fair &amp; square" in second
    assert "board-long" not in second
    assert "board-hand-off" not in first + second
    assert "board-hand-off" in third


def test_empty_boards_say_what_to_do() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    assert "There is no job yet" in client.get(reverse("board:list")).content.decode()
    job = make.make_job()
    assert "Nobody is in this job’s stages" in client.get(url(job)).content.decode()
    job.pipeline.stages.all().delete()
    assert "This pipeline has no stages yet" in client.get(url(job)).content.decode()


def test_all_jobs_can_be_narrowed_to_a_recruiter(ana: tuple[Client, User]) -> None:
    client, person = ana
    mine, other = make.make_job(title="Baker", recruiter=person), make.make_job(title="Roofer")
    closed = make.make_job(title="Tailor", recruiter=person, status=Job.Status.CLOSED)

    def shown(**query: Any) -> list[Job]:
        return [standing.job for standing in client.get(reverse("board:list"), query).context["standings"]]

    assert shown() == [mine, other]
    assert shown(recruiter=person.pk) == [mine]
    assert shown(recruiter=person.pk, closed="on") == [mine, closed]
    assert shown(recruiter="x") == [mine, other]


def test_the_switcher_leads_to_the_board_of_a_job(ana: tuple[Client, User], application: Application) -> None:
    response = ana[0].get(reverse("board:list"), {"job": application.job_id})
    assert response["Location"] == url(application.job)
    assert ana[0].get(reverse("board:list"), {"job": "x"}).status_code == 200


def test_a_board_asks_no_question_per_card_or_job(ana: tuple[Client, User], application: Application) -> None:
    client, job = ana[0], application.job

    def questions(page: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page).status_code == 200
        return len(captured)

    pages = (url(job), reverse("board:list"))
    few = [questions(page) for page in pages]
    for _ in range(6):
        make.make_application(job=job)
        make.make_application()
    assert [questions(page) for page in pages] == few


# --- A move -----------------------------------------------------------------------------------------------------------


def test_a_move_that_nothing_follows_from_is_done_at_once(ana: tuple[Client, User], application: Application) -> None:
    client, person = ana
    said = move(client, application).json()
    assert said["state"] == "done"
    assert said["sentence"] == f"{application.candidate} is in “Review”."
    assert f'data-card="{application.pk}"' in said["card"]
    assert "today" in said["card"]
    assert stage(application) == Milestone.REVIEW
    assert LogEntry.objects.get().user_id == person.pk
    assert StageChange.objects.latest("pk").moved_by == person


def test_a_move_that_mail_follows_from_is_asked_about_and_nothing_happened_yet(
    ana: tuple[Client, User], application: Application
) -> None:
    automate()
    said = move(ana[0], application).json()
    assert said["state"] == "ask"
    assert "This will send “We read it” on" in said["html"]
    assert "Move without any message" in said["html"]
    assert stage(application) == Milestone.APPLIED
    assert nothing_was_written()


def test_a_hand_off_is_asked_about_with_its_reason(ana: tuple[Client, User], application: Application) -> None:
    automate(Touchpoint.FEEDBACK)
    said = move(ana[0], application, Milestone.FINAL_ROUND).json()
    assert said["state"] == "ask"
    assert f"becomes a hand-off for {application.job.recruiter}" in said["html"]
    assert "The floor:" in said["html"]
    assert stage(application) == Milestone.APPLIED


def test_a_confirmed_move_is_done_with_what_follows(ana: tuple[Client, User], application: Application) -> None:
    automate()
    said = move(ana[0], application, confirmed="1", note=" Good letter. ").json()
    assert said["state"] == "done"
    assert "“We read it” leaves on" in said["sentence"]
    assert Message.objects.get().status == Message.Status.SCHEDULED
    change = StageChange.objects.latest("pk")
    assert (change.note, change.quiet) == ("Good letter.", False)


def test_a_person_can_move_without_sending(ana: tuple[Client, User], application: Application) -> None:
    automate()
    said = move(ana[0], application, confirmed="1", quiet="1").json()
    assert said["state"] == "done"
    assert stage(application) == Milestone.REVIEW
    assert StageChange.objects.latest("pk").quiet
    assert nothing_was_written()


def test_a_card_that_somebody_else_moved_is_refused_with_a_sentence(
    ana: tuple[Client, User], application: Application
) -> None:
    make.move_to(Application.objects.get(pk=application.pk), Milestone.OFFER)
    said = move(ana[0], application).json()
    assert said["state"] == "refused"
    assert said["sentence"].startswith(f"{application.candidate} is in “Offer” by now. Nothing was changed")
    assert stage(application) == Milestone.OFFER


@pytest.mark.parametrize("confirmed", [{}, {"confirmed": "1"}])
def test_who_was_rejected_meanwhile_is_not_moved(
    confirmed: dict[str, str], ana: tuple[Client, User], application: Application
) -> None:
    make.reject(Application.objects.get(pk=application.pk))
    assert "is rejected by now" in move(ana[0], application, **confirmed).json()["sentence"]
    assert "is rejected by now" in move(ana[0], application, Milestone.HIRED, **confirmed).json()["sentence"]
    assert stage(application) == Milestone.APPLIED


def test_a_stage_of_another_pipeline_is_refused(ana: tuple[Client, User], application: Application) -> None:
    foreign = make.make_application()
    said = move(ana[0], application, to=make.stage_of(foreign, Milestone.REVIEW).pk).json()
    assert said["state"] == "refused"
    assert stage(application) == Milestone.APPLIED


def test_the_hired_stage_hires_and_is_asked_about_in_any_case(
    ana: tuple[Client, User], application: Application
) -> None:
    said = move(ana[0], application, Milestone.HIRED).json()
    assert said["state"] == "ask"
    assert f"Hire {application.candidate}?" in said["html"]
    said = move(ana[0], application, Milestone.HIRED, confirmed="1").json()
    assert (said["state"], said["card"], said["undo"]) == ("done", "", "")
    assert Application.objects.get(pk=application.pk).status == Application.Status.HIRED


def test_a_move_needs_its_right_and_a_post(application: Application) -> None:
    client, _ = sign_in(VIEW, VIEW_JOB)
    assert move(client, application).status_code == 403
    allowed, _ = sign_in(VIEW, VIEW_JOB, MOVE)
    assert allowed.get(reverse("board:move", args=[application.job_id])).status_code == 405
    assert stage(application) == Milestone.APPLIED
    assert move(allowed, application).json()["state"] == "done"


@pytest.mark.parametrize("wanted", ["", "x", "4711", "9" * 30])
def test_a_card_that_is_not_on_this_board_is_not_found(
    wanted: str, ana: tuple[Client, User], application: Application
) -> None:
    assert move(ana[0], application, application=wanted).status_code == 404
    elsewhere = make.make_application()
    assert move(ana[0], application, application=elsewhere.pk).status_code == 404


# --- Undo -------------------------------------------------------------------------------------------------------------


def test_a_move_can_be_undone_and_says_what_stays(ana: tuple[Client, User], application: Application) -> None:
    client = ana[0]
    automate()
    said = move(client, application, Milestone.PHONE_SCREEN, confirmed="1").json()
    undone = client.post(said["undo"]).json()
    assert undone["state"] == "undone"
    assert "is back in “Applied”. Nothing was sent" in undone["sentence"]
    assert "It still counts that they reached “Phone screen”." in undone["sentence"]
    assert stage(application) == Milestone.APPLIED
    assert client.post(said["undo"]).json()["state"] == "refused"


def test_an_undo_brings_back_what_the_move_stopped(ana: tuple[Client, User], application: Application) -> None:
    automate()
    move(ana[0], application, confirmed="1")
    moved = Application.objects.get(pk=application.pk)
    said = move(ana[0], moved, Milestone.OFFER, confirmed="1").json()
    assert "“We read it” will not be sent" in said["sentence"]
    assert not Message.objects.waiting().filter(stage_change__to_stage=moved.stage).exists()
    assert ana[0].post(said["undo"]).json()["state"] == "undone"
    assert Message.objects.waiting().filter(stage_change__to_stage=moved.stage).exists()


def test_an_undo_needs_its_right_its_person_and_a_post(ana: tuple[Client, User], application: Application) -> None:
    said = move(ana[0], application).json()
    looker, _ = sign_in(VIEW, VIEW_JOB)
    assert looker.post(said["undo"]).status_code == 403
    other, _ = sign_in(VIEW, VIEW_JOB, MOVE)
    assert "Somebody else" in other.post(said["undo"]).json()["sentence"]
    assert ana[0].get(said["undo"]).status_code == 405
    assert ana[0].post(reverse("board:undo", args=[4711])).status_code == 404
    assert stage(application) == Milestone.REVIEW
    assert ana[0].post(said["undo"]).json()["state"] == "undone"


# --- Without the script -----------------------------------------------------------------------------------------------


def test_a_card_leads_to_the_form_and_the_form_back_to_the_board(
    ana: tuple[Client, User], application: Application
) -> None:
    client, board_url = ana[0], f"{url(application.job)}?q=kim"
    html = client.get(board_url).content.decode()
    act = f"{reverse('admin:pipeline_application_act', args=[application.pk, 'move'])}?next="
    assert act in html
    form = f"{act}{board_url.replace('?', '%3F').replace('=', '%3D')}"
    assert f'href="{board_url}"' in client.get(form).content.decode()
    to = make.stage_of(application, Milestone.REVIEW).pk
    response = client.post(form, {"seen": application.stage_id, "to": to, "note": ""})
    assert response["Location"] == board_url
    assert stage(application) == Milestone.REVIEW


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com/", "javascript:alert(1)"])
def test_a_form_leads_back_to_no_other_site(elsewhere: str, ana: tuple[Client, User], application: Application) -> None:
    act = reverse("admin:pipeline_application_act", args=[application.pk, "move"])
    fields = {"seen": application.stage_id, "to": make.stage_of(application, Milestone.REVIEW).pk, "note": ""}
    response = ana[0].post(f"{act}?next={elsewhere}", fields)
    assert response["Location"] == reverse("admin:pipeline_application_change", args=[application.pk])


def test_a_job_and_its_applications_lead_to_its_board(ana: tuple[Client, User], application: Application) -> None:
    client, job = ana[0], application.job
    for page in (
        reverse("admin:pipeline_job_changelist"),
        reverse("admin:pipeline_application_change", args=[application.pk]),
    ):
        assert f'href="{url(job)}"' in client.get(page).content.decode(), page
    button = reverse("admin:pipeline_job_open_board", args=[job.pk])
    assert f'href="{button}"' in client.get(reverse("admin:pipeline_job_change", args=[job.pk])).content.decode()
    assert client.get(button)["Location"] == url(job)
