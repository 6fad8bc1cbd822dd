"""What became of everybody in an operation, read from the rows: for its page, while it goes on and afterwards."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Count

from messaging.bulk import BulkOutcome
from messaging.consequences import Consequence, Planned, describe
from messaging.models import HandOff, Message, Operation, OperationItem

State = OperationItem.State


@dataclass(frozen=True, kw_only=True)
class Account:
    """`outcome`: of those for whom it holds and those who were refused; a Consequence of the others says in its refusal
    why, or what could not be taken back."""

    outcome: BulkOutcome
    counts: Counter[str]  # by state
    undone: tuple[Consequence, ...]
    stays: tuple[Consequence, ...]
    dropped: tuple[Consequence, ...]

    @property
    def to_talk_to(self) -> list[Consequence]:
        """Moved back, and they had been told."""
        return [one for one in self.undone if one.refusal]


def account_of(operation: Operation) -> Account:
    """With a number of queries that does not grow with the people in it."""
    items = list(operation.items.select_related("application__candidate", "application__job").order_by("pk"))
    messages, tasks = _read_messages(operation), _read_tasks(operation, items)
    by_state: defaultdict[str, list[Consequence]] = defaultdict(list)
    for item in items:
        pk = item.application_id
        described = describe(item.application, [], tasks[pk])
        by_state[item.state].append(replace(described, messages=tuple(messages[pk]), refusal=item.sentence))
    return Account(
        outcome=BulkOutcome(consequences=(*by_state[State.DONE], *by_state[State.REFUSED])),
        counts=Counter(item.state for item in items),
        undone=tuple(by_state[State.UNDONE]),
        stays=tuple(by_state[State.STAYS]),
        dropped=tuple(by_state[State.DROPPED]),
    )


def count_states(operation: Operation) -> Counter[str]:
    """What a page asks for again and again."""
    return Counter(dict(operation.items.order_by().values_list("state").annotate(Count("pk"))))


def _read_messages(operation: Operation) -> defaultdict[int, list[Planned]]:
    """By application; those of one minute stand together."""
    rows = Message.objects.filter(operation=operation).exclude(status=Message.Status.HELD).select_related("template")
    planned: defaultdict[int, list[Planned]] = defaultdict(list)
    for message in rows.defer("body").order_by("pk"):
        waits = message.status == Message.Status.SCHEDULED
        planned[message.application_id].append(
            Planned(
                kind=message.get_touchpoint_display(),
                template=str(message.template or ""),
                due_at=(message.due_at if waits else message.status_at).replace(second=0, microsecond=0),
                became="" if waits else message.get_status_display(),
            )
        )
    return planned


def _read_tasks(operation: Operation, items: Sequence[OperationItem]) -> defaultdict[int, list[HandOff]]:
    """Also of what waited for them before, and became a person's by the move."""
    done_at = {item.application_id: item.done_at for item in items}
    rows = HandOff.objects.filter(application__in=done_at, created_at__gte=operation.begun_at)
    tasks: defaultdict[int, list[HandOff]] = defaultdict(list)
    for task in rows.select_related("owner", "message__template").defer("message__body").order_by("pk"):
        if task.created_at == done_at[task.application_id]:
            tasks[task.application_id].append(task)
    return tasks
