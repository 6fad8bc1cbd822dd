"""Every way one application moves; each move writes one StageChange in the transaction that changes the row. Those of many
at once are in moves_of_many.py.

Reach is raised here and nowhere else, and lowered only by a person who corrects it. A move answers with its StageChange,
or with a Refusal when the application is not where the caller believed it to be.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from pipeline.actors import Actor, ActorKind
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Interview, Job, ReachCorrection, Reason, Stage, StageChange
from pipeline.outcomes import Refusal
from pipeline.written_once import WrittenOnce, ids

Status = Application.Status
Kind = StageChange.Kind

# What the history calls each end.
ENDS = {Status.REJECTED: Kind.REJECTED, Status.WITHDRAWN: Kind.WITHDRAWN, Status.HIRED: Kind.HIRED}


BETWEEN_STAGES = frozenset({Kind.ADVANCED, Kind.MOVED_BACK})
# What an application says of its end where it has none.
UNDECIDED: dict[str, Any] = {
    "decided_at": None,
    "decided_by": None,
    "reason": None,
    "told_at": None,
    "told_how": "",
    "told_by": None,
}
# From these on, somebody waits in a stage.
STARTS_A_WAIT = frozenset({Kind.RECEIVED, Kind.ADVANCED, Kind.MOVED_BACK, Kind.REOPENED})


@dataclass(frozen=True, kw_only=True)
class Act:
    """Who moves, when (aware), with which words for colleagues, and whether automations may follow from it."""

    by: Actor
    now: datetime
    note: str = ""
    quiet: bool = False


def receive(candidate: Candidate, job: Job, *, act: Act, stage: Stage | None = None) -> StageChange | Refusal:
    """A candidate applied. Starts in the pipeline's first stage; an import may name a later one."""
    stage = stage or job.pipeline.stages.order_by("position", "pk").first()
    if stage is None:
        return Refusal(f"The pipeline “{job.pipeline}” has no stages. Add one before “{job}” receives applications.")
    if stage.pipeline_id != job.pipeline_id:
        return foreign(stage, job)
    with transaction.atomic():
        # Held, so that nobody merges the record away meanwhile.
        current = Candidate.objects.select_for_update(of=("self",)).get(pk=candidate.pk)
        if current.merged_into_id is not None:
            return Refusal(f"{candidate} was merged into another record. Open that one to add an application.")
        application, created = Application.objects.standing().get_or_create(
            candidate=candidate,
            job=job,
            defaults={"stage": stage, "applied_at": act.now, "stage_entered_at": act.now},
        )
        if not created:
            return Refusal(f"{candidate} already applied for “{job}”.")
        return _record(application, Kind.RECEIVED, act=act, from_stage=None, to_stage=stage)


def move(application: Application, to: Stage, *, act: Act) -> StageChange | Refusal:
    """Advances or moves back, whichever leads to the stage."""
    return (advance if place_of(to) > place_of(application.stage) else move_back)(application, to, act=act)


def advance(application: Application, to: Stage, *, act: Act) -> StageChange | Refusal:
    if to.pipeline_id != application.job.pipeline_id:
        return foreign(to, application.job)
    if place_of(to) <= place_of(application.stage):
        return Refusal(f"“{to}” does not come after “{application.stage}”, where {application.candidate} is.")
    return _enter(application, to, Kind.ADVANCED, act=act)


def move_back(application: Application, to: Stage, *, act: Act) -> StageChange | Refusal:
    """Lowers the stage and no reach: what a candidate went through stays."""
    if to.pipeline_id != application.job.pipeline_id:
        return foreign(to, application.job)
    if place_of(to) >= place_of(application.stage):
        return Refusal(f"“{to}” does not come before “{application.stage}”, where {application.candidate} is.")
    return _enter(application, to, Kind.MOVED_BACK, act=act)


def waited_since(changes: Sequence[StageChange]) -> datetime | None:
    """Since when somebody was in the stage that these changes led to, newest first. None: nothing tells."""
    undone = 0
    for change in changes:
        if change.kind == Kind.UNDONE:
            undone += 1
        elif change.kind in STARTS_A_WAIT:
            if not undone:
                return change.at
            undone -= 1
    return None


def hire(application: Application, *, act: Act) -> StageChange | Refusal:
    """Ends the application as hired, in the pipeline's hired stage where it has one."""
    to = application.job.pipeline.stages.filter(milestone=Milestone.HIRED).first() or application.stage
    return _end(application, Status.HIRED, act=act, to=to)


def reject(application: Application, *, reason: Reason, act: Act) -> StageChange | Refusal:
    """A decision of ours, and only the decision: telling the candidate is another fact with another time."""
    if reason.kind != Reason.Kind.REJECTED:
        return no_reason_to_reject(reason)
    return _end(application, Status.REJECTED, act=act, reason=reason)


