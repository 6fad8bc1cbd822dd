"""Candidates and their applications between the tables and the plain values on which an import decides.

They are read for one batch of rows, and what is new is written back in a few statements for the whole batch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError
from django.db.models import Q, QuerySet

from pipeline import moves
from pipeline.actors import Actor, ActorKind
from pipeline.intake.entries import Entry, Outcome
from pipeline.intake.jobs import KnownStage
from pipeline.intake.standing import Change, Kind, Person, Run
from pipeline.models import Application, Candidate, Reason, StageChange

DETAILS = ("first_name", "last_name", "phone", "came_from", "external_source", "external_id")
LONGEST_REASON = 200
# A rejection has a reason; where an export leaves it out, nobody is there to be asked for one.
NO_REASON = "Imported without a reason"
REASON_KINDS = {
    Kind.REJECTED.value: Reason.Kind.REJECTED,
    Kind.WITHDRAWN.value: Reason.Kind.WITHDREW,
}
# By kind of reason and text; see `_find_reasons`.
Reasons = dict[tuple[str, str], int]


@dataclass(kw_only=True)
class People:
    """The people whom a batch of rows may be about."""

    by_address: dict[str, Person] = field(default_factory=dict)
    by_id: dict[str, Person] = field(default_factory=dict)

    def add(self, person: Person, *, source: str) -> None:
        self.by_address[person.email_key] = person
        for key in person.other_keys:
            self.by_address[key] = person
        for external_id in person.other_ids:
            self.by_id[external_id] = person
        if person.external_id and person.external_source == source:
            self.by_id[person.external_id] = person

    def with_changes(self) -> list[Person]:
        return [
            person
            for person in {id(person): person for person in self.by_address.values()}.values()
            if person.pk is None or person.is_changed or any(run.changes for run in person.runs.values())
        ]


def read_people(entries: Sequence[Entry], *, source: str) -> People:
    return _read(entries, source=source, applications=Application.objects.standing())


def read_people_to_change(entries: Sequence[Entry], *, source: str) -> People:
    """Holds their applications until the transaction ends."""
    return _read(entries, source=source, applications=Application.objects.standing().select_for_update(of=("self",)))


def _read(entries: Sequence[Entry], *, source: str, applications: QuerySet[Application]) -> People:
    addresses = {entry.address.canonical for entry in entries}
    ids = {entry.external_id for entry in entries if entry.external_id}
    wanted = Q(email_key__in=addresses) | Q(external_source=source, external_id__in=ids)
    found = list(Candidate.objects.filter(wanted).order_by("pk"))
    records = [candidate for candidate in found if candidate.merged_into_id is not None]
    standing = _find_standing(found)
    persons = {candidate.pk: _person(candidate) for candidate in set(standing.values())}
    for record in records:
        person = persons[standing[record.pk].pk]
        person.other_keys |= {record.email_key}
        if record.external_id and record.external_source == source:
            person.other_ids |= {record.external_id}
    runs: dict[int, Run] = {}
    for application in applications.filter(candidate__in=persons).select_related("stage").order_by("pk"):
        run = runs[application.pk] = _run(application)
        persons[application.candidate_id].runs[run.job_id] = run
    moved_here = StageChange.objects.filter(application__in=runs).exclude(actor_kind=ActorKind.IMPORT)
    for pk in moved_here.order_by().values_list("application_id", flat=True).distinct():
        runs[pk].touched = True
    people = People()
    for person in persons.values():
        people.add(person, source=source)
    return people


def _find_standing(found: Sequence[Candidate]) -> dict[int, Candidate]:
    """For each of them the record that stands for it: itself, unless it was merged into another one."""
    known = {candidate.pk: candidate for candidate in found}
    wanted = {candidate.merged_into_id for candidate in found if candidate.merged_into_id} - known.keys()
    while wanted:
        further = Candidate.objects.in_bulk(wanted)
        known |= further
        wanted = {candidate.merged_into_id for candidate in further.values() if candidate.merged_into_id} - known.keys()

    def follow(candidate: Candidate) -> Candidate:
        return candidate if candidate.merged_into_id is None else follow(known[candidate.merged_into_id])

    return {candidate.pk: follow(candidate) for candidate in found}


def _person(candidate: Candidate) -> Person:
    return Person(
        pk=candidate.pk,
        email=candidate.email,
        email_key=candidate.email_key,
        email_flag=candidate.email_flag,
        first_name=candidate.first_name,
        last_name=candidate.last_name,
        phone=candidate.phone,
        came_from=candidate.came_from,
        external_source=candidate.external_source,
        external_id=candidate.external_id,
        reach=candidate.reach,
    )


def _run(application: Application) -> Run:
    stage = application.stage
    return Run(
        pk=application.pk,
        job_id=application.job_id,
        stage=KnownStage(pk=stage.pk, name=stage.name, position=stage.position, milestone=stage.milestone),
        status=application.status,
        applied_at=application.applied_at,
        stage_entered_at=application.stage_entered_at,
        decided_at=application.decided_at,
        stored=(stage.pk, application.status),
    )


def write_people(people: People, *, by: Actor, quiet: bool) -> None:
    """Within the transaction in which the people were read. Candidates first, then applications, then the history."""
    persons = people.with_changes()
    _write_candidates(persons)
    moved = [(person, run) for person in persons for run in person.runs.values() if run.changes]
    reasons = _find_reasons([change for _, run in moved for change in run.changes])
    new = [(person, run) for person, run in moved if run.pk is None]
    _hold_candidates([_stored(person.pk) for person, _ in new])
    created = Application.objects.bulk_create(
        Application(
            candidate_id=_stored(person.pk), job_id=run.job_id, applied_at=run.applied_at, **_state(run, reasons)
        )
        for person, run in new
    )
    for (_, run), application in zip(new, created, strict=True):
        run.pk = application.pk
    for _, run in moved:
        # One that had ended before only grew in history.
        if run.stored is not None and run.stored[1] == Outcome.ACTIVE:
            _update_application(run, *run.stored, reasons=reasons)
    moves.record_many(
        [
            _stage_change(person, run, change, reasons, by=by, quiet=quiet)
            for person, run in moved
            for change in run.changes
        ]
    )


def _write_candidates(persons: Iterable[Person]) -> None:
    new = [person for person in persons if person.pk is None]
    created = Candidate.objects.bulk_create(
        Candidate(
            email=person.email,
            email_key=person.email_key,
            email_flag=person.email_flag,
            **{name: getattr(person, name) for name in DETAILS},
        )
        for person in new
    )
    known = [person for person in persons if person.pk is not None and person.is_changed]
    Candidate.objects.bulk_update(
        [Candidate(pk=person.pk, **{name: getattr(person, name) for name in DETAILS}) for person in known],
        DETAILS,
        batch_size=100,
    )
    for person, candidate in zip(new, created, strict=True):
        person.pk = candidate.pk


def _hold_candidates(pks: Sequence[int]) -> None:
    """Nobody merges away who is about to apply. Who was merged since they were read is read again by the caller."""
    wanted = set(pks)
    standing = Candidate.objects.standing().select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
    if len(standing) < len(wanted):
        raise IntegrityError("A candidate was merged into another one while the rows were read.")


def _state(run: Run, reasons: Reasons) -> dict[str, Any]:
    """What an import may set of an application. Whether the candidate was told is not in any export: it stays open."""
    return {
        "stage_id": run.stage.pk,
        "status": run.status,
        "stage_entered_at": run.stage_entered_at,
        "decided_at": run.decided_at,
        "reason_id": _reason_of(run.status, run.reason, reasons),
    }


def _update_application(run: Run, stage_id: int, status: str, *, reasons: Reasons) -> None:
    held = Application.objects.filter(pk=_stored(run.pk), stage=stage_id, status=status)
    if not held.update(**_state(run, reasons)):
        raise RuntimeError(f"Application {run.pk} moved while it was held.")


def _stage_change(person: Person, run: Run, change: Change, reasons: Reasons, *, by: Actor, quiet: bool) -> StageChange:
    return StageChange(
        # The candidate goes along, so that the reach is raised without asking for it.
        application=Application(pk=_stored(run.pk), candidate_id=_stored(person.pk), job_id=run.job_id),
        kind=change.kind.value,
        from_stage_id=change.before.pk if change.before else None,
        to_stage_id=change.after.pk,
        from_milestone=change.before.milestone if change.before else None,
        to_milestone=change.after.milestone,
        at=change.at,
        actor_kind=by.kind,
        moved_by_id=by.user_id,
        source_id=by.source_id,
        reason_id=_reason_of(change.kind, change.reason, reasons),
        note=change.reason if len(change.reason) > LONGEST_REASON else change.note,
        quiet=quiet,
    )


def _stored(pk: int | None) -> int:
    if pk is None:
        raise RuntimeError("What is not stored yet has no key.")
    return pk


def _reason_of(ended: str, text: str, reasons: Reasons) -> int | None:
    kind = REASON_KINDS.get(ended)
    return reasons.get((kind, _short(kind, text))) if kind else None


def _find_reasons(changes: Iterable[Change]) -> Reasons:
    """Reasons that are new here are not offered to people who reject somebody by hand."""
    wanted = {
        (kind, short)
        for change in changes
        if (kind := REASON_KINDS.get(change.kind)) and (short := _short(kind, change.reason))
    }
    if not wanted:
        return {}
    Reason.objects.bulk_create(
        [Reason(kind=kind, internal=internal, is_active=False) for kind, internal in sorted(wanted)],
        ignore_conflicts=True,
    )
    known = Reason.objects.filter(internal__in={internal for _, internal in wanted})
    return {(reason.kind, reason.internal): reason.pk for reason in known}


def _short(kind: str, text: str) -> str:
    """The whole text, where it is longer than a reason, becomes the note of the stage change."""
    text = " ".join(text.split())
    if not text and kind == Reason.Kind.REJECTED:
        return NO_REASON
    return f"{text[: LONGEST_REASON - 1]}…" if len(text) > LONGEST_REASON else text
