"""Stages: their order and what they mean."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from pipeline.milestones import Milestone
from pipeline.models import Pipeline, Stage
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

ADD = "/admin/pipeline/pipeline/add/"


@pytest.fixture
def client() -> Client:
    rights = ("view_pipeline", "add_pipeline", "change_pipeline", "view_stage", "add_stage", "change_stage")
    return sign_in(*(f"pipeline.{right}" for right in rights))[0]


def given(*stages: dict[str, Any], name: str = "Warehouse", known: int = 0) -> dict[str, str]:
    data = {"name": name, "stages-TOTAL_FORMS": str(len(stages)), "stages-INITIAL_FORMS": str(known)}
    for number, stage in enumerate(stages):
        data |= {f"stages-{number}-{field}": str(value) for field, value in stage.items()}
    return data


APPLIED = {"name": "New", "milestone": Milestone.APPLIED.value, "position": 0}
CALL = {"name": "Call", "milestone": Milestone.PHONE_SCREEN.value, "position": 1}


def test_a_pipeline_is_saved_with_its_stages_in_order(client: Client) -> None:
    assert client.post(ADD, given(CALL, APPLIED)).status_code == 302
    stages = Pipeline.objects.get().stages.all()
    assert [(stage.name, stage.milestone) for stage in stages] == [("New", 1), ("Call", 3)]


@pytest.mark.parametrize("milestone", ["", "0", "8", "x"])
def test_a_stage_whose_milestone_is_unset_cannot_be_saved(milestone: str, client: Client) -> None:
    response = client.post(ADD, given(APPLIED, CALL | {"milestone": milestone}))
    assert response.status_code == 200
    assert not Pipeline.objects.exists()
    assert not Stage.objects.exists()


def test_a_new_stage_means_nothing_until_somebody_says_what(client: Client) -> None:
    formset = client.get(ADD).context["inline_admin_formsets"][0].formset
    field = formset.empty_form.fields["milestone"]
    assert (field.required, field.choices[0]) == (True, ("", "What does it mean?"))
    assert formset.empty_form["milestone"].value() is None


def test_two_stages_cannot_stand_at_one_place(client: Client) -> None:
    response = client.post(ADD, given(APPLIED, CALL | {"position": 0}))
    assert "“New” and “Call” both stand at place 0." in response.content.decode()
    assert not Stage.objects.exists()


def test_renaming_and_reordering_stages_changes_no_reach(client: Client) -> None:
    application = make.make_application()
    make.move_to(application, Milestone.INTERVIEW)
    pipeline = application.job.pipeline
    stages = list(pipeline.stages.all())
    rows = [
        {"id": stage.pk, "name": f"Renamed {stage.pk}", "milestone": stage.milestone, "position": 9 - stage.position}
        for stage in stages
    ]
    url = f"/admin/pipeline/pipeline/{pipeline.pk}/change/"
    assert client.post(url, given(*rows, name=pipeline.name, known=len(rows))).status_code == 302
    assert pipeline.stages.first() == stages[-1]
    application.candidate.refresh_from_db()
    assert application.candidate.reach == Milestone.INTERVIEW
