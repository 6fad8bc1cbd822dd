"""Messages to Facts: the only reader of rows for the policy, with a constant number of queries for any batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Prefetch, QuerySet, Value
from django.utils import timezone

from messaging import kin
from messaging.models import (
    Automation,
    Brake,
    HandOff,
    Hold,
    Installation,
    Message,
    PolicyRow,
    RejectionPhrase,
    Signature,
    StageRule,
)
from messaging.policy import record
from messaging.policy.decision import Facts, Origin
from messaging.policy.floor import Rule, Touchpoint, standing_of, strictest
from messaging.values import gather_values
from messaging.wording import rendering, tripwire
from messaging.wording.fingerprint import text_fingerprint
from pipeline.actors import ActorKind
from pipeline.intake.addresses import canonical_address, read_address
from pipeline.models import Application, Interview, Job, StageChange, User
from pipeline.outcomes import Refusal
from pipeline.reach import read_reach
from pipeline.written_once import WrittenOnce, ids, moment

K = TypeVar("K")
V = TypeVar("V")

# What a message must bring along, so that a batch costs no query per row: its own rows joined, and what many share read once
# for all of them. Joined as well, PostgreSQL would plan for longer than it reads.
OWN = ("application__candidate", "application__stage", "application__reason", "stage_change", "release")
SHARED = ("automation", "operation", "template", "wording", "written_by")
# These candidates know how it ended without being told: they withdrew, or said yes to an offer.
KNOWN_TO_THEM = frozenset({Application.Status.WITHDRAWN, Application.Status.HIRED})
# Who withdrew is not thanked for applying; and of two applications that were merged, one speaks.
TAKES_NO_RECEIPT = frozenset({Application.Status.WITHDRAWN, Application.Status.DUPLICATE})
# What still makes sense to somebody who knows that their application ended.
AFTER_THE_END = frozenset({Touchpoint.SURVEY, Touchpoint.TALENT_POOL})


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """One message with its facts, and the text as it would leave."""

    message: Message
    facts: Facts
    rules: str  # the version of policy and stage rules that it met
    subject: str
    body: str
    sender: User | None
    recipient: str  # "" where the address has a problem


def with_context(messages: QuerySet[Message]) -> QuerySet[Message]:
    jobs = Prefetch("application__job", Job.objects.select_related("recruiter", "coordinator"))
    return messages.select_related(*OWN).prefetch_related(jobs, *SHARED)


def gather(messages: Sequence[Message], *, now: datetime) -> list[Gathered]:
    """Saved or unsaved messages, with their application loaded; see `with_context`."""
    if not messages:
        return []
    world = _World.read(messages, now=now)
    return [_gather_one(message, world, now=now) for message in messages]


@dataclass(frozen=True, kw_only=True)
class _World:
    """Everything that was read for a batch, keyed for looking up."""

    reach: dict[int, int]  # candidate
    spoken_with: frozenset[int]  # candidates
    perhaps_spoken_with: frozenset[int]  # candidates
    hand_sent: dict[int, list[int]]  # candidate: messages
    decisions: dict[int, StageChange]  # application: the newest rejection
    interviews: dict[int, Interview]  # application: the next one
    last_news: dict[int, datetime]  # application
    sent: dict[tuple[int, str, str], list[int]]  # application, touchpoint and cause: messages
    open_hand_offs: dict[int, list[int]]  # candidate: messages
    policy: dict[str, list[Rule]]  # touchpoint
    stage_rules: dict[int, list[Rule]]  # template
    versions: dict[int, str]  # template, or 0 for none: the version of both
    at_home: bool
    kept_back: frozenset[tuple[str, int]]  # an automation by a brake, a message by a person
    signatures: dict[int, list[Signature]]  # wording
    phrases: tuple[str, ...]
    staff: frozenset[str]  # canonical addresses
    senders: frozenset[int]  # people who may send
    known: kin.Known

    @classmethod
    def read(cls, messages: Sequence[Message], *, now: datetime) -> _World:
        candidates = {message.application.candidate_id for message in messages}
        applications = {message.application_id for message in messages}
        templates = {message.template_id for message in messages if message.template_id}
        wordings = {message.wording_id for message in messages if message.wording_id}
        mail = _mail_that_may_have_left(applications=applications)
        by_people = [message for message in messages if message.origin == Origin.PERSON]
        policy = _group((row.touchpoint, row.as_rule) for row in _policy_rows())
        stage_rules = _group((row.template_id, row.as_rule) for row in _rules_of_stages(templates=templates))
        return cls(
            reach=read_reach(candidates),
            spoken_with=frozenset(_spoken_with(candidates=candidates)),
            perhaps_spoken_with=frozenset(_perhaps_spoken_with(candidates=candidates, now=now)),
            hand_sent=_group(_hand_sent(candidates=candidates)),
            decisions={change.application_id: change for change in _rejections(applications=applications)},
            interviews={
                interview.application_id: interview
                for interview in _next_interviews_last(applications=applications, now=now)
            },
            last_news=_last_news(mail),
            sent=_group(((app, kind, cause), pk) for app, kind, cause, pk, _, _ in mail if cause),
            open_hand_offs=_group(_open_hand_offs(candidates=candidates)),
            policy=policy,
            stage_rules=stage_rules,
            versions={
                template: record.version_of_rules(policy, stage_rules.get(template, [])) for template in {0, *templates}
            },
            at_home=not _away_from_home(),
            kept_back=_read_kept_back(messages, now=now),
            signatures=_group((signature.wording_id, signature) for signature in _signed(wordings=wordings)),
            phrases=tuple(_phrases()),
            staff=_read_staff(),
            senders=_read_senders(by_people),
            known=kin.Known.read(now=now) if by_people else kin.NOTHING_KNOWN,
        )


def _gather_one(message: Message, world: _World, *, now: datetime) -> Gathered:
    application = message.application
    candidate = application.candidate
    reach = world.reach.get(candidate.pk)
    contact = _contact_of(message, world)
    standing = standing_of(reach=reach, contact=contact)
    signatures = world.signatures.get(message.wording_id or 0, [])
    sender = message.written_by or _signer(signatures)
    text = _render(message, world, sender=sender)
    reads_like_rejection = bool(tripwire.rejection_phrases_in(f"{text.subject}\n\n{text.body}", phrases=world.phrases))
    # What the policy asks of a rejection, it asks of a text that reads like one.
    kinds = {message.touchpoint} | ({Touchpoint.REJECTION.value} if reads_like_rejection else set())
    kinsman = kin.find(message, text, world.known) if message.origin == Origin.PERSON else kin.NOT_COMPARED
    recipient, address_problem = _read_recipient(candidate.email, world.staff)
    facts = Facts(
        now=now,
        planned_at=message.created_at,
        due_at=timezone.localtime(message.due_at),
        touchpoint=message.touchpoint,
        origin=message.origin,
        reach=reach,
        contact=contact,
        policy_reserve=max(strictest(world.policy.get(kind, []), standing) for kind in kinds),
        stage_rule_reserve=strictest(world.stage_rules.get(message.template_id or 0, []), standing),
        reads_like_rejection=reads_like_rejection,
        signatures=len({signature.signed_by_id for signature in signatures}),
        template_in_use=message.template is not None and message.template.is_active,
        automation_in_use=_is_wanted(message),
        decided_by_a_person=was_decided_by_a_person(world.decisions.get(application.pk)),
        application_status=application.status,
        cause_stands=_cause_stands(message, last_news=world.last_news.get(application.pk)),
        at_home=world.at_home,
        brake_on=bool({("brake", message.automation_id), ("operation", message.operation_id)} & world.kept_back),
        on_hold=("hold", message.pk) in world.kept_back,
        told=application.told_at is not None or application.status in KNOWN_TO_THEM,
        same_cause_sent=any(
            pk != message.pk for pk in world.sent.get((application.pk, message.touchpoint, message.cause), [])
        ),
        do_not_contact=candidate.do_not_contact_at is not None,
        talent_pool_consent=candidate.talent_pool_consent_at is not None,
        other_hand_offs_open=sum(pk != message.pk for pk in world.open_hand_offs.get(candidate.pk, [])),
        address_problem=address_problem,
        text_problem=text.problem,
        missing=text.missing,
        sender_may_send=message.written_by_id in world.senders,
        is_as_released=_is_as_released(message),
        written_alone=message.automation_id is None,
        too_short=kinsman.too_short,
        too_close_to=kinsman.label,
        too_close_passage=kinsman.passage,
    )
    return Gathered(
        message=message,
        facts=facts,
        rules=world.versions[message.template_id or 0],
        subject=text.subject,
        body=text.body,
        sender=sender,
        recipient=recipient,
    )


# --- Reach, contact, decision -----------------------------------------------------------------------------------------


@WrittenOnce
def _spoken_with() -> QuerySet[Any, int]:
    of_ours = {"application__candidate__in": ids("candidates")}
    held = Interview.objects.held().filter(**of_ours).order_by()
    told = HandOff.objects.filter(status=HandOff.Status.TOLD_BY_PHONE, **of_ours).order_by()
    return held.values_list("application__candidate", flat=True).union(
        told.values_list("application__candidate", flat=True)
    )


@WrittenOnce
def _perhaps_spoken_with() -> QuerySet[Any, int]:
    """Their interview is past, nobody called it off, and nobody wrote down that it took place."""
    past = Interview.objects.filter(
        application__candidate__in=ids("candidates"),
        starts_at__lte=moment("now"),
        held_at__isnull=True,
        cancelled_at__isnull=True,
    )
    return past.order_by().values_list("application__candidate", flat=True)


@WrittenOnce
def _hand_sent() -> QuerySet[Any, tuple[int, int]]:
    rows = Message.objects.hand_sent().filter(application__candidate__in=ids("candidates"))
    return rows.order_by().values_list("application__candidate", "pk")


def _contact_of(message: Message, world: _World) -> bool | None:
    """A message is no evidence of contact before itself."""
    candidate = message.application.candidate_id
    if candidate in world.spoken_with or any(pk != message.pk for pk in world.hand_sent.get(candidate, [])):
        return True
    return None if candidate in world.perhaps_spoken_with else False


def _read_kept_back(messages: Sequence[Message], *, now: datetime) -> frozenset[tuple[str, int]]:
    return frozenset(
        _kept_back(
            automations={message.automation_id for message in messages if message.automation_id},
            operations={message.operation_id for message in messages if message.operation_id},
            messages=[message.pk for message in messages if message.pk],
            now=now,
        )
    )


@WrittenOnce
def _kept_back() -> QuerySet[Any, tuple[str, int]]:
    brakes = Brake.objects.on().order_by()
    holds = Hold.objects.on(moment("now")).filter(message__in=ids("messages")).order_by()
    return (
        brakes.filter(automation__in=ids("automations"))
        .values_list(Value("brake"), "automation")
        .union(
            brakes.filter(operation__in=ids("operations")).values_list(Value("operation"), "operation"),
            holds.values_list(Value("hold"), "message"),
            all=True,
        )
    )


@WrittenOnce
def _rejections() -> QuerySet[StageChange]:
    """The newest last, by the order in which they were written: an import may date a change back."""
    changes = StageChange.objects.filter(application__in=ids("applications"), kind=StageChange.Kind.REJECTED)
    return changes.select_related("source").order_by("pk")


def was_decided_by_a_person(decision: StageChange | None) -> bool | None:
    if decision is None:
        return None
    if decision.actor_kind == ActorKind.PERSON:
        return decision.moved_by_id is not None
    return decision.source is not None and decision.source.relays_decisions


def _is_wanted(message: Message) -> bool:
    """By an automation in use; or a person chose its template for their operation, whatever automations there are."""
    if message.automation is not None:
        return message.automation.is_active
    return message.operation is not None and message.operation.template_id == message.template_id


def _event_of(message: Message) -> str | None:
    """What it follows from; a template that a person chose for an operation follows from what the operation does."""
    if message.automation is not None:
        return message.automation.event
    if message.operation is None or message.stage_change is None:
        return None
    is_rejection = message.stage_change.kind == StageChange.Kind.REJECTED
    return Automation.Event.REJECTED if is_rejection else Automation.Event.STAGE_ENTERED


def _cause_stands(message: Message, *, last_news: datetime | None) -> bool | None:
    """Whether the application is still where the automation found it. None: nothing says what it follows from."""
    event, change = _event_of(message), message.stage_change
    if event is None or change is None:
        return None
    application = message.application
    ends = {
        Automation.Event.REJECTED: Application.Status.REJECTED,
        Automation.Event.WITHDRAWN: Application.Status.WITHDRAWN,
        Automation.Event.HIRED: Application.Status.HIRED,
    }
    if event in ends:
        return application.status == ends[Automation.Event(event)] and application.decided_at == change.at
    if event == Automation.Event.RECEIVED:
        knows_the_end = application.told_at is not None and message.touchpoint not in AFTER_THE_END
        return application.status not in TAKES_NO_RECEIPT and not knows_the_end
    # The stage as well as the time: an import moves there and back in one moment.
    still_there = (
        application.status == Application.Status.ACTIVE
        and application.stage_entered_at == change.at
        and application.stage_id == change.to_stage_id
    )
    if event == Automation.Event.STAGE_ENTERED:
        return still_there
    if event == Automation.Event.NO_NEWS:
        return still_there and (last_news is None or last_news < change.at)
    return None


def _last_news(mail: Iterable[tuple[int, str, str, int, datetime, int | None]]) -> dict[int, datetime]:
    """What is known not to have arrived was no news."""
    arrived = ((app, at) for app, _, _, _, at, delivery in mail if delivery not in Message.NOT_ARRIVED)
    return {app: max(times) for app, times in _group(arrived).items()}


@WrittenOnce
def _open_hand_offs() -> QuerySet[Any, tuple[int, int]]:
    rows = HandOff.objects.open().filter(application__candidate__in=ids("candidates"))
    return rows.order_by().values_list("application__candidate", "message")


@WrittenOnce
def _mail_that_may_have_left() -> QuerySet[Any, tuple[int, str, str, int, datetime, int | None]]:
    mail = Message.objects.among(Message.MAY_HAVE_LEFT).filter(application__in=ids("applications"))
    return mail.values_list("application_id", "touchpoint", "cause", "pk", "status_at", "delivery")


# --- Rules ------------------------------------------------------------------------------------------------------------


@WrittenOnce
def _policy_rows() -> QuerySet[PolicyRow]:
    return PolicyRow.objects.all()


@WrittenOnce
def _rules_of_stages() -> QuerySet[StageRule]:
    return StageRule.objects.filter(template__in=ids("templates"))


@WrittenOnce
def _away_from_home() -> QuerySet[Any, int]:
    return Installation.objects.filter(safe_since__isnull=False).values_list("pk", flat=True)[:1]


@WrittenOnce
def _signed() -> QuerySet[Signature]:
    return Signature.objects.filter(wording__in=ids("wordings")).select_related("signed_by")


@WrittenOnce
def _phrases() -> QuerySet[Any, str]:
    return RejectionPhrase.objects.values_list("text", flat=True)


def _group(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    grouped: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return dict(grouped)


# --- Text, address, sender --------------------------------------------------------------------------------------------


@WrittenOnce
def _next_interviews_last() -> QuerySet[Interview]:
    upcoming = Interview.objects.upcoming(moment("now")).filter(application__in=ids("applications"))
    return upcoming.order_by("-starts_at", "-pk")


def _render(message: Message, world: _World, *, sender: User | None) -> rendering.Rendered:
    if message.origin == Origin.PERSON:
        return _as_written(message)
    if message.wording is None:
        return rendering.Rendered(subject="", body="", missing=(), problem="This message has no wording.")
    interview = world.interviews.get(message.application_id)
    values = gather_values(message.application, interview=interview, sender=sender)
    return rendering.render(subject=message.wording.subject, body=message.wording.body, values=values)


def _as_written(message: Message) -> rendering.Rendered:
    """A person's words are no template; but what still looks like a placeholder was forgotten, and stops them."""
    findings = rendering.check(subject=message.subject, body=message.body)
    leftover = [mark for mark in ("{{", "{%", "[missing:") if mark in message.subject + message.body]
    problem = findings[0].sentence if findings else ""
    if leftover and not problem:
        problem = (
            f"There is still a placeholder in the text (look for “{leftover[0]}”). Replace it with the real words."
        )
    return rendering.Rendered(subject=message.subject, body=message.body, missing=(), problem=problem)


