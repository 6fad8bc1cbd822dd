"""Operations: what a person does to many at once. Looked at before, begun once, worked off in small transactions by whoever
has time for it, and taken back as long as it may be.

The rows are the queue: an item that has had its turn is never taken again, so a task of the worker that is lost, repeated or
forged does nothing but go on. Nothing of an operation leaves before it can no longer be undone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from messaging import automations, bulk, gate, ledger, outgoing, replanning
from messaging.bulk import CONTEXT, BulkOutcome, Selected
from messaging.consequences import Consequence, Steps, refuse_if_moved, refused
from messaging.delivery import brake, doorbell
from messaging.models import HandOff, LedgerEntry, Message, Operation, OperationItem, Template
from pipeline import actors, moves_of_many
from pipeline.models import Application, Reason, Stage, StageChange, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal

logger = logging.getLogger(__name__)

Kind = Operation.Kind
State = OperationItem.State
Clock = Callable[[], datetime]

# Applications in one transaction: few enough that nobody who waits for one of them notices.
AT_ONCE = 25
# What an operation needs at hand.
_CHOICES = ("by", "undone_by", "to_stage__pipeline", "reason", "template")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a person chose. `template`: instead of what automations would send; `quiet`: nobody is told anything."""

    kind: Operation.Kind
    selected: Sequence[Selected]
    to_stage: Stage | None = None
    reason: Reason | None = None
    template: Template | None = None
    quiet: bool = False
    note: str = ""


# --- Before -----------------------------------------------------------------------------------------------------------


def preview(plan: Plan, *, by: User, now: datetime) -> BulkOutcome:
    """What would become of everybody: it is done, and taken back. The number of queries does not grow with them."""
    with transaction.atomic():
        operation = _save(plan, by=by, now=now, message_count=0)
        outcome = _try(operation, plan.selected, now=now)
        transaction.set_rollback(True)
    return outcome


def begin(plan: Plan, *, message_count: int, by: User, now: datetime) -> Operation:
    """From here on it happens, whoever dies meanwhile, unless a brake is put on it. `message_count`: as the person saw
    it. Nothing is done yet: `go_on` does."""
    with transaction.atomic():
        operation = _save(plan, by=by, now=now, message_count=message_count)
        applications = Application.objects.in_bulk([one.application_id for one in plan.selected])
        OperationItem.objects.bulk_create(
            OperationItem(operation=operation, application_id=one.application_id, seen_in_id=one.stage_id)
            for one in plan.selected
            if one.application_id in applications
        )
        _write_down(operation, "begun", by=by, now=now, data={"messages": message_count, "people": len(plan.selected)})
        brake.put_on_operation_where_needed(operation, now=now)
        doorbell.ring_for_operations()
    return operation


def _save(plan: Plan, *, by: User, now: datetime, message_count: int) -> Operation:
    return Operation.objects.create(
        kind=plan.kind,
        by=by,
        begun_at=now,
        to_stage=plan.to_stage,
        reason=plan.reason,
        template=plan.template,
        quiet=plan.quiet,
        note=plan.note,
        message_count=message_count,
    )


# --- Doing ------------------------------------------------------------------------------------------------------------


def go_on(*, clock: Clock, seconds: float) -> int:
    """Takes the next applications of whatever is unfinished, until nothing is, or the time is over. Returns how many had
    their turn, there or back."""
    stop_at = time.monotonic() + seconds
    turns = 0
    for operation in Operation.objects.unfinished().select_related(*_CHOICES).order_by("begun_at", "pk"):
        while time.monotonic() < stop_at:
            taken = _go_on_once(operation, now=clock())
            if not taken:
                break
            turns += taken
    return turns


