"""Wordings are read, compared and signed."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.models import RejectionPhrase, Signature, Template
from messaging.policy.floor import Touchpoint
from pipeline.models import User
from tests.factories import (
    make_colleague,
    make_template,
    make_user,
    make_wording,
)
from tests.messaging.admin.template_pages import (
    BODY,
    EVIL,
    client_of,
    page,
    said,
    sign_page,
    text_of,
)

pytestmark = pytest.mark.django_db

REJECTING = "Dear {{ candidate.full_name }},\n\nwe regret to inform you.\n\n{{ sender.name }}"


@pytest.fixture
def coordinator() -> User:
    return make_colleague("Coordinator", first_name="Priya", last_name="Raman")


@pytest.fixture
def client(coordinator: User) -> Client:
    client = Client()
    client.force_login(coordinator)
    return client


# --- Read, compare ----------------------------------------------------------------------------------------------------


def test_the_page_lists_all_wordings_with_who_when_and_signed_by(client: Client) -> None:
    template = make_template()
    second = make_wording(template, signed=False)
    shown = text_of(client.get(page(template)))
    assert str(second.written_by) in shown
    assert "sent now" in shown
    assert shown.count("Sign</a>") == 2
    assert f'href="{reverse("admin:messaging_wording_compare", args=[second.pk])}"' in shown


def test_the_page_costs_the_same_for_two_wordings_and_for_twelve(client: Client) -> None:
    def queries(template: Template) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(page(template))
        return len(captured)

    few, many = make_template(), make_template()
    make_wording(few)
    for _ in range(11):
        make_wording(many)
    queries(few)
    assert queries(many) == queries(few)


def test_two_wordings_are_compared_word_by_word(client: Client) -> None:
    template = make_template(body="Dear {{ candidate.full_name }}, thank you for applying.")
    make_wording(template, body="Something else entirely.")
    third = make_wording(template, body="Dear {{ candidate.full_name }}, thank you for writing.")
    response = client.get(reverse("admin:messaging_wording_compare", args=[third.pk]), {"with": "1"})
    shown = text_of(response)
    assert '<del class="wording-removed">applying.</del><ins class="wording-added">writing.</ins>' in shown
    assert "from wording 1 to wording 3" in shown
    backwards = client.get(
        reverse("admin:messaging_wording_compare", args=[template.wordings.get(number=1).pk]), {"with": "3"}
    )
    assert "from wording 1 to wording 3" in text_of(backwards)


def test_a_wording_is_compared_with_the_one_before_unless_told_otherwise(client: Client) -> None:
    template = make_template()
    make_wording(template)
    third = make_wording(template)
    url = reverse("admin:messaging_wording_compare", args=[third.pk])
    assert "from wording 2 to wording 3" in text_of(client.get(url))
    assert client.get(url, {"with": "17"}).status_code == 404


def test_wordings_and_signatures_are_read_only_even_for_the_owner_of_the_system(client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    wording = make_template().wordings.get()
    signature = wording.signatures.get()
    for kind, row in (("wording", wording), ("signature", signature)):
        assert client.get(reverse(f"admin:messaging_{kind}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:messaging_{kind}_change", args=[row.pk])).status_code == 200
        assert client.post(reverse(f"admin:messaging_{kind}_change", args=[row.pk]), {"body": "x"}).status_code == 403
        assert client.post(reverse(f"admin:messaging_{kind}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        assert client.get(reverse(f"admin:messaging_{kind}_add")).status_code == 403
    wording.refresh_from_db()
    assert wording.body != "x"


def test_the_list_of_wordings_costs_the_same_for_two_and_for_twelve(client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("admin:messaging_wording_changelist"))
            client.get(reverse("admin:messaging_signature_changelist"))
        return len(captured)

    make_wording(make_template())
    queries()
    few = queries()
    for _ in range(5):
        make_wording(make_template())
    assert queries() == few


# --- Signing ----------------------------------------------------------------------------------------------------------


def test_the_sign_page_shows_the_whole_text_and_changes_nothing(client: Client) -> None:
    wording = make_template(signed=False, body=BODY).wordings.get()
    shown = text_of(client.get(sign_page(wording)))
    assert "I put my name under this text" in shown
    assert "Dear Amara Okafor,\n\nthank you.\n\nPriya Raman" in shown
    frame = reverse("admin:messaging_wording_mail", args=[wording.pk])
    assert f'<iframe class="wording-frame" sandbox src="{frame}"' in shown
    mail = client.get(frame)
    assert "Dear Amara Okafor" in text_of(mail)
    assert "Priya Raman" in text_of(mail)
    assert not wording.signatures.exists()


def test_a_post_puts_the_persons_name_under_the_text(client: Client, coordinator: User) -> None:
    template = make_template(signed=False, body=BODY)
    wording = template.wordings.get()
    response = client.post(sign_page(wording), follow=True)
    signature = wording.signatures.get()
    assert (signature.signed_by, signature.name) == (coordinator, "Priya Raman")
    assert response.redirect_chain == [(page(template), 302)]
    assert "Your name stands under" in said(response)
    assert LogEntry.objects.get(object_id=str(wording.pk)).change_message == "Signed as Priya Raman."


def test_signing_twice_is_refused_and_said(client: Client) -> None:
    wording = make_template(signed=False, body=BODY).wordings.get()
    client.post(sign_page(wording))
    assert "Your name already stands under" in said(client.post(sign_page(wording), follow=True))
    assert wording.signatures.count() == 1
    assert "I put my name under this text" not in text_of(client.get(sign_page(wording)))


def test_signing_needs_its_permission(client: Client) -> None:
    wording = make_template(signed=False).wordings.get()
    auditor = client_of("Auditor")
    assert auditor.get(sign_page(wording)).status_code == 403
    assert auditor.post(sign_page(wording)).status_code == 403
    assert not Signature.objects.exists()
    assert client.get(sign_page(wording)).status_code == 200
    assert client.get(reverse("admin:messaging_wording_sign", args=[wording.pk + 1])).status_code == 404


def test_signing_is_protected_against_forged_requests(coordinator: User) -> None:
    wording = make_template(signed=False).wordings.get()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(coordinator)
    assert strict.post(sign_page(wording)).status_code == 403
    assert not Signature.objects.exists()


def test_a_status_update_that_reads_like_a_rejection_needs_a_second_person(client: Client) -> None:
    RejectionPhrase.objects.get_or_create(text="regret to inform")
    template = make_template(signed=False, touchpoint=Touchpoint.STATUS_UPDATE, body=REJECTING)
    wording = template.wordings.get()
    shown = text_of(client.get(sign_page(wording)))
    assert "“regret to inform”" in shown
    assert "Two different people must sign" in shown
    first = client.post(sign_page(wording), follow=True)
    assert "A second person must sign before it can be sent automatically" in said(first)
    assert "A second person must sign before it can be sent automatically" in text_of(client.get(page(template)))
    second = client_of("Recruiter")
    assert "A second person must sign" not in said(second.post(sign_page(wording), follow=True))
    assert "A second person must sign" not in text_of(client.get(page(template)))
    assert "Two people signed it." in text_of(client.get(reverse("admin:messaging_wording_change", args=[wording.pk])))


def test_a_rejection_needs_one_signature(client: Client) -> None:
    RejectionPhrase.objects.get_or_create(text="regret to inform")
    wording = make_template(signed=False, touchpoint=Touchpoint.REJECTION, body=REJECTING).wordings.get()
    assert "must sign" not in text_of(client.get(sign_page(wording)))
    assert "second person" not in said(client.post(sign_page(wording), follow=True))


def test_signing_an_old_wording_says_that_the_newer_one_is_sent(client: Client) -> None:
    template = make_template(signed=False, body=BODY)
    old = template.wordings.get()
    make_wording(template)
    assert "go on sending the newer one" in said(client.post(sign_page(old), follow=True))


# --- The voice at signing, and any two versions -----------------------------------------------------------------------


def test_the_voice_is_heard_at_signing_and_keeps_nobody_from_it(client: Client) -> None:
    body = f"{BODY}\n\nThank you for your interest, {EVIL}."
    wording = make_template(signed=False, body=body).wordings.get()
    shown = text_of(client.get(sign_page(wording)))
    assert '<mark class="wording-remark">Thank you for your interest</mark>' in shown
    assert "Say what arrived, or what you noticed in it." in shown
    assert "they keep nobody from saving or signing" in shown
    assert EVIL not in shown
    client.post(sign_page(wording))
    assert wording.signatures.count() == 1


def test_any_two_wordings_of_a_template_are_compared_whatever_their_order(client: Client) -> None:
    template = make_template(body="One two three.")
    for body in ("One two four.", "One five four.", "One five four."):
        make_wording(template, body=body)
    url = reverse("admin:messaging_template_compare", args=[template.pk])
    for query in ({"from": 1, "to": 3}, {"from": 3, "to": 1}):
        shown = text_of(client.get(url, query))
        assert "what changed from wording 1 to wording 3" in shown
        assert '<del class="wording-removed">two three.</del>' in shown
        assert '<ins class="wording-added">five four.</ins>' in shown
    newest = text_of(client.get(url))
    assert "what changed from wording 3 to wording 4" in newest
    assert "The two say the same, word for word." in newest


def test_what_cannot_be_compared_is_not_found(client: Client) -> None:
    template = make_template()
    url = reverse("admin:messaging_template_compare", args=[template.pk])
    assert client.get(url, {"from": 1, "to": 1}).status_code == 200
    for query in ({"from": 1, "to": 2}, {"from": "x"}, {"to": "-1"}):
        assert client.get(url, query).status_code == 404
    empty = Template.objects.create(name="Without a wording", touchpoint=Touchpoint.REMINDER)
    assert client.get(reverse("admin:messaging_template_compare", args=[empty.pk])).status_code == 404
    assert client.get(reverse("admin:messaging_template_compare", args=[empty.pk + 1])).status_code == 404
    assert client_of("Auditor").get(url).status_code == 200
    nobody = Client()
    nobody.force_login(make_user())
    assert nobody.get(url).status_code == 403


def test_comparing_costs_the_same_for_two_wordings_and_for_eight(client: Client) -> None:
    template = make_template()
    make_wording(template)
    url = reverse("admin:messaging_template_compare", args=[template.pk])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    few = queries()
    for _ in range(6):
        make_wording(template)
    assert queries() == few
