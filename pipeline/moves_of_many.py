"""The moves of a batch of applications, each with a number of queries that does not grow with it; who cannot be moved keeps
nobody. The answers are by the application's key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence, Sized
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from pipeline import moves, rowwise
from pipeline.actors import ActorKind
from pipeline.models import Application, Reason, Stage, StageChange
from pipeline.moves import Act
from pipeline.outcomes import Refusal

Status = Application.Status
Kind = StageChange.Kind


def move_many(applications: Sequence[Application], to: Stage, *, act: Act) -> dict[int, StageChange | Refusal]:
    """`move` for a batch."""

    def refuse(application: Application) -> Refusal | None:
        if to.pipeline_id != application.job.pipeline_id:
            return moves.foreign(to, application.job)
        if application.stage_id == to.pk and application.status == Status.ACTIVE:
            return Refusal(f"{application.candidate} is in “{to}” already.")
        return None

    with transaction.atomic():
        standing, answers = _hold_many(applications, refuse=refuse)
        _update_many(standing, stage=to, stage_entered_at=act.now)
        kinds = {
            application.pk: Kind.ADVANCED if moves.place_of(to) > moves.place_of(application.stage) else Kind.MOVED_BACK
            for application in standing
        }
        changes = [
            moves.change_of(application, kinds[application.pk], act=act, from_stage=application.stage, to_stage=to)
            for application in standing
        ]
        for application in standing:
            application.stage, application.stage_entered_at = to, act.now
        moves.record_many(changes)
    return answers | {change.application_id: change for change in changes}


def reject_many(applications: Sequence[Application], *, reason: Reason, act: Act) -> dict[int, StageChange | Refusal]:
    """`reject` for a batch."""
    if reason.kind != Reason.Kind.REJECTED:
        refusal = moves.no_reason_to_reject(reason)
        return {application.pk: refusal for application in applications}
    decided_by = act.by.user_id if act.by.kind == ActorKind.PERSON else None
    with transaction.atomic():
        standing, answers = _hold_many(applications, refuse=lambda _: None)
        decision: dict[str, Any] = {"status": Status.REJECTED, "decided_at": act.now, "reason": reason}
        _update_many(standing, decided_by_id=decided_by, **decision)
        for application in standing:
            application.decided_by_id = decided_by
            for name, value in decision.items():
                setattr(application, name, value)
        stages = [application.stage for application in standing]
        changes = [
            moves.change_of(application, Kind.REJECTED, act=act, from_stage=stage, to_stage=stage, reason=reason)
            for application, stage in zip(standing, stages, strict=True)
        ]
        moves.record_many(changes)
    return answers | {change.application_id: change for change in changes}


def take_back_many(changes: Sequence[StageChange], *, act: Act) -> dict[int, StageChange | Refusal]:
    """Undoes moves and rejections, of one or of many, where they are the last that was done: each is where it was, since
    when it was. The history keeps both ways, and the reach stays."""
    with transaction.atomic():
        ids = [change.application_id for change in changes]
        rows = Application.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
        current = {row.pk: row for row in rows.select_related("candidate", "job", "stage")}
        histories = _read_histories(ids)
        answers: dict[int, StageChange | Refusal] = {}
        standing: list[tuple[StageChange, Application]] = []
        for change in changes:
            application = current[change.application_id]
            refusal = _why_not_back(change, application, last=histories[application.pk][0])
            if refusal is not None:
                answers[application.pk] = refusal
            else:
                standing.append((change, application))
        _move_back(standing, since={pk: moves.waited_since(before) for pk, (_, *before) in histories.items()})
        _decide_nothing([application for change, application in standing if change.kind == Kind.REJECTED])
        back = [_way_back(change, application, act=act) for change, application in standing]
        moves.record_many(back)
    return answers | {change.application_id: change for change in back}


def _read_histories(application_ids: Sequence[int]) -> dict[int, list[StageChange]]:
    """By application, the newest first."""
    histories: defaultdict[int, list[StageChange]] = defaultdict(list)
    changes = StageChange.objects.filter(application__in=application_ids).order_by("-pk")
    for change in changes.select_related("moved_by", "from_stage", "to_stage"):
        histories[change.application_id].append(change)
    return histories


def _why_not_back(change: StageChange, application: Application, *, last: StageChange) -> Refusal | None:
    if last.pk != change.pk:
        return Refusal(f"{last.moved_by or 'Somebody else'} moved them on since, so they were left there.")
    if change.kind not in {*moves.BETWEEN_STAGES, Kind.REJECTED} or change.from_stage is None:
        return Refusal("Only a move from one stage to another and a rejection can be undone.")
    stands_at = Status.REJECTED if change.kind == Kind.REJECTED else Status.ACTIVE
    return None if application.status == stands_at else moves.moved_on(application)


def _move_back(standing: Sequence[tuple[StageChange, Application]], *, since: dict[int, datetime | None]) -> None:
    """Those that were moved; who was rejected never left their stage."""
    moved = {
        application.pk: {
            "stage": change.from_stage_id,
            "stage_entered_at": since[application.pk] or change.at,
        }
        for change, application in standing
        if change.kind != Kind.REJECTED
    }
    _all_of_them(moved, rowwise.update_each(Application, moved, where={"status": Status.ACTIVE}))


def _decide_nothing(rejected: Sequence[Application]) -> None:
    rows = Application.objects.filter(pk__in=[application.pk for application in rejected], status=Status.REJECTED)
    _all_of_them(rejected, rows.update(status=Status.ACTIVE, **moves.UNDECIDED) if rejected else 0)


def _way_back(change: StageChange, application: Application, *, act: Act) -> StageChange:
    """`application`: as it was before, so that what they had been told is known."""
    if change.kind != Kind.REJECTED and change.from_stage is not None:
        return moves.change_of(
            application, Kind.UNDONE, act=act, from_stage=change.to_stage, to_stage=change.from_stage
        )
    said = replace(act, note=f"{act.note} {moves.told_before(application)}".strip())
    stage = application.stage
    return moves.change_of(application, Kind.REOPENED, act=said, from_stage=stage, to_stage=stage)


def _hold_many(
    applications: Sequence[Application], *, refuse: Callable[[Application], Refusal | None]
) -> tuple[list[Application], dict[int, StageChange | Refusal]]:
    """As they are now, until the transaction ends: those that are where the caller believed them to be; and the answers
    to the others."""
    answers: dict[int, StageChange | Refusal] = {}
    ids = [application.pk for application in applications]
    rows = Application.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    current = {row.pk: row for row in rows.select_related("candidate", "job__pipeline", "stage")}
    standing = []
    for application in applications:
        now_at = current[application.pk]
        refusal = refuse(application)
        if refusal is None and (now_at.stage_id, now_at.status) != (application.stage_id, Status.ACTIVE):
            refusal = moves.moved_on(now_at)
        if refusal is not None:
            answers[application.pk] = refusal
        else:
            standing.append(now_at)
    return standing, answers


def _update_many(standing: Sequence[Application], **values: Any) -> None:
    rows = Application.objects.filter(pk__in=[application.pk for application in standing], status=Status.ACTIVE)
    _all_of_them(standing, rows.update(**values) if standing else 0)


def _all_of_them(meant: Sized, written: int) -> None:
    if written != len(meant):
        raise RuntimeError("An application changed although it was locked.")
