"""Before a rule is saved on any page, the page shows what it would have changed; nothing is saved by looking."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.admin.what_if_words import Panel
from messaging.delivery import outbox
from messaging.models import Automation, HandOff, Message, PolicyRow, RejectionPhrase, StageRule, Template
from messaging.policy.floor import Reserve, Touchpoint
from messaging.what_if import past
from pipeline.milestones import Milestone
from tests.factories import (
    make_application,
    make_automation,
    make_colleague,
    make_hand_off,
    make_message,
    make_stage_rule,
    make_template,
    make_user,
    move_to,
    reject,
)
from tests.messaging.admin.template_pages import fields, new_rules, page
from tests.messaging.admin.test_automations import fields as automation_fields

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"
NEWS = "Dear {{ candidate.first_name }}, we are still reading. {{ sender.name }}"
ADD_ROW = "admin:messaging_policyrow_add"
ADD_AUTOMATION = "admin:messaging_automation_add"
AUTOMATIONS = "admin:messaging_automation_changelist"
STRICT_ROW = {"touchpoint": "rejection", "from_milestone": 1, "reserve": 2, "why": ""}


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_colleague("Administrator"))
    return client


def sent() -> Message:
    now = timezone.now()
    message = make_message(now=now)
    outbox.drain(clock=lambda: now + timedelta(hours=2))
    message.refresh_from_db()
    assert message.status == Message.Status.SENT
    return message


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def panel_of(response: Any) -> Panel:
    assert response.status_code == 200
    panel: Panel = response.context["what_if"]
    assert panel is not None
    return panel


def automation_page(automation: Automation) -> str:
    return reverse("admin:messaging_automation_change", args=[automation.pk])


# --- Policy rows ------------------------------------------------------------------------------------------------------


def test_the_first_save_shows_and_the_second_saves(client: Client) -> None:
    gone, waiting = sent(), make_message(now=timezone.now())
    shown = client.post(reverse(ADD_ROW), STRICT_ROW)
    panel = panel_of(shown)
    behind, ahead = panel.parts
    assert behind.sentence == "Of 1 message, 1 would have gone another way."
    assert [(count.number, count.words) for count in behind.counts] == [(1, "leaves by itself → a person writes it")]
    assert ahead.sentence == "Of 1 scheduled message, 1 will go another way."
    assert [line.url for line in (*behind.lines, *ahead.lines)] == [
        reverse("admin:messaging_message_change", args=[message.pk]) for message in (gone, waiting)
    ]
    assert "Please correct the error" not in text_of(shown)
    assert not PolicyRow.objects.exists()
    assert client.post(reverse(ADD_ROW), STRICT_ROW | {"what_if": panel.token}).status_code == 302
    assert PolicyRow.objects.count() == 1


def test_another_rule_than_the_one_that_was_shown_is_shown_again(client: Client) -> None:
    token = panel_of(client.post(reverse(ADD_ROW), STRICT_ROW)).token
    other = STRICT_ROW | {"from_milestone": 2, "what_if": token}
    again = panel_of(client.post(reverse(ADD_ROW), other)).token
    assert again != token
    assert not PolicyRow.objects.exists()
    assert client.post(reverse(ADD_ROW), other | {"what_if": again}).status_code == 302


def test_what_is_wrong_is_said_before_anything_is_looked_at(client: Client) -> None:
    wrong = client.post(reverse(ADD_ROW), STRICT_ROW | {"from_milestone": 3, "reserve": 1})
    assert "what_if" not in wrong.context
    assert "Please correct the error" in text_of(wrong)


def test_a_change_of_why_is_no_other_rule(client: Client) -> None:
    row = PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=2)
    url = reverse("admin:messaging_policyrow_change", args=[row.pk])
    assert client.post(url, STRICT_ROW | {"why": "For Mei."}).status_code == 302
    assert client.post(url, STRICT_ROW | {"from_milestone": 2}).status_code == 200
    row.refresh_from_db()
    assert (row.why, row.from_milestone) == ("For Mei.", 1)


def test_before_a_row_is_deleted_the_page_says_what_that_changes(client: Client) -> None:
    row = PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=1)
    make_message(now=timezone.now())
    asked = client.get(reverse("admin:messaging_policyrow_delete", args=[row.pk]))
    panel = panel_of(asked)
    assert [(count.number, count.words) for count in panel.parts[0].counts] == [
        (1, "a person sends it → leaves by itself")
    ]
    assert "1 hand-off that is open stays with its person." in panel.limits
    assert "leaves by itself" in text_of(asked)


def test_who_may_not_see_messages_gets_the_numbers_alone() -> None:
    sent()
    person, client = make_user(), Client()
    names = ["add_policyrow", "view_policyrow"]
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    panel = panel_of(client.post(reverse(ADD_ROW), STRICT_ROW))
    assert panel.parts[0].sentence == "Of 1 message, 1 would have gone another way."
    assert not any(part.lines for part in panel.parts)
    person.user_permissions.add(Permission.objects.get(codename="view_message"))
    assert len(panel_of(client.post(reverse(ADD_ROW), STRICT_ROW)).parts[0].lines) == 1


def test_what_was_not_looked_at_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(), sent()
    monkeypatch.setattr(past, "AT_MOST", 1)
    panel = panel_of(client.post(reverse(ADD_ROW), STRICT_ROW))
    assert panel.parts[0].sentence == "Of 1 message, at least 1 would have gone another way."
    assert "Only the newest 1 decisions of these days were looked at." in panel.limits


# --- Rejection phrases ------------------------------------------------------------------------------------------------

ADD_PHRASE = "admin:messaging_rejectionphrase_add"


def test_a_phrase_is_shown_before_it_is_one(client: Client) -> None:
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=f"{NEWS} We chose another path.")
    make_message(now=timezone.now(), template=template)
    panel = panel_of(client.post(reverse(ADD_PHRASE), {"text": "chose another path"}))
    assert [(count.number, count.words) for count in panel.parts[1].counts] == [
        (1, "leaves by itself → handed to a person")
    ]
    assert "Told from the wordings; what people wrote themselves is not read again." in panel.limits
    assert not RejectionPhrase.objects.filter(text="chose another path").exists()
    saved = client.post(reverse(ADD_PHRASE), {"text": "chose another path", "what_if": panel.token})
    assert saved.status_code == 302
    assert RejectionPhrase.objects.filter(text="chose another path").exists()


def test_phrases_that_go_are_shown_too_one_and_many(client: Client) -> None:
    phrase = RejectionPhrase.objects.create(text="chose another path")
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=f"{NEWS} We chose another path.")
    make_message(now=timezone.now(), template=template)
    one = client.get(reverse("admin:messaging_rejectionphrase_delete", args=[phrase.pk]))
    chosen = {"action": "delete_selected", "_selected_action": [phrase.pk]}
    many = client.post(reverse("admin:messaging_rejectionphrase_changelist"), chosen)
    for page_that_asks in (one, many):
        [count] = panel_of(page_that_asks).parts[0].counts
        assert (count.number, count.words) == (1, "handed to a person → leaves by itself")
        assert "leaves by itself" in text_of(page_that_asks)
    assert RejectionPhrase.objects.filter(pk=phrase.pk).exists()


# --- Templates --------------------------------------------------------------------------------------------------------


def test_stage_rules_are_shown_before_they_are_saved(client: Client) -> None:
    message = make_message(now=timezone.now())
    template = message.template
    assert template
    posted = new_rules(template, (Milestone.APPLIED, Reserve.PERSON_WRITES))
    panel = panel_of(client.post(page(template), posted))
    assert [(count.number, count.words) for count in panel.parts[1].counts] == [
        (1, "leaves by itself → a person writes it")
    ]
    assert not StageRule.objects.exists()
    other = new_rules(template, (Milestone.REVIEW, Reserve.PERSON_WRITES)) | {"what_if": panel.token}
    assert panel_of(client.post(page(template), other)).token != panel.token
    assert client.post(page(template), posted | {"what_if": panel.token}).status_code == 302
    assert StageRule.objects.count() == 1


def test_a_stage_rule_that_goes_is_shown_too(client: Client) -> None:
    template = make_template()
    make_stage_rule(template, from_milestone=1, reserve=1)
    posted = fields(template) | {"stage_rules-0-DELETE": "on"}
    token = panel_of(client.post(page(template), posted)).token
    assert StageRule.objects.exists()
    assert client.post(page(template), posted | {"what_if": token}).status_code == 302
    assert not StageRule.objects.exists()


@pytest.mark.parametrize("change", [{"touchpoint": Touchpoint.OFFER}, {"is_active": ""}])
def test_another_kind_and_being_retired_are_rules_as_well(client: Client, change: dict[str, Any]) -> None:
    message = make_message(now=timezone.now())
    template = message.template
    assert template
    panel = panel_of(client.post(page(template), fields(template, **change)))
    stored = Template.objects.get(pk=template.pk)
    assert (stored.touchpoint, stored.is_active) == (template.touchpoint, True)
    assert client.post(page(template), fields(template, **change) | {"what_if": panel.token}).status_code == 302


def test_another_text_or_name_is_no_rule_and_a_new_template_has_no_past(client: Client) -> None:
    template = make_template(body=NEWS)
    assert client.post(page(template), fields(template, body=f"{NEWS} Bye.", name="Other")).status_code == 302
    add = reverse("admin:messaging_template_add")
    ruled = fields() | {"stage_rules-TOTAL_FORMS": 1, "stage_rules-0-from_milestone": 1, "stage_rules-0-reserve": 2}
    assert client.post(add, ruled).status_code == 302


# --- Automations ------------------------------------------------------------------------------------------------------


def test_a_new_automation_says_what_it_would_have_followed(client: Client) -> None:
    now = timezone.now()
    make_application(now=now - timedelta(days=100))
    known = make_application(now=now)
    move_to(known, Milestone.PHONE_SCREEN, now=now)
    for application in (known, make_application(now=now)):
        reject(application, now=now)
    posted = automation_fields(event=Automation.Event.REJECTED, template=make_template())
    panel = panel_of(client.post(reverse(ADD_AUTOMATION), posted))
    [part] = panel.parts
    assert part.heading == "The last 90 days"
    assert part.sentence == "It would have followed 2 stage changes, about 1 message a week."
    assert [(count.number, count.words) for count in part.counts] == [
        (1, "would have left by themselves"),
        (1, "would have gone to a person: the floor asks for a person"),
    ]
    assert [(line.candidate, line.words) for line in part.lines] == [
        (str(known.candidate), "the floor asks for a person")
    ]
    assert not Automation.objects.exists()
    assert client.post(reverse(ADD_AUTOMATION), posted | {"what_if": panel.token}).status_code == 302


def test_who_waits_for_news_already_is_warned_of(client: Client) -> None:
    make_application(now=timezone.now() - timedelta(days=20), quiet=False)
    posted = automation_fields(event=Automation.Event.NO_NEWS, quiet_days=3)
    [part] = panel_of(client.post(reverse(ADD_AUTOMATION), posted)).parts
    assert part.warning.startswith("1 candidate waits that long already, and would be written to")


def test_a_change_says_what_it_means_for_what_is_scheduled(client: Client) -> None:
    message = make_message(now=timezone.now())
    automation = message.automation
    assert automation
    kept = {
        "name": automation.name, "event": automation.event, "job": automation.job, "delay": 1, "delay_unit": "hours",
    }  # fmt: skip
    off = automation_fields(**kept, template=automation.template, is_active="")
    panel = panel_of(client.post(automation_page(automation), off))
    assert panel.parts[0].sentence == "Switched off, it follows nothing. As it is, it follows 1 stage change."
    assert panel.parts[1].sentence == "Of 1 scheduled message, 1 will go another way."
    other = automation_fields(**kept, template=make_template())
    panel = panel_of(client.post(automation_page(automation), other))
    assert panel.parts[1].sentence == "None of the 1 scheduled message will go another way."
    assert f"What is scheduled keeps the template it was planned with, “{automation.template}”." in panel.limits
    renamed = automation_fields(**kept | {"name": "Other"}, template=automation.template)
    assert client.post(automation_page(automation), renamed).status_code == 302


def test_the_switch_of_the_list_asks_first(client: Client) -> None:
    message = make_message(now=timezone.now())
    make_automation()
    automation = message.automation
    assert automation
    chosen = {"action": "switch_off", "_selected_action": [automation.pk]}
    asked = client.post(reverse(AUTOMATIONS), chosen)
    panel = panel_of(asked)
    assert panel.title == "Switch off 1 automation?"
    assert [part.heading for part in panel.parts] == [automation.name, "Scheduled now"]
    assert panel.parts[1].sentence == "Of 1 scheduled message, 1 will go another way."
    automation.refresh_from_db()
    assert automation.is_active
    assert client.post(reverse(AUTOMATIONS), chosen | {"confirm": "1"}).status_code == 302
    assert not Automation.objects.get(pk=automation.pk).is_active
    chosen["action"] = "switch_on"
    assert (
        "It would have followed 1 stage change" in panel_of(client.post(reverse(AUTOMATIONS), chosen)).parts[0].sentence
    )


def test_an_automation_that_planned_nothing_is_deleted_after_it_was_shown_what_it_does(client: Client) -> None:
    reject(make_application(now=timezone.now()), now=timezone.now())
    automation = make_automation()
    client.force_login(make_user(is_superuser=True))
    asked = client.get(reverse("admin:messaging_automation_delete", args=[automation.pk]))
    assert "Switched off, it follows nothing." in panel_of(asked).parts[0].sentence


# --- What arrives is hostile ------------------------------------------------------------------------------------------


def test_no_panel_runs_what_a_name_brings(client: Client) -> None:
    hand_off = make_hand_off(now=timezone.now(), template=make_template(name=EVIL))
    candidate = hand_off.application.candidate
    type(candidate).objects.update(first_name=EVIL)
    assert HandOff.objects.count() == 1
    automation = hand_off.message.automation
    assert automation
    Automation.objects.update(name=EVIL)
    pages = [
        client.post(reverse(ADD_ROW), {"touchpoint": "rejection", "from_milestone": 3, "reserve": 2}),
        client.post(
            automation_page(automation), automation_fields(event=Automation.Event.REJECTED, template=make_template())
        ),
        client.post(reverse(AUTOMATIONS), {"action": "switch_off", "_selected_action": [automation.pk]}),
    ]
    for response in pages:
        assert panel_of(response).parts
        assert EVIL not in text_of(response)
    assert "&lt;script&gt;" in text_of(pages[1])
