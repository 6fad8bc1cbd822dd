"""Moving and rejecting many, from the list to the report."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from messaging import bulk
from messaging.admin import bulk as bulk_page
from messaging.models import Automation, HandOff, Message, Operation
from pipeline.milestones import Milestone
from pipeline.models import Application, User
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

LIST = "/admin/pipeline/application/"
RIGHTS = (
    "pipeline.view_application",
    "pipeline.move_application",
    "pipeline.reject_application",
    "messaging.view_operation",
)


@pytest.fixture
def ana() -> tuple[Client, User]:
    return sign_in(*RIGHTS)


@pytest.fixture
def mixed() -> list[Application]:
    """Two early ones, one who was moved back after a phone screen, and one who is rejected already."""
    make.make_automation(
        template=make.make_template(name="Early rejection"), delay=2, delay_unit=Automation.DelayUnit.BUSINESS_DAYS
    )
    job = make.make_job()
    early, also_early, moved_back, rejected = (make.make_application(job=job) for _ in range(4))
    make.move_to(moved_back, Milestone.PHONE_SCREEN)
    make.move_to(moved_back, Milestone.APPLIED)
    make.reject(rejected)
    return [early, also_early, moved_back, rejected]


def choose(client: Client, verb: str, applications: list[Application]) -> Any:
    action = {"move": "move_to_stage", "reject": "reject"}[verb]
    return client.post(LIST, {"action": action, "_selected_action": [one.pk for one in applications]})


def url(verb: str) -> str:
    return reverse("admin:pipeline_application_bulk", args=[verb])


def page_of(operation: Operation) -> str:
    return reverse("admin:messaging_operation_change", args=[operation.pk])


def begin(client: Client, applications: list[Application]) -> dict[str, Any]:
    selected = choose(client, "reject", applications).context["form"].initial["selected"]
    return {"selected": selected, "reason": make.make_reason().pk}


def kept(preview: Any) -> list[str]:
    """The people who are ticked on a preview."""
    return sorted(re.findall(r'name="keep" value="([0-9]+)" checked', preview.content.decode()), key=int)


def confirmed(preview: Any) -> dict[str, Any]:
    """What the page of a preview sends when it is confirmed as it is."""
    return {"shown": preview.context["codes"], "keep": kept(preview), "confirm": "1"}


def statuses(applications: list[Application]) -> list[str]:
    found = dict(Application.objects.values_list("pk", "status"))
    return [found[one.pk] for one in applications]


def test_a_bulk_rejection_is_chosen_previewed_confirmed_and_reported(
    ana: tuple[Client, User], mixed: list[Application]
) -> None:
    client, user = ana
    reason = make.make_reason()
    chosen = choose(client, "reject", mixed)
    assert chosen.context["count"] == 4
    given = {"selected": chosen.context["form"].initial["selected"], "reason": reason.pk, "note": "Hiring freeze."}

    preview = client.post(url("reject"), given | {"preview": "1"})
    html = preview.content.decode()
    assert "2 people get “Early rejection” on" in html
    assert f"1 person handed to {mixed[0].job.recruiter}" in html
    assert "because the candidate reached phone screen" in html
    assert f"{mixed[3].candidate} is rejected by now." in html
    assert '<span id="confirm-number">3</span>' in html
    assert kept(preview) == [str(one.pk) for one in mixed[:3]]
    assert statuses(mixed) == ["active", "active", "active", "rejected"]
    assert (Message.objects.count(), OrmQ.objects.count()) == (0, 0)

    done = client.post(url("reject"), given | confirmed(preview), follow=True)
    [operation] = Operation.objects.all()
    assert done.redirect_chain == [(page_of(operation), 302)]
    assert (operation.by, operation.message_count) == (user, 2)
    assert done.context["account"].outcome.message_count == 2
    assert f"{mixed[3].candidate} is rejected by now." not in done.content.decode()  # they could not be ticked
    assert statuses(mixed) == ["rejected"] * 4
    assert Message.objects.filter(status=Message.Status.SCHEDULED).count() == 2
    assert [hand_off.application_id for hand_off in HandOff.objects.open()] == [mixed[2].pk]
    assert mixed[0].stage_changes.get(kind="rejected").note == "Hiring freeze."
    assert [(entry.user, entry.object_id) for entry in LogEntry.objects.all()] == [(user, str(operation.pk))]
    assert OrmQ.objects.count() == 1


def test_confirming_twice_rejects_nobody_twice(ana: tuple[Client, User], mixed: list[Application]) -> None:
    client, _ = ana
    given = begin(client, mixed)
    confirm = given | confirmed(client.post(url("reject"), given | {"preview": "1"}))
    assert client.post(url("reject"), confirm).status_code == 302
    again = client.post(url("reject"), confirm)
    assert "there is nobody left to do it to" in again.content.decode()
    assert (Operation.objects.count(), Message.objects.count()) == (1, 3)


def test_who_is_left_out_stays_as_they_are_and_the_number_to_type_is_without_them(
    ana: tuple[Client, User], mixed: list[Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = ana
    monkeypatch.setattr(bulk_page, "TYPED_ABOVE", 0)
    given = begin(client, mixed)
    confirm = given | confirmed(client.post(url("reject"), given | {"preview": "1"}))
    confirm["keep"] = [str(mixed[0].pk), str(mixed[2].pk)]

    refused = client.post(url("reject"), confirm | {"typed": "2"})
    assert "Type 1, the number of messages, to go on." in refused.content.decode()
    assert [one.pk for one in refused.context["left_out"]] == [mixed[1].pk, mixed[3].pk]
    assert client.post(url("reject"), confirm | {"typed": "1"}).status_code == 302
    assert statuses(mixed) == ["rejected", "active", "rejected", "rejected"]
    assert Operation.objects.get().items.count() == 2


def test_what_would_be_something_else_than_was_seen_is_shown_again_first(
    ana: tuple[Client, User], mixed: list[Application]
) -> None:
    client, _ = ana
    given = begin(client, mixed)
    confirm = given | confirmed(client.post(url("reject"), given | {"preview": "1"}))
    make.make_interview(mixed[0], held_at=make.NOW)  # a person writes to them now

    refused = client.post(url("reject"), confirm)
    assert "For 1 person it would be something else than you saw; look again." in refused.content.decode()
    assert not Operation.objects.exists()
    assert client.post(url("reject"), given | confirmed(refused)).status_code == 302


def test_what_they_are_told_is_a_choice(ana: tuple[Client, User], mixed: list[Application]) -> None:
    client, _ = ana
    chosen = make.make_template(name="Kinder")
    make.make_template(name="Nobody signed it", signed=False)
    given = begin(client, mixed)
    labels = [label for _, label in client.post(url("reject"), given).context["form"].fields["told"].choices]
    assert "“Kinder”, and nothing else of its kind" in labels
    assert not any("Nobody signed it" in label for label in labels)

    preview = client.post(url("reject"), given | {"told": "nothing", "preview": "1"})
    assert preview.context["preview"].message_count == preview.context["preview"].hand_off_count == 0
    preview = client.post(url("reject"), given | {"told": chosen.pk, "preview": "1"})
    assert "2 people get “Kinder” on" in preview.content.decode()
    client.post(url("reject"), given | {"told": chosen.pk} | confirmed(preview))
    assert Operation.objects.get().template == chosen
    assert client.post(url("reject"), given | {"told": "999"}).context["form"].errors


def test_a_bulk_move_goes_through_the_same_pages(ana: tuple[Client, User], mixed: list[Application]) -> None:
    client, _ = ana
    elsewhere = make.make_application()
    chosen = choose(client, "move", [*mixed, elsewhere])
    to = make.stage_of(mixed[0], Milestone.REVIEW)
    assert {stage.pipeline_id for stage in chosen.context["form"].fields["to"].queryset} == {
        to.pipeline_id,
        elsewhere.stage.pipeline_id,
    }
    given = {"selected": chosen.context["form"].initial["selected"], "to": to.pk}
    preview = client.post(url("move"), given | {"preview": "1"})
    assert [len(preview.context["preview"].done), len(preview.context["preview"].refused)] == [3, 2]
    assert set(Application.objects.values_list("stage__milestone", flat=True)) == {Milestone.APPLIED}

    client.post(url("move"), given | confirmed(preview))
    assert Application.objects.filter(stage=to).count() == 3


def test_nothing_is_done_without_a_reason(ana: tuple[Client, User], mixed: list[Application]) -> None:
    client, _ = ana
    selected = choose(client, "reject", mixed).context["form"].initial["selected"]
    withdrew = make.make_reason(kind="withdrew")
    for reason in ("", "x", withdrew.pk):
        answer = client.post(url("reject"), {"selected": selected, "reason": reason, "confirm": "1"})
        assert "preview" not in answer.context
    assert "Choose the reason." in client.post(url("reject"), {"selected": selected, "confirm": "1"}).content.decode()
    assert statuses(mixed) == ["active", "active", "active", "rejected"]


@pytest.mark.parametrize("selected", ["", "1", "1:2:3", "x"])
def test_a_selection_that_cannot_be_read_goes_back_to_the_list_with_a_sentence(
    selected: str, ana: tuple[Client, User]
) -> None:
    client, _ = ana
    answer = client.post(url("reject"), {"selected": selected, "confirm": "1"}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "Select the applications again." in answer.content.decode()


def test_a_get_does_nothing_and_an_unknown_act_is_not_found(ana: tuple[Client, User]) -> None:
    client, _ = ana
    assert client.get(url("reject"), {"selected": "1:1", "confirm": "1"}).status_code == 302
    assert client.post(url("hire"), {"selected": "1:1"}).status_code == 404


@pytest.mark.parametrize(("verb", "missing"), [("move", RIGHTS[1]), ("reject", RIGHTS[2])])
def test_a_bulk_act_needs_its_own_right(verb: str, missing: str, mixed: list[Application]) -> None:
    client, _ = sign_in(*(right for right in RIGHTS if right != missing))
    selected = ",".join(f"{one.pk}:{one.stage_id}" for one in mixed)
    given = {
        "selected": selected,
        "reason": make.make_reason().pk,
        "to": make.stage_of(mixed[0], Milestone.REVIEW).pk,
        "confirm": "1",
    }
    names = [value for value, _ in client.get(LIST).context["action_form"].fields["action"].choices]
    assert {"move": "move_to_stage", "reject": "reject"}[verb] not in names
    assert client.post(url(verb), given).status_code == 403
    assert statuses(mixed) == ["active", "active", "active", "rejected"]

    client, _ = sign_in(*RIGHTS)
    assert client.post(url(verb), {**given, "confirm": "", "preview": "1"}).status_code == 200


def test_more_than_can_be_answered_for_at_once_are_not_taken(
    ana: tuple[Client, User], mixed: list[Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = ana
    assert choose(client, "reject", mixed[:3]).status_code == 200
    monkeypatch.setattr(bulk, "AT_MOST", 3)
    answer = choose(client, "reject", mixed)
    assert answer.status_code == 302
    assert "Select at most 3 at once." in client.get(LIST).content.decode()


def test_a_selection_over_all_pages_of_the_list_is_taken_whole(
    ana: tuple[Client, User], mixed: list[Application]
) -> None:
    client, _ = ana
    given = {"action": "reject", "_selected_action": [mixed[0].pk], "select_across": "1"}
    assert client.post(LIST, given).context["count"] == 4


def test_above_so_many_messages_their_number_is_typed_and_not_only_clicked(
    ana: tuple[Client, User], mixed: list[Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = ana
    given = begin(client, mixed)
    assert not client.post(url("reject"), given | {"preview": "1"}).context["must_type"]
    monkeypatch.setattr(bulk_page, "TYPED_ABOVE", 1)
    preview = client.post(url("reject"), given | {"preview": "1"})
    assert preview.context["must_type"]
    confirm = given | confirmed(preview)
    for typed in ({}, {"typed": ""}, {"typed": "3"}, {"typed": "two"}):
        refused = client.post(url("reject"), confirm | typed).content.decode()
        assert "Nothing happened yet. Type 2, the number of messages, to go on." in refused
        assert statuses(mixed) == ["active", "active", "active", "rejected"]
    client.post(url("reject"), confirm | {"typed": " 2 "})
    assert statuses(mixed) == ["rejected"] * 4


def test_only_what_a_person_may_see_is_taken_of_what_a_form_brings_back(
    ana: tuple[Client, User], mixed: list[Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = ana
    given = begin(client, mixed)
    visible = Application.objects.exclude(pk=mixed[0].pk)
    model_admin = admin.site.get_model_admin(Application)
    monkeypatch.setattr(model_admin, "get_queryset", lambda _: visible)
    assert kept(client.post(url("reject"), given | {"preview": "1"})) == [str(mixed[1].pk), str(mixed[2].pk)]
    monkeypatch.undo()
    assert kept(client.post(url("reject"), given | {"preview": "1"})) == [str(one.pk) for one in mixed[:3]]
