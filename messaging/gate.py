"""The one door: every message is asked for here when it is previewed and again when it is about to leave.

`clear` and `clear_many` lock applications, candidates and messages, gather the facts, decide, and in the same transaction
commit either the Attempt that lets a message leave or what becomes of it instead. Moves take the same locks, so "moved"
and "cleared" have one order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case as Choice
from django.db.models import Count, Q, QuerySet, TextField, Value, When

from messaging import facts, letterhead, routing, working_days
from messaging.models import Attempt, HandOff, Message, RecordedVerdict
from messaging.policy import record
from messaging.policy.decision import WITHOUT_QUOTES, Facts, Finding, Origin, Outcome, Verdict, decide
from messaging.policy.floor import Reserve
from messaging.wording.fingerprint import fingerprint
from pipeline import rowwise
from pipeline.models import Application, Candidate, Job, User
from pipeline.stand_ins import whoever_is_there
from pipeline.written_once import WrittenOnce, ids

Status = Message.Status


@dataclass(frozen=True, kw_only=True)
class Case:
    """A message, what the gate says to it, and the text as it would leave."""

    message: Message
    facts: Facts
    verdict: Verdict
    rules: str  # the version of policy and stage rules that it met
    subject: str
    body: str
    sender: User | None
    recipient: str  # "" where there is no address to write to


class Overtaken(RuntimeError):
    """A message changed although it was locked. A bug, or somebody wrote past the locks; nothing was cleared."""


@dataclass(frozen=True, kw_only=True)
class Clearance:
    """The right to hand one message to the provider once; its Attempt is committed."""

    attempt: Attempt
    case: Case
    recipient: str


def preview(message: Message, *, now: datetime) -> Case:
    """What the gate would say. Nothing is changed; the message need not be saved."""
    return preview_many([message], now=now)[0]


def preview_many(messages: Sequence[Message], *, now: datetime) -> list[Case]:
    """The same for a batch, with a constant number of queries."""
    return [
        Case(
            message=gathered.message,
            facts=gathered.facts,
            verdict=decide(gathered.facts),
            rules=gathered.rules,
            subject=gathered.subject,
            body=gathered.body,
            sender=gathered.sender,
            recipient=gathered.recipient,
        )
        for gathered in facts.gather(messages, now=now)
    ]


def settle(message: Message, *, now: datetime) -> Case:
    """Right after planning: what is reserved becomes somebody's task now, and not when it would have been due."""
    return settle_many([message.pk], now=now)[0]


def settle_many(message_ids: Sequence[int], *, now: datetime) -> list[Case]:
    """The same for a batch, with a constant number of queries. Each is of another candidate: what becomes of a message is a
    fact for the next one to the same person."""
    with transaction.atomic():
        locked = _lock_many(message_ids)
        cases = preview_many([locked[pk] for pk in message_ids], now=now)
        waiting = [case for case in cases if case.message.status == Status.SCHEDULED]
        _turn_away_many([case for case in waiting if case.verdict.outcome is not Outcome.LATER], now=now)
    return cases


def resettle(application_id: int, *, now: datetime) -> None:
    """After a move: asks again for everything of this application that waits for its time or for a person. What is
    reserved by now becomes a task at once; what was overtaken ends, and its hand-off with it."""
    resettle_many([application_id], now=now)


def resettle_many(application_ids: Collection[int], *, now: datetime) -> None:
    """The same for a batch, with a number of queries that does not grow with it."""
    with transaction.atomic():
        hold_applications(application_ids)
        resettle_held(application_ids, now=now)


def resettle_held(application_ids: Collection[int], *, now: datetime) -> None:
    """The same for whoever holds them already."""
    cases = preview_many(_held_waiting(applications=application_ids), now=now)
    scheduled = [case for case in cases if case.message.status == Status.SCHEDULED]
    _turn_away_many([case for case in scheduled if case.verdict.outcome is not Outcome.LATER], now=now)
    with_a_person = [case for case in cases if case.message.status != Status.SCHEDULED]
    _take_back_many([case for case in with_a_person if case.verdict.outcome is Outcome.STOP], now=now)


