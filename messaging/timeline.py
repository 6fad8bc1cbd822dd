"""Everything that happened around one candidate, over all their applications, as one list: moves, messages, verdicts,
hand-offs, conversations and how they were told. The number of queries does not grow with the length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from messaging.models import Escalation, HandOff, LedgerEntry, Message, RecordedVerdict, Snooze
from messaging.policy.decision import Origin, Outcome
from pipeline.actors import ActorKind
from pipeline.models import Application, Candidate, Interview, Merge, SilenceEnd, StageChange, User


class Kind(StrEnum):
    """In the order in which one leads to the other, which is how entries of the same moment are told."""

    CONVERSATION = "conversation"
    MOVE = "move"
    VERDICT = "verdict"
    MESSAGE = "message"
    HAND_OFF = "hand_off"
    TOLD = "told"
    RECORD = "record"


CAUSES_FIRST = {kind: place for place, kind in enumerate(Kind)}


class Tone(StrEnum):
    """How an entry is coloured; CALM is the rule, the others ask for a look."""

    CALM = "calm"
    GOOD = "good"
    WAITING = "waiting"
    GRAVE = "grave"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened, or that is planned (`is_upcoming`). `text`: the words that were said to the candidate."""

    kind: Kind
    at: datetime
    title: str
    job: str = ""
    detail: str = ""
    by: str = ""
    text: str = ""
    url: str = ""
    url_label: str = ""
    icon: str = "circle"
    tone: Tone = Tone.CALM
    is_upcoming: bool = False


def timeline_of(candidate: Candidate, *, now: datetime) -> list[Entry]:
    """Newest first; what is planned lies in the future and so comes at the top."""
    hand_offs = list(
        HandOff.objects.filter(application__candidate=candidate).select_related(
            "application__job", "owner", "closed_by"
        )
    )
    verdicts = list(
        RecordedVerdict.objects.filter(message__application__candidate=candidate).select_related(
            "message__application__job", "message__automation", "message__written_by", "message__template"
        )
    )
    merges = list(
        Merge.objects.filter(Q(kept=candidate) | Q(away=candidate)).select_related(
            "kept", "away", "merged_by", "unmerge__unmerged_by"
        )
    )
    entries = [
        *_tell_merges(merges, candidate),
        *_tell_silence(merges, candidate),
        *_tell_moves(candidate),
        *_tell_verdicts(verdicts),
        *_tell_messages(candidate, turned_away=_turned_away(verdicts), now=now),
        *_tell_hand_offs(hand_offs, now=now),
        *tell_due_dates(
            Snooze.objects.filter(hand_off__application__candidate=candidate),
            Escalation.objects.filter(hand_off__application__candidate=candidate),
        ),
        *_tell_conversations(candidate, calls=_calls(hand_offs), now=now),
        *_tell_told(candidate, calls=_calls(hand_offs)),
    ]
    return sorted(entries, key=lambda entry: (entry.at, CAUSES_FIRST[entry.kind]), reverse=True)


# --- Moves ------------------------------------------------------------------------------------------------------------

MOVE_ICONS = {
    StageChange.Kind.RECEIVED: "inbox",
    StageChange.Kind.ADVANCED: "arrow_forward",
    StageChange.Kind.MOVED_BACK: "arrow_back",
    StageChange.Kind.REJECTED: "do_not_disturb_on",
    StageChange.Kind.WITHDRAWN: "logout",
    StageChange.Kind.REOPENED: "replay",
    StageChange.Kind.HIRED: "celebration",
    StageChange.Kind.UNDONE: "undo",
}


def _tell_moves(candidate: Candidate) -> Iterator[Entry]:
    changes = StageChange.objects.filter(application__candidate=candidate).select_related(
        "application__job", "from_stage", "to_stage", "moved_by", "source", "reason"
    )
    for change in changes.order_by("pk"):
        reason = f"Reason, for colleagues: {change.reason.internal}" if change.reason else ""
        quiet = "No automation follows from it." if change.quiet else ""
        yield Entry(
            kind=Kind.MOVE,
            at=change.at,
            title=_title_of(change),
            job=change.application.job.title,
            detail=_lines(reason, change.note, quiet),
            by=_mover(change),
            url=reverse("admin:pipeline_application_change", args=[change.application_id]),
            url_label="Application",
            icon=MOVE_ICONS[StageChange.Kind(change.kind)],
            tone=Tone.GOOD if change.kind == StageChange.Kind.HIRED else Tone.CALM,
        )


