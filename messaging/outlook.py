"""What becomes of the mail there is: which messages wait, are kept back, left or need a person, and what the gate would say
to those that wait if their time were now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef, QuerySet

from messaging import facts, gate
from messaging.gate import Case
from messaging.models import HandOff, Hold, Message
from messaging.policy.decision import Finding, Outcome, Verdict, decide
from messaging.values import zone_of

Status = Message.Status

# More than this is said to be more, so that a count costs the same whether there are a thousand or a million.
COUNTED_AT_MOST = 1000


class Show(StrEnum):
    """A part of the mail, in the order of its way."""

    SCHEDULED = "scheduled"
    ON_HOLD = "on_hold"
    BRAKED = "braked"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    BOUNCED = "bounced"

    @property
    def waits(self) -> bool:
        return self in {Show.SCHEDULED, Show.ON_HOLD, Show.BRAKED}


def messages_in(show: Show, *, now: datetime) -> QuerySet[Message]:
    """What waits by its time, what happened with the latest first; of what failed or bounced what nobody has dealt with."""
    everything = Message.objects.all()
    latest_first = "-status_at", "-pk"
    match show:
        case Show.SCHEDULED:
            return everything.free_to_go(now).order_by("due_at", "pk")
        case Show.ON_HOLD:
            return everything.on_hold(now).order_by("due_at", "pk")
        case Show.BRAKED:
            return everything.braked().order_by("due_at", "pk")
        case Show.SENDING:
            return everything.filter(status=Status.SENDING).order_by("status_at", "pk")
        case Show.SENT:
            return everything.filter(status=Status.SENT).order_by(*latest_first)
        case Show.FAILED:
            with_a_task = Exists(HandOff.objects.open().filter(message=OuterRef("pk")))
            return everything.filter(with_a_task, status=Status.FAILED).order_by(*latest_first)
        case Show.UNCERTAIN:
            return everything.filter(status=Status.UNCERTAIN).order_by("status_at", "pk")
        case Show.BOUNCED:
            return everything.bounced().order_by(*latest_first)


def count(show: Show, *, now: datetime) -> int:
    """One more than COUNTED_AT_MOST stands for more."""
    return messages_in(show, now=now).order_by()[: COUNTED_AT_MOST + 1].count()


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A message that waits, and what would become of it if it were due now and nobody held it."""

    message: Message
    case: Case  # what the gate says to it as it is
    verdict: Verdict
    hold: Hold | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those that make the outcome."""
        return tuple(finding for finding in self.verdict.findings if finding.outcome is self.verdict.outcome)

    @property
    def is_free(self) -> bool:
        return self.verdict.outcome is Outcome.SEND


def outlooks(messages: Sequence[Message], *, now: datetime) -> list[Outlook]:
    """For messages with their context, see messaging/facts.py; with a constant number of queries."""
    holds = {
        hold.message_id: hold for hold in Hold.objects.on(now).filter(message__in=messages).select_related("held_by")
    }
    return [
        Outlook(
            message=case.message,
            case=case,
            verdict=decide(replace(case.facts, due_at=min(case.facts.due_at, case.facts.now), on_hold=False)),
            hold=holds.get(case.message.pk),
        )
        for case in gate.preview_many(messages, now=now)
    ]


def find(ids: Sequence[int]) -> list[Message]:
    """By their time, with their context."""
    found = facts.with_context(Message.objects.filter(pk__in=ids)).select_related("stage_change__to_stage")
    return list(found.order_by("due_at", "pk"))


def time_there(message: Message, moment: datetime) -> datetime | None:
    """The same moment where the candidate is. None where their clocks show what the reader's do."""
    there = moment.astimezone(zone_of(message.application.candidate))
    return None if there.utcoffset() == moment.utcoffset() else there


def holds_now(*, now: datetime, at_most: int) -> list[Hold]:
    """What people hold, the one that ends first in front."""
    waiting = Hold.objects.on(now).filter(message__status=Status.SCHEDULED)
    joined = waiting.select_related("held_by", "message__application__candidate", "message__application__job")
    return list(joined.order_by("until_at", "pk")[:at_most])
