"""What the gate would say to each template for one application right now: who may send what, before anybody tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef

from messaging import gate
from messaging.gate import Case
from messaging.models import Message, Signature, Template, Wording
from messaging.policy.decision import Finding, Origin, Outcome, Verdict, decide
from messaging.policy.floor import Reserve
from pipeline.models import Application


class Way(StrEnum):
    """From the mildest to the strictest."""

    MACHINE = "machine"
    PERSON_SENDS = "person_sends"
    PERSON_WRITES = "person_writes"
    NOT_NOW = "not_now"
    NOT_AT_ALL = "not_at_all"

    @property
    def label(self) -> str:
        return WAYS[self]


WAYS = {
    Way.MACHINE: "By a machine",
    Way.PERSON_SENDS: "A person sends",
    Way.PERSON_WRITES: "A person writes",
    Way.NOT_NOW: "Not now",
    Way.NOT_AT_ALL: "Not at all",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    template: Template
    verdict: Verdict

    @property
    def way(self) -> Way:
        outcome = self.verdict.outcome
        if outcome is Outcome.SEND:
            return Way.MACHINE
        if outcome is Outcome.HAND_OFF:
            writes = self.verdict.reserve is Reserve.PERSON_WRITES
            return Way.PERSON_WRITES if writes else Way.PERSON_SENDS
        return Way.NOT_NOW if outcome is Outcome.LATER else Way.NOT_AT_ALL

    @property
    def sentences(self) -> tuple[str, ...]:
        """The gate's own, those that decided first."""
        decided = [finding for finding in self.verdict.findings if finding.outcome is self.verdict.outcome]
        others = [finding for finding in self.verdict.findings if finding.outcome is not self.verdict.outcome]
        return tuple(finding.sentence for finding in decided + others)


def who_may_send(application: Application, *, now: datetime) -> list[Answer]:
    """One answer for each template in use, in the order of their kinds; the number of queries does not grow with them."""
    templates = list(Template.objects.in_use().order_by("touchpoint", "name"))
    return ask(application, templates, now=now)


def ask(application: Application, templates: Sequence[Template], *, now: datetime) -> list[Answer]:
    """`application`: with what `facts.with_context` brings along, so that no row is fetched one by one."""
    wordings = _wordings_to_send(templates)
    messages = [just_planned(application, template, wordings.get(template.pk), now=now) for template in templates]
    cases = gate.preview_many(messages, now=now)
    return [
        Answer(template=template, verdict=as_if_it_followed(case).verdict)
        for template, case in zip(templates, cases, strict=True)
    ]


def just_planned(application: Application, template: Template, wording: Wording | None, *, now: datetime) -> Message:
    """As an automation would plan it now; not saved."""
    return Message(
        application=application,
        template=template,
        wording=wording,
        touchpoint=template.touchpoint,
        origin=Origin.AUTOMATION,
        created_at=now,
        due_at=now,
        status_at=now,
    )


def as_if_it_followed(case: Case) -> Case:
    """What is asked about here follows from nothing. What the gate would say if an automation in use had just planned it is
    the useful answer, so these two facts are supposed; all others are the candidate's. Nothing follows for an application
    that rests as a duplicate."""
    rests = case.message.application.status == Application.Status.DUPLICATE
    facts = replace(case.facts, automation_in_use=True, cause_stands=not rests)
    return replace(case, facts=facts, verdict=decide(facts))


def against(verdict: Verdict) -> tuple[Finding, ...]:
    """What speaks against a message that waits for its time, but for the time itself."""
    return tuple(finding for finding in verdict.findings if finding.code != "not_due")


def _wordings_to_send(templates: Sequence[Template]) -> dict[int, Wording]:
    """For each template what `Template.wording_to_send` answers, in one query."""
    signed = Exists(Signature.objects.filter(wording=OuterRef("pk")))
    wordings = Wording.objects.filter(template__in=templates).annotate(is_signed=signed)
    # The last one of a template wins: signed ones after the others, and of each the newest.
    return {wording.template_id: wording for wording in wordings.order_by("is_signed", "number")}
