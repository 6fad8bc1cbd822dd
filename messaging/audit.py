"""The audit: whether what the records say fits together, and whether every decision would be made again.

It reads in pages and yields what it finds as it goes, so that it needs no more memory for a million decisions than for a
thousand. A violation is something that must never be; a difference is what would be decided otherwise by today's rules,
and breaks nothing; a reserved message that left is listed with who wrote it and how long they had it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet

from messaging import ledger
from messaging.delivery import tracking
from messaging.ledger import Progress
from messaging.models import (
    Attempt,
    HandOff,
    LedgerEntry,
    Message,
    ProviderEvent,
    RecordedVerdict,
    Release,
)
from messaging.policy import record
from messaging.policy.decision import Origin, Outcome, Verdict, decide
from messaging.policy.floor import Reserve
from messaging.rulebook import Rulebook
from pipeline.models import User

PAGE = 1000  # rows that are held at a time

Plain = ledger.Plain


class Grade(StrEnum):
    VIOLATION = "violation"
    DIFFERENCE = "difference"
    RESERVED = "reserved"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One thing that the audit noticed."""

    grade: Grade
    code: str
    subject: str  # as in the ledger: message:17, recordedverdict:4
    sentence: str
    data: Mapping[str, Plain] = dataclasses.field(default_factory=dict)


def audit(*, since: datetime | None = None, progress: Progress = lambda _: None) -> Iterator[Observation]:
    """Everything, from `since` on; the chain is always verified from its beginning. `progress` hears of every row."""
    yield from audit_chain(progress=progress)
    yield from audit_decisions(since=since, progress=progress)
    yield from audit_messages(since=since, progress=progress)
    yield from audit_attempts(since=since, progress=progress)
    yield from audit_provider(since=since)


def count(*, since: datetime | None = None) -> int:
    """How many rows `progress` will hear of."""
    sealed = sum(model.objects.filter(seal__isnull=False).count() for model in (LedgerEntry, RecordedVerdict))
    return sealed + _decisions(since).count() + _messages(since).count() + _attempts(since).count()


def _violation(code: str, subject: str, sentence: str) -> Observation:
    return Observation(grade=Grade.VIOLATION, code=code, subject=subject, sentence=sentence)


def _pages(rows: QuerySet[Any], progress: Progress) -> Iterator[list[Any]]:
    """By the key, so that no transaction stays open and nothing but the page is in memory."""
    last = 0
    while page := list(rows.filter(pk__gt=last).order_by("pk")[:PAGE]):
        yield page
        last = page[-1].pk
        progress(len(page))


# --- The chain --------------------------------------------------------------------------------------------------------


def audit_chain(*, progress: Progress = lambda _: None) -> Iterator[Observation]:
    broken = ledger.verify(progress=progress)
    if broken is not None:
        yield _violation("chain", f"seal:{broken.seal}", broken.sentence)


# --- Decisions --------------------------------------------------------------------------------------------------------


def _decisions(since: datetime | None) -> QuerySet[RecordedVerdict]:
    decisions = RecordedVerdict.objects.select_related("message").defer("message__subject", "message__body")
    return decisions.filter(decided_at__gte=since) if since else decisions


def audit_decisions(*, since: datetime | None = None, progress: Progress = lambda _: None) -> Iterator[Observation]:
    """Every recorded decision made again: with the facts as they were, and with what today's rules ask of them."""
    rules = Rulebook.read()
    for page in _pages(_decisions(since), progress):
        for recorded in page:
            yield from _replay(recorded, rules)


def _replay(recorded: RecordedVerdict, rules: Rulebook) -> Iterator[Observation]:
    subject = f"recordedverdict:{recorded.pk}"
    versions = recorded.versions or {}
    try:
        facts = record.facts_of(recorded.facts)
        again = decide(facts)
    except (TypeError, ValueError) as error:
        if versions.get("code") == record.CODE:
            yield _violation("unreadable", subject, f"The facts of this decision cannot be decided on again. {error}")
        else:
            yield _difference("unreadable", subject, "The facts of this decision are those of other code.")
        return
    message = recorded.message
    if (facts.origin, facts.touchpoint) != (message.origin, message.touchpoint):
        yield _violation(
            "other_message",
            subject,
            f"This was decided on {facts.touchpoint} by {facts.origin}, and its message is {message.touchpoint} by "
            f"{message.origin}.",
        )
    if _in_words(again) != _words_of(recorded):
        sentence = f"It was {_words_of(recorded)}; the same facts give {_in_words(again)}."
        if versions.get("code") == record.CODE:
            yield _violation("replay", subject, sentence)
        else:
            yield _difference("other_code", subject, f"Other code decided this. {sentence}")
    today = decide(rules.ask(facts, template=message.template_id))
    if (today.outcome, today.reserve) != (again.outcome, again.reserve):
        yield _difference(
            "today", subject, f"It was {_words_of(recorded)}; with today’s rules it would be {_in_words(today)}."
        )


