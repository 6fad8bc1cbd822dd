"""What an act stopped, planned again when the act is undone: each message once more, with its time, its hold and its person.
The gate decides anew whether it goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from messaging import facts, gate, undo
from messaging.automations import settle_in_turn
from messaging.models import HandOff, Hold, Message
from messaging.policy.decision import Origin
from pipeline import rowwise
from pipeline.models import Application

Status = Message.Status

ENDED_BY_THE_GATE = Q(status=HandOff.Status.NOT_NEEDED, closed_by=None)


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """Messages that waited for their time or for a person; and tasks alone, where a mail had failed and stays so."""

    messages: tuple[Message, ...] = ()
    tasks: tuple[HandOff, ...] = ()

    def __len__(self) -> int:
        return len(self.messages) + len(self.tasks)


def find_stopped(done_at: Mapping[int, datetime]) -> Stopped:
    """`done_at`: for each application the moment of the act, which marks what belongs to it. The reach is the candidate's,
    so their other applications are looked at as well. What the act planned itself was not there before."""
    moments: defaultdict[int, set[datetime]] = defaultdict(set)
    for pk, candidate in Application.objects.filter(pk__in=done_at).values_list("pk", "candidate"):
        moments[candidate].add(done_at[pk])
    at = {moment for of_one in moments.values() for moment in of_one}
    theirs = Q(application__candidate__in=moments)
    messages = Message.objects.filter(
        theirs, status=Status.CANCELLED, status_at__in=at, created_at__lt=F("status_at"), origin=Origin.AUTOMATION
    )
    failed = HandOff.objects.filter(theirs, ENDED_BY_THE_GATE, closed_at__in=at, message__status=Status.FAILED)
    return Stopped(
        messages=tuple(
            message
            for message in facts.with_context(messages).order_by("pk")
            if message.status_at in moments[message.application.candidate_id]
        ),
        tasks=tuple(
            task
            for task in failed.select_related("message", "application", "owner").order_by("pk")
            if task.closed_at in moments[task.application.candidate_id]
        ),
    )


def plan_again(stopped: Stopped, *, now: datetime) -> list[Message]:
    """In the transaction in which the act is undone, after it was; the caller holds the applications. The number of queries
    grows with the templates, and with how much waits for one candidate, and not with the candidates."""
    templates = {old.template for old in stopped.messages}
    wordings = {template: template.wording_to_send() if template else None for template in templates}
    applications = {old.application_id for old in stopped.messages}
    there = set(Message.objects.filter(application__in=applications).values_list("cause", flat=True))
    again = {
        old.pk: old.repeat(cause=_cause(old), wording=wordings[old.template], due_at=max(old.due_at, now), now=now)
        for old in stopped.messages
        if _cause(old) not in there
    }
    Message.objects.bulk_create(again.values())
    rowwise.hand_down(Hold.objects.on(now), "message", again)  # whoever held a message was not done with it
    settle_in_turn(list(again.values()), now=now)
    _give_back_tasks(again, stopped, now=now)
    return list(again.values())


def _cause(old: Message) -> str:
    """The same cause never leads to two of a kind, and the one that it led to has ended."""
    return f"{old.cause.partition('|')[0]}|{old.pk}"


def _give_back_tasks(again: Mapping[int, Message], stopped: Stopped, *, now: datetime) -> None:
    """What becomes a hand-off again is whose it was, with their draft, and the clock of the first goes on."""
    opened = {task.message_id: task for task in HandOff.objects.open().filter(message__in=again.values())}
    ended = HandOff.objects.filter(ENDED_BY_THE_GATE, message__in=again).select_related("message")
    same = {
        task.pk: (task, opened[again[task.message_id].pk])
        for task in ended.order_by("pk")
        if task.closed_at == task.message.status_at and again[task.message_id].pk in opened
    }
    rowwise.update_each(
        HandOff,
        {new.pk: {"owner": old.owner_id, "due_at": old.due_at} for old, new in same.values()},
        where={"status": HandOff.Status.OPEN},
    )
    successors = {pk: new for pk, (_, new) in same.items()}
    successors |= {task.pk: gate.hand_off_again(task, now=now) for task in stopped.tasks}
    undo.carry_over(successors)
