"""The recorded decisions of the last weeks, made again as if a change had stood: each message by the decision that met it
first, because what came later followed from that one. Nothing but a page of them is in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from messaging.models import Message, RecordedVerdict
from messaging.policy import record
from messaging.policy.decision import Facts, Outcome, Verdict, decide
from messaging.policy.floor import read_reserve
from messaging.what_if.changes import Change

LOOKED_BACK = timedelta(days=90)
PAGE = 500
# The newest of them, where there are more; a person waits for the answer.
AT_MOST = 10_000
SHOWN = 25
COLUMNS = (
    "pk",
    "decided_at",
    "outcome",
    "reserve",
    "facts",
    "message_id",
    "message__template_id",
    "message__wording_id",
)
# What later code asks for, and nobody had to ask before there was such a thing.
NOT_ON_RECORD_YET: Mapping[str, Any] = {"on_hold": False}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said to a message, as far as people tell answers apart."""

    outcome: str
    reserve: int

    @classmethod
    def of(cls, verdict: Verdict) -> Answer:
        return cls(outcome=verdict.outcome.value, reserve=verdict.reserve.value)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """From what was said to what would be said."""

    origin: str
    was: Answer
    would_be: Answer

    @property
    def is_looser(self) -> bool:
        return self.was.outcome == Outcome.HAND_OFF and self.would_be.outcome in (Outcome.SEND, Outcome.LATER)


@dataclass(frozen=True, kw_only=True)
class Turned:
    """One message that the change would have turned, or will."""

    message: Message
    at: datetime
    turn: Turn


@dataclass(frozen=True, kw_only=True)
class Past:
    since: datetime
    looked_at: int
    turns: dict[Turn, int]
    shown: tuple[Turned, ...]  # the newest
    is_cut_off: bool  # there are older ones, which nobody looked at
    unreadable: int  # decided by other code, on other facts
    undecided: int  # ended before anything was decided on them

    @property
    def turned(self) -> int:
        return sum(self.turns.values())


def replay(change: Change, *, now: datetime) -> Past:
    since = now - LOOKED_BACK
    turns: Counter[Turn] = Counter()
    newest: list[tuple[int, datetime, Turn]] = []
    looked_at = unreadable = 0
    for row in _decisions(change, since=since):
        looked_at += 1
        try:
            turn = _turn_of(row, change)
        except (TypeError, ValueError):
            unreadable += 1
            continue
        if turn is not None:
            turns[turn] += 1
            if len(newest) < SHOWN:
                newest.append((row["message_id"], row["decided_at"], turn))
    return Past(
        since=since,
        looked_at=looked_at,
        turns=dict(turns.most_common()),
        shown=with_messages(newest),
        is_cut_off=looked_at >= AT_MOST,
        unreadable=unreadable,
        undecided=_undecided(change, since=since).count(),
    )


def with_messages(turned: list[tuple[int, datetime, Turn]]) -> tuple[Turned, ...]:
    """With what the page says of each of them."""
    rows = Message.objects.select_related("application__candidate", "application__job", "template")
    messages = rows.defer("subject", "body").in_bulk([pk for pk, _, _ in turned])
    return tuple(Turned(message=messages[pk], at=at, turn=turn) for pk, at, turn in turned)


def _turn_of(row: Any, change: Change) -> Turn | None:
    facts, template = _facts_of(row["facts"]), row["message__template_id"]
    before = change.as_it_is(facts, template=template)
    after = change.as_it_would_have_been(facts, template=template, wording=row["message__wording_id"])
    if before == after:
        return None
    would_be = Answer.of(decide(after))
    # Told from what was said then: rules may have changed in between, and that is not this change's doing.
    was = Answer(outcome=row["outcome"], reserve=read_reserve(row["reserve"]).value)
    if Answer.of(decide(facts)) != was:
        raise ValueError("Other code decided this, and this code would not have.")
    same = would_be in (was, Answer.of(decide(before)))
    return None if same else Turn(origin=facts.origin, was=was, would_be=would_be)


def _facts_of(kept: Mapping[str, Any]) -> Facts:
    """Raises ValueError where they are not whole."""
    return record.facts_of({**NOT_ON_RECORD_YET, **kept})


def _decisions(change: Change, *, since: datetime) -> Iterator[Any]:
    """By time and key, so that no transaction stays open; newest first, AT_MOST of them."""
    earlier = RecordedVerdict.objects.filter(message=OuterRef("message"), pk__lt=OuterRef("pk"))
    rows = (
        RecordedVerdict.objects.filter(change.verdicts, ~Exists(earlier), decided_at__gte=since)
        .order_by("-decided_at", "-pk")
        .values(*COLUMNS)
    )
    left, before = AT_MOST, Q()
    while left and (page := list(rows.filter(before)[: min(PAGE, left)])):
        yield from page
        left -= len(page)
        last = page[-1]
        before = Q(decided_at__lte=last["decided_at"]) & (Q(decided_at__lt=last["decided_at"]) | Q(pk__lt=last["pk"]))


def _undecided(change: Change, *, since: datetime) -> QuerySet[Message]:
    decided = RecordedVerdict.objects.filter(message=OuterRef("pk"))
    ended = Message.objects.exclude(status=Message.Status.SCHEDULED)
    return ended.filter(change.messages, ~Exists(decided), created_at__gte=since)
