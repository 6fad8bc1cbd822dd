"""Two people have one form open: whoever saves second is told what is there now, and nothing of either is lost unseen."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from messaging.models import StageRule
from pipeline.milestones import Milestone
from pipeline.models import Candidate, Pipeline, User
from tests import factories as make
from tests.messaging.admin.saving import save
from tests.test_races import at_once

pytestmark = pytest.mark.django_db


def sign_in(name: str) -> Client:
    client = Client()
    client.force_login(make.make_colleague("Administrator", first_name=name, last_name="Ruiz"))
    return client


@pytest.fixture
def ana() -> Client:
    return sign_in("Ana")


@pytest.fixture
def ben() -> Client:
    return sign_in("Ben")


def opened(client: Client, url: str) -> dict[str, str]:
    """What the page carries."""
    response = client.get(url)
    assert (
        f'name="as_read" value="{response.context["as_read"].replace(chr(34), "&quot;")}"' in response.content.decode()
    )
    return {"as_read": response.context["as_read"]}


def faults(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(response.context["adminform"].form.non_field_errors())


def page_of(candidate: Candidate) -> str:
    return f"/admin/pipeline/candidate/{candidate.pk}/change/?edit=1"


def given(candidate: Candidate, **fields: str) -> dict[str, str]:
    return {"first_name": "Kim", "last_name": "Lee", "email": candidate.email} | fields


def test_the_second_learns_what_the_first_saved_and_may_still_have_their_way(ana: Client, ben: Client) -> None:
    candidate = make.make_candidate(last_name="Lee")
    url = page_of(candidate)
    of_ana, of_ben = opened(ana, url), opened(ben, url)
    assert ana.post(url, given(candidate, first_name="Kimberly") | of_ana).status_code == 302
    response = ben.post(url, given(candidate, phone="112") | of_ben)
    assert faults(response) == (
        "Ana Ruiz saved this while you had it open: first name is “Kimberly” now. "
        "Nothing of yours was saved yet. Save again to put yours in its place."
    )
    assert response.context["adminform"].form["phone"].value() == "112"  # what they typed is still there
    candidate.refresh_from_db()
    assert (candidate.first_name, candidate.phone) == ("Kimberly", "")

    again = given(candidate, phone="112") | {"as_read": response.context["as_read"]}
    assert ben.post(url, again).status_code == 302
    candidate.refresh_from_db()
    assert (candidate.first_name, candidate.phone) == ("Kim", "112")


def test_who_saves_in_two_windows_is_told_that_it_was_they(ana: Client) -> None:
    candidate = make.make_candidate(last_name="Lee")
    url = page_of(candidate)
    first, second = opened(ana, url), opened(ana, url)
    assert ana.post(url, given(candidate, phone="112") | first).status_code == 302
    assert "You yourself saved this while you had it open: phone is “112” now." in faults(
        ana.post(url, given(candidate) | second)
    )


def test_what_was_changed_elsewhere_is_in_nobodys_name(ana: Client) -> None:
    candidate = make.make_candidate(last_name="Lee", phone="112")
    url = page_of(candidate)
    page = opened(ana, url)
    Candidate.objects.filter(pk=candidate.pk).update(phone="")
    assert "Somebody saved this while you had it open: phone is empty now." in faults(
        ana.post(url, given(candidate, phone="112") | page)
    )


def test_what_a_machine_writes_meanwhile_is_no_conflict_and_stays(ana: Client) -> None:
    application = make.make_application()
    candidate = application.candidate
    url = page_of(candidate)
    page = opened(ana, url)
    make.move_to(application, Milestone.INTERVIEW)
    assert ana.post(url, given(candidate, phone="112") | page).status_code == 302
    candidate.refresh_from_db()
    assert (candidate.phone, candidate.reach) == ("112", Milestone.INTERVIEW)


@pytest.mark.parametrize(
    "said", [{}, {"as_read": ""}, {"as_read": "{"}, {"as_read": "[1]"}, {"as_read": '{"phone": 1}'}]
)
def test_a_page_that_does_not_say_it_saves_or_asks_and_never_breaks(ana: Client, said: dict[str, str]) -> None:
    candidate = make.make_candidate(last_name="Lee")
    response = ana.post(page_of(candidate), given(candidate, phone="112") | said)
    assert response.status_code == (200 if "phone" in said.get("as_read", "") else 302)


def test_an_automation_is_not_overwritten_before_or_after_its_effects_were_shown(ana: Client, ben: Client) -> None:
    automation = make.make_automation(name="Rejection", delay=1)
    url = f"/admin/messaging/automation/{automation.pk}/change/"
    values: dict[str, Any] = {
        "name": "Rejection",
        "is_active": "on",
        "event": automation.event,
        "template": automation.template_id,
        "delay": 1,
        "delay_unit": automation.delay_unit,
    }
    of_ana, of_ben = opened(ana, url), opened(ben, url)
    assert save(ana, url, values | {"delay": 3} | of_ana).status_code == 302
    assert "Ana Ruiz saved this while you had it open: delay is “3” now." in faults(
        save(ben, url, values | {"name": "Our rejection"} | of_ben)
    )
    automation.refresh_from_db()
    assert (automation.name, automation.delay) == ("Rejection", 3)


def test_the_stage_rules_of_a_template_belong_to_its_form(ana: Client) -> None:
    template = make.make_template(name="No")
    url = f"/admin/messaging/template/{template.pk}/change/"
    page = opened(ana, url)
    StageRule.objects.create(template=template, from_milestone=Milestone.OFFER, reserve=2)
    rows = {"stage_rules-TOTAL_FORMS": 0, "stage_rules-INITIAL_FORMS": 0}
    values = {"name": "No, thank you", "touchpoint": template.touchpoint, "is_active": "on", **rows}
    assert "the stage rules are not what they were" in faults(save(ana, url, values | page))


def test_the_stages_of_a_pipeline_belong_to_its_form(ana: Client) -> None:
    pipeline: Pipeline = make.make_pipeline(name="Sales")
    url = f"/admin/pipeline/pipeline/{pipeline.pk}/change/"
    page = opened(ana, url)
    pipeline.stages.filter(position=1).update(name="Reading")
    rows = {"stages-TOTAL_FORMS": 0, "stages-INITIAL_FORMS": 0}
    assert "the stages are not what they were" in faults(ana.post(url, {"name": "Sales team", **rows} | page))


def test_the_roles_of_a_person_belong_to_their_form(ana: Client) -> None:
    person, role = make.make_user(), Group.objects.get(name="Auditor")
    url = f"/admin/pipeline/user/{person.pk}/change/"
    page = opened(ana, url)
    person.groups.add(role)
    values = {"username": person.username, "is_active": "on", "is_staff": "on"}
    assert "groups are “Auditor” now" in faults(ana.post(url, values | page))
    assert list(User.objects.get(pk=person.pk).groups.all()) == [role]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_told() -> None:
    first, second = sign_in("Ana"), sign_in("Ben")
    candidate = make.make_candidate(last_name="Lee")
    url = page_of(candidate)
    pages = [opened(client, url) for client in (first, second)]

    def send(client: Client, name: str, page: dict[str, str]) -> int:
        status: int = client.post(url, given(candidate, first_name=name) | page).status_code
        return status

    answers = at_once(lambda: send(first, "Mia", pages[0]), lambda: send(second, "Noa", pages[1]))
    assert sorted(answers) == [200, 302]
    candidate.refresh_from_db()
    assert candidate.first_name == ("Mia" if answers[0] == 302 else "Noa")
