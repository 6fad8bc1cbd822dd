"""What a merge means for mail: the gate is asked again for everything that waits, because by now it knows of both, and
the ledger says who merged what. Done for good, or rehearsed and taken back by the same functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from messaging import gate, ledger
from messaging.consequences import Consequence, tell
from messaging.models import LedgerEntry
from pipeline import merging
from pipeline.actors import person
from pipeline.models import Application, Candidate, Merge, Unmerge, User
from pipeline.outcomes import Refusal

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Merged:
    record: Merge
    consequence: Consequence


@dataclass(frozen=True, kw_only=True)
class TakenApart:
    record: Unmerge
    consequence: Consequence


def merge(kept: Candidate, away: Candidate, *, by: User, now: datetime) -> Merged | Refusal:
    with transaction.atomic():
        record = merging.merge(kept, away, by=person(by.pk), now=now)
        if isinstance(record, Refusal):
            return record
        moved = list(record.applications.all())
        data: dict[str, ledger.Plain] = {
            "merge": record.pk,
            "away": record.away_id,
            "applications": sum(row.was_of_id == record.away_id for row in moved),
            "duplicates": sum(row.rests for row in moved),
        }
        ledger.write(LedgerEntry.Kind.MERGED, about=record.kept, by=person(by.pk), now=now, data=data)
        return Merged(record=record, consequence=_ask_again(record.kept, now=now))


def unmerge(record: Merge, *, by: User, now: datetime) -> TakenApart | Refusal:
    with transaction.atomic():
        answer = merging.unmerge(record, by=person(by.pk), now=now)
        if isinstance(answer, Refusal):
            return answer
        data: dict[str, ledger.Plain] = {
            "merge": record.pk,
            "away": record.away_id,
            "from": answer.from_reach,
            "to": answer.to_reach,
        }
        ledger.write(LedgerEntry.Kind.UNMERGED, about=record.kept, by=person(by.pk), now=now, data=data)
        return TakenApart(record=answer, consequence=_ask_again(record.kept, record.away, now=now))


def rehearse_merge(kept: Candidate, away: Candidate, *, by: User, now: datetime) -> Merged | Refusal:
    return _take_back(lambda: merge(kept, away, by=by, now=now))


def rehearse_unmerge(record: Merge, *, by: User, now: datetime) -> TakenApart | Refusal:
    return _take_back(lambda: unmerge(record, by=by, now=now))


def _take_back(act: Callable[[], T]) -> T:
    with transaction.atomic():
        done = act()
        transaction.set_rollback(True)
    return done


def _ask_again(*candidates: Candidate, now: datetime) -> Consequence:
    applications = Application.objects.filter(candidate__in=candidates).order_by("pk")
    touched = list(applications.values_list("pk", flat=True))
    gate.resettle_many(touched, now=now)
    about = Consequence(application_id=0, candidate=str(candidates[0]), job="")
    return tell(about, touched, now=now)
