"""Every address of the product, with an object to open it with: one that is the person's own, and one that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from messaging import handoffs, merging
from messaging.admin import acts, outbox_acts
from messaging.models import Attempt, Brake, HandOff, Message
from messaging.policy.floor import Touchpoint
from pipeline.intake import uploads
from pipeline.intake.importing import Wishes
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Job, User
from tests import factories as make
from tests.messaging.admin.rows import MAKERS, make_operation
from tests.pipeline.intake.files import ann, table

OWN, FOREIGN = "own", "foreign"
WHOSE = (OWN, FOREIGN)
ANY = "."  # the same for everybody's, or about no object at all

# What belongs to somebody, by how the names of its addresses begin; the lists of it are about no single one.
BELONGS = (
    "admin:messaging_handoff_",
    "admin:messaging_message_",
    "admin:messaging_operation_",
    "admin:messaging_wording_",
    "admin:pipeline_user_",
    "board:",
    "intake:",
)
# What the addresses with a word in them are asked for.
WORDS: dict[str, tuple[str, ...]] = {
    "admin:app_list": ("pipeline", "auth", "messaging"),
    "admin:messaging_template_look_mail": ("worst",),
    "admin:pipeline_application_act": tuple(acts.BY_VERB),
    "admin:pipeline_application_bulk": ("move", "reject"),
    "outbox:act": tuple(outbox_acts.ACTS),
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """`of`: whose it is, or the word in its address; `route`: with its arguments still to be filled in."""

    name: str
    of: str
    route: str

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.of


def pages() -> list[Page]:
    found = {
        (name or route or "/", of): route
        for route, name in _walk(get_resolver().url_patterns)
        for of in _kinds_of(name, route)
    }
    return [Page(name=name, of=of, route=route) for (name, of), route in found.items()]


def _walk(patterns: list[Any], before: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Routes, and names; an address without a name of its own is called by its route."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(
                pattern.url_patterns, route, space + (f"{pattern.namespace}:" if pattern.namespace else "")
            )
        elif isinstance(pattern, URLPattern):
            yield route, space + pattern.name if pattern.name else ""


def _kinds_of(name: str, route: str) -> tuple[str, ...]:
    if name in WORDS:
        return WORDS[name]
    is_about_one = "<" in route and "uncertain/" not in route
    return WHOSE if is_about_one and name.startswith(BELONGS) else (ANY,)


# --- What the addresses are opened with -------------------------------------------------------------------------------


class World:
    """Made for one person: of what belongs to somebody one is theirs, and one is a colleague's."""

    def __init__(self, person: User) -> None:
        people = {OWN: person, FOREIGN: make.make_colleague("Coordinator")}
        self.rows: dict[str, Any] = {label: maker() for label, maker in MAKERS.items()}
        self.theirs: dict[tuple[str, str], Any] = {
            (label, of): row for of, whose in people.items() for label, row in _belongings(whose).items()
        }
        self.uncertain = make.make_tried(Attempt.Outcome.UNCERTAIN)
        self.bounced = make.make_tried(Attempt.Outcome.ACCEPTED)
        Message.objects.filter(pk=self.bounced.pk).update(delivery=Message.Delivery.BOUNCED)
        self.brake = Brake.objects.create(
            automation=self.uncertain.automation, put_on_at=make.NOW, why="Far more than usual.", count=1
        )
        merged = merging.merge(make.make_candidate(), make.make_candidate(), by=person, now=make.NOW)
        assert isinstance(merged, merging.Merged), merged
        self.merge = merged.record

    def url(self, page: Page) -> str:
        """Filled in from what the route is about; a route that this does not know fails."""
        # In whatever order the apps were registered.
        route = re.sub(r"\^\(\?P<app_label>[a-z|]+\)/\$", "<app_label>/", page.route)
        route = route.replace("(?P<url>.*)$", "nowhere/")
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(self._value(page, match[1])), route)

    def asked(self, page: Page) -> dict[str, Any]:
        """What an address needs beside its route, to be about something; without it, there would be nothing to refuse."""
        if page.name in ("admin:autocomplete", "admin:pipeline_candidate_search"):
            return {"app_label": "pipeline", "model_name": "application", "field_name": "candidate"}
        application = self._own("pipeline.Application", page)
        if page.name == "admin:messaging_template_preview_mail":
            return {"application": application.pk}
        if page.name == "board:move":
            stage = make.stage_of(application, Milestone.PHONE_SCREEN)
            return {"application": application.pk, "to": stage.pk, "seen": application.stage_id}
        return {}

    def _value(self, page: Page, argument: str) -> Any:
        if page.name in WORDS and argument in ("verb", "name", "case", "app_label"):
            return page.of
        if page.name.startswith("admin:pipeline_candidate_unmerge"):
            return self.merge.pk if argument == "merge_id" else self.merge.kept_id
        named: dict[str, Any] = {
            "application_pk": self._own("pipeline.Application", page).pk,
            "change_id": self._own("pipeline.StageChange", page).pk,
            "content_type_id": ContentType.objects.get_for_model(Candidate).pk,
            "job_id": self._own("pipeline.Job", page).pk,
            "message_pk": self._own("messaging.Message", page).pk,
            "token": self._own("upload", page),
        }
        return named[argument] if argument in named else self._object(page).pk

    def _own(self, label: str, page: Page) -> Any:
        return self.theirs[label, page.of if page.of in WHOSE else FOREIGN]

    def _object(self, page: Page) -> Any:
        if page.name == "outbox:bounce":
            return self.bounced
        if page.name.startswith("brakes:"):
            return self.brake
        if page.name == "admin:view_on_site":
            return self.rows["pipeline.Candidate"]
        if "uncertain/" in page.route:
            return self.uncertain
        if page.name == "admin:auth_user_password_change":
            return self.theirs["pipeline.User", FOREIGN]
        app, model = page.route.removeprefix("admin/").split("/")[:2]
        [label] = [one._meta.label for one in admin.site._registry if one._meta.label_lower == f"{app}.{model}"]
        return self.theirs[label, page.of] if page.of in WHOSE else self.rows[label]


