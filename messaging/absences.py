"""Out of office: who stands in for somebody, and what becomes of the hand-offs that are theirs when they leave and when they
come back. Nothing new becomes theirs while they are away, see messaging/gate.py; what is theirs changes hands by an act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.formats import date_format

from messaging import handoffs, working_days
from messaging.models import HandOff
from pipeline.models import LaterAbsence, User
from pipeline.outcomes import Refusal
from pipeline.stand_ins import whoever_is_there

LONGEST = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class Absence:
    """Both days are away. `stand_in`: None for nobody."""

    first: date
    last: date
    stand_in: User | None

    @property
    def key(self) -> str:
        """Tells the absences of one person apart: no two of them have a day in common."""
        return self.first.isoformat()


def planned(person: User, *, now: datetime) -> list[Absence]:
    """Under way and to come, in order."""
    later = [
        Absence(first=one.first, last=one.last, stand_in=one.stand_in)
        for one in person.later_absences.select_related("stand_in")
    ]
    if person.away_from is not None and person.away_until is not None:
        later.insert(0, Absence(first=person.away_from, last=person.away_until, stand_in=person.stand_in))
    return [one for one in later if one.last >= working_days.today(now)]


def plan(
    person: User, *, first: date, last: date, stand_in: User | None, now: datetime, replaces: str = ""
) -> User | Refusal:
    """`replaces`: the key of the one that is changed by this. Without a stand-in, what would be theirs goes to the job's
    coordinator, or to nobody yet."""
    today = working_days.today(now)
    if last < first:
        return Refusal("The last day away is before the first one.")
    if last < today:
        return Refusal("These days are over. Choose days that are still to come.")
    if last - first > LONGEST:
        return Refusal(
            "Nobody is out of office for more than a year. Ask an administrator to give your jobs to somebody."
        )
    if stand_in is not None and stand_in.pk == person.pk:
        return Refusal("You cannot stand in for yourself. Choose a colleague, or nobody.")
    if stand_in is not None and not (stand_in.is_active and stand_in.has_perm("messaging.answer_handoff")):
        return Refusal(f"{stand_in} may not write to candidates, so they cannot stand in for you.")
    with transaction.atomic():
        _hold(person)
        others = [one for one in planned(person, now=now) if one.key != replaces]
        for one in others:
            if one.first <= last and first <= one.last:
                return Refusal(
                    f"You are away from {date_format(one.first, 'j F')} to {date_format(one.last, 'j F Y')} already. "
                    "Change that, or choose other days."
                )
        _write(person, [*others, Absence(first=first, last=last, stand_in=stand_in)], now=now)
    return person


def end(person: User, *, key: str, now: datetime) -> User:
    """They are back, or are not going. Who stood in stays known, because open hand-offs may still be there."""
    today = working_days.today(now)
    with transaction.atomic():
        _hold(person)
        before = planned(person, now=now)
        ended = next((one for one in before if one.key == key), None)
        if ended is None:
            return person
        if ended.first == person.away_from:
            has_begun = ended.first < today
            person.away_from, person.away_until = (
                (ended.first, today - timedelta(days=1)) if has_begun else (None, None)
            )
            person.save(update_fields=["away_from", "away_until"])
        _write(person, [one for one in before if one != ended], now=now)
    return person


def move_up(*, now: datetime) -> int:
    """The clock: where an absence is over, the next one takes its place. Returns for how many people."""
    today = working_days.today(now)
    is_over = Q(away_until__isnull=True) | Q(away_until__lt=today)
    moved = 0
    for person in User.objects.filter(is_over, later_absences__isnull=False).distinct():
        with transaction.atomic():
            _hold(person)
            ahead = planned(person, now=now)
            if not _waits(person, ahead, today=today):
                _write(person, ahead, now=now)
                moved += 1
    return moved


def _hold(person: User) -> None:
    """Until the transaction ends, as it is now."""
    held = User.objects.select_for_update(of=("self",)).select_related("stand_in").get(pk=person.pk)
    person.away_from, person.away_until, person.stand_in = held.away_from, held.away_until, held.stand_in


def _waits(person: User, ahead: list[Absence], *, today: date) -> bool:
    """Who is back is asked first about what is still with their stand-in; until the next absence begins."""
    is_over = person.away_until is None or person.away_until < today
    return is_over and all(one.first > today for one in ahead) and to_take_back(person).exists()


def _write(person: User, absences: list[Absence], *, now: datetime) -> None:
    """The nearest on the person, the others after it."""
    later = sorted(absences, key=lambda one: one.first)
    if later and not _waits(person, later, today=working_days.today(now)):
        nearest = later.pop(0)
        person.away_from, person.away_until, person.stand_in = nearest.first, nearest.last, nearest.stand_in
        person.save(update_fields=["away_from", "away_until", "stand_in"])
    person.later_absences.all().delete()
    LaterAbsence.objects.bulk_create(
        LaterAbsence(person=person, first=one.first, last=one.last, stand_in=one.stand_in) for one in later
    )


def stand_in_of(person: User) -> User | None:
    """Who gets what would be theirs on the first day away: along the chain of stand-ins, to somebody who is there."""
    if person.stand_in is None or person.away_from is None:
        return None
    there = whoever_is_there(person, day=person.away_from)
    return None if there is not None and there.pk == person.pk else there


def to_hand_over(person: User) -> QuerySet[HandOff]:
    """Open, and theirs."""
    return HandOff.objects.open().filter(owner=person)


def hand_over(person: User) -> int | Refusal:
    """Gives all of them to whoever stands in."""
    to = stand_in_of(person)
    if to is None:
        return Refusal("There is nobody to give them to: choose a stand-in who is there on your first day away.")
    return handoffs.assign(list(to_hand_over(person)), to=to)


def to_take_back(person: User) -> QuerySet[HandOff]:
    """Open, of this person's jobs, and with who stood in for them. The coordinator's only where there is no recruiter."""
    theirs = Q(application__job__recruiter=person) | Q(
        application__job__recruiter__isnull=True, application__job__coordinator=person
    )
    if person.stand_in_id is None:
        return HandOff.objects.none()
    return HandOff.objects.open().filter(theirs, owner=person.stand_in_id)


def take_back(person: User) -> int | Refusal:
    return handoffs.assign(list(to_take_back(person)), to=person)


def leave_there(person: User) -> User:
    """What is with the stand-in stays with them, and is not asked about again."""
    person.stand_in = None
    person.save(update_fields=["stand_in"])
    return person


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a person should know of their own absence on a day on which they are at work all the same, or again."""

    away_until: date | None  # None: they are not away
    to_take_back: int


def notice(person: User, *, now: datetime) -> Notice:
    today = working_days.today(now)
    is_ahead = person.away_until is not None and person.away_until >= today
    return Notice(
        away_until=person.away_until if person.is_away(today) else None,
        to_take_back=0 if is_ahead else to_take_back(person).count(),
    )
