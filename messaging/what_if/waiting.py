"""What is scheduled, asked about as the gate would answer now, with the rules as they are and as they would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from messaging import facts, gate
from messaging.gate import Case
from messaging.models import HandOff, Message
from messaging.policy.decision import Facts, decide
from messaging.what_if.changes import Change
from messaging.what_if.past import SHOWN, Answer, Turn, Turned, with_messages

PAGE = 100
# The first to leave, where there are more: each is filled in and read for this.
AT_MOST = 500


@dataclass(frozen=True, kw_only=True)
class Waiting:
    looked_at: int
    all: int
    turns: dict[Turn, int]
    shown: tuple[Turned, ...]  # those that are due first
    open_hand_offs: int  # of the messages that the change concerns; no change of a rule takes them back

    @property
    def turned(self) -> int:
        return sum(self.turns.values())

    @property
    def is_cut_off(self) -> bool:
        return self.looked_at < self.all


def look_ahead(change: Change, *, now: datetime) -> Waiting:
    waiting = Message.objects.waiting().filter(change.messages)
    pks = list(waiting.order_by("due_at", "pk").values_list("pk", flat=True)[:AT_MOST])
    turns: Counter[Turn] = Counter()
    first: list[tuple[int, datetime, Turn]] = []
    for start in range(0, len(pks), PAGE):
        page = facts.with_context(Message.objects.filter(pk__in=pks[start : start + PAGE])).order_by("due_at", "pk")
        for message, turn in _turns_of(list(page), change, now=now):
            turns[turn] += 1
            if len(first) < SHOWN:
                first.append((message.pk, message.due_at, turn))
    return Waiting(
        looked_at=len(pks),
        all=len(pks) if len(pks) < AT_MOST else waiting.count(),
        turns=dict(turns.most_common()),
        shown=with_messages(first),
        open_hand_offs=HandOff.objects.open().filter(message__in=Message.objects.filter(change.messages)).count(),
    )


def _turns_of(messages: Sequence[Message], change: Change, *, now: datetime) -> list[tuple[Message, Turn]]:
    cases = gate.preview_many(messages, now=now)
    before = [Answer.of(case.verdict) for case in cases]
    if change.automations:
        # Whether a cause stands depends on the automation, so the gate is asked again.
        for message in messages:
            message.automation = change.automations.get(message.automation_id or 0, message.automation)
        cases = gate.preview_many(messages, now=now)
    after = [Answer.of(decide(_as_it_will_be(case, change))) for case in cases]
    return [
        (case.message, Turn(origin=case.message.origin, was=was, would_be=will))
        for case, was, will in zip(cases, before, after, strict=True)
        if was != will
    ]


def _as_it_will_be(case: Case, change: Change) -> Facts:
    return change.as_it_will_be(case.facts, template=case.message.template_id, wording=case.message.wording_id)