def _go_on_once(operation: Operation, *, now: datetime) -> int:
    """One small transaction. 0: nothing is left, and the operation has ended."""
    with transaction.atomic():
        # What was asked for meanwhile; and the next one waits here until we are done.
        current = Operation.objects.select_for_update(of=("self",)).select_related(*_CHOICES).get(pk=operation.pk)
        if not Operation.objects.unfinished().filter(pk=operation.pk).exists():
            return 0
        if current.is_undone:
            current.items.filter(state=State.TO_DO).update(
                state=State.DROPPED, sentence="It was undone before it was their turn.", done_at=now
            )
        work, state = (_undo_next, State.DONE) if current.is_undone else (_do_next, State.TO_DO)
        items = list(
            current.items.filter(state=state)
            .select_related("change__from_stage", "change__to_stage", *(f"application__{name}" for name in CONTEXT))
            .order_by("pk")[:AT_ONCE]
        )
        if items:
            work(current, items, now=now)
        else:
            _finish(current, now=now)
        return len(items)


def _do_next(operation: Operation, items: Sequence[OperationItem], *, now: datetime) -> None:
    seen_in = [Selected(application_id=item.application_id, stage_id=item.seen_in_id) for item in items]
    found = {item.application_id: item.application for item in items}
    outcome = {one.application_id: one for one in _try_found(operation, seen_in, found, now=now)}
    for item in items:
        became = outcome[item.application_id]
        item.state = State.REFUSED if became.refusal else State.DONE
        item.sentence = became.refusal[:500]
        item.change_id = became.change_id or None
        item.done_at = now
    OperationItem.objects.bulk_update(items, ["state", "sentence", "change", "done_at"])


def _try(operation: Operation, selected: Sequence[Selected], *, now: datetime) -> BulkOutcome:
    found = Application.objects.select_related(*CONTEXT).in_bulk([one.application_id for one in selected])
    return BulkOutcome(consequences=tuple(_try_found(operation, selected, found, now=now)))


def _try_found(
    operation: Operation, selected: Sequence[Selected], found: dict[int, Application], *, now: datetime
) -> list[Consequence]:
    def stands(one: Selected) -> bool:
        return one.application_id in found and found[one.application_id].stage_id == one.stage_id

    standing = [found[one.application_id] for one in selected if stands(one)]
    done = bulk.try_each(standing, _steps(operation, now=now), operation=operation, now=now) if standing else []
    by_application = {one.application_id: one for one in done}
    return [by_application.get(one.application_id) or _left_alone(one, found) for one in selected]


def _left_alone(selected: Selected, found: dict[int, Application]) -> Consequence:
    application = found.get(selected.application_id)
    if application is None:
        return Consequence(
            application_id=selected.application_id,
            candidate=f"Application {selected.application_id}",
            job="",
            refusal="This application does not exist any more.",
        )
    moved = refuse_if_moved(application, seen_in=selected.stage_id)
    return refused(application, moved.sentence if moved else "")


def _steps(operation: Operation, *, now: datetime) -> Steps:
    act = Act(by=actors.person(operation.by_id), now=now, note=operation.note, quiet=operation.quiet)
    if (reason := operation.reason) is not None:
        return lambda applications: moves_of_many.reject_many(applications, reason=reason, act=act)
    if (to := operation.to_stage) is not None:
        return lambda applications: moves_of_many.move_many(applications, to, act=act)
    raise ValueError(f"Operation {operation.pk} has neither a reason nor a stage.")


def _finish(operation: Operation, *, now: datetime) -> None:
    """Everybody had their turn, there or back."""
    rows = Operation.objects.filter(pk=operation.pk)
    counts = operation.items.order_by().values_list("state").annotate(Count("pk"))
    data: dict[str, ledger.Plain] = dict(counts)
    ended = "finished"
    if operation.is_undone:
        ended = "undo_finished"
        rows.filter(undo_finished_at__isnull=True).update(undo_finished_at=now)
    rows.filter(finished_at__isnull=True).update(finished_at=now)
    _write_down(operation, ended, by=operation.undone_by or operation.by, now=now, data=data)


# --- Taking back ------------------------------------------------------------------------------------------------------


