"""The steps of the first run are ticked by what is there, each by its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from messaging.first_run import read_steps
from messaging.models import Automation, Template
from pipeline.models import Job, Pipeline, User
from tests.factories import make_automation, make_colleague, make_job, make_template, make_user

pytestmark = pytest.mark.django_db

TITLES = (
    "Name your organisation",
    "Invite colleagues",
    "Open a job with a pipeline",
    "Write a template and sign it",
    "Turn an automation on",
    "Let mail leave",
)


@pytest.fixture
def alone(settings: Settings) -> User:
    """The first administrator of an installation on which nobody has done anything."""
    settings.ORGANISATION_NAME = "Your organisation"
    settings.MAIL_MODE = "simulate"
    return make_colleague("Administrator")


def ticked(person: User) -> list[str]:
    return [step.title for step in read_steps(person) if step.is_done]


def test_at_the_beginning_nothing_is_done(alone: User) -> None:
    assert tuple(step.title for step in read_steps(alone)) == TITLES
    assert ticked(alone) == []


def name_it(settings: Settings) -> None:
    settings.ORGANISATION_NAME = "Halden Bikes"


def let_mail_leave(settings: Settings) -> None:
    settings.MAIL_MODE = "allowlist"


def open_a_job(settings: Settings) -> None:
    make_job(recruiter=None)


def invite(settings: Settings) -> None:
    make_user()


@pytest.mark.parametrize(
    ("do", "title"),
    [(name_it, TITLES[0]), (invite, TITLES[1]), (open_a_job, TITLES[2]), (let_mail_leave, TITLES[5])],
)
def test_each_step_ticks_itself(do: Callable[[Settings], None], title: str, alone: User, settings: Settings) -> None:
    do(settings)
    assert ticked(alone) == [title]


def test_a_template_is_done_when_somebody_signed_it_and_an_automation_when_it_is_on(alone: User) -> None:
    User.objects.exclude(pk=alone.pk).update(is_active=False)
    template = make_template(signed=False)
    automation = make_automation(template=template, is_active=False)
    User.objects.exclude(pk=alone.pk).update(is_active=False)
    assert ticked(alone) == []
    Automation.objects.filter(pk=automation.pk).update(is_active=True)
    assert ticked(alone) == [TITLES[4]]
    make_template()
    User.objects.exclude(pk=alone.pk).update(is_active=False)
    assert ticked(alone) == [TITLES[3], TITLES[4]]
    Template.objects.update(is_active=False)
    assert ticked(alone) == [TITLES[4]]


def test_a_job_counts_while_it_is_open_and_its_pipeline_has_stages(alone: User) -> None:
    job = make_job(recruiter=None)
    assert ticked(alone) == [TITLES[2]]
    Job.objects.update(pipeline=Pipeline.objects.create(name="Empty"))
    assert ticked(alone) == []
    Job.objects.update(pipeline=job.pipeline, status=Job.Status.CLOSED)
    assert ticked(alone) == []


def test_it_is_one_question(alone: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        read_steps(alone)
    assert len(captured) == 1


# --- On Today ---


def today(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.get(reverse("admin:index")).content.decode()


def test_the_list_is_on_today_until_everything_is_done(alone: User, settings: Settings) -> None:
    page = today(alone)
    assert "0 of 6 done" in page
    assert '<details class="desk-card today-first" open>' in page
    make_automation(template=make_template())
    make_job()
    name_it(settings)
    page = today(alone)
    assert "5 of 6 done" in page
    assert '<details class="desk-card today-first">' in page
    let_mail_leave(settings)
    assert "Set up Byhand" not in today(alone)


@pytest.mark.usefixtures("alone")
def test_whoever_cannot_set_it_up_is_not_asked_to() -> None:
    assert "Set up Byhand" in today(make_colleague("Coordinator"))
    assert "Set up Byhand" not in today(make_colleague("Recruiter"))


def test_steps_lead_to_pages_that_are_there(alone: User) -> None:
    client = Client()
    client.force_login(alone)
    pages = [step.page for step in read_steps(alone) if step.page]
    assert len(pages) == 4
    for page in pages:
        assert client.get(reverse(page)).status_code == 200
