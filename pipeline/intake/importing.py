"""A file becomes candidates and applications, batch by batch.

Whatever cannot be taken goes into the file of rejected rows with its reason, so that rows in are always rows taken and
rows rejected. No import moves anything back or lowers a reach, and a quiet one sends nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction

from pipeline import actors
from pipeline.intake import exports
from pipeline.intake.dates import DateOrder
from pipeline.intake.entries import Entry, Reading, understand
from pipeline.intake.jobs import KnownJobs, Place
from pipeline.intake.mappings import Columns, detect, fit
from pipeline.intake.people import People, read_people, read_people_to_change, write_people
from pipeline.intake.reader import Row, Sheet
from pipeline.intake.rehearsal import Rehearsal
from pipeline.intake.rejects import RejectsFile
from pipeline.intake.report import ImportReport, Rejection, Taken
from pipeline.intake.standing import new_person, same_person, take
from pipeline.models import Source
from pipeline.outcomes import Refusal

# Large enough that statements are few, small enough that the database is never held for long.
BATCH = 500
LONGEST_SOURCE = 50

# Called after each batch with the bytes of the file that were read so far.
Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a person said about a file; what is empty is found out."""

    mapping: str = ""  # a name in exports.BY_NAME
    date_order: DateOrder = DateOrder.UNKNOWN
    job: str = ""  # for rows that name none
    source: str = ""  # the system that the ids are from, where that is not the mapping's
    stage_names: Mapping[str, str] = field(default_factory=dict)  # what a stage of the file is called here


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A file that can be imported, and how."""

    sheet: Sheet
    reading: Reading
    source: str
    jobs: KnownJobs


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A row as it would be read; exactly one of `entry` and `rejection` is there."""

    line: int
    entry: Entry | None = None
    place: Place | None = None
    rejection: Rejection | None = None


def plan_import(sheet: Sheet, wishes: Wishes, *, now: datetime) -> Plan | Refusal:
    """Fits a mapping to the file; `now` is when the import happens, for all of its rows."""
    columns = _fit_columns(sheet, wishes)
    if isinstance(columns, Refusal):
        return columns
    source = " ".join(wishes.source.split()) or columns.mapping.label
    if len(source) > LONGEST_SOURCE:
        return Refusal(f"The name of the system has more than {LONGEST_SOURCE} characters.")
    reading = Reading(
        columns=columns,
        zone=ZoneInfo(settings.TIME_ZONE),
        now=now,
        date_order=wishes.date_order or columns.mapping.date_order,
        job=wishes.job,
    )
    return Plan(sheet=sheet, reading=reading, source=source, jobs=KnownJobs(stage_names=wishes.stage_names))


def _fit_columns(sheet: Sheet, wishes: Wishes) -> Columns | Refusal:
    if wishes.mapping and wishes.mapping not in exports.BY_NAME:
        return Refusal(f"There is no mapping “{wishes.mapping}”: choose one of {', '.join(exports.BY_NAME)}.")
    mapping = exports.BY_NAME[wishes.mapping] if wishes.mapping else detect(sheet.headings, exports.MAPPINGS)
    if isinstance(mapping, Refusal):
        return mapping
    return fit(mapping, sheet.headings, repeated=sheet.repeated, job_is_given=bool(wishes.job))


def source_name(system: str) -> str:
    """The name of the Source that imports from a system write into the history."""
    return f"Import from {system}"


def look_at(plan: Plan, *, at_most: int) -> list[Looked]:
    return [_look(row, plan) for row in islice(plan.sheet.rows(), at_most)]