def _title_of(change: StageChange) -> str:
    label = change.get_kind_display()
    if change.kind in (StageChange.Kind.ADVANCED, StageChange.Kind.MOVED_BACK):
        return f"{label} from “{change.from_stage}” to “{change.to_stage}”"
    return f"{label}, in “{change.to_stage}”"


def _mover(change: StageChange) -> str:
    """An import is named before the person who started it: that person did not decide."""
    if change.actor_kind == ActorKind.PERSON:
        return str(change.moved_by or "A person")
    what = ActorKind(change.actor_kind).label
    named = f"{what} from “{change.source}”" if change.source else what
    started = f", started by {change.moved_by}" if change.moved_by else ""
    return f"{named[:1].upper()}{named[1:]}{started}"


# --- Messages and what the gate said to them --------------------------------------------------------------------------


def _turned_away(verdicts: Iterable[RecordedVerdict]) -> frozenset[int]:
    """Messages whose end is told by a verdict, so that it is not told twice."""
    return frozenset(verdict.message_id for verdict in verdicts if verdict.outcome in (Outcome.HAND_OFF, Outcome.STOP))


def _tell_verdicts(verdicts: Iterable[RecordedVerdict]) -> Iterator[Entry]:
    """A verdict that let a message leave is told with the message."""
    for verdict in verdicts:
        kind = verdict.message.get_touchpoint_display()
        if verdict.outcome == Outcome.HAND_OFF:
            title, icon, tone = f"{kind} kept from leaving by itself", "front_hand", Tone.WAITING
        elif verdict.outcome == Outcome.STOP:
            title, icon, tone = f"{kind} stopped", "block", Tone.CALM
        else:
            continue
        yield Entry(
            kind=Kind.VERDICT,
            at=verdict.decided_at,
            title=title,
            job=verdict.message.application.job.title,
            detail=_lines(*(finding["sentence"] for finding in verdict.findings if finding["code"] != "not_due")),
            by=f"The gate, asked for {_origin(verdict.message)}",
            icon=icon,
            tone=tone,
        )


SAID = {
    Message.Status.SCHEDULED: ("is scheduled", "schedule_send", Tone.CALM),
    Message.Status.SENDING: ("is being sent", "outgoing_mail", Tone.CALM),
    Message.Status.SENT: ("sent", "mail", Tone.GOOD),
    Message.Status.FAILED: ("could not be sent", "error", Tone.GRAVE),
    Message.Status.UNCERTAIN: ("may or may not have been sent", "help", Tone.GRAVE),
    Message.Status.HELD: ("waits for a person", "front_hand", Tone.WAITING),
    Message.Status.CANCELLED: ("cancelled", "cancel_schedule_send", Tone.CALM),
}
ENDED_UNSENT = (Message.Status.HELD, Message.Status.CANCELLED)


def _tell_messages(candidate: Candidate, *, turned_away: frozenset[int], now: datetime) -> Iterator[Entry]:
    messages = Message.objects.filter(application__candidate=candidate).select_related(
        "application__job", "automation", "template", "written_by"
    )
    for message in messages.order_by("pk"):
        if message.status in ENDED_UNSENT and message.pk in turned_away:
            continue
        said, icon, tone = SAID[Message.Status(message.status)]
        is_waiting = message.status == Message.Status.SCHEDULED
        yield Entry(
            kind=Kind.MESSAGE,
            # What is overdue waits for the next delivery: it is still ahead.
            at=max(message.due_at, now) if is_waiting else message.sent_at or message.status_at,
            title=f"{message.get_touchpoint_display()} {said}",
            job=message.application.job.title,
            detail=_lines(message.subject or _template(message), message.status_reason),
            by=_upper_first(_origin(message)),
            text=message.body,
            url=reverse("admin:messaging_message_read", args=[message.pk]),
            url_label="As they see it",
            icon=icon,
            tone=tone,
            is_upcoming=is_waiting,
        )