@WrittenOnce
def _held_waiting() -> QuerySet[Message]:
    waiting = _waiting(ids("applications")).select_for_update(of=("self",))
    return facts.with_context(waiting).order_by("pk")


def hold_applications(application_ids: Collection[int]) -> None:
    """Until the transaction ends, in the one order in which everybody takes several."""
    _held_applications(applications=application_ids)


@WrittenOnce
def _held_applications() -> QuerySet[Any, tuple[int]]:
    held = Application.objects.select_for_update(of=("self",)).filter(pk__in=ids("applications"))
    return held.order_by("pk").values_list("pk")


def unsettled(application_ids: Collection[int]) -> list[int]:
    """Those of them that `resettle` would find something for."""
    if not application_ids:
        return []
    return _unsettled(applications=application_ids)


@WrittenOnce
def _unsettled() -> QuerySet[Any, int]:
    return _waiting(ids("applications")).order_by("application").values_list("application", flat=True).distinct()


def clear(message_id: int, *, now: datetime) -> Clearance | Case | None:
    """The departure. A Clearance lets the message leave; a Case says why not; None: somebody else took it. Waits for
    whoever holds it."""
    with transaction.atomic():
        message = _lock(message_id)
        return _answer([message], now=now)[0] if message.status == Status.SCHEDULED else None


def clear_many(message_ids: Sequence[int], *, at_most: int, now: datetime) -> list[Clearance | Case]:
    """The departure of the oldest of these messages, as many as there are connections for, with a number of queries that
    does not grow with them. What somebody else holds is passed over, and so is a second message to one candidate: what
    becomes of the first is a fact for it."""
    with transaction.atomic():
        taken = _oldest_free(at_most)(messages=message_ids)
        first_of = {message.application.candidate_id: message for message in reversed(taken)}
        return _answer(list(reversed(first_of.values())), now=now)


@lru_cache(maxsize=64)
def _oldest_free(at_most: int) -> WrittenOnce[Message]:
    waiting = Message.objects.among({Status.SCHEDULED}).filter(pk__in=ids("messages"))
    return WrittenOnce(
        lambda: (
            facts.with_context(waiting)
            # Waits for nobody while it holds something, so the order in which the three are taken cannot matter.
            .select_for_update(of=("self", "application", "application__candidate"), skip_locked=True)
            .order_by("due_at", "pk")[:at_most]
        )
    )


def repeatable_until(attempt: Attempt) -> datetime:
    """Until then its provider does not take the same mail a second time; the past where it knows no keys."""
    return attempt.started_at + routing.KEY_WINDOWS.get(attempt.provider, timedelta(0))


def cannot_be_proven(detail: str) -> Finding:
    sentence = (
        "It cannot be proven whether this mail was sent, so it is not sent again by itself. "
        f"Ask the provider or the candidate before you write. {detail}".strip()
    )
    return Finding(code="uncertain", sentence=sentence, outcome=Outcome.HAND_OFF)


def leave_in_doubt(message: Message, *, findings: Sequence[Finding], reserve: int, now: datetime) -> bool:
    """A message that may have left and was to be tried again, and is not: its person decides. It is never shown as
    one that did not leave."""
    reason = " ".join(finding.sentence for finding in findings)[:500]
    left = Message.objects.filter(pk=message.pk, status=Status.SCHEDULED).update(
        status=Status.UNCERTAIN, status_at=now, status_reason=reason
    )
    if left:
        strictest = max(reserve, Reserve.PERSON_WRITES if message.origin == Origin.PERSON else Reserve.PERSON_SENDS)
        hand_off(message, findings=findings, reserve=strictest, now=now)
    return bool(left)


def hand_off(message: Message, *, findings: Sequence[Finding], reserve: int, now: datetime) -> HandOff:
    """A person's task out of a message that a machine cannot finish."""
    task = _hand_off_of(message, findings=findings, reserve=reserve, now=now)
    task.save()
    return task


