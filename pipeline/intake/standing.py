"""What one row changes about one person: decided on plain values, so that a rehearsal and an import decide alike.

A file is evidence of what happened elsewhere. It may add, and it may move forward; it never moves back, never reopens,
and never ends what people here have had in their hands.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pipeline.intake.entries import Entry, Outcome
from pipeline.intake.jobs import KnownStage, Place
from pipeline.intake.report import Rejection, Taken, Why


class Kind(StrEnum):
    """The values are those of StageChange.Kind."""

    RECEIVED = "received"
    ADVANCED = "advanced"
    MOVED_BACK = "moved_back"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    HIRED = "hired"


ENDS = {Outcome.REJECTED: Kind.REJECTED, Outcome.WITHDRAWN: Kind.WITHDRAWN, Outcome.HIRED: Kind.HIRED}


@dataclass(kw_only=True, slots=True)
class Change:
    """A StageChange to be."""

    kind: Kind
    before: KnownStage | None
    after: KnownStage
    at: datetime
    reason: str = ""
    note: str = ""


@dataclass(kw_only=True, slots=True)
class Run:
    """An application as it is, and what the file adds to it. `pk` is None until it is stored."""

    pk: int | None
    job_id: int
    stage: KnownStage
    status: str
    applied_at: datetime
    stage_entered_at: datetime
    decided_at: datetime | None = None
    reason: str = ""
    touched: bool = False  # somebody or something other than an import moved it
    stored: tuple[int, str] | None = None  # stage and status as the table has them
    changes: list[Change] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Person:
    """A candidate as it is, and what the file adds to it. `pk` is None until it is stored."""

    pk: int | None
    email: str
    email_key: str
    email_flag: str
    first_name: str
    last_name: str
    phone: str
    came_from: str
    external_source: str
    external_id: str
    reach: int
    # Keys and ids of records that were merged into this one: by them a file finds it too.
    other_keys: frozenset[str] = frozenset()
    other_ids: frozenset[str] = frozenset()
    runs: dict[int, Run] = field(default_factory=dict)  # by job
    is_changed: bool = False


def same_person(
    entry: Entry, *, source: str, by_id: Person | None, by_address: Person | None
) -> Person | Rejection | None:
    """Whom the row is about: None for somebody new, a Rejection where its id and its address disagree."""
    if by_id is not None and entry.address.canonical not in {by_id.email_key, *by_id.other_keys}:
        return Rejection(
            why=Why.IDENTITY,
            sentence=f"The id “{entry.external_id}” belongs to {by_id.email} here and to {entry.address.address} in "
            "the file. A person has to decide which address is right.",
        )
    if by_address is None or by_id is not None:
        return by_id
    is_own_key = by_address.email_key == entry.address.canonical
    other_id = by_address.external_id if is_own_key and by_address.external_source == source else ""
    if entry.external_id and other_id:
        return Rejection(
            why=Why.IDENTITY,
            sentence=f"{entry.address.address} has the id “{other_id}” here and “{entry.external_id}” in the file. "
            "A person has to decide whether these are two people.",
        )
    return by_address


def new_person(entry: Entry, *, source: str) -> Person:
    return Person(
        pk=None,
        email=entry.address.address,
        email_key=entry.address.canonical,
        email_flag=entry.address.flag,
        first_name=entry.first_name,
        last_name=entry.last_name,
        phone=entry.phone,
        came_from=entry.came_from,
        external_source=source if entry.external_id else "",
        external_id=entry.external_id,
        reach=0,
    )


def take(entry: Entry, place: Place, person: Person, *, source: str, now: datetime) -> Taken | Rejection:
    """Changes `person` in place, or answers with a Rejection and changes nothing."""
    run = person.runs.get(place.job.pk)
    if run is not None and _ends_what_people_moved(entry, run):
        return Rejection(
            why=Why.RUNNING,
            sentence=f"The application is {entry.outcome} in the file and active here, and people here have moved it. "
            "End it by hand if that is right.",
        )
    is_new = run is None
    before = len(run.changes) if run else 0
    details_changed = _take_details(entry, person, source=source)
    if run is None:
        run = person.runs[place.job.pk] = _receive(entry, place, now=now)
    # Nothing happens to an application before it is where it is.
    at = max(entry.ended_at or now, run.stage_entered_at)
    if run.status == Outcome.ACTIVE and place.stage and place.stage.position > run.stage.position:
        _enter(run, place.stage, at=at)
    _take_evidence(entry, place, person, run, at=at)
    if run.status == Outcome.ACTIVE and entry.outcome is not Outcome.ACTIVE:
        _end(entry, place, run, at=at)
    person.reach = max([person.reach, *(change.after.milestone for change in run.changes)])
    if is_new:
        return Taken.CREATED
    return Taken.UPDATED if details_changed or len(run.changes) > before else Taken.UNCHANGED


def _ends_what_people_moved(entry: Entry, run: Run) -> bool:
    return run.touched and run.status == Outcome.ACTIVE and entry.outcome is not Outcome.ACTIVE


def _take_details(entry: Entry, person: Person, *, source: str) -> bool:
    """What the file says counts, where it says something; the address is never changed."""
    before = (person.first_name, person.last_name, person.phone, person.came_from, person.external_id)
    # One export divides “Mary Ann Smith” after Mary and another after Ann: that is no news.
    if _whole(entry.first_name, entry.last_name) != _whole(person.first_name, person.last_name):
        person.first_name, person.last_name = entry.first_name, entry.last_name
    person.phone = entry.phone or person.phone
    person.came_from = entry.came_from or person.came_from
    if entry.external_id and not person.external_id and entry.external_id not in person.other_ids:
        person.external_source, person.external_id = source, entry.external_id
    changed = before != (person.first_name, person.last_name, person.phone, person.came_from, person.external_id)
    person.is_changed = person.is_changed or changed
    return changed


def _whole(first_name: str, last_name: str) -> str:
    return f"{first_name} {last_name}".strip()


def _receive(entry: Entry, place: Place, *, now: datetime) -> Run:
    """Into the first stage on the day they applied; to where they are now they came later, nobody knows when."""
    at = entry.applied_at or entry.ended_at or now
    run = Run(
        pk=None,
        job_id=place.job.pk,
        stage=place.job.first,
        status=Outcome.ACTIVE.value,
        applied_at=at,
        stage_entered_at=at,
    )
    run.changes.append(Change(kind=Kind.RECEIVED, before=None, after=place.job.first, at=at, note=entry.note))
    return run


def _enter(run: Run, stage: KnownStage, *, at: datetime) -> None:
    kind = Kind.ADVANCED if stage.position >= run.stage.position else Kind.MOVED_BACK
    run.changes.append(Change(kind=kind, before=run.stage, after=stage, at=at))
    run.stage = stage
    run.stage_entered_at = at


def _take_evidence(entry: Entry, place: Place, person: Person, run: Run, *, at: datetime) -> None:
    """A stage further than any that is known raises the reach. It leaves its trace in the history, there and back, so
    that the history alone still tells the reach; the application stays where it is."""
    furthest = place.furthest
    if entry.outcome is Outcome.HIRED and run.status not in (Outcome.ACTIVE, Outcome.HIRED):
        furthest = place.job.hired_in(run.stage)
    known = max([person.reach, *(change.after.milestone for change in run.changes)])
    if furthest is None or furthest.milestone <= known:
        return
    stays, entered_at = run.stage, run.stage_entered_at
    _enter(run, furthest, at=at)
    if stays.pk != furthest.pk:
        _enter(run, stays, at=at)
    if run.status != Outcome.ACTIVE:
        run.stage, run.stage_entered_at = stays, entered_at


def _end(entry: Entry, place: Place, run: Run, *, at: datetime) -> None:
    after = place.job.hired_in(run.stage) if entry.outcome is Outcome.HIRED else run.stage
    change = Change(kind=ENDS[entry.outcome], before=run.stage, after=after, at=at, reason=entry.reason)
    run.changes.append(change)
    run.stage = after
    run.status = entry.outcome.value
    run.decided_at = at
    run.reason = entry.reason