def _is_as_released(message: Message) -> bool:
    """Whether these are the words that the person let go. What is not saved is still in their hands."""
    if not message.pk:
        return True
    release = getattr(message, "release", None)
    return release is not None and (release.released_by_id, release.fingerprint) == (
        message.written_by_id,
        text_fingerprint(touchpoint=message.touchpoint, subject=message.subject, body=message.body),
    )


def _read_staff() -> frozenset[str]:
    own = [settings.MAIL_FROM, settings.MAIL_REPLY_TO]
    return frozenset(canonical_address(address) for address in [*own, *_addresses_of_staff()] if address)


@WrittenOnce
def _addresses_of_staff() -> QuerySet[Any, str]:
    return User.objects.filter(is_active=True).exclude(email="").values_list("email", flat=True)


def _read_recipient(address: str, staff: frozenset[str]) -> tuple[str, str]:
    """The one address as it is written to, or why there is none; the other is empty."""
    read = read_address(address)
    if isinstance(read, Refusal):
        return "", f"{read.sentence} Correct the address on the candidate’s page."
    if not read.address.rpartition("@")[0].isascii():
        # Django, and most providers, would write these letters as a code and so to another address.
        return "", "Mail does not carry the letters before the @-sign. Ask the candidate for another address."
    if read.canonical in staff:
        return "", "This is an address of ours, not the candidate’s. Correct it on the candidate’s page."
    return read.address, ""


def _signer(signatures: Sequence[Signature]) -> User | None:
    """Whose name stands under an automation's mail: who signed first, rather somebody who still reads the replies."""
    people = [signature.signed_by for signature in signatures]
    return next((person for person in people if person.is_active), people[0] if people else None)


def _read_senders(messages: Sequence[Message]) -> frozenset[int]:
    writers = {message.written_by_id for message in messages if message.written_by_id}
    if not writers:
        return frozenset()
    may_send = User.objects.with_perm("messaging.answer_handoff", backend="pipeline.sign_in.StaffBackend")
    return frozenset(may_send.filter(pk__in=writers).values_list("pk", flat=True))
