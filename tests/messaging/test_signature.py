"""What stands under a person's text is there when they begin, is seen by them, and alone is no text."""

import pytest
from django.test import Client
from django.urls import reverse

from messaging import handoffs, writing
from messaging.gate import Case
from messaging.models import Message
from messaging.policy.floor import Touchpoint
from tests.factories import NOW, OWN_WORDS, make_application, make_colleague, make_hand_off, make_sender

pytestmark = pytest.mark.django_db

SIGNATURE = "Ana Ruiz\n+44 20 7946 0000"


def test_an_empty_editor_begins_with_the_signature_and_a_full_one_does_not() -> None:
    hand_off, by = make_hand_off(), make_sender(signature=SIGNATURE)
    assert writing.begin(hand_off, must_be_own_words=True, by=by, now=NOW).body == f"\n\n{SIGNATURE}"
    assert writing.begin(hand_off, must_be_own_words=True, by=make_sender(), now=NOW).body == ""
    from_template = writing.begin(hand_off, must_be_own_words=False, by=by, now=NOW)
    assert "We have read your application" in from_template.body
    assert SIGNATURE not in from_template.body


def test_a_signature_alone_is_no_text() -> None:
    by = make_sender(signature=SIGNATURE)
    kind = Touchpoint.STATUS_UPDATE

    def written(body: str) -> Message | Case:
        message = handoffs.draft(make_application(), touchpoint=kind, subject="News", body=body, by=by, now=NOW)
        return handoffs.compose(message, now=NOW)

    refused = written(f"\n\n{SIGNATURE}\n")
    assert isinstance(refused, Case)
    assert refused.facts.text_problem == "The body is empty."
    sent = written(f"{OWN_WORDS}\n\n{SIGNATURE}")
    assert isinstance(sent, Message)
    assert sent.body.endswith(SIGNATURE)


def test_the_page_of_a_new_message_begins_with_it(client: Client) -> None:
    person = make_colleague("Recruiter", signature=SIGNATURE)
    client.force_login(person)
    page = client.get(reverse("admin:messaging_message_write", args=[make_application().pk]))
    assert page.context["form"].initial["body"] == f"\n\n{SIGNATURE}"