def withdraw(application: Application, *, act: Act, reason: Reason | None = None) -> StageChange | Refusal:
    """The candidate's decision: nobody is rejected, and nobody is told what they told us."""
    if reason is not None and reason.kind != Reason.Kind.WITHDREW:
        return Refusal(f"“{reason}” is a reason for a rejection. Choose a reason for a withdrawal.")
    return _end(application, Status.WITHDRAWN, act=act, reason=reason)


def reopen(application: Application, *, act: Act) -> StageChange | Refusal:
    """Takes an end back. What was decided and told before stays in the history."""
    with transaction.atomic():
        ended = Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
        reopened = Application.objects.filter(pk=application.pk, status__in=Application.ENDED).update(
            status=Status.ACTIVE, stage_entered_at=act.now, **UNDECIDED
        )
        if ended.status == Status.DUPLICATE:
            return Refusal(
                f"Another application of {application.candidate} for “{application.job}” goes on in its place."
            )
        if not reopened:
            return Refusal(f"The application of {application.candidate} is open already.")
        application.refresh_from_db()
        act = replace(act, note=f"{act.note} {told_before(ended)}".strip())
        return _record(application, Kind.REOPENED, act=act, from_stage=application.stage, to_stage=application.stage)


def record_told(application: Application, *, how: str, by: Actor, now: datetime) -> bool:
    """The candidate knows the outcome. True when this is the first time they were told of it."""
    return bool(record_told_many([application.pk], how=how, by=by, now=now))


def record_told_many(application_ids: Collection[int], *, how: str, by: Actor, now: datetime) -> list[int]:
    """Those of them whose candidates were told for the first time, in their order."""
    with transaction.atomic():
        pks = _not_told(applications=application_ids)
        if pks:
            teller = by.user_id if by.kind == ActorKind.PERSON else None
            told = Application.objects.filter(pk__in=pks, decided_at__isnull=False, told_at__isnull=True)
            told.update(told_at=now, told_how=how, told_by_id=teller)
    return pks


@WrittenOnce
def _not_told() -> QuerySet[Any, int]:
    untold = Application.objects.filter(pk__in=ids("applications"), decided_at__isnull=False, told_at__isnull=True)
    return untold.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True)


def forget_told_by_mail(application: Application) -> bool:
    """The mail that told them did not arrive. What they were told by a person stays told."""
    told = Application.objects.filter(pk=application.pk, told_how=Application.ToldHow.MAIL)
    return bool(told.update(told_at=None, told_how="", told_by_id=None))


def log_conversation(application: Application, *, kind: str, note: str, by: Actor, now: datetime) -> Interview:
    """A call or meeting that took place without having been planned here. It counts as contact from now on."""
    with transaction.atomic():
        _hold(application.pk)
        return Interview.objects.create(
            application=application, kind=kind, starts_at=now, held_at=now, note=note, logged_by_id=by.user_id
        )


def record_held(interview: Interview, *, now: datetime) -> bool:
    """A planned conversation took place. True the first time."""
    with transaction.atomic():
        _hold(interview.application_id)
        planned = Interview.objects.filter(pk=interview.pk, held_at__isnull=True, cancelled_at__isnull=True)
        return bool(planned.update(held_at=now))


def correct_reach(
    candidate: Candidate, *, to: Milestone, reason: str, by: Actor, now: datetime
) -> ReachCorrection | Refusal:
    """The reach was recorded wrongly: the one way down, for a person who says why. What happens later raises it again."""
    if by.kind != ActorKind.PERSON or by.user_id is None:
        return Refusal("Only a person corrects a reach.")
    if not reason.strip():
        return Refusal("Say why the reach was recorded wrongly, so that the next person knows.")
    with transaction.atomic():
        applications = list(
            Application.objects.select_for_update(of=("self",)).filter(candidate=candidate).order_by("pk")
        )
        current = Candidate.objects.select_for_update(of=("self",)).get(pk=candidate.pk)
        if to >= current.reach:
            return Refusal(f"{candidate} reached no more than that, so there is nothing to correct.")
        stages = Stage.objects.filter(applications__in=applications)
        if (furthest := stages.order_by("-milestone").first()) and furthest.milestone > to:
            return Refusal(f"{candidate} is in “{furthest}” now. Move them back first, then correct the reach.")
        correction = ReachCorrection.objects.create(
            candidate=current,
            from_reach=current.reach,
            to_reach=to,
            reason=reason.strip(),
            corrected_by_id=by.user_id,
            corrected_at=now,
            last_change=StageChange.objects.filter(application__in=applications).latest("pk"),
        )
        Candidate.objects.filter(pk=candidate.pk, reach=correction.from_reach).update(reach=to)
    return correction