def _belongings(whose: User) -> dict[str, Any]:
    job = make.make_job(recruiter=whose)
    application = make.make_application(job=job)
    moved = make.move_to(application, Milestone.REVIEW, by=whose, now=timezone.now())
    hand_off = make.make_hand_off()
    HandOff.objects.filter(pk=hand_off.pk).update(owner=whose)
    wording = make.make_template(signed=False, by=whose).wordings.get()
    make.sign(wording)
    return {
        "messaging.HandOff": hand_off,
        "messaging.Message": _written(application, by=whose),
        "messaging.Operation": make_operation(by=whose),
        "messaging.Wording": wording,
        "pipeline.Application": application,
        "pipeline.Job": job,
        "pipeline.StageChange": moved,
        "pipeline.User": whose,
        "upload": _uploaded(job, by=whose),
    }


def _written(application: Application, *, by: User) -> Message:
    """As if the gate had let it go, which would ask whether they may."""
    now = timezone.now()
    written = handoffs.draft(
        application, touchpoint=Touchpoint.STATUS_UPDATE, subject="Your run", body=make.OWN_WORDS, by=by, now=now
    )
    written.due_at = now + timedelta(minutes=1)
    written.save()
    handoffs.release(written, now=now)
    return written


def _uploaded(job: Job, *, by: User) -> str:
    content = table(ann(Job=job.title), ann(Email="broken")).encode()
    upload = uploads.keep([content], user_id=by.pk, name="people.csv", wishes=Wishes())
    previewed = uploads.preview(upload, now=timezone.now())
    assert isinstance(previewed, uploads.Upload), previewed
    return previewed.token