def _hand_off_of(message: Message, *, findings: Sequence[Finding], reserve: int, now: datetime) -> HandOff:
    """Not saved. The owner is the recruiter of the job, else its coordinator, or who stands in for them; nobody inactive or
    away owns anything."""
    application = message.application
    days = HandOff.URGENT_DAYS if message.touchpoint in HandOff.URGENT else HandOff.DAYS
    owner = owner_of(application.job, now=now)
    return HandOff(
        message=message,
        application=application,
        touchpoint=message.touchpoint,
        reserve=reserve,
        reasons=[{"code": finding.code, "sentence": finding.sentence} for finding in findings],
        owner=owner,
        due_at=working_days.due(now, days, person=owner),
        created_at=now,
    )


def hand_off_again(answered: HandOff, *, now: datetime) -> HandOff:
    """The task as it was, after its answer was taken back: a closed one stays closed, and the clock of the first goes on."""
    return HandOff.objects.create(
        message=answered.message,
        application=answered.application,
        touchpoint=answered.touchpoint,
        reserve=answered.reserve,
        reasons=answered.reasons,
        owner=answered.owner,
        due_at=answered.due_at,
        created_at=now,
    )


def owner_of(job: Job, *, now: datetime) -> User | None:
    return owner_among(job.recruiter, job.coordinator, now=now)


def owner_among(*people: User | None, now: datetime) -> User | None:
    """The first of them who can own a hand-off, or for whom somebody stands in: the one place where that is chosen. None
    leaves it unassigned, where everybody sees it."""
    there = (whoever_is_there(person, day=working_days.today(now)) for person in people)
    return next((person for person in there if person), None)


def _lock(message_id: int) -> Message:
    """Application, candidate, message: the order in which everybody takes them. The candidate too, because their reach
    may be raised by a move of another application."""
    application = Application.objects.select_for_update(of=("self",)).get(messages=message_id)
    Candidate.objects.select_for_update(of=("self",)).get(pk=application.candidate_id)
    return facts.with_context(Message.objects.select_for_update(of=("self",))).get(pk=message_id)


def _lock_many(message_ids: Collection[int]) -> dict[int, Message]:
    """In the same order as one, and of each kind by its key."""
    hold_applications(set(_applications_of(messages=message_ids)))
    _held_candidates(messages=message_ids)
    return {message.pk: message for message in _held_messages(messages=message_ids)}


@WrittenOnce
def _applications_of() -> QuerySet[Any, int]:
    return Message.objects.filter(pk__in=ids("messages")).order_by().values_list("application", flat=True)


@WrittenOnce
def _held_candidates() -> QuerySet[Any, tuple[int]]:
    of_them = Application.objects.filter(messages__in=ids("messages")).values("candidate")
    held = Candidate.objects.select_for_update(of=("self",)).filter(pk__in=of_them)
    return held.order_by("pk").values_list("pk")


@WrittenOnce
def _held_messages() -> QuerySet[Message]:
    held = Message.objects.select_for_update(of=("self",)).filter(pk__in=ids("messages"))
    return facts.with_context(held).order_by("pk")


def _answer(messages: Sequence[Message], *, now: datetime) -> list[Clearance | Case]:
    """Of messages that are locked and scheduled; in their order."""
    cases = preview_many(messages, now=now)
    doubtful = _in_doubt_newest_first(messages=[message.pk for message in messages])
    first_in_doubt = {attempt.message_id: attempt for attempt in doubtful}
    answers: dict[int, Clearance | Case] = {}
    leaving = []
    for case in cases:
        first = first_in_doubt.get(case.message.pk)
        if case.verdict.outcome is not Outcome.SEND:
            _turn_away(case, now=now)
            answers[case.message.pk] = case
        elif first is not None and not _is_known_by_its_key(case, first, now=now):
            answers[case.message.pk] = _doubt(case, now=now)
        else:
            leaving.append(case)
    answers |= {clearance.attempt.message_id: clearance for clearance in _let_go(leaving, now=now)}
    return [answers[case.message.pk] for case in cases]


