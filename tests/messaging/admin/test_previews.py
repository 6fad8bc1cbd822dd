"""A template with a real candidate."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from messaging.models import Message, Template
from messaging.policy.floor import Touchpoint
from pipeline.milestones import Milestone
from pipeline.models import User
from tests.factories import (
    make_application,
    make_candidate,
    make_colleague,
    make_job,
    make_template,
    make_user,
    make_wording,
    move_to,
    reject,
)
from tests.messaging.admin.template_pages import (
    BODY,
    preview,
    text_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator() -> User:
    return make_colleague("Coordinator", first_name="Priya", last_name="Raman")


@pytest.fixture
def client(coordinator: User) -> Client:
    client = Client()
    client.force_login(coordinator)
    return client


def test_a_preview_shows_the_text_with_the_candidates_values_and_that_it_would_leave(client: Client) -> None:
    application = make_application(candidate=make_candidate(first_name="Amara", last_name="Okafor"))
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=BODY)
    shown = text_of(preview(client, template, application=application.pk))
    assert "Dear Amara Okafor" in shown
    assert "It would leave by itself." in shown
    assert "sent automatically" in shown
    assert not Message.objects.exists()


def test_a_preview_supposes_the_cause_and_says_so(client: Client) -> None:
    application = make_application()
    response = preview(
        client, make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=BODY), application=application.pk
    )
    codes = {finding.code for finding in response.context["preview"].findings}
    assert not codes & {"unknown_cause", "automation_off"}
    assert "Supposed: an automation in use has just planned it" in text_of(response)


def test_a_preview_of_a_rejection_says_what_the_gate_says_to_somebody_who_reached_phone_screen(client: Client) -> None:
    application = make_application()
    template = make_template(touchpoint=Touchpoint.REJECTION)
    early = preview(client, template, application=application.pk)
    assert {finding.code for finding in early.context["preview"].findings} == {"no_persons_decision", "not_rejected"}
    move_to(application, Milestone.PHONE_SCREEN)
    move_to(application, Milestone.APPLIED)
    reject(application)
    late = preview(client, template, application=application.pk)
    assert [finding.code for finding in late.context["preview"].findings] == ["floor"]
    assert "it would become a hand-off" in text_of(late)
    assert "written by a person" in text_of(late)


def test_a_missing_value_is_marked_in_the_text_and_named(client: Client) -> None:
    application = make_application(job=make_job(location=""))
    body = "Dear {{ candidate.full_name }}, we work in {{ job.location }}. {{ sender.name }}"
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=body)
    shown = text_of(preview(client, template, application=application.pk))
    assert '<mark class="wording-missing">[missing: job.location]</mark>' in shown
    assert '<li class="wording-missing">There is no value for job.location.' in shown


def test_an_unsigned_wording_is_previewed_with_the_viewers_name(client: Client) -> None:
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=BODY)
    make_wording(template, signed=False, body=f"{BODY}\nnew")
    response = preview(client, template, application=make_application().pk)
    assert "Priya Raman" in text_of(response)
    assert "your name stands in" in text_of(response)
    assert "Automations send wording 1" in text_of(response)
    assert [finding.code for finding in response.context["preview"].findings] == ["unsigned"]
    signed = template.wordings.get(number=1)
    older = preview(client, template, application=make_application().pk, wording=signed.pk)
    assert "your name stands in" not in text_of(older)
    assert [finding.code for finding in older.context["preview"].findings] == []


def test_a_preview_cannot_show_the_wording_of_another_template(client: Client) -> None:
    other = make_template().wordings.get()
    response = preview(client, make_template(), application=make_application().pk, wording=other.pk)
    assert response.context["preview"] is None
    assert "wording" in response.context["form"].errors


def test_the_mail_is_shown_in_a_frame_that_can_do_nothing(client: Client) -> None:
    template, application = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=BODY), make_application()
    frame = reverse("admin:messaging_template_preview_mail", args=[template.pk])
    assert f'sandbox src="{frame}?application={application.pk}"' in text_of(
        preview(client, template, application=application.pk)
    )
    mail = client.get(frame, {"application": application.pk})
    assert mail["Content-Security-Policy"] == "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    assert str(application.candidate) in text_of(mail)
    assert client.get(frame).status_code == 404


def test_a_preview_needs_the_right_to_see_candidates(client: Client) -> None:
    template, application = make_template(), make_application()
    writer = make_user()
    writer.user_permissions.add(Permission.objects.get(codename="view_template"))
    client.force_login(writer)
    assert preview(client, template).status_code == 403
    frame = reverse("admin:messaging_template_preview_mail", args=[template.pk])
    assert client.get(frame, {"application": application.pk}).status_code == 403
    writer.user_permissions.add(Permission.objects.get(codename="view_application"))
    assert preview(client, template).status_code == 200


def test_a_preview_is_only_read(client: Client) -> None:
    template = make_template()
    assert client.post(reverse("admin:messaging_template_preview", args=[template.pk])).status_code == 405
    assert preview(client, Template(pk=template.pk + 1)).status_code == 404