def _origin(message: Message) -> str:
    if message.origin == Origin.PERSON:
        return str(message.written_by)
    return f"the automation “{message.automation}”" if message.automation else "an automation"


def _template(message: Message) -> str:
    return f"Template “{message.template}”" if message.template else ""


# --- Hand-offs --------------------------------------------------------------------------------------------------------


def _tell_hand_offs(hand_offs: Iterable[HandOff], *, now: datetime) -> Iterator[Entry]:
    for hand_off in hand_offs:
        is_overdue = hand_off.is_open and hand_off.due_at < now
        due = f"due {_day(hand_off.due_at)}" + (", overdue" if is_overdue else "")
        yield Entry(
            kind=Kind.HAND_OFF,
            at=hand_off.created_at,
            title=f"{hand_off.get_touchpoint_display()} handed to {hand_off.owner or 'nobody yet'}, {due}",
            job=hand_off.application.job.title,
            detail=f"To be {hand_off.get_reserve_display().lower()}.",
            by="The gate",
            url=reverse("admin:messaging_handoff_compose", args=[hand_off.pk]),
            url_label="Write to them" if hand_off.is_open else "Hand-off",
            icon="edit_note",
            tone=(Tone.GRAVE if is_overdue else Tone.WAITING) if hand_off.is_open else Tone.CALM,
        )
        if hand_off.closed_at is not None:
            yield Entry(
                kind=Kind.HAND_OFF,
                at=hand_off.closed_at,
                title=f"Hand-off closed: {hand_off.get_status_display().lower()}",
                job=hand_off.application.job.title,
                detail=hand_off.note,
                by=str(hand_off.closed_by or "The gate"),
                icon="task_alt",
                tone=Tone.GOOD if hand_off.status != HandOff.Status.NOT_NEEDED else Tone.CALM,
            )


def due_history(hand_off: HandOff) -> list[Entry]:
    """How the due date of one hand-off came to be, oldest first."""
    told = tell_due_dates(hand_off.snoozes.all(), hand_off.escalations.all())
    return sorted(told, key=lambda entry: entry.at)


def tell_due_dates(snoozes: QuerySet[Snooze], escalations: QuerySet[Escalation]) -> list[Entry]:
    """A hand-off that was answered and is open again has those of the first one too; they are told once."""
    entries = [*_tell_snoozes(snoozes), *_tell_escalations(escalations)]
    return list({(entry.at, entry.title): entry for entry in entries}.values())


def _tell_snoozes(snoozes: QuerySet[Snooze]) -> Iterator[Entry]:
    for snooze in snoozes.select_related("hand_off__application__job", "snoozed_by"):
        yield Entry(
            kind=Kind.HAND_OFF,
            at=snooze.snoozed_at,
            title=f"Put off from {_day(snooze.due_before)} to {_day(snooze.due_after)}"
            if snooze.puts_off
            else f"Put off no longer: due on {_day(snooze.due_after)} again",
            job=snooze.hand_off.application.job.title,
            detail=snooze.reason,
            by=str(snooze.snoozed_by),
            icon="snooze",
        )


def _tell_escalations(escalations: QuerySet[Escalation]) -> Iterator[Entry]:
    for escalation in escalations.select_related("hand_off__application__job", "to"):
        yield Entry(
            kind=Kind.HAND_OFF,
            at=escalation.escalated_at,
            title=f"Overdue, so it was escalated to {escalation.to}, {escalation.get_step_display()}",
            job=escalation.hand_off.application.job.title,
            by="The clock",
            icon="trending_up",
            tone=Tone.WAITING,
        )


def _calls(hand_offs: Iterable[HandOff]) -> frozenset[tuple[int, datetime | None]]:
    """The calls that closed a hand-off; the call and the telling are recorded at the same moment, and told once."""
    return frozenset(
        (hand_off.application_id, hand_off.closed_at)
        for hand_off in hand_offs
        if hand_off.status == HandOff.Status.TOLD_BY_PHONE
    )


