"""What a person is shown before and while they write to one candidate: what they may draw on, where the editor starts,
and what the gate says to their words. Nothing is changed here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from messaging import gate, handoffs, kin
from messaging.gate import Case
from messaging.models import HandOff, Message
from messaging.policy.decision import Facts, Finding, Origin, Outcome
from messaging.policy.floor import Reserve
from messaging.values import gather_values
from messaging.wording import rendering
from messaging.wording.kinship import Kin
from messaging.wording.rendering import Rendered
from pipeline.milestones import Milestone
from pipeline.models import Application, Interview, User

# Findings that another text could do away with; the others would keep any text from leaving.
ABOUT_THE_TEXT = frozenset({"text_problem", "missing_value", "too_short", "too_close", "not_compared"})


@dataclass(frozen=True, kw_only=True)
class Background:
    """About the whole candidate, not this application alone. `obstacles` keep any text from leaving."""

    reach: str
    was_dealt_with: bool
    must_be_own_words: bool
    upcoming: tuple[Interview, ...]
    past: tuple[Interview, ...]
    obstacles: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What the editor starts with. `template`: the held wording in the person's name, None where there is none.
    `earlier`: what a person wrote before, or what may have reached the candidate already."""

    subject: str
    body: str
    template: Rendered | None
    earlier: Message | None


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the gate says to a text. `kin`: the known text it is closest to, where the words must be the person's own."""

    case: Case
    kin: Kin | None

    @property
    def may_leave(self) -> bool:
        return self.case.verdict.outcome is Outcome.SEND

    @property
    def must_be_own_words(self) -> bool:
        return self.case.verdict.reserve is Reserve.PERSON_WRITES

    @property
    def too_close(self) -> bool:
        return self._has("too_close")

    @property
    def too_short(self) -> bool:
        return self._has("too_short")

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.case.verdict.findings

    def _has(self, code: str) -> bool:
        return any(finding.code == code for finding in self.findings)


def prepare(hand_off: HandOff, *, by: User, now: datetime) -> Background:
    """For a hand-off. What it was handed off for counts as well as what the gate says by now, whichever is stricter."""
    nothing_yet = handoffs.draft_answer(hand_off, subject="", body="", by=by, now=now)
    # One by one: a message never counts as contact for itself, and in one batch neither would it for the other.
    held, empty = gate.preview(hand_off.message, now=now), gate.preview(nothing_yet, now=now)
    reserve = max(hand_off.reserve, held.verdict.reserve, empty.verdict.reserve)
    return _background(empty, must_be_own_words=reserve == Reserve.PERSON_WRITES, now=now)


def prepare_new(application: Application, *, touchpoint: str, by: User, now: datetime) -> Background:
    """For a message that a person starts."""
    nothing_yet = handoffs.draft(application, touchpoint=touchpoint, subject="", body="", by=by, now=now)
    case = gate.preview(nothing_yet, now=now)
    return _background(case, must_be_own_words=case.verdict.reserve is Reserve.PERSON_WRITES, now=now)


def begin(hand_off: HandOff, *, must_be_own_words: bool, by: User, now: datetime) -> Beginning:
    """Where a person may use the template's words, the editor has them already; what the provider did not take of a
    person's own words is there again; else only their signature. Nothing is there to be sent unread where they may have the
    message already."""
    message = hand_off.message
    template = template_text(message, by=by, now=now)
    may_have_left = message.status in Message.MAY_HAVE_LEFT
    is_by_a_person = message.origin == Origin.PERSON
    earlier = message if may_have_left or is_by_a_person else None
    subject, body = "", begin_with_signature(by)
    if is_by_a_person and not may_have_left:
        subject, body = message.subject, message.body
    elif template and not must_be_own_words and not may_have_left:
        subject, body = template.subject, template.body
    return Beginning(subject=subject, body=body, template=template, earlier=earlier)


def begin_with_signature(by: User) -> str:
    """An empty text, with room above what stands under it. Alone it is no text, see `handoffs.draft`."""
    return f"\n\n{by.signature}" if by.signature else ""


def template_text(message: Message, *, by: User, now: datetime) -> Rendered | None:
    """The wording of an automation's message as it reads with this person's name under it."""
    if message.wording is None:
        return None
    interview = message.application.interviews.upcoming(now).order_by("starts_at", "pk").first()
    values = gather_values(message.application, interview=interview, sender=by)
    return rendering.render(subject=message.wording.subject, body=message.wording.body, values=values)


def look(message: Message, *, now: datetime) -> Look:
    """At an unsaved message, see `handoffs.draft`."""
    return explain(gate.preview(message, now=now), now=now)


def explain(case: Case, *, now: datetime) -> Look:
    """At what the gate said already."""
    must_be_own_words = case.verdict.reserve is Reserve.PERSON_WRITES
    return Look(case=case, kin=kin.closest_kin(case.message, now=now) if must_be_own_words else None)


def _background(case: Case, *, must_be_own_words: bool, now: datetime) -> Background:
    candidate = case.message.application.candidate_id
    interviews = Interview.objects.filter(application__candidate=candidate, cancelled_at__isnull=True)
    ordered = list(interviews.select_related("application__job", "logged_by").order_by("starts_at", "pk"))
    ahead = [interview for interview in ordered if interview.starts_at >= now and interview.held_at is None]
    return Background(
        reach=_reach_in_words(case.facts),
        was_dealt_with=case.facts.contact is not False,
        must_be_own_words=must_be_own_words,
        upcoming=tuple(ahead),
        past=tuple(interview for interview in reversed(ordered) if interview not in ahead),
        obstacles=tuple(finding for finding in case.verdict.findings if finding.code not in ABOUT_THE_TEXT),
    )


def _reach_in_words(known: Facts) -> str:
    if not known.reach:
        return "not known"
    return Milestone(known.reach).label
