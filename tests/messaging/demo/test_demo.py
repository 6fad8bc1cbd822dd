"""The demo company is lived through with the product's own functions, so what it shows is what the product does."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from messaging import audit
from messaging.demo import texts
from messaging.demo.company import PASSWORD, SIGN_INS, found
from messaging.management.commands.load_demo import load
from messaging.models import (
    Automation,
    BounceAnswer,
    HandOff,
    Hold,
    Incident,
    Message,
    Operation,
    Snooze,
    Template,
)
from messaging.policy.floor import FLOOR, Reserve, touchpoint_of
from messaging.reports import sends
from messaging.wording import rendering
from messaging.wording.placeholders import example_values
from pipeline.models import Application, Candidate, Distinction, Job, Merge, Pipeline, Unmerge, User
from tests import factories
from tests.factories import NOW


@pytest.fixture
def _three_days(db: None, settings: object, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path  # type: ignore[attr-defined]
    call_command("prepare")
    load(end=NOW, days=3)


@pytest.fixture
def _founded(db: None) -> None:
    """The company before its first candidate."""
    call_command("prepare")
    found(now=NOW)


@pytest.mark.django_db
def test_two_weeks_show_what_the_product_is_for(settings: object, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path  # type: ignore[attr-defined]
    call_command("prepare")
    load(end=NOW, days=14)
    assert (Job.objects.count(), Pipeline.objects.count(), Template.objects.count()) == (6, 2, 14)
    assert Candidate.objects.count() == 62 + 3  # of 400 in ninety days; three applied twice
    sent = Message.objects.filter(status=Message.Status.SENT)
    assert sent.filter(origin="automation").count() > 15
    assert HandOff.objects.open().exists()
    assert HandOff.objects.exclude(status=HandOff.Status.OPEN).exists()
    assert not Message.objects.filter(status=Message.Status.SENDING).exists()
    _assert_seldom_things_happened()
    assert not sends.reserved_but_sent_by_a_machine().exists()
    assert [seen for seen in audit.audit() if seen.grade == audit.Grade.VIOLATION] == []


def _assert_seldom_things_happened() -> None:
    """What has a page of its own is on it, open and dealt with."""
    delivery = Message.Delivery
    assert Message.objects.filter(status=Message.Status.UNCERTAIN).count() == 1
    assert Message.objects.filter(status=Message.Status.FAILED).count() == 1
    assert Message.objects.bounced().count() == 4  # the complaint and the failed one among them
    assert BounceAnswer.objects.get().again is not None
    assert Message.objects.filter(delivery=delivery.DELIVERED).count() > 10
    assert Message.objects.filter(delivery=delivery.COMPLAINED).count() == 1
    assert Hold.objects.on(NOW).count() == 2
    assert Snooze.objects.filter(hand_off__status=HandOff.Status.OPEN).count() == 2
    assert Incident.objects.filter(closed_at=None).count() == Incident.objects.exclude(closed_at=None).count() == 1
    assert (Merge.objects.count(), Unmerge.objects.count(), Distinction.objects.count()) == (2, 1, 1)
    undone, finished = Operation.objects.exclude(undone_at=None), Operation.objects.filter(undone_at=None)
    assert (undone.count(), finished.count()) == (1, 2)
    assert set(undone.get().items.values_list("state", flat=True)) == {"undone", "stays"}
    assert not Operation.objects.unfinished().exists()


@pytest.mark.usefixtures("_three_days")
def test_every_mail_of_the_demo_passed_the_gate_and_is_a_file() -> None:
    for message in Message.objects.filter(status=Message.Status.SENT).select_related("application"):
        verdict = message.verdicts.get()
        assert verdict.outcome == "send"
        if message.origin == "automation":
            assert verdict.reserve == Reserve.AUTOMATIC
        attempt = message.attempts.get()
        assert (attempt.provider, attempt.outcome) == ("simulate", "accepted")
        assert (settings.VAR_DIR / "mail" / f"{message.public_id}.eml").exists()


def _shape() -> list[object]:
    return [
        list(Candidate.objects.order_by("pk").values_list("email", "reach")),
        list(Application.objects.order_by("pk").values_list("candidate__email", "status", "stage__name", "told_how")),
        list(Message.objects.order_by("pk").values_list("status", "subject", "due_at")),
        list(HandOff.objects.order_by("pk").values_list("status", "due_at", "note")),
    ]


@pytest.mark.django_db(transaction=True)
def test_the_same_day_makes_the_same_company(settings: object, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path  # type: ignore[attr-defined]
    shapes = []
    for _ in range(2):
        call_command("flush", interactive=False, verbosity=0)
        call_command("prepare")
        load(end=NOW, days=3)
        shapes.append(_shape())
    assert shapes[0] == shapes[1]
    assert shapes[0][0]


@pytest.mark.django_db
def test_the_demo_needs_an_empty_database_and_simulate_mode(settings: object) -> None:
    settings.MAIL_MODE = "live"  # type: ignore[attr-defined]
    with pytest.raises(CommandError, match="simulate mode only"):
        call_command("load_demo")
    settings.MAIL_MODE = "simulate"  # type: ignore[attr-defined]
    factories.make_user()
    with pytest.raises(CommandError, match="needs an empty database"):
        call_command("load_demo")
    call_command("load_demo", "--if-empty")
    assert User.objects.count() == 1


@pytest.mark.usefixtures("_founded")
def test_the_people_of_the_demo_cannot_sign_in_where_mail_is_real(settings: object, client: object) -> None:
    for username in SIGN_INS:
        assert client.login(username=username, password=PASSWORD)  # type: ignore[attr-defined]
    settings.MAIL_MODE = "live"  # type: ignore[attr-defined]
    for username in SIGN_INS:
        assert not client.login(username=username, password=PASSWORD)  # type: ignore[attr-defined]


def test_the_fourteen_templates_are_sound_and_cover_most_touchpoints() -> None:
    assert len(texts.TEMPLATES) == 14
    for text in texts.TEMPLATES:
        assert rendering.check(subject=text.subject, body=text.body) == ()
        rendered = rendering.render(subject=text.subject, body=text.body, values=example_values())
        assert (rendered.missing, rendered.problem) == ((), "")
    assert len({text.touchpoint for text in texts.TEMPLATES}) >= 9


@pytest.mark.usefixtures("_founded")
def test_the_demos_automations_meet_reserved_kinds_too() -> None:
    kinds = {touchpoint_of(automation.template.touchpoint) for automation in Automation.objects.all()}
    assert any(Reserve.AUTOMATIC not in FLOOR[kind] for kind in kinds)
    assert any(Reserve.AUTOMATIC in FLOOR[kind] for kind in kinds)
