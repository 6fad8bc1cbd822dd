"""Two records of one person become one, and two again.

The applications of the record that goes away are given to the one that is kept, and everything hangs on an application:
history, conversations, mail. So whatever is read of a candidate is read of both, without anybody having to think of it.
No history is rewritten, a reach never falls below what a record's own history shows, and the row that goes away stays,
so that its address and its id elsewhere still find the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.db.models import F, Max, Value
from django.db.models.functions import Coalesce

from pipeline import rowwise
from pipeline.actors import Actor, ActorKind
from pipeline.models import (
    Application,
    Candidate,
    Merge,
    MergedApplication,
    ReachCorrection,
    StageChange,
    Unmerge,
)
from pipeline.moves import raise_reach
from pipeline.outcomes import Refusal
from pipeline.reach import read_reach

Status = Application.Status

# What the kept record takes over where it says nothing.
FILLED = ("phone", "time_zone", "came_from")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two applications for one job: one goes on, the other rests as a duplicate beside it."""

    goes_on: Application
    rests: Application

    # Who still has to be told comes before who was; an end that somebody here decided before one the candidate chose.
    RANKS: ClassVar[dict[str, int]] = {Status.HIRED: 4, Status.ACTIVE: 3, Status.REJECTED: 2, Status.WITHDRAWN: 0}

    @classmethod
    def of(cls, one: Application, other: Application) -> Pair:
        first, second = sorted((one, other), key=cls._rank, reverse=True)
        return cls(goes_on=first, rests=second)

    @classmethod
    def _rank(cls, application: Application) -> tuple[int, int, int]:
        told = application.status == Status.REJECTED and application.told_at is not None
        return cls.RANKS[application.status] - told, application.stage.milestone, -application.pk


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a merge would make of the kept record; a plain answer for the page that asks for confirmation."""

    kept: Candidate
    away: Candidate
    moving: tuple[Application, ...]
    pairs: tuple[Pair, ...]
    kept_reach: int
    away_reach: int
    do_not_contact_at: datetime | None
    consent_at: datetime | None
    filled: tuple[str, ...]

    @property
    def reach(self) -> int:
        return max(self.kept_reach, self.away_reach)


def look_ahead(kept: Candidate, away: Candidate) -> Outlook | Refusal:
    if kept.pk == away.pk:
        return Refusal(f"{kept} cannot be merged with the same record.")
    for candidate in (kept, away):
        if candidate.merged_into_id is not None:
            return Refusal(f"{candidate} was merged into another record already. Open that one.")
    return _look(kept, away, _applications_of(kept, away))


def merge(kept: Candidate, away: Candidate, *, by: Actor, now: datetime) -> Merge | Refusal:
    if by.kind != ActorKind.PERSON or by.user_id is None:
        return Refusal("Only a person merges two candidates.")
    with transaction.atomic():
        held = _hold(kept, away)
        if isinstance(held, Refusal):
            return held
        kept, away, applications = held
        outlook = look_ahead(kept, away)
        if isinstance(outlook, Refusal):
            return outlook
        record = Merge.objects.create(
            kept=kept,
            away=away,
            merged_by_id=by.user_id,
            merged_at=now,
            kept_reach=outlook.kept_reach,
            away_reach=outlook.away_reach,
            kept_do_not_contact_at=kept.do_not_contact_at,
            kept_consent_at=kept.talent_pool_consent_at,
            filled=list(outlook.filled),
            last_change=StageChange.objects.filter(application__in=applications).order_by("pk").last(),
        )
        _give(record, outlook, now=now)
        raise_reach(kept.pk, outlook.reach)
        Candidate.objects.filter(pk=kept.pk).update(
            do_not_contact_at=outlook.do_not_contact_at,
            talent_pool_consent_at=outlook.consent_at,
            **{name: getattr(away, name) for name in outlook.filled},
        )
        Candidate.objects.filter(pk=away.pk).update(merged_into=kept)
        _carry_corrections(record)
    return record


def unmerge(record: Merge, *, by: Actor, now: datetime) -> Unmerge | Refusal:
    """Each gets back what was its own, with everything that happened to it since. What came to the kept record since then
    stays there, because nobody can tell which of the two it was meant for."""
    if by.kind != ActorKind.PERSON or by.user_id is None:
        return Refusal("Only a person takes a merge apart.")
    with transaction.atomic():
        held = _hold(record.kept, record.away)
        if isinstance(held, Refusal):
            return held
        kept, away, _ = held
        refusal = why_not_apart(record)
        if refusal is not None:
            return refusal
        reach = _own_reach(record, current=kept.reach)
        answer = Unmerge.objects.create(
            merge=record, unmerged_by_id=by.user_id, unmerged_at=now, from_reach=kept.reach, to_reach=reach
        )
        Candidate.objects.filter(pk=away.pk).update(merged_into=None)
        _give_back(record)
        Candidate.objects.filter(pk=kept.pk, reach=kept.reach).update(
            reach=reach, **_own_wishes(record, kept, away), **_unfilled(record, kept, away)
        )
        raise_reach(away.pk, max(record.away_reach, read_reach([away.pk]).get(away.pk, 0)))
        Candidate.objects.filter(pk=away.pk).update(**_wishes_since(record, kept, away))
    return answer


def why_not_apart(record: Merge) -> Refusal | None:
    """Merges come apart in the order opposite to that in which they were made: a later one built on this one."""
    if Unmerge.objects.filter(merge=record).exists():
        return Refusal(f"{record.away} and {record.kept} are two records already.")
    later = Merge.objects.open().filter(kept=record.kept_id, pk__gt=record.pk).select_related("away").last()
    if later is not None:
        return Refusal(f"{later.away} was merged in later. Take that apart first.")
    further = Merge.objects.open().filter(away=record.kept_id).select_related("kept").first()
    if further is not None:
        return Refusal(f"{record.kept} was merged into {further.kept} since. Take that apart first.")
    return None


def came_since(record: Merge) -> list[Application]:
    """Applications that the kept record got after the merge, and keeps when it is taken apart."""
    since = Application.objects.filter(candidate=record.kept_id).exclude(merges__merge=record)
    received = since.filter(
        stage_changes__kind=StageChange.Kind.RECEIVED, stage_changes__pk__gt=record.last_change_id or 0
    )
    return list(received.select_related("job").distinct())


# --- Merging ----------------------------------------------------------------------------------------------------------


def _applications_of(kept: Candidate, away: Candidate) -> list[Application]:
    both = Application.objects.filter(candidate__in=[kept.pk, away.pk])
    return list(both.select_related("job", "stage").order_by("pk"))


def _hold(kept: Candidate, away: Candidate) -> tuple[Candidate, Candidate, list[Application]] | Refusal:
    """Applications, then candidates, each by their number, until the transaction ends: the order of everybody. Nobody
    applies as either of them meanwhile, because an application needs its candidate."""
    both = Application.objects.filter(candidate__in=[kept.pk, away.pk])
    applications = list(both.select_for_update(of=("self",)).order_by("pk"))
    rows = Candidate.objects.select_for_update(of=("self",)).filter(pk__in=[kept.pk, away.pk]).order_by("pk")
    candidates = {candidate.pk: candidate for candidate in rows}
    if set(both.values_list("pk", flat=True)) != {application.pk for application in applications}:
        return Refusal("One of the two just applied for something. Nothing was changed; look again.")
    return candidates[kept.pk], candidates[away.pk], applications


def _look(kept: Candidate, away: Candidate, applications: Sequence[Application]) -> Outlook:
    reaches = {kept.pk: kept.reach, away.pk: away.reach} | read_reach([kept.pk, away.pk])
    moving = [application for application in applications if application.candidate_id == away.pk]
    standing = {
        application.job_id: application
        for application in applications
        if application.candidate_id == kept.pk and application.status != Status.DUPLICATE
    }
    pairs = [
        Pair.of(standing[application.job_id], application)
        for application in moving
        if application.status != Status.DUPLICATE and application.job_id in standing
    ]
    agreed = kept.talent_pool_consent_at and away.talent_pool_consent_at
    return Outlook(
        kept=kept,
        away=away,
        moving=tuple(moving),
        pairs=tuple(pairs),
        kept_reach=reaches[kept.pk],
        away_reach=reaches[away.pk],
        do_not_contact_at=min(filter(None, [kept.do_not_contact_at, away.do_not_contact_at]), default=None),
        consent_at=kept.talent_pool_consent_at if agreed else None,
        filled=tuple(name for name in FILLED if getattr(away, name) and not getattr(kept, name)),
    )


def _give(record: Merge, outlook: Outlook, *, now: datetime) -> None:
    resting = {pair.rests.pk: pair.rests for pair in outlook.pairs}
    touched = {application.pk: application for application in outlook.moving} | resting
    MergedApplication.objects.bulk_create(
        MergedApplication(
            merge=record,
            application=application,
            was_of_id=application.candidate_id,
            status=application.status if pk in resting else "",
            decided_at=application.decided_at if pk in resting else None,
        )
        for pk, application in sorted(touched.items())
    )
    # First they rest, and then they are given: a job has one application that stands at any time.
    Application.objects.filter(pk__in=resting).update(
        status=Status.DUPLICATE, decided_at=Coalesce(F("decided_at"), Value(now))
    )
    Application.objects.filter(candidate=record.away_id).update(candidate=record.kept_id)


def _carry_corrections(record: Merge) -> None:
    """Of the record that went away a reach may have been corrected, and its history counts again under another name. The
    correction goes along, so that what an administrator put right stays right."""
    column = Candidate.objects.values_list("reach", flat=True).get(pk=record.kept_id)
    shown = read_reach([record.kept_id]).get(record.kept_id, 0)
    if record.last_change_id is not None and shown > column:
        ReachCorrection.objects.create(
            candidate_id=record.kept_id,
            from_reach=shown,
            to_reach=column,
            reason="It was corrected before the two records were merged.",
            corrected_by_id=record.merged_by_id,
            corrected_at=record.merged_at,
            last_change_id=record.last_change_id,
        )


# --- Taking apart -----------------------------------------------------------------------------------------------------


def _own_reach(record: Merge, *, current: int) -> int:
    """What the kept record had reached, and what its own applications reached since. A correction since then stands."""
    own = Application.objects.filter(candidate=record.kept_id).exclude(
        pk__in=record.applications.filter(was_of=record.away_id).values("application")
    )
    corrected = ReachCorrection.objects.filter(candidate=record.kept_id).aggregate(last=Max("last_change"))["last"] or 0
    counted = max(corrected, record.last_change_id or 0)
    since = StageChange.objects.filter(application__in=own, pk__gt=counted).aggregate(furthest=Max("to_milestone"))
    today = own.aggregate(furthest=Max("stage__milestone"))
    reached = max(record.kept_reach, since["furthest"] or 0, today["furthest"] or 0)
    return min(current, reached)


def _give_back(record: Merge) -> None:
    moved = list(record.applications.all())
    own = [row.application_id for row in moved if row.was_of_id == record.away_id]
    Application.objects.filter(pk__in=own, candidate=record.kept_id).update(candidate=record.away_id)
    rowwise.update_each(
        Application,
        {row.application_id: {"status": row.status, "decided_at": row.decided_at} for row in moved if row.rests},
        where={"status": Status.DUPLICATE},
    )


def _own_wishes(record: Merge, kept: Candidate, away: Candidate) -> dict[str, datetime | None]:
    """As they were, unless somebody recorded another wish since: that one stands."""
    wishes: dict[str, datetime | None] = {}
    if kept.do_not_contact_at == _silent_together(record, away):
        wishes["do_not_contact_at"] = record.kept_do_not_contact_at
    if kept.talent_pool_consent_at == _agreed_together(record, away):
        wishes["talent_pool_consent_at"] = record.kept_consent_at
    return wishes


def _wishes_since(record: Merge, kept: Candidate, away: Candidate) -> dict[str, datetime | None]:
    """Who asked for silence since, or took a consent back, was both of them. `kept`: as it was when they were one."""
    wishes: dict[str, datetime | None] = {}
    if kept.do_not_contact_at not in (None, _silent_together(record, away)):
        wishes["do_not_contact_at"] = away.do_not_contact_at or kept.do_not_contact_at
    if kept.talent_pool_consent_at is None and _agreed_together(record, away) is not None:
        wishes["talent_pool_consent_at"] = None
    return wishes


def _silent_together(record: Merge, away: Candidate) -> datetime | None:
    return min(filter(None, [record.kept_do_not_contact_at, away.do_not_contact_at]), default=None)


def _agreed_together(record: Merge, away: Candidate) -> datetime | None:
    return record.kept_consent_at if away.talent_pool_consent_at else None


def _unfilled(record: Merge, kept: Candidate, away: Candidate) -> dict[str, str]:
    return {name: "" for name in record.filled if getattr(kept, name) == getattr(away, name)}