@WrittenOnce
def _in_doubt_newest_first() -> QuerySet[Attempt]:
    return Attempt.objects.in_doubt().filter(message__in=ids("messages")).order_by("-number")


def _doubt(case: Case, *, now: datetime) -> Case:
    """Not recorded as a verdict: nothing speaks against the message, only against a second one of it."""
    finding = cannot_be_proven("")
    leave_in_doubt(case.message, findings=[finding], reserve=case.verdict.reserve, now=now)
    verdict = dataclasses.replace(case.verdict, outcome=Outcome.HAND_OFF, findings=(finding,))
    return dataclasses.replace(case, verdict=verdict)


def _fingerprint_of(case: Case) -> str:
    return fingerprint(
        recipient=case.recipient,
        subject=case.subject,
        body=case.body,
        sender=letterhead.sender_line(case.sender),
        reply_to=letterhead.reply_address(case.sender),
    )


def _is_known_by_its_key(case: Case, first: Attempt, *, now: datetime) -> bool:
    """Whether the provider would take it for the mail that it was given before: the same words to the same address, by
    the same provider, while that remembers."""
    same = (case.recipient, routing.provider_for(case.recipient)) == (first.recipient, first.provider)
    return same and _fingerprint_of(case) == first.fingerprint and now < repeatable_until(first)


def _waiting(application_ids: Collection[int]) -> QuerySet[Message]:
    failed = HandOff.objects.open().filter(application__in=application_ids, message__status=Status.FAILED)
    return Message.objects.filter(
        Q(status__in=[Status.SCHEDULED, Status.HELD]) | Q(pk__in=failed.values("message")),
        application__in=application_ids,
    )


def _let_go(cases: Sequence[Case], *, now: datetime) -> list[Clearance]:
    leaving = [case.message.pk for case in cases]
    # First, because the database lets nothing go that was not decided.
    RecordedVerdict.objects.bulk_create(_verdict_of(case, now=now) for case in cases)
    claimed = rowwise.update_each(
        Message,
        {
            case.message.pk: {
                "status": Status.SENDING,
                "status_at": now,
                "status_reason": "",
                "recipient": case.recipient,
                "subject": case.subject,
                "body": case.body,
            }
            for case in cases
        },
        where={"status": Status.SCHEDULED},
    )
    if claimed < len(cases):
        raise Overtaken(f"{len(cases) - claimed} of the messages {leaving} were not scheduled any more.")
    before = dict(_tried(messages=leaving))
    attempts = Attempt.objects.bulk_create(
        Attempt(
            message=case.message,
            number=before.get(case.message.pk, 0) + 1,
            started_at=now,
            expires_at=now + timedelta(seconds=settings.MAIL_LEASE),
            recipient=case.recipient,
            fingerprint=_fingerprint_of(case),
            provider=routing.provider_for(case.recipient),
        )
        for case in cases
    )
    return [
        Clearance(attempt=attempt, case=case, recipient=case.recipient)
        for attempt, case in zip(attempts, cases, strict=True)
    ]


@WrittenOnce
def _tried() -> QuerySet[Any, tuple[int, int]]:
    """How often, by message."""
    return Attempt.objects.filter(message__in=ids("messages")).order_by().values_list("message").annotate(Count("pk"))


def _turn_away(case: Case, *, now: datetime) -> None:
    """LATER waits on, HAND_OFF becomes a task, STOP ends; each only if the message still waits."""
    verdict = case.verdict
    if verdict.outcome is Outcome.LATER:
        retry_at = verdict.retry_at or now + timedelta(hours=1)
        first = case.message.attempts.in_doubt().order_by("number").first()
        if first is None or retry_at < repeatable_until(first):
            waiting = Message.objects.filter(pk=case.message.pk, status=Status.SCHEDULED)
            waiting.update(due_at=retry_at, status_reason=_gravest_sentences(verdict))
            return
    if case.message.attempts.uncertain().exists():
        findings = [cannot_be_proven(""), *_gravest(verdict)]
        leave_in_doubt(case.message, findings=findings, reserve=verdict.reserve, now=now)
        _record(case, now=now)
        return
    _end_or_hand_off([case], now=now)


