"""An administrator corrects a reach that was recorded wrongly; nobody else can, and it leaves its traces."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from messaging.models import LedgerEntry
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, ReachCorrection
from tests.factories import make_application, move_to
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

RIGHTS = ("pipeline.view_candidate", "pipeline.correct_reach")


@pytest.fixture
def application() -> Application:
    """Reached an interview by mistake and was moved back."""
    application = make_application()
    move_to(application, Milestone.INTERVIEW)
    application.refresh_from_db()
    move_to(application, Milestone.REVIEW)
    return application


def page_of(application: Application) -> str:
    return reverse("admin:pipeline_candidate_reach", args=[application.candidate_id])


def reach_of(application: Application) -> int:
    return Candidate.objects.get(pk=application.candidate_id).reach


def test_it_is_lowered_with_a_reason_that_stays_and_a_row_in_the_ledger(application: Application) -> None:
    client, user = sign_in(*RIGHTS)
    assert b"Correct it" in client.get(page_of(application)).content
    done = client.post(page_of(application), {"to": Milestone.REVIEW.value, "reason": "Another Kim Lee’s interview."})
    assert done.status_code == 302
    assert reach_of(application) == Milestone.REVIEW
    assert ReachCorrection.objects.get().reason == "Another Kim Lee’s interview."
    entry = LedgerEntry.objects.get(kind="reach_corrected")
    assert (entry.actor_id, entry.data["from"], entry.data["to"]) == (user.pk, Milestone.INTERVIEW, Milestone.REVIEW)
    assert "Kim" not in str(entry.data)


@pytest.mark.parametrize(
    "given",
    [
        {"to": Milestone.REVIEW.value, "reason": ""},
        {"to": Milestone.OFFER.value, "reason": "Higher is no correction."},
        {"to": Milestone.APPLIED.value, "reason": "Below the stage of today."},
        {},
    ],
)
def test_what_does_not_hold_is_refused_with_a_sentence(application: Application, given: dict[str, object]) -> None:
    client, _ = sign_in(*RIGHTS)
    response = client.post(page_of(application), given)
    assert response.status_code == 200
    assert response.context["form"].errors or not given
    assert reach_of(application) == Milestone.INTERVIEW
    assert not LedgerEntry.objects.filter(kind="reach_corrected").exists()


def test_nobody_else_sees_the_page_or_the_button(application: Application) -> None:
    candidate_page = reverse("admin:pipeline_candidate_change", args=[application.candidate_id])
    allowed, _ = sign_in(*RIGHTS)
    other, _ = sign_in("pipeline.view_candidate", "pipeline.change_candidate")
    assert b"Correct the reach" in allowed.get(candidate_page).content
    assert b"Correct the reach" not in other.get(candidate_page).content
    for response in (other.get(page_of(application)), other.post(page_of(application), {"to": 1, "reason": "No."})):
        assert response.status_code == 403
    assert Client().get(page_of(application)).status_code == 302
    assert allowed.get(reverse("admin:pipeline_candidate_reach", args=[0])).status_code == 404