def _enter(application: Application, to: Stage, kind: str, *, act: Act) -> StageChange | Refusal:
    with transaction.atomic():
        from_stage = application.stage
        # The source stage and status are named, so that two people cannot both move the card they both see.
        moved = Application.objects.filter(pk=application.pk, stage=from_stage, status=Status.ACTIVE).update(
            stage=to, stage_entered_at=act.now
        )
        if not moved:
            return _stale(application)
        application.refresh_from_db()
        return _record(application, kind, act=act, from_stage=from_stage, to_stage=to)


def _end(
    application: Application,
    status: Status,
    *,
    act: Act,
    reason: Reason | None = None,
    to: Stage | None = None,
) -> StageChange | Refusal:
    with transaction.atomic():
        from_stage = application.stage
        ended = Application.objects.filter(pk=application.pk, stage=from_stage, status=Status.ACTIVE).update(
            status=status,
            stage=to or from_stage,
            decided_at=act.now,
            decided_by_id=act.by.user_id if act.by.kind == ActorKind.PERSON else None,
            reason=reason,
        )
        if not ended:
            return _stale(application)
        application.refresh_from_db()
        return _record(
            application,
            ENDS[status],
            act=act,
            from_stage=from_stage,
            to_stage=to or from_stage,
            reason=reason,
        )


def _record(
    application: Application,
    kind: str,
    *,
    act: Act,
    from_stage: Stage | None,
    to_stage: Stage,
    reason: Reason | None = None,
) -> StageChange:
    change = change_of(application, kind, act=act, from_stage=from_stage, to_stage=to_stage, reason=reason)
    change.save(force_insert=True)
    raise_reach(application.candidate_id, change.to_milestone)
    return change


def change_of(
    application: Application,
    kind: str,
    *,
    act: Act,
    from_stage: Stage | None,
    to_stage: Stage,
    reason: Reason | None = None,
) -> StageChange:
    return StageChange(
        application=application,
        kind=kind,
        from_stage=from_stage,
        to_stage=to_stage,
        from_milestone=from_stage.milestone if from_stage else None,
        # Hired is hired, also in a pipeline that has no stage for it.
        to_milestone=Milestone.HIRED if kind == Kind.HIRED else to_stage.milestone,
        at=act.now,
        actor_kind=act.by.kind,
        moved_by_id=act.by.user_id,
        source_id=act.by.source_id,
        reason=reason,
        note=act.note,
        quiet=act.quiet,
    )


def record_many(changes: Sequence[StageChange]) -> None:
    """The history that an import brings, in a few statements, and the reach that follows from it. The caller holds the
    applications and has written where they are now; each change carries its application with the candidate's id."""
    StageChange.objects.bulk_create(changes)
    furthest: dict[int, int] = {}
    for change in changes:
        candidate_id = change.application.candidate_id
        furthest[candidate_id] = max(change.to_milestone, furthest.get(candidate_id, 0))
    for milestone in set(furthest.values()):
        reached = [candidate_id for candidate_id, reach in furthest.items() if reach == milestone]
        Candidate.objects.filter(pk__in=reached, reach__lt=milestone).update(reach=milestone)


def raise_reach(candidate_id: int, milestone: int) -> None:
    """Upwards only: the condition is in the statement, so that no order of two moves can lower it."""
    Candidate.objects.filter(pk=candidate_id, reach__lt=milestone).update(reach=milestone)


def _hold(application_id: int) -> None:
    """Application, then candidate, until the transaction ends. Whoever lets mail go takes the same locks in the same
    order, so that a conversation and a departure come one after the other."""
    application = Application.objects.select_for_update(of=("self",)).get(pk=application_id)
    Candidate.objects.select_for_update(of=("self",)).get(pk=application.candidate_id)


def told_before(ended: Application) -> str:
    """What the row forgets when it is reopened, for the note that stays."""
    if ended.told_at is None:
        return ""
    told_at = timezone.localtime(ended.told_at, timezone.get_default_timezone())
    return f"They had been told {ended.get_told_how_display().lower()} on {told_at.day} {told_at:%B %Y}."


def place_of(stage: Stage) -> tuple[int, int]:
    """Where a stage stands in its pipeline; two that were given the same position have an order all the same."""
    return stage.position, stage.pk


def no_reason_to_reject(reason: Reason) -> Refusal:
    return Refusal(f"“{reason}” is a reason for a withdrawal. Choose a reason for a rejection.")


def foreign(stage: Stage, job: Job) -> Refusal:
    return Refusal(f"The stage “{stage}” belongs to another pipeline than “{job}”. Choose one of “{job.pipeline}”.")


def _stale(application: Application) -> Refusal:
    return moved_on(Application.objects.select_related("candidate", "stage").get(pk=application.pk))


def moved_on(now_at: Application) -> Refusal:
    state = f"in “{now_at.stage}”" if now_at.status == Status.ACTIVE else now_at.get_status_display().lower()
    return Refusal(f"{now_at.candidate} is {state} by now. Nothing was changed; look again before you move them.")