def _turn_away_many(cases: Sequence[Case], *, now: datetime) -> None:
    """The same for a batch in which nothing waits on."""
    turned = [case for case in cases if case.verdict.outcome is not Outcome.SEND]
    if not turned:
        return
    tried = Attempt.objects.uncertain().filter(message__in=[case.message.pk for case in turned])
    doubtful = set(tried.values_list("message", flat=True))
    for case in turned:
        if case.message.pk in doubtful:
            _turn_away(case, now=now)
    _end_or_hand_off([case for case in turned if case.message.pk not in doubtful], now=now)


def _end_or_hand_off(cases: Sequence[Case], *, now: datetime) -> None:
    reserved = [case for case in cases if case.verdict.outcome is Outcome.HAND_OFF]
    _leave(reserved, Status.SCHEDULED, Status.HELD, now=now)
    HandOff.objects.bulk_create(
        _hand_off_of(case.message, findings=_gravest(case.verdict), reserve=case.verdict.reserve, now=now)
        for case in reserved
    )
    ended = [case for case in cases if case.verdict.outcome is not Outcome.HAND_OFF]
    _leave(ended, Status.SCHEDULED, Status.CANCELLED, now=now)


def _leave(cases: Sequence[Case], source: Status, status: Status, *, now: datetime) -> None:
    """The messages of these cases, which the caller holds, go from one status to another, and the verdicts are kept."""
    if not cases:
        return
    leaving = [case.message.pk for case in cases]
    left = Message.objects.filter(pk__in=leaving, status=source).update(
        status=status, status_at=now, status_reason=_each_reason(cases, "pk")
    )
    if left < len(cases):
        raise Overtaken(f"{len(cases) - left} of the messages {leaving} were not {source} any more.")
    RecordedVerdict.objects.bulk_create(_verdict_of(case, now=now) for case in cases)


def _each_reason(cases: Sequence[Case], key: str) -> Choice:
    """The gravest sentences, for the row whose `key` is the message."""
    of_reason: dict[str, list[int]] = {}
    for case in cases:
        of_reason.setdefault(_gravest_sentences(case.verdict), []).append(case.message.pk)
    return Choice(
        *(When(**{f"{key}__in": pks}, then=Value(reason)) for reason, pks in of_reason.items()),
        output_field=TextField(),
    )


def _take_back_many(cases: Sequence[Case], *, now: datetime) -> None:
    """Messages that wait for a person and whose cause is gone: nobody needs to write them any more, and the timeline
    says why. What failed stays failed."""
    held = [case for case in cases if case.message.status == Status.HELD]
    _leave(held, Status.HELD, Status.CANCELLED, now=now)
    RecordedVerdict.objects.bulk_create(_verdict_of(case, now=now) for case in cases if case not in held)
    tasks = HandOff.objects.open().filter(message__in=[case.message.pk for case in cases])
    tasks.update(status=HandOff.Status.NOT_NEEDED, closed_at=now, note=_each_reason(cases, "message"))


def _gravest(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.outcome is verdict.outcome]


def _gravest_sentences(verdict: Verdict) -> str:
    return " ".join(finding.sentence for finding in _gravest(verdict))[:500]


def _record(case: Case, *, now: datetime) -> None:
    _verdict_of(case, now=now).save()


def _verdict_of(case: Case, *, now: datetime) -> RecordedVerdict:
    return RecordedVerdict(
        message=case.message,
        decided_at=now,
        outcome=case.verdict.outcome,
        reserve=case.verdict.reserve,
        findings=[
            {"code": finding.code, "sentence": WITHOUT_QUOTES.get(finding.code, finding.sentence)}
            for finding in case.verdict.findings
        ],
        facts=record.without_personal_data(case.facts),
        versions={"code": record.CODE, "rules": case.rules, "wording": case.message.wording_id},
    )