def import_rows(
    plan: Plan, *, rejects: RejectsFile, started_by: int | None, quiet: bool, progress: Progress
) -> ImportReport | Refusal:
    """Each batch is one transaction: after an interruption the file can be imported again, and nothing is taken twice.

    `started_by`: the person who imports; they are not the decider of anything that the file says. `quiet`: no
    automation follows from what the file brings.
    """
    source, _ = Source.objects.get_or_create(name=source_name(plan.source), defaults={"kind": Source.Kind.IMPORT})
    if source.kind != Source.Kind.IMPORT:
        return Refusal(f"“{source}” is registered as something else than an import. Name another system.")
    by = actors.imported(source.pk, started_by=started_by)

    def write(entries: Sequence[tuple[Entry, Place]]) -> "_Verdicts":
        try:
            return _write(plan, entries, by=by, quiet=quiet)
        except IntegrityError:
            # Somebody else brought one of these people in between; now they can be seen.
            return _write(plan, entries, by=by, quiet=quiet)

    return _go_through(plan, write, rejects=rejects, progress=progress)


def rehearse_rows(plan: Plan, *, rejects: RejectsFile, progress: Progress) -> ImportReport:
    """The same decisions on the same rows, and no trace of it in the database."""
    rehearsal = Rehearsal()

    def remember(entries: Sequence[tuple[Entry, Place]]) -> "_Verdicts":
        people = read_people([entry for entry, _ in entries], source=plan.source)
        rehearsal.recall([entry for entry, _ in entries], people, source=plan.source)
        verdicts = _decide(plan, entries, people)
        rehearsal.remember(people)
        return verdicts

    try:
        return _go_through(plan, remember, rejects=rejects, progress=progress)
    finally:
        rehearsal.close()


@dataclass(frozen=True, kw_only=True)
class _Verdicts:
    """One for each entry, in their order."""

    taken: Sequence[Taken | Rejection]
    new_candidates: int


def _go_through(
    plan: Plan,
    take_batch: Callable[[Sequence[tuple[Entry, Place]]], _Verdicts],
    *,
    rejects: RejectsFile,
    progress: Progress,
) -> ImportReport:
    report = ImportReport()
    for rows in _batches(plan.sheet.rows()):
        looked = [_look(row, plan) for row in rows]
        entries = [(each.entry, each.place) for each in looked if each.entry and each.place]
        verdicts = take_batch(entries)
        report.new_candidates += verdicts.new_candidates
        following = iter(verdicts.taken)
        for row, each in zip(rows, looked, strict=True):
            verdict = each.rejection or next(following)
            if isinstance(verdict, Rejection):
                rejects.write(row, verdict)
            report.count(verdict, is_flagged=bool(each.entry and each.entry.address.flag))
        progress(plan.sheet.position())
    return report


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _look(row: Row, plan: Plan) -> Looked:
    entry = understand(row, plan.reading)
    if isinstance(entry, Rejection):
        return Looked(line=row.line, rejection=entry)
    place = plan.jobs.place(entry)
    if isinstance(place, Rejection):
        return Looked(line=row.line, rejection=place)
    return Looked(line=row.line, entry=entry, place=place)


@transaction.atomic
def _write(plan: Plan, entries: Sequence[tuple[Entry, Place]], *, by: actors.Actor, quiet: bool) -> _Verdicts:
    people = read_people_to_change([entry for entry, _ in entries], source=plan.source)
    verdicts = _decide(plan, entries, people)
    write_people(people, by=by, quiet=quiet)
    return verdicts


def _decide(plan: Plan, entries: Sequence[tuple[Entry, Place]], people: People) -> _Verdicts:
    taken: list[Taken | Rejection] = []
    new_candidates = 0
    for entry, place in entries:
        known = same_person(
            entry,
            source=plan.source,
            by_id=people.by_id.get(entry.external_id),
            by_address=people.by_address.get(entry.address.canonical),
        )
        if isinstance(known, Rejection):
            taken.append(known)
            continue
        person = known or new_person(entry, source=plan.source)
        taken.append(take(entry, place, person, source=plan.source, now=plan.reading.now))
        people.add(person, source=plan.source)
        new_candidates += known is None
    return _Verdicts(taken=taken, new_candidates=new_candidates)
