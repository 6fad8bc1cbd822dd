"""Every kind of page, with the busiest row of the demo company that it can show; read from the rows, so that none is
missed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.test import Client
from django.urls import reverse
from django.utils.http import urlencode

from messaging.demo.company import PASSWORD
from messaging.models import HandOff, Message, Template, Wording
from messaging.roles import write_roles
from pipeline.models import Application, Candidate, Job, User
from tests.world import FOREIGN, World, pages


def all_places() -> dict[str, str]:
    """Title to path."""
    return {**_lists(), **_forms(), **_own_pages()}


# All histories are one page, and the lists are looked at with more rows.
SEEN_ELSEWHERE = ("_history", "_changelist", "admin:login", "admin:logout")


def rare_places() -> dict[str, str]:
    """The page of every address, with rows that are made for it; see tests/world.py."""
    write_roles()
    administrator = User.objects.create_superuser("administrator", password=PASSWORD, first_name="Ruth")
    world, client = World(administrator), Client(headers={"host": "localhost"})
    client.force_login(administrator)
    found = {}
    for page in pages():
        asked = {"one": world.rows["messaging.Message"].pk} if page.name == "outbox:act" else world.asked(page)
        path = world.url(page) + (f"?{urlencode(asked)}" if asked else "")
        is_another_one = page.of == FOREIGN or page.name.endswith(SEEN_ELSEWHERE)
        if not is_another_one and _is_a_page(client.get(path)):
            found[f"{page.name} ({page.of})"] = path
    return found | {"history": reverse("admin:pipeline_candidate_history", args=[world.rows["pipeline.Candidate"].pk])}


def _is_a_page(answer: Any) -> bool:
    """And no part of one, no data and no way to another one."""
    return answer.status_code == 200 and not answer.streaming and b"<h1" in answer.content


# Roles are written by `prepare`; their page is the superuser's.
MODELS = [model for model in admin.site._registry if model is not Group]


def _lists() -> dict[str, str]:
    return {
        f"list of {model._meta.verbose_name_plural}": reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        )
        for model in MODELS
    }


def _forms() -> dict[str, str]:
    """The newest row of each model that has one; a hand-off's is the compose page."""
    found = {}
    for model in MODELS:
        row = model._default_manager.order_by("-pk").first()
        if row is not None and model is not HandOff:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
            found[f"one of the {model._meta.verbose_name_plural}"] = reverse(name, args=[row.pk])
    return found


def _own_pages() -> dict[str, str]:
    job = _busiest(Job.objects.all(), "applications")
    candidate = _busiest(Candidate.objects.all(), "applications__messages")
    template = _busiest(Template.objects.filter(wordings__isnull=False), "messages")
    sent = Message.objects.filter(status=Message.Status.SENT).latest("pk")
    hand_off = HandOff.objects.open().latest("pk")
    active = Application.objects.active().latest("pk")
    wording = Wording.objects.filter(template=template).latest("number")
    return {
        "Today": reverse("admin:index"),
        "board": reverse("board:job", args=[job.pk]),
        "boards": reverse("board:list"),
        "busiest candidate": reverse("admin:pipeline_candidate_change", args=[candidate.pk]),
        "busiest template": reverse("admin:messaging_template_change", args=[template.pk]),
        "compare wordings": reverse("admin:messaging_template_compare", args=[template.pk]),
        "sign": reverse("admin:messaging_wording_sign", args=[wording.pk]),
        "compose": reverse("admin:messaging_handoff_compose", args=[hand_off.pk]),
        "hand-offs, unassigned": reverse("admin:messaging_handoff_changelist") + "?show=unassigned",
        "write to a candidate": reverse("admin:messaging_message_write", args=[active.pk]),
        "reject": reverse("admin:pipeline_application_act", args=[active.pk, "reject"]),
        "read a sent mail": reverse("admin:messaging_message_read", args=[sent.pk]),
        "outbox": reverse("outbox:list"),
        "outbox, bounced": reverse("outbox:list") + "?show=bounced",
        "outbox, sent": reverse("outbox:list") + "?show=sent",
        "operations": reverse("admin:messaging_operation_changelist"),
        "search": reverse("admin:search") + "?s=a",
        "uncertain": reverse("admin:messaging_message_uncertain"),
        "policy map": reverse("admin:messaging_policyrow_map"),
        "report of hours": reverse("reports:hours"),
        "report of answers": reverse("reports:answers"),
        "ghosting ledger": reverse("reports:silence"),
        "human moments": reverse("reports:moments"),
        "import": reverse("intake:upload"),
        "safe mode": reverse("safe_mode:page"),
        "brakes": reverse("brakes:list"),
        "help": reverse("help:page"),
        "profile": reverse("profile:page"),
        "password": reverse("admin:password_change"),
    }


def _busiest(rows: QuerySet, related: str):  # type: ignore[no-untyped-def, type-arg]  # of whatever model comes in
    return rows.annotate(number=Count(related)).order_by("-number", "pk")[0]
