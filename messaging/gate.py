"""The one door: every message is asked for here when it is previewed and again when it is about to leave.

`clear` locks the application, its candidate and the message, gathers the facts, decides, and in the same transaction
commits either the Attempt that lets the message leave or what becomes of it instead. Moves take the same locks, so
"moved" and "cleared" have one order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from messaging import facts, routing, working_days
from messaging.models import Attempt, HandOff, Message, RecordedVerdict
from messaging.policy import record
from messaging.policy.decision import WITHOUT_QUOTES, Facts, Finding, Outcome, Verdict, decide
from messaging.wording.fingerprint import fingerprint
from pipeline.models import Application, Candidate, Job, User

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
    with transaction.atomic():
        case = preview(_lock(message.pk), now=now)
        if case.verdict.outcome is not Outcome.LATER:
            _turn_away(case, now=now)
    return case


def resettle(application_id: int, *, now: datetime) -> None:
    """After a move: asks again for everything of this application that waits for its time or for a person. What is
    reserved by now becomes a task at once; what was overtaken ends, and its hand-off with it."""
    with transaction.atomic():
        Application.objects.select_for_update(of=("self",)).get(pk=application_id)
        failed = HandOff.objects.open().filter(application=application_id, message__status=Status.FAILED)
        waiting = Message.objects.filter(
            Q(status__in=[Status.SCHEDULED, Status.HELD]) | Q(pk__in=failed.values("message")),
            application=application_id,
        )
        for case in preview_many(list(facts.with_context(waiting)), now=now):
            if case.message.status == Status.SCHEDULED and case.verdict.outcome is not Outcome.LATER:
                _turn_away(case, now=now)
            elif case.message.status != Status.SCHEDULED and case.verdict.outcome is Outcome.STOP:
                _take_back(case, now=now)


def clear(message_id: int, *, now: datetime) -> Clearance | Case | None:
    """The departure. A Clearance lets the message leave; a Case says why not; None: somebody else took it."""
    with transaction.atomic():
        message = _lock(message_id)
        if message.status != Status.SCHEDULED:
            return None
        case = preview(message, now=now)
        if case.verdict.outcome is Outcome.SEND:
            return _let_go(case, now=now)
        _turn_away(case, now=now)
        return case


def hand_off(message: Message, *, findings: Sequence[Finding], reserve: int, now: datetime) -> HandOff:
    """A person's task out of a message that a machine cannot finish. The owner is the recruiter of the job, else its
    coordinator; nobody inactive owns anything."""
    application = message.application
    days = HandOff.URGENT_DAYS if message.touchpoint in HandOff.URGENT else HandOff.DAYS
    return HandOff.objects.create(
        message=message,
        application=application,
        touchpoint=message.touchpoint,
        reserve=reserve,
        reasons=[{"code": finding.code, "sentence": finding.sentence} for finding in findings],
        owner=owner_of(application.job),
        due_at=working_days.due(now, days),
        created_at=now,
    )


def owner_of(job: Job) -> User | None:
    return next((person for person in (job.recruiter, job.coordinator) if person and person.is_active), None)


def _lock(message_id: int) -> Message:
    """Application, candidate, message: the order in which everybody takes them. The candidate too, because their reach
    may be raised by a move of another application."""
    application = Application.objects.select_for_update(of=("self",)).get(messages=message_id)
    Candidate.objects.select_for_update(of=("self",)).get(pk=application.candidate_id)
    return facts.with_context(Message.objects.select_for_update(of=("self",))).get(pk=message_id)


def _let_go(case: Case, *, now: datetime) -> Clearance | None:
    message, recipient = case.message, case.recipient
    claimed = Message.objects.filter(pk=message.pk, status=Status.SCHEDULED).update(
        status=Status.SENDING,
        status_at=now,
        status_reason="",
        recipient=recipient,
        subject=case.subject,
        body=case.body,
    )
    if not claimed:
        return None
    _record(case, now=now)
    attempt = Attempt.objects.create(
        message=message,
        number=message.attempts.count() + 1,
        started_at=now,
        expires_at=now + timedelta(seconds=settings.MAIL_LEASE),
        recipient=recipient,
        fingerprint=fingerprint(recipient=recipient, subject=case.subject, body=case.body),
        provider=routing.provider_for(recipient),
    )
    return Clearance(attempt=attempt, case=case, recipient=recipient)


def _turn_away(case: Case, *, now: datetime) -> None:
    """LATER waits on, HAND_OFF becomes a task, STOP ends; each only if the message still waits. SEND is left alone."""
    waiting = Message.objects.filter(pk=case.message.pk, status=Status.SCHEDULED)
    verdict = case.verdict
    reason = _gravest_sentences(verdict)
    if verdict.outcome is Outcome.SEND:
        return
    if verdict.outcome is Outcome.LATER:
        waiting.update(due_at=verdict.retry_at or now + timedelta(hours=1), status_reason=reason)
        return
    status = Status.HELD if verdict.outcome is Outcome.HAND_OFF else Status.CANCELLED
    if not waiting.update(status=status, status_at=now, status_reason=reason):
        return
    _record(case, now=now)
    if status == Status.HELD:
        hand_off(case.message, findings=_gravest(verdict), reserve=verdict.reserve, now=now)


def _take_back(case: Case, *, now: datetime) -> None:
    """A message that waits for a person and whose cause is gone: nobody needs to write it any more, and the timeline
    says why. One that failed stays failed."""
    reason = _gravest_sentences(case.verdict)
    Message.objects.filter(pk=case.message.pk, status=Status.HELD).update(
        status=Status.CANCELLED, status_at=now, status_reason=reason
    )
    case.message.hand_offs.filter(status=HandOff.Status.OPEN).update(
        status=HandOff.Status.NOT_NEEDED, closed_at=now, note=reason
    )
    _record(case, now=now)


def _gravest(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.outcome is verdict.outcome]


def _gravest_sentences(verdict: Verdict) -> str:
    return " ".join(finding.sentence for finding in _gravest(verdict))[:500]


def _record(case: Case, *, now: datetime) -> None:
    RecordedVerdict.objects.create(
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