def _difference(code: str, subject: str, sentence: str) -> Observation:
    return Observation(grade=Grade.DIFFERENCE, code=code, subject=subject, sentence=sentence)


def _words_of(recorded: RecordedVerdict) -> str:
    codes = [str(finding.get("code")) for finding in recorded.findings]
    return _words(recorded.outcome, recorded.reserve, codes)


def _in_words(verdict: Verdict) -> str:
    return _words(verdict.outcome, verdict.reserve, [finding.code for finding in verdict.findings])


def _words(outcome: str, reserve: int, codes: Sequence[str]) -> str:
    return f"{outcome} (reserve {int(reserve)}; {', '.join(codes) or 'no finding'})"


# --- Messages ---------------------------------------------------------------------------------------------------------

ACCEPTED = Attempt.objects.filter(message=OuterRef("pk"), outcome=Attempt.Outcome.ACCEPTED)


def _messages(since: datetime | None) -> QuerySet[Message]:
    """What may have left, and what a provider took whatever we show."""
    left = Message.objects.filter(Q(status__in=Message.MAY_HAVE_LEFT) | Exists(ACCEPTED)).defer("subject", "body")
    return left.filter(status_at__gte=since) if since else left


def audit_messages(*, since: datetime | None = None, progress: Progress = lambda _: None) -> Iterator[Observation]:
    for page in _pages(_messages(since), progress):
        papers = _Papers.read(page)
        for message in page:
            yield from _find_violations(message, papers)
            reserve = papers.reserves.get(message.pk)
            if reserve:
                yield _reserved(message, papers, reserve=reserve)


@dataclass(frozen=True, kw_only=True)
class _Papers:
    """What is on record about a page of messages."""

    reserves: Mapping[int, int]  # message: the strictest reserve under which it was let go
    accepted: Mapping[int, int]  # message: attempts that a provider took
    attempted: frozenset[int]
    resolved: frozenset[int]  # a person or a provider's later word settled them
    releases: Mapping[int, Release]
    handed_off_at: Mapping[int, datetime]  # answer: when its person got the task
    people: Mapping[int, User]

    @classmethod
    def read(cls, messages: Sequence[Message]) -> _Papers:
        pks = [message.pk for message in messages]
        reserves: dict[int, int] = {}
        sends = RecordedVerdict.objects.filter(message__in=pks, outcome=Outcome.SEND).order_by()
        for pk, reserve in sends.values_list("message_id", "reserve"):
            reserves[pk] = max(reserve, reserves.get(pk, 0))
        accepted: dict[int, int] = {}
        for pk, outcome in Attempt.objects.filter(message__in=pks).order_by().values_list("message_id", "outcome"):
            accepted[pk] = accepted.get(pk, 0) + (outcome == Attempt.Outcome.ACCEPTED)
        subjects = {f"message:{pk}": pk for pk in pks}
        resolved = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.RESOLVED, subject__in=subjects)
        answers = HandOff.objects.filter(answer__in=pks).order_by("-pk").values_list("answer_id", "created_at")
        return cls(
            reserves=reserves,
            accepted=accepted,
            attempted=frozenset(accepted),
            resolved=frozenset(subjects[name] for name in resolved.values_list("subject", flat=True)),
            releases=Release.objects.in_bulk(pks),
            handed_off_at=dict(answers),
            people=User.objects.in_bulk({message.written_by_id for message in messages if message.written_by_id}),
        )


