"""Every change of a rule on a page is in the ledger, with what the rule was before and who changed it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from messaging.models import LedgerEntry, PolicyRow, RejectionPhrase
from messaging.policy.floor import Reserve, Touchpoint
from pipeline.milestones import Milestone
from pipeline.models import User
from tests.factories import make_automation, make_colleague, make_stage_rule, make_template
from tests.messaging.admin.saving import save, switch
from tests.messaging.admin.template_pages import fields, new_rules, page, rule_fields

pytestmark = pytest.mark.django_db

BODY = "Dear {{ candidate.full_name }}, thank you. {{ sender.name }}"


@pytest.fixture
def person() -> User:
    return make_colleague("Administrator", is_superuser=True)


@pytest.fixture
def client(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def said_by(person: User) -> list[tuple[str, dict[str, Any]]]:
    """What the ledger has; all of it is theirs."""
    entries = LedgerEntry.objects.filter(kind="rule_changed")
    assert {(entry.actor_kind, entry.actor_id) for entry in entries} <= {("person", person.pk)}
    return [(entry.subject, entry.data) for entry in entries]


def row_fields(**overrides: Any) -> dict[str, Any]:
    return {"touchpoint": "survey", "from_milestone": 6, "reserve": 1, "why": "For Mei."} | overrides


def test_a_policy_row_that_comes_changes_and_goes(client: Client, person: User) -> None:
    save(client, reverse("admin:messaging_policyrow_add"), row_fields())
    row = PolicyRow.objects.get()
    save(client, reverse("admin:messaging_policyrow_change", args=[row.pk]), row_fields(reserve=2))
    client.post(reverse("admin:messaging_policyrow_delete", args=[row.pk]), {"post": "yes"})
    assert not PolicyRow.objects.exists()

    [came, changed, gone] = said_by(person)
    subject = f"policyrow:{row.pk}"
    new = {"touchpoint_after": "survey", "from_milestone_after": 6, "reserve_after": 1}
    none = {"touchpoint_before": None, "from_milestone_before": None, "reserve_before": None}
    assert came == (subject, new | none)
    assert changed == (subject, {"reserve_before": 1, "reserve_after": 2})
    assert gone[0] == subject
    assert (gone[1]["reserve_before"], gone[1]["reserve_after"]) == (2, None)


def test_what_was_refused_or_stayed_the_same_is_no_change(client: Client, person: User) -> None:
    loose = row_fields(touchpoint=Touchpoint.OFFER, reserve=0)
    assert save(client, reverse("admin:messaging_policyrow_add"), loose).status_code == 200
    row = PolicyRow.objects.create(touchpoint="survey", from_milestone=6, reserve=1, why="For Mei.")
    save(client, reverse("admin:messaging_policyrow_change", args=[row.pk]), row_fields(why="For Noor."))
    row.refresh_from_db()
    assert row.why == "For Noor."
    assert said_by(person) == []


def test_rejection_phrases_that_are_removed_together(client: Client, person: User) -> None:
    save(client, reverse("admin:messaging_rejectionphrase_add"), {"text": "not this time"})
    phrases = [RejectionPhrase.objects.get(text="not this time"), RejectionPhrase.objects.create(text="never ever")]
    chosen = {"action": "delete_selected", "_selected_action": [phrase.pk for phrase in phrases], "post": "yes"}
    client.post(reverse("admin:messaging_rejectionphrase_changelist"), chosen)
    assert not RejectionPhrase.objects.filter(pk__in=[phrase.pk for phrase in phrases]).exists()

    [came, *gone] = said_by(person)
    assert came == (f"rejectionphrase:{phrases[0].pk}", {"text_before": None, "text_after": "not this time"})
    assert sorted(gone) == sorted(
        (f"rejectionphrase:{phrase.pk}", {"text_before": phrase.text, "text_after": None}) for phrase in phrases
    )


def test_a_template_that_is_retired(client: Client, person: User) -> None:
    template = make_template(touchpoint="acknowledgement", body=BODY)
    posted = fields(template)
    del posted["is_active"]
    save(client, page(template), posted)
    assert said_by(person) == [(f"template:{template.pk}", {"is_active_before": True, "is_active_after": False})]


def test_stage_rules_that_come_change_and_go(client: Client, person: User) -> None:
    template = make_template(touchpoint="status_update", body=BODY)
    save(client, page(template), new_rules(template, (Milestone.INTERVIEW, 1), (Milestone.OFFER, 2)))
    early, late = template.stage_rules.order_by("from_milestone")
    changed = fields(template) | rule_fields(0, Milestone.INTERVIEW, 2) | {"stage_rules-1-DELETE": "on"}
    save(client, page(template), changed)

    said = said_by(person)
    assert [subject for subject, _ in said] == [f"stagerule:{pk}" for pk in (early.pk, late.pk, early.pk, late.pk)]
    assert said[0][1]["template_id_after"] == template.pk
    assert said[2][1] == {"reserve_before": 1, "reserve_after": 2}
    assert (said[3][1]["reserve_before"], said[3][1]["reserve_after"]) == (2, None)


def test_a_stage_rule_beside_those_that_stay(client: Client, person: User) -> None:
    template = make_template(touchpoint="status_update", body=BODY)
    make_stage_rule(template, from_milestone=Milestone.INTERVIEW, reserve=Reserve.PERSON_SENDS)
    posted = fields(template) | {"stage_rules-TOTAL_FORMS": 2} | rule_fields(1, Milestone.OFFER, 2)
    save(client, page(template), posted)
    [(subject, _)] = said_by(person)
    assert subject == f"stagerule:{template.stage_rules.get(from_milestone=Milestone.OFFER).pk}"


def test_automations_that_are_switched_together(client: Client, person: User) -> None:
    was_on, was_off = make_automation(), make_automation(is_active=False)
    chosen = {"action": "switch_off", "_selected_action": [was_on.pk, was_off.pk]}
    switch(client, reverse("admin:messaging_automation_changelist"), chosen)
    assert said_by(person) == [(f"automation:{was_on.pk}", {"is_active_before": True, "is_active_after": False})]


def test_an_automation_that_is_deleted(client: Client, person: User) -> None:
    automation = make_automation(delay=3)
    client.post(reverse("admin:messaging_automation_delete", args=[automation.pk]), {"post": "yes"})
    [(subject, data)] = said_by(person)
    assert subject == f"automation:{automation.pk}"
    assert (data["event_before"], data["delay_before"], data["delay_after"]) == ("rejected", 3, None)
