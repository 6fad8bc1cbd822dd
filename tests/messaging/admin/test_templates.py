"""The page of a template: its list, its settings, the wording editor and the stage rules."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.models import Message, PolicyRow, RejectionPhrase, Signature, Template, Wording
from messaging.policy.floor import Reserve, Touchpoint
from messaging.wording.language import FILTERS
from messaging.wording.placeholders import REGISTRY
from pipeline.milestones import Milestone
from pipeline.models import User
from tests.factories import (
    NOW,
    make_application,
    make_automation,
    make_candidate,
    make_colleague,
    make_job,
    make_message,
    make_stage_rule,
    make_template,
    make_user,
    make_wording,
    sign,
)
from tests.guards_off import force
from tests.messaging.admin.saving import save
from tests.messaging.admin.template_pages import (
    BODY,
    EVIL,
    client_of,
    fields,
    new_rules,
    page,
    preview,
    said,
    sign_page,
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


# --- The list ---------------------------------------------------------------------------------------------------------


LIST = "admin:messaging_template_changelist"


def test_the_list_shows_wording_signature_automations_and_the_last_send(client: Client) -> None:
    template = make_template(name="Early no", signed=False)
    newest = make_wording(template, signed=False)
    sign(newest, by=make_user(first_name="Jonas", last_name="Weber"))
    sign(newest)
    message = make_message(template=template)
    force(Message.objects.filter(pk=message.pk), status="sent", sent_at=NOW, recipient="kim@example.com")
    make_automation(template=template)
    make_automation(template=template, is_active=False)
    [row] = client.get(reverse(LIST)).context["cl"].result_list
    assert (row.current_number, row.first_signature, row.signatures) == (2, "Jonas Weber", 2)
    assert (row.automations_in_use, row.last_sent) == (2, NOW)
    shown = text_of(client.get(reverse(LIST)))
    assert "Jonas Weber and 1 more" in shown
    assert "15 Sep 2026" in shown


def test_the_list_says_when_nobody_signed_and_which_wording_is_sent_meanwhile(client: Client) -> None:
    make_template(name="Never signed", signed=False)
    template = make_template(name="Signed once")
    make_wording(template, signed=False)
    Template.objects.create(name="Without a wording", touchpoint=Touchpoint.REMINDER)
    shown = text_of(client.get(reverse(LIST)))
    assert "Nobody; wording 1 is sent" in shown
    assert "None yet" in shown
    assert "Never" in shown


def test_the_list_costs_the_same_for_two_templates_and_for_twelve(client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(LIST)).status_code == 200
        return len(captured)

    for _ in range(2):
        make_automation(template=make_template())
    few = queries()
    for _ in range(10):
        make_wording(make_automation(template=make_template()).template)
    assert queries() == few


def test_the_list_shows_how_often_each_was_sent_and_how_it_sounds(client: Client) -> None:
    template = make_template(name="Stiff", body="I thank you for your interest.")
    for _ in range(2):
        message = make_message(template=template)
        force(Message.objects.filter(pk=message.pk), status="sent", sent_at=NOW, recipient="kim@example.com")
    fine = "I read your papers on Monday and you will hear from me on Friday, whatever it is. " * 4
    make_template(name="Fine", body=f"{fine}{{{{ sender.name }}}}")
    shown = text_of(client.get(reverse(LIST)))
    assert f'{page(template)}#heard">2 remarks</a>' in shown
    assert f'?template__id__exact={template.pk}&amp;status__exact=sent">2</a>' in shown
    assert '<td class="field-voice' in shown
    assert ">Fine<" in " ".join(shown.split()).replace("> ", ">").replace(" <", "<")


def test_the_list_says_where_a_second_person_must_sign(client: Client) -> None:
    RejectionPhrase.objects.get_or_create(text="regret to inform")
    body = "I regret to inform you.\n\n{{ sender.name }}"
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=body)
    assert "; a second person must sign" in text_of(client.get(reverse(LIST)))
    sign(template.wordings.get())
    assert "; a second person must sign" not in text_of(client.get(reverse(LIST)))


def test_templates_are_found_by_name_and_by_subject(client: Client) -> None:
    make_wording(make_template(name="Receipt"), subject="We have your application")
    make_template(name="Other")
    for words in ("receipt", "have your application"):
        found = client.get(reverse(LIST), {"q": words}).context["cl"].result_list
        assert [template.name for template in found] == ["Receipt"]


# --- The wording editor -----------------------------------------------------------------------------------------------


def test_a_new_template_is_saved_with_its_first_wording(client: Client, coordinator: User) -> None:
    response = client.post(reverse("admin:messaging_template_add"), fields(), follow=True)
    wording = Wording.objects.get(template__name="Receipt")
    assert (wording.number, wording.subject, wording.body) == (1, "Thank you", BODY)
    assert wording.written_by == coordinator
    assert "sign it" in said(response)


def test_saving_a_changed_text_makes_the_next_number_and_saving_the_same_makes_none(client: Client) -> None:
    template = make_template()
    client.post(page(template), fields(template, body=BODY))
    assert [wording.number for wording in template.wordings.all()] == [2, 1]
    # A browser ends lines with \r\n.
    client.post(page(template), fields(template, body=BODY.replace("\n", "\r\n"), name="Another"))
    assert template.wordings.count() == 2
    template.refresh_from_db()
    assert template.name == "Another"


def test_after_a_new_wording_the_page_says_which_one_is_sent_until_it_is_signed(client: Client) -> None:
    template = make_template()
    response = client.post(page(template), fields(template, body=BODY), follow=True)
    assert "This is wording 2 now" in said(response)
    assert "Until then wording 1 is sent" in said(response)


def test_a_fault_is_named_with_line_and_column_beside_its_field_and_nothing_is_lost(client: Client) -> None:
    template = make_template()
    body = "Dear {{ candidate.first_nam }},\n\n{% if job.title %}you applied. 100 % sure."
    response = client.post(page(template), fields(template, subject="A {{ }} b", body=body, name="Another"))
    form = response.context["adminform"].form
    assert form.errors["subject"] == [
        "Line 1, column 3: This is empty. Write a placeholder, such as {{ candidate.first_name }}."
    ]
    unknown, unclosed = form.errors["body"]
    assert unknown.startswith("Line 1, column 9: There is no placeholder")
    assert unclosed.startswith("Line 3, column 1: This {% if %} is never closed.")
    shown = text_of(response)
    assert 'data-show="id_body" data-line="3" data-column="1"' in shown
    assert "100 % sure." in shown
    assert 'value="A {{ }} b"' in shown
    assert 'value="7"' in shown
    assert template.wordings.count() == 1


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("body", "", "The body is empty."),
        ("subject", " ", "The subject is empty."),
        ("subject", "One\nTwo", "The subject has a line break."),
        ("body", "{% for a in b %}x{% endfor %}", "Only if, elsif, else and endif can be used."),
        ("body", "Hello [FIRST NAME]", "looks like a blank to be filled in"),
        ("body", "a" * (64 * 1024 + 1), "The body is longer than 64 KiB."),
    ],
)
def test_what_cannot_be_sent_cannot_be_saved(client: Client, field: str, text: str, sentence: str) -> None:
    template = make_template()
    response = client.post(page(template), fields(template, **{field: text}))
    assert sentence in " ".join(response.context["adminform"].form.errors[field])
    assert template.wordings.count() == 1


def test_two_who_write_at_once_do_not_overwrite_each_other_unseen(client: Client) -> None:
    template = make_template()
    mine = fields(template, body=f"{BODY}\nmine")
    theirs = make_wording(template, body=f"{BODY}\ntheirs")
    refused = client.post(page(template), mine)
    [error] = refused.context["adminform"].form.errors["body"]
    assert f"{theirs.written_by} saved wording 2" in error
    assert "mine" in text_of(refused)
    assert 'name="started_from" value="2"' in text_of(refused)
    assert template.wordings.count() == 2
    client.post(page(template), mine | {"started_from": "2"})
    assert template.wordings.order_by("-number")[0].body.endswith("mine")


def test_who_did_not_touch_the_text_does_not_take_back_what_somebody_else_wrote(client: Client) -> None:
    template = make_template()
    untouched = fields(template, name="Another")
    make_wording(template, body=f"{BODY}\ntheirs")
    assert client.post(page(template), untouched).status_code == 302
    template.refresh_from_db()
    assert template.name == "Another"
    assert template.wordings.count() == 2
    assert template.wordings.order_by("-number")[0].body.endswith("theirs")


def test_every_placeholder_and_filter_stands_beside_the_editor(client: Client) -> None:
    shown = text_of(client.get(page(make_template())))
    for name in REGISTRY:
        assert f">{name}</button>" in shown
    for name in FILTERS:
        assert f"<code>| {name}" in shown
    assert "May be missing: give it a default." in shown
    assert "{{ candidate.first_name | default: &quot;&quot; }}" in shown
    assert "{{ candidate.full_name }}" in shown


def test_retiring_a_template_says_how_many_messages_become_a_persons_task(client: Client) -> None:
    message = make_message()
    assert message.template is not None
    posted = fields(message.template)
    del posted["is_active"]
    assert "1 scheduled message of this template" in said(save(client, page(message.template), posted, follow=True))
    assert not Template.objects.get(pk=message.template.pk).is_active


def test_a_template_cannot_be_deleted(client: Client) -> None:
    owner = make_user(is_superuser=True)
    template = make_template()
    client.force_login(owner)
    assert (
        client.post(reverse("admin:messaging_template_delete", args=[template.pk]), {"post": "yes"}).status_code == 403
    )
    assert Template.objects.filter(pk=template.pk).exists()


def test_the_page_says_how_the_text_sounds_and_how_it_reads_before_anybody_types(client: Client) -> None:
    template = make_template(body="Thank you for your interest in {{ job.location }}.")
    shown = text_of(client.get(page(template)))
    assert "<mark>Thank you for your interest</mark>" in shown
    assert "Missing: job.location." in shown
    [newest] = template.wordings.all()
    mail = reverse("admin:messaging_wording_mail", args=[newest.pk])
    assert f'src="{mail}"' in shown
    assert f'src="{mail}?case=worst"' in shown
    assert "[missing: job.location]" in text_of(client.get(mail, {"case": "worst"}))
    assert "Lisbon or remote" in text_of(client.get(mail))


def test_beside_the_editor_stands_who_signed_and_what_is_sent_until_then(client: Client) -> None:
    def state() -> str:
        shown = " ".join(text_of(client.get(page(template))).split())
        return shown[shown.index("This is wording") :].split("</p>")[0]

    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=BODY, signed=False)
    [wording] = template.wordings.all()
    assert "Nobody signed it yet." in state()
    assert sign_page(wording) in state()
    sign(wording, by=make_user(first_name="Jonas", last_name="Weber"))
    assert "Signed by Jonas Weber." in state()
    RejectionPhrase.objects.get_or_create(text="regret to inform")
    newest = make_wording(template, body=f"I regret to inform you. {BODY}", signed=False)
    assert "Until it is signed, wording 1 is sent." in state()
    sign(newest)
    assert "A second person must sign" in state()
    assert "is sent." not in state()


def test_a_text_that_was_refused_is_what_the_page_speaks_of(client: Client) -> None:
    template = make_template()
    shown = text_of(client.post(page(template), fields(template, body="Thank you for your interest in {{ x }}")))
    assert "<mark>Thank you for your interest</mark>" in shown
    assert "data-refused" in shown
    assert "data-refused" not in text_of(client.get(page(template)))


def test_a_template_can_be_begun_with_everything_in_place_but_what_it_did(client: Client) -> None:
    shown = text_of(client.get(reverse("admin:messaging_template_add")))
    assert 'id="wording-live"' in shown
    assert "Once there is a text" in shown
    assert "How it did" not in shown


def test_the_page_says_where_the_template_is_used_and_how_it_did(client: Client) -> None:
    template = make_template()
    shown = text_of(client.get(page(template)))
    assert "No automation sends it." in shown
    assert "Nothing was sent with it yet." in shown
    automation = make_automation(template=template, name="Say no")
    message = make_message(template=template)
    force(Message.objects.filter(pk=message.pk), status="sent", sent_at=NOW, recipient="kim@example.com", delivery=50)
    shown = text_of(client.get(page(template)))
    assert reverse("admin:messaging_automation_change", args=[automation.pk]) in shown
    assert "Replies are not counted yet." in shown
    assert "<td>1</td><td>0</td><td>0</td><td>1</td><td>0</td>" in shown


def test_the_page_costs_the_same_for_few_wordings_automations_and_messages_and_for_many(client: Client) -> None:
    template = make_template()

    def add(count: int) -> None:
        for _ in range(count):
            make_wording(template)
            make_message(template=template)
            make_automation(template=template, job=make_job())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page(template)).status_code == 200
        return len(captured)

    add(2)
    few = queries()
    add(6)
    assert queries() == few


# --- Stage rules ------------------------------------------------------------------------------------------------------


def errors_of_rules(response: Any) -> str:
    [formset] = response.context["inline_admin_formsets"]
    return " ".join(formset.formset.non_form_errors())


def test_a_stage_rule_that_is_stricter_than_the_floor_is_saved(client: Client) -> None:
    template = make_template()
    rules = new_rules(
        template, (Milestone.REVIEW, Reserve.PERSON_SENDS), (Milestone.PHONE_SCREEN, Reserve.PERSON_WRITES)
    )
    assert save(client, page(template), rules).status_code == 302
    assert template.stage_rules.count() == 2


def test_a_stage_rule_looser_than_the_floor_is_refused_and_the_sentence_names_the_floor(client: Client) -> None:
    template = make_template()
    rules = new_rules(template, (Milestone.REVIEW, Reserve.PERSON_SENDS))
    sentence = errors_of_rules(save(client, page(template), rules))
    assert "From phone screen on the floor says" in sentence
    assert "written by a person" in sentence
    assert not template.stage_rules.exists()


def test_a_stage_rule_looser_than_the_policy_is_refused_and_the_sentence_names_the_policy(client: Client) -> None:
    PolicyRow.objects.create(
        touchpoint=Touchpoint.STATUS_UPDATE, from_milestone=Milestone.INTERVIEW, reserve=Reserve.PERSON_SENDS
    )
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=BODY)
    loose = new_rules(template, (Milestone.INTERVIEW, Reserve.AUTOMATIC))
    assert "From interview on the policy says" in errors_of_rules(client.post(page(template), loose))
    assert not template.stage_rules.exists()
    strict = new_rules(template, (Milestone.INTERVIEW, Reserve.PERSON_SENDS))
    assert save(client, page(template), strict).status_code == 302


def test_a_touchpoint_that_makes_the_rules_loose_is_refused_with_them(client: Client) -> None:
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=BODY)
    make_stage_rule(template, from_milestone=Milestone.APPLIED, reserve=Reserve.PERSON_SENDS)
    assert save(client, page(template), fields(template, touchpoint=Touchpoint.OFFER)).status_code == 302
    response = client.post(page(template), fields(template, touchpoint=Touchpoint.REJECTION))
    assert "From phone screen on the floor says" in errors_of_rules(response)
    template.refresh_from_db()
    assert template.touchpoint == Touchpoint.OFFER


def test_removing_the_stricter_rule_that_made_a_set_hold_is_refused(client: Client) -> None:
    template = make_template()
    make_stage_rule(template, from_milestone=Milestone.REVIEW, reserve=Reserve.PERSON_SENDS)
    make_stage_rule(template, from_milestone=Milestone.PHONE_SCREEN, reserve=Reserve.PERSON_WRITES)
    response = client.post(page(template), fields(template) | {"stage_rules-1-DELETE": "on"})
    assert "From phone screen on the floor says" in errors_of_rules(response)
    assert template.stage_rules.count() == 2
    both = {"stage_rules-0-DELETE": "on", "stage_rules-1-DELETE": "on"}
    assert save(client, page(template), fields(template) | both).status_code == 302
    assert not template.stage_rules.exists()


def test_the_page_says_who_sends_the_template(client: Client) -> None:
    shown = text_of(client.get(page(make_template())))
    assert "From applied to review: sent automatically." in shown
    assert "From phone screen on: written by a person." in shown


# --- Who may what -----------------------------------------------------------------------------------------------------


def test_an_auditor_reads_everything_and_changes_nothing() -> None:
    template = make_template(body=BODY)
    auditor = client_of("Auditor")
    shown = auditor.get(page(template))
    assert shown.status_code == 200
    assert 'id="heard"' in text_of(shown)
    assert "wording-live" not in text_of(shown)
    assert "Dear {{ candidate.full_name }}" in text_of(shown)
    assert 'name="body"' not in text_of(shown)
    assert "Sign</a>" not in text_of(shown)
    assert auditor.post(page(template), fields(template, body="Other words.")).status_code == 403
    assert auditor.get(reverse("admin:messaging_template_add")).status_code == 403
    assert template.wordings.count() == 1


def test_without_the_right_to_write_wordings_the_text_is_shown_and_stays(client: Client) -> None:
    template = make_template(body=BODY)
    clerk = make_user()
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=["view_template", "change_template", "view_wording"])
    )
    client.force_login(clerk)
    assert 'name="body"' not in text_of(client.get(page(template)))
    posted = {key: value for key, value in fields(template, body="Other", name="Another").items() if "rules" not in key}
    assert save(client, page(template), posted).status_code == 302
    template.refresh_from_db()
    assert (template.name, template.wordings.count()) == ("Another", 1)


def test_who_may_write_wordings_but_not_change_this_template_sees_no_editor(client: Client) -> None:
    template = make_template(body=BODY)
    writer = make_user()
    codes = ["view_template", "view_wording", "add_wording"]
    writer.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client.force_login(writer)
    shown = text_of(client.get(page(template)))
    assert "Dear {{ candidate.full_name }}" in shown
    assert 'name="body"' not in shown


def test_strangers_are_sent_to_the_sign_in_page() -> None:
    wording = make_template().wordings.get()
    response = Client().post(sign_page(wording))
    assert response.status_code == 302
    assert "login" in response["Location"]
    assert Signature.objects.count() == 1


# --- What arrives is hostile ------------------------------------------------------------------------------------------


def test_no_page_runs_what_a_name_or_a_text_brings(client: Client) -> None:
    template = make_template(name=f"Receipt {EVIL}", touchpoint=Touchpoint.STATUS_UPDATE, body=f"{BODY} {EVIL}")
    newest = make_wording(template, subject=f"Hello {EVIL}", body=f"{BODY} {EVIL} {EVIL}", signed=False)
    sign(newest, by=make_user(first_name=EVIL))
    RejectionPhrase.objects.create(text=EVIL)
    application = make_application(
        candidate=make_candidate(first_name=EVIL), job=make_job(title=EVIL, location="", department=EVIL)
    )
    query = {"application": application.pk}
    pages = [
        client.get(reverse(LIST)),
        client.get(page(template)),
        client.get(reverse("admin:messaging_wording_changelist")),
        client.get(reverse("admin:messaging_signature_changelist")),
        client.get(reverse("admin:messaging_wording_change", args=[newest.pk])),
        client.get(reverse("admin:messaging_wording_compare", args=[newest.pk])),
        client.get(sign_page(newest)),
        client.get(reverse("admin:messaging_wording_mail", args=[newest.pk])),
        preview(client, template, **query),
        client.get(reverse("admin:messaging_template_preview_mail", args=[template.pk]), query),
        client.post(page(template), fields(template, body=f"{{{{ {EVIL} }}}}", subject=f"{{{{ {EVIL} }}}}")),
        client.post(page(template), fields(template, body=f"A blank: ${{{EVIL}}}")),
        client.post(page(template), fields(template, body=f"{BODY} {EVIL} changed"), follow=True),
        client.post(sign_page(newest), follow=True),
    ]
    for response in pages:
        assert response.status_code == 200
        assert EVIL not in text_of(response), response.request["PATH_INFO"]
    assert "&lt;script&gt;" in text_of(pages[1])