def _find_violations(message: Message, papers: _Papers) -> Iterator[Observation]:
    subject, pk = f"message:{message.pk}", message.pk
    by_a_person = message.origin == Origin.PERSON
    left = message.status in Message.MAY_HAVE_LEFT
    accepted = papers.accepted.get(pk, 0)
    release = papers.releases.get(pk)
    if pk not in papers.reserves:
        yield _violation("not_cleared", subject, f"It is {message.status}, and no decision let it go.")
    if pk not in papers.attempted:
        yield _violation("no_attempt", subject, f"It is {message.status}, and there is no attempt to send it.")
    if papers.reserves.get(pk, Reserve.AUTOMATIC) != Reserve.AUTOMATIC and not by_a_person:
        yield _violation("reserved", subject, "It was reserved for a person, and a machine sent it.")
    if by_a_person and release is None:
        yield _violation("not_released", subject, "A person wrote it, and no act of theirs let it go.")
    if by_a_person and release is not None and release.released_by_id != message.written_by_id:
        yield _violation("other_person", subject, "Somebody let it go who did not write it.")
    if accepted > 1 and pk not in papers.resolved:
        yield _violation("twice", subject, f"A provider took it {accepted} times, and nobody asked for that.")
    if accepted and not left:
        yield _violation("shown_unsent", subject, f"A provider took it, and it is shown as {message.status}.")
    if message.status == Message.Status.SENT and not accepted and pk not in papers.resolved:
        yield _violation("shown_sent", subject, "It is shown as sent, and no provider took it.")


def _reserved(message: Message, papers: _Papers, *, reserve: int) -> Observation:
    """Who wrote it, and how long they had it: from opening the page, else from getting the task, to letting it go."""
    release = papers.releases.get(message.pk)
    released_at = release.released_at if release else message.created_at
    since = release.opened_at if release else None
    since = since or papers.handed_off_at.get(message.pk)
    seconds = round((released_at - since).total_seconds()) if since else None
    who = str(papers.people[message.written_by_id]) if message.written_by_id else "nobody"
    return Observation(
        grade=Grade.RESERVED,
        code="reserved",
        subject=f"message:{message.pk}",
        sentence=f"{message.get_touchpoint_display()}, {Reserve(reserve).label}: {who}, {_time_taken(seconds)}.",
        data={
            "touchpoint": message.touchpoint,
            "reserve": reserve,
            "written_by": message.written_by_id,
            "released_at": released_at.isoformat(),
            "seconds": seconds,
            "since": "opened" if release and release.opened_at else "handed off" if since else None,
        },
    )


def _time_taken(seconds: int | None) -> str:
    if seconds is None:
        return "in an unknown time"
    minutes, hours = seconds // 60, seconds // 3600
    return f"in {hours} h {minutes % 60} min" if hours else f"in {minutes} min {seconds % 60} s"


# --- Attempts ---------------------------------------------------------------------------------------------------------


def _attempts(since: datetime | None) -> QuerySet[Attempt]:
    return Attempt.objects.filter(started_at__gte=since) if since else Attempt.objects.all()


def audit_attempts(*, since: datetime | None = None, progress: Progress = lambda _: None) -> Iterator[Observation]:
    """Each was decided on in the moment it began, and went to one address."""
    cleared = RecordedVerdict.objects.filter(
        message=OuterRef("message"), outcome=Outcome.SEND, decided_at=OuterRef("started_at")
    )
    attempts = _attempts(since).annotate(is_cleared=Exists(cleared)).only("pk", "message_id", "recipient")
    for page in _pages(attempts, progress):
        for attempt in page:
            subject = f"attempt:{attempt.pk}"
            if not attempt.is_cleared:
                yield _violation("not_cleared", subject, f"No decision let message {attempt.message_id} go then.")
            if not attempt.recipient:
                yield _violation("no_recipient", subject, "It names no address.")


# --- What the provider says -------------------------------------------------------------------------------------------


def audit_provider(*, since: datetime | None = None) -> Iterator[Observation]:
    """What we know of a provider’s side, against our own: one id of theirs is one mail, and what they report as taken is
    a mail that we let go."""
    known = _attempts(since).exclude(provider_message_id="").order_by()
    shared = known.values("provider", "provider_message_id").annotate(
        mails=Count("message", distinct=True), first=Min("pk")
    )
    for row in shared.filter(mails__gt=1).iterator(chunk_size=PAGE):
        sentence = f"{row['mails']} messages have one id of the provider {row['provider']}."
        yield _violation("one_id", f"attempt:{row['first']}", sentence)
    taken = ProviderEvent.objects.filter(kind__in=tracking.PROVES_SENT, applied_at__isnull=False)
    taken = taken.filter(at__gte=since) if since else taken
    amiss = taken.filter(Q(message__isnull=True) | ~Q(message__status__in=Message.MAY_HAVE_LEFT))
    for event in amiss.select_related("message").order_by("pk").iterator(chunk_size=PAGE):
        shown = f"is shown as {event.message.status}" if event.message else "is no message of ours"
        sentence = f"{event.provider} reports a mail as {event.kind} that {shown}."
        yield _violation("reported", f"providerevent:{event.pk}", sentence)