def why_not_undo(operation: Operation, *, now: datetime) -> Refusal | None:
    if operation.is_undone:
        return Refusal(f"{operation.undone_by} undid it already.")
    if now > operation.undoable_until(now):
        return Refusal(
            "The time in which it could be undone is over, and its messages leave. Move or reopen people one by one."
        )
    return None


def undo(operation: Operation, *, by: User, now: datetime) -> Operation | Refusal:
    """Asked for here, and done by `go_on`: what has not left is cancelled, and everybody is moved back who is still where
    the operation put them."""
    with transaction.atomic():
        current = Operation.objects.select_for_update(of=("self",)).get(pk=operation.pk)
        refusal = why_not_undo(current, now=now)
        if refusal is not None:
            return refusal
        Operation.objects.filter(pk=operation.pk, undone_at__isnull=True).update(undone_at=now, undone_by=by)
        brake.end_with_undo(current, by=by, now=now)
        _write_down(current, "undone", by=by, now=now)
        doorbell.ring_for_operations()
    current.refresh_from_db()
    return current


def _undo_next(operation: Operation, items: Sequence[OperationItem], *, now: datetime) -> None:
    by = operation.undone_by
    assert by is not None  # see undo()  # noqa: S101
    ids = [item.application_id for item in items]
    gate.hold_applications(ids)
    act = Act(by=actors.person(by.pk), now=now, note="A bulk act was undone.", quiet=True)
    back = moves_of_many.take_back_many([item.change for item in items if item.change is not None], act=act)
    changes = [change for change in back.values() if isinstance(change, StageChange)]
    undone = {change.application_id for change in changes}
    # Before anything that follows asks the gate: what the operation planned is called off by the person.
    outgoing.cancel_many(Message.objects.filter(operation=operation, application__in=undone), by=by, now=now)
    automations.follow_many(changes, now=now)
    replanning.plan_again(_stopped_by([item for item in items if item.application_id in undone]), now=now)
    told = _read_told(operation, items)
    for item in items:
        answer = back[item.application_id]
        item.state = State.STAYS if isinstance(answer, Refusal) else State.UNDONE
        item.sentence = answer.sentence[:500] if isinstance(answer, Refusal) else told.get(item.application_id, "")
    OperationItem.objects.bulk_update(items, ["state", "sentence"])


def count_stopped(operation: Operation) -> int:
    """Messages and tasks that were there before it, and come back when it is undone."""
    return len(_stopped_by(operation.items.filter(state=State.DONE)))


def _stopped_by(items: Iterable[OperationItem]) -> replanning.Stopped:
    return replanning.find_stopped({item.application_id: item.done_at for item in items if item.done_at is not None})


def _read_told(operation: Operation, items: Sequence[OperationItem]) -> dict[int, str]:
    """What cannot be taken back, for each application of which something left, or which a person called or wrote to."""
    ids = [item.application_id for item in items]
    told: dict[int, str] = {}
    tasks = HandOff.objects.filter(message__operation=operation, application__in=ids, closed_by__isnull=False)
    for task in tasks.exclude(status=HandOff.Status.NOT_NEEDED).select_related("closed_by"):
        how = "told them by phone" if task.status == HandOff.Status.TOLD_BY_PHONE else "written to them"
        told[task.application_id] = f"{task.closed_by} had {how} already, which cannot be taken back. Talk to them."
    left = Message.objects.filter(operation=operation, application__in=ids, status__in=Message.MAY_HAVE_LEFT)
    for message in left.select_related("template"):
        told[message.application_id] = (
            f"“{message.template or message.get_touchpoint_display()}” had left, and cannot be called back. Talk to them."
        )
    return told


def _write_down(
    operation: Operation, event: str, *, by: User, now: datetime, data: dict[str, ledger.Plain] | None = None
) -> None:
    said: dict[str, ledger.Plain] = {"event": event, "kind": str(operation.kind), **(data or {})}
    ledger.write(LedgerEntry.Kind.OPERATION, about=operation, by=actors.person(by.pk), now=now, data=said)
