"""How candidates stood at a moment in the past, from history, as far as who may send depends on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from messaging import facts
from messaging.models import Automation, HandOff, Message
from messaging.policy.decision import Facts, Origin
from messaging.policy.floor import TELLS_THE_OUTCOME
from messaging.wording import tripwire
from messaging.wordings import read_phrases
from pipeline.models import Application, Interview, StageChange

Event = Automation.Event

STATUS = {
    StageChange.Kind.REJECTED: Application.Status.REJECTED,
    StageChange.Kind.WITHDRAWN: Application.Status.WITHDRAWN,
    StageChange.Kind.HIRED: Application.Status.HIRED,
}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What all messages of an automation have in common; its wording as it is today."""

    event: str
    touchpoint: str
    reads_like_rejection: bool
    signatures: int
    template_in_use: bool

    @classmethod
    def of(cls, automation: Automation) -> Kind:
        template = automation.template
        wording = template.wording_to_send()
        text = f"{wording.subject}\n\n{wording.body}" if wording else ""
        return cls(
            event=automation.event,
            touchpoint=template.touchpoint,
            reads_like_rejection=bool(tripwire.rejection_phrases_in(text, phrases=read_phrases())),
            signatures=wording.signatures.count() if wording else 0,
            template_in_use=template.is_active,
        )


@dataclass(frozen=True, kw_only=True)
class Then:
    """What was read for a page of stage changes; times, so that each can be asked about its own moment."""

    reached: Mapping[int, Sequence[tuple[datetime, int]]]  # candidate
    moved: Mapping[int, Sequence[tuple[datetime, int, str]]]  # application
    contact: Mapping[int, datetime]  # candidate: the first
    perhaps: Mapping[int, datetime]  # candidate: the first interview of which nobody wrote down that it took place
    answered: frozenset[int]  # stage changes that another automation answered with a message of the kind

    @classmethod
    def read(cls, automation: Automation, page: Sequence[tuple[StageChange, datetime]]) -> Then:
        changes = [change for change, _ in page]
        candidates = {change.application.candidate_id for change in changes}
        reached: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
        moved: defaultdict[int, list[tuple[datetime, int, str]]] = defaultdict(list)
        history = StageChange.objects.filter(application__candidate__in=candidates).order_by("pk")
        for candidate, application, pk, at, kind, milestone in history.values_list(
            "application__candidate", "application", "pk", "at", "kind", "to_milestone"
        ):
            reached[candidate].append((at, milestone))
            moved[application].append((at, pk, kind))
        interviews = Interview.objects.filter(application__candidate__in=candidates).order_by()
        return cls(
            reached=reached,
            moved=moved,
            contact=_first_contact(candidates),
            perhaps=_earliest(
                interviews.filter(held_at__isnull=True, cancelled_at__isnull=True).values_list(
                    "application__candidate", "starts_at"
                )
            ),
            answered=_answered(automation, changes),
        )

    def facts_of(self, change: StageChange, *, kind: Kind, due_at: datetime) -> Facts:
        """What rules ask is not in it yet; see messaging/rulebook.py."""
        candidate = change.application.candidate
        return Facts(
            now=due_at,
            planned_at=change.at,
            due_at=timezone.localtime(due_at),
            touchpoint=kind.touchpoint,
            origin=Origin.AUTOMATION,
            reach=max((to for at, to in self.reached[candidate.pk] if at <= due_at), default=None),
            contact=self._contact_at(candidate.pk, due_at),
            policy_reserve=None,
            stage_rule_reserve=None,
            reads_like_rejection=kind.reads_like_rejection,
            signatures=kind.signatures,
            template_in_use=kind.template_in_use,
            automation_in_use=True,
            decided_by_a_person=facts.was_decided_by_a_person(change) if change.kind in STATUS else None,
            application_status=STATUS.get(StageChange.Kind(change.kind), Application.Status.ACTIVE),
            cause_stands=not self._is_overtaken(change, kind=kind, by=due_at),
            at_home=True,
            brake_on=False,
            on_hold=False,
            told=_was_told(change, kind=kind, at=due_at),
            same_cause_sent=False,
            do_not_contact=_was(candidate.do_not_contact_at, due_at),
            talent_pool_consent=_was(candidate.talent_pool_consent_at, due_at),
            other_hand_offs_open=0,
            address_problem="",
            text_problem="",
            missing=(),
            sender_may_send=False,
            is_as_released=False,
            written_alone=False,
            too_short=False,
            too_close_to=None,
            too_close_passage="",
        )

    def _contact_at(self, candidate: int, moment: datetime) -> bool | None:
        if _was(self.contact.get(candidate), moment):
            return True
        return None if _was(self.perhaps.get(candidate), moment) else False

    def _is_overtaken(self, change: StageChange, *, kind: Kind, by: datetime) -> bool:
        later = [what for at, pk, what in self.moved[change.application_id] if pk > change.pk and at <= by]
        # A receipt is sent to whoever applied, wherever they are by then, unless they withdrew.
        return StageChange.Kind.WITHDRAWN in later if kind.event == Event.RECEIVED else bool(later)


def _was(since: datetime | None, moment: datetime) -> bool:
    return since is not None and since <= moment


def _was_told(change: StageChange, *, kind: Kind, at: datetime) -> bool:
    """Whether they knew the outcome. What tells it is not kept from telling it by what told it instead of it."""
    if kind.touchpoint in TELLS_THE_OUTCOME:
        return False
    knows = change.kind in (StageChange.Kind.WITHDRAWN, StageChange.Kind.HIRED)
    return knows or _was(change.application.told_at, at)


def _first_contact(candidates: Collection[int]) -> Mapping[int, datetime]:
    held = Interview.objects.held().filter(application__candidate__in=candidates).order_by()
    told = HandOff.objects.filter(status=HandOff.Status.TOLD_BY_PHONE, application__candidate__in=candidates)
    mail = Message.objects.hand_sent().filter(application__candidate__in=candidates)
    return _earliest(
        [
            *held.values_list("application__candidate", "held_at"),
            *told.order_by().values_list("application__candidate", "closed_at"),
            *mail.order_by().values_list("application__candidate", "created_at"),
        ]
    )


def _earliest(pairs: Collection[tuple[int, datetime | None]]) -> Mapping[int, datetime]:
    first: dict[int, datetime] = {}
    for key, at in pairs:
        if at is not None:
            first[key] = min(at, first.get(key, at))
    return first


def _answered(automation: Automation, changes: Sequence[StageChange]) -> frozenset[int]:
    """message_once_per_cause: the same cause leads to one message of a kind, whichever automation planned it."""
    others = Message.objects.filter(
        stage_change__in=[change.pk for change in changes],
        touchpoint=automation.template.touchpoint,
        origin=Origin.AUTOMATION,
        cause__startswith=f"{automation.event}:",
    )
    if automation.pk:
        others = others.exclude(automation=automation.pk)
    return frozenset(others.order_by().values_list("stage_change", flat=True))
