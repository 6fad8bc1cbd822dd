"""Moving and rejecting many, from the list to the report."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from messaging import bulk
from messaging.admin import bulk as bulk_page
from messaging.models import Automation, HandOff, Message
from pipeline.milestones import Milestone
from pipeline.models import Application, User
from tests import factories as make
from tests.messaging.admin.signing_in import sign_in

pytestmark = pytest.mark.django_db

LIST = "/admin/pipeline/application/"
RIGHTS = ("pipeline.view_application", "pipeline.move_application", "pipeline.reject_application")


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
    assert f"1 hand-off for {mixed[0].job.recruiter}" in html
    assert "because the candidate reached phone screen" in html
    assert f"{mixed[3].candidate} is rejected by now." in html
    assert "Reject 3" in html
    assert statuses(mixed) == ["active", "active", "active", "rejected"]
    assert (Message.objects.count(), OrmQ.objects.count()) == (0, 0)

    done = client.post(url("reject"), given | {"confirm": "1"})
    assert done.context["outcome"].message_count == 2
    assert f"{mixed[3].candidate} is rejected by now." in done.content.decode()
    assert statuses(mixed) == ["rejected"] * 4
    assert Message.objects.filter(status=Message.Status.SCHEDULED).count() == 2
    assert [hand_off.application_id for hand_off in HandOff.objects.open()] == [mixed[2].pk]
    assert mixed[0].stage_changes.get(kind="rejected").note == "Hiring freeze."
    assert {entry.object_id for entry in LogEntry.objects.all()} == {str(one.pk) for one in mixed[:3]}
    assert set(LogEntry.objects.values_list("user", flat=True)) == {user.pk}
    assert OrmQ.objects.count() == 1


def test_confirming_twice_rejects_nobody_twice(ana: tuple[Client, User], mixed: list[Application]) -> None:
    client, _ = ana
    given = {
        "selected": choose(client, "reject", mixed).context["form"].initial["selected"],
        "reason": make.make_reason().pk,
        "confirm": "1",
    }
    assert len(client.post(url("reject"), given).context["outcome"].done) == 3
    assert len(client.post(url("reject"), given).context["outcome"].refused) == 4
    assert Message.objects.count() == 3


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
    assert "Move 3" in client.post(url("move"), given | {"preview": "1"}).content.decode()
    assert set(Application.objects.values_list("stage__milestone", flat=True)) == {Milestone.APPLIED}

    outcome = client.post(url("move"), given | {"confirm": "1"}).context["outcome"]
    assert [len(outcome.done), len(outcome.refused)] == [3, 2]
    assert Application.objects.filter(stage=to).count() == 3


def test_nothing_is_done_without_a_reason(ana: tuple[Client, User], mixed: list[Application]) -> None:
    client, _ = ana
    selected = choose(client, "reject", mixed).context["form"].initial["selected"]
    withdrew = make.make_reason(kind="withdrew")
    for reason in ("", "x", withdrew.pk):
        answer = client.post(url("reject"), {"selected": selected, "reason": reason, "confirm": "1"})
        assert answer.context["outcome"] is None
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
    assert client.post(url(verb), given).status_code == 200


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
    given = {
        "selected": choose(client, "reject", mixed).context["form"].initial["selected"],
        "reason": make.make_reason().pk,
    }
    assert 'name="typed"' not in client.post(url("reject"), given | {"preview": "1"}).content.decode()
    monkeypatch.setattr(bulk_page, "TYPED_ABOVE", 1)
    assert 'name="typed"' in client.post(url("reject"), given | {"preview": "1"}).content.decode()
    for typed in ({}, {"typed": ""}, {"typed": "3"}, {"typed": "two"}):
        refused = client.post(url("reject"), given | typed | {"confirm": "1"}).content.decode()
        assert "Nothing happened yet. Type 2, the number of messages, to go on." in refused
        assert statuses(mixed) == ["active", "active", "active", "rejected"]
    done = client.post(url("reject"), given | {"typed": " 2 ", "confirm": "1"})
    assert done.context["outcome"].message_count == 2
    assert statuses(mixed) == ["rejected"] * 4