# --- Conversations, and how they were told ----------------------------------------------------------------------------


def _tell_conversations(
    candidate: Candidate, *, calls: frozenset[tuple[int, datetime | None]], now: datetime
) -> Iterator[Entry]:
    interviews = Interview.objects.filter(application__candidate=candidate).select_related(
        "application__job", "logged_by"
    )
    for interview in interviews.order_by("pk"):
        if (interview.application_id, interview.held_at) in calls:
            continue
        is_ahead = interview.starts_at >= now and not interview.held_at and not interview.cancelled_at
        state, at = _state_of(interview, is_ahead=is_ahead)
        yield Entry(
            kind=Kind.CONVERSATION,
            at=at,
            title=f"{interview.get_kind_display()} {state}",
            job=interview.application.job.title,
            detail=_lines(interview.place, interview.note),
            by=interview.interviewers or str(interview.logged_by or ""),
            icon="call" if interview.kind == Interview.Kind.PHONE else "forum",
            tone=Tone.GOOD if interview.held_at else Tone.CALM,
            is_upcoming=is_ahead,
        )


def _state_of(interview: Interview, *, is_ahead: bool) -> tuple[str, datetime]:
    if interview.held_at:
        return "took place", interview.held_at
    if interview.cancelled_at:
        return "cancelled", interview.cancelled_at
    return ("planned" if is_ahead else "was planned; nobody said whether it took place"), interview.starts_at


def _tell_told(candidate: Candidate, *, calls: frozenset[tuple[int, datetime | None]]) -> Iterator[Entry]:
    """By mail is told with the mail."""
    told = Application.objects.filter(candidate=candidate, told_at__isnull=False).exclude(
        told_how=Application.ToldHow.MAIL
    )
    for application in told.select_related("job", "told_by"):
        if application.told_at is None or (application.pk, application.told_at) in calls:
            continue
        yield Entry(
            kind=Kind.TOLD,
            at=application.told_at,
            title=f"Told of the outcome {application.get_told_how_display().lower()}",
            job=application.job.title,
            by=str(application.told_by or ""),
            icon="record_voice_over",
            tone=Tone.GOOD,
        )


# --- The record itself ------------------------------------------------------------------------------------------------


def _tell_merges(merges: Iterable[Merge], candidate: Candidate) -> Iterator[Entry]:
    for merge in merges:
        other = merge.away if merge.kept_id == candidate.pk else merge.kept
        yield Entry(
            kind=Kind.RECORD,
            at=merge.merged_at,
            title=f"Merged with {other}",
            detail=f"{merge.away.email} finds the record with {merge.kept.email}.",
            by=str(merge.merged_by),
            icon="merge",
        )
        apart = getattr(merge, "unmerge", None)
        if apart is not None:
            yield Entry(
                kind=Kind.RECORD,
                at=apart.unmerged_at,
                title=f"Taken apart from {other}",
                by=str(apart.unmerged_by),
                icon="call_split",
            )


def _tell_silence(merges: Iterable[Merge], candidate: Candidate) -> Iterator[Entry]:
    """Also what was recorded for a record that is a part of this one."""
    parts = {merge.away_id for merge in merges if merge.away.merged_into_id == candidate.pk} | {candidate.pk}
    said = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.SILENCE, subject__in=[f"candidate:{pk}" for pk in parts])
    entries = list(said.order_by("pk"))
    people = User.objects.in_bulk({entry.actor_id for entry in entries if entry.actor_id}) if entries else {}
    reasons = dict(SilenceEnd.objects.filter(candidate__in=parts).values_list("pk", "reason")) if entries else {}
    for entry in entries:
        asked = bool(entry.data.get("asked"))
        yield Entry(
            kind=Kind.RECORD,
            at=entry.at,
            title="Asked not to be contacted" if asked else "May be contacted again",
            by=f"Recorded by {people[entry.actor_id]}" if entry.actor_id in people else "",
            detail=reasons.get(entry.data.get("end"), ""),
            icon="notifications_off" if asked else "notifications",
            tone=Tone.GRAVE if asked else Tone.CALM,
        )


def _day(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local:%A}, {local.day} {local:%B}"


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
