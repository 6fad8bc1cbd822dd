"""What the editor of a wording says while somebody writes, and who may ask it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from messaging.models import Message, RejectionPhrase, Wording
from pipeline.models import Application, User
from tests.factories import make_application, make_candidate, make_colleague, make_job, make_user
from tests.messaging.admin.template_pages import EVIL, client_of, text_of

pytestmark = pytest.mark.django_db

LOOK = reverse("admin:messaging_template_look")
CHOSEN = reverse("admin:messaging_template_look_mail", args=["chosen"])
WORST = reverse("admin:messaging_template_look_mail", args=["worst"])
GREETING = "Dear {{ candidate.first_name | default: 'you' }},"
BODY = f"{GREETING}\n\nI read {{{{ job.title }}}} in {{{{ job.location }}}}.\n\n{{{{ sender.name }}}}"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_colleague("Coordinator", first_name="Priya", last_name="Raman"))
    return client


@pytest.fixture
def application() -> Application:
    return make_application(
        candidate=make_candidate(first_name="Mira", last_name="Castellanos"),
        job=make_job(title="Bricklayer", location=""),
    )


def posted(**overrides: Any) -> dict[str, Any]:
    return {
        "subject": "Hello {{ job.title }}",
        "body": BODY,
        "touchpoint": "status_update",
        "application": "",
    } | overrides


def look(client: Client, **overrides: Any) -> dict[str, Any]:
    response = client.post(LOOK, posted(**overrides))
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def test_a_text_that_sounds_like_a_form_letter_is_told_so_with_the_place_and_what_to_do(client: Client) -> None:
    quiet = look(client)
    assert quiet["sentence"] == "1 remark on the voice."  # it is short
    answer = look(client, body=BODY.replace("I read", "Thank you for your interest in"))
    assert answer["sentence"] == "2 remarks on the voice."
    at = BODY.index("I read")
    assert f'data-show="id_body" data-start="{at}" data-end="{at + 27}"' in answer["html"]
    assert "<mark>Thank you for your interest</mark>" in answer["html"]
    assert "Say what arrived, or what you noticed in it." in answer["html"]


def test_what_keeps_a_text_from_being_saved_is_told_with_its_place(client: Client) -> None:
    answer = look(client, body="Dear {{ candidate.first_nam }}")
    assert answer["sentence"].startswith("1 thing to change before it can be saved.")
    assert 'data-show="id_body" data-line="1" data-column="9"' in answer["html"]
    assert "There is no placeholder" in answer["notes"]["chosen"]


def test_an_empty_editor_has_nothing_to_change(client: Client) -> None:
    answer = look(client, subject="", body="")
    assert answer["sentence"] == "Nothing to remark on the voice."
    assert "Write a subject and a text" in answer["notes"]["chosen"]
    assert "The subject is empty." in look(client, subject="")["notes"]["chosen"]


def test_the_trip_wire_names_the_phrase_and_its_place_unless_it_is_meant_as_a_rejection(client: Client) -> None:
    RejectionPhrase.objects.get_or_create(text="regret to inform")
    body = BODY.replace("I read", "I regret to inform you of")
    answer = look(client, body=body)
    at = body.index("regret")
    assert "It reads like a rejection." in answer["sentence"]
    assert f'data-start="{at}" data-end="{at + 16}">“regret to inform”</button>' in answer["html"]
    assert "Two different people must sign it" in answer["html"]
    assert "reads like a rejection" not in look(client, body=body, touchpoint="rejection")["sentence"]


def test_a_phrase_that_only_a_value_completes_is_named_without_a_place(client: Client) -> None:
    RejectionPhrase.objects.get_or_create(text="no longer data engineer")
    answer = look(client, body=BODY.replace("I read", "no longer"))
    assert "“no longer data engineer”." in answer["html"]


def test_the_text_is_read_as_an_example_and_in_the_worst_case(client: Client) -> None:
    notes = look(client)["notes"]
    assert "Complete: nothing is missing." in notes["chosen"]
    assert "Hello Data Engineer" in notes["chosen"]
    assert "Missing: job.location." in notes["worst"]
    assert "Dear Amara" in text_of(client.post(CHOSEN, posted()))
    worst = text_of(client.post(WORST, posted()))
    assert "Dear you" in worst
    assert "[missing: job.location]" in worst
    assert "Priya Raman" in worst


def test_the_text_is_read_as_the_chosen_candidate(client: Client, application: Application) -> None:
    answer = look(client, application=application.pk)
    assert answer["who"] == "Mira Castellanos"
    assert "Hello Bricklayer" in answer["notes"]["chosen"]
    assert "Missing: job.location." in answer["notes"]["chosen"]
    assert "Dear Mira" in text_of(client.post(CHOSEN, posted(application=application.pk)))
    worst = text_of(client.post(WORST, posted(application=application.pk)))
    assert "Dear you" in worst
    assert "Bricklayer" in worst


def test_looking_keeps_nothing(client: Client, application: Application) -> None:
    look(client, application=application.pk)
    client.post(CHOSEN, posted(application=application.pk))
    assert not Wording.objects.exists()
    assert not Message.objects.exists()


def test_the_mail_is_shut_in_and_a_text_is_never_markup(client: Client) -> None:
    response = client.post(CHOSEN, posted(body=f"{BODY} {EVIL}"))
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert EVIL not in text_of(response)
    answer = look(
        client, subject=f"{EVIL} thank you for your interest", body=f"{EVIL} {{{{ {EVIL} }}}} in order to {EVIL}"
    )
    assert EVIL not in answer["html"] + str(answer["notes"])


def test_only_who_may_write_wordings_is_answered(client: Client) -> None:
    assert client.get(LOOK).status_code == 405
    assert client.post(reverse("admin:messaging_template_look_mail", args=["other"]), posted()).status_code == 404
    auditor = client_of("Auditor")
    for url in (LOOK, CHOSEN, WORST):
        assert client.post(url, posted()).status_code == 200
        assert auditor.post(url, posted()).status_code == 403
        assert Client().post(url, posted()).status_code == 302


def test_a_candidate_is_read_by_those_alone_who_may_see_candidates(client: Client, application: Application) -> None:
    writer = make_user()
    writer.user_permissions.set(Permission.objects.filter(codename__in=["change_template", "add_wording"]))
    blind = Client()
    blind.force_login(writer)
    assert blind.post(LOOK, posted()).status_code == 200
    for url in (LOOK, CHOSEN, WORST):
        assert blind.post(url, posted(application=application.pk)).status_code == 400
        assert client.post(url, posted(application=application.pk)).status_code == 200


def test_forged_requests_are_refused() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(pk=make_colleague("Coordinator").pk))
    assert strict.post(LOOK, posted()).status_code == 403
