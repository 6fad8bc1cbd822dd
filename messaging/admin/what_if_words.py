"""What a change would have meant and will mean, in the words of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from messaging.models import Automation
from messaging.policy.decision import Origin, Outcome
from messaging.what_if import following, past, waiting
from messaging.what_if.following import Followed, Following
from messaging.what_if.past import Answer, Past, Turn, Turned
from messaging.what_if.waiting import Waiting

BY_A_MACHINE = {
    Outcome.SEND: "leaves by itself",
    Outcome.LATER: "leaves by itself",
    Outcome.HAND_OFF: ("handed to a person", "a person sends it", "a person writes it"),
    Outcome.STOP: "is not sent",
}
BY_A_PERSON = {
    Outcome.SEND: ("a person sends it", "a person sends it", "a person writes it"),
    Outcome.LATER: "waits",
    Outcome.HAND_OFF: "goes back to its writer",
    Outcome.STOP: "is not sent",
}
# Why a person would have got a message, for the codes of findings that history can tell.
REASONS = {
    "floor": "the floor asks for a person",
    "policy": "your policy asks for a person",
    "stage_rule": "a stage rule of the template asks for a person",
    "reads_like_rejection": "the text reads like a rejection",
    "no_persons_decision": "no person had decided",
    "not_rejected": "the application was not rejected",
    "unsigned": "nobody signed the wording",
    "template_retired": "the template is retired",
    "unknown_reach": "it was not known how far they came",
}


@dataclass(frozen=True, kw_only=True)
class Count:
    words: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """One message, or one that would have been."""

    candidate: str
    about: str
    url: str
    at: datetime
    words: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """What the change means for one set of messages."""

    heading: str
    sentence: str
    counts: tuple[Count, ...] = ()
    lines: tuple[Line, ...] = ()
    more: int = 0  # lines that are not shown
    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`limits`: what this cannot say. `token`: for the field that says that it was shown."""

    title: str
    token: str
    parts: tuple[Part, ...]
    limits: tuple[str, ...]


def of_rules(
    *, title: str, token: str, behind: Past, ahead: Waiting, may_read: bool, limits: tuple[str, ...] = ()
) -> Panel:
    """`may_read`: whether the person may see messages; else they get the numbers alone. `limits`: further ones."""
    return Panel(
        title=title,
        token=token,
        parts=(_of_the_past(behind, may_read=may_read), of_what_waits(ahead, may_read=may_read)),
        limits=(*_limits_of(behind, ahead), *limits),
    )


def _of_the_past(behind: Past, *, may_read: bool) -> Part:
    seen = _counted(behind.looked_at, "message")
    if not behind.looked_at:
        sentence = "No message was decided on that this could have touched."
    elif not behind.turned:
        sentence = f"None of the {seen} would have gone another way."
    else:
        least = "at least " if behind.is_cut_off else ""
        sentence = f"Of {seen}, {least}{behind.turned:,} would have gone another way."
    return Part(
        heading="The last 90 days",
        sentence=sentence,
        counts=_counts(behind.turns),
        lines=tuple(_line(one) for one in behind.shown) if may_read else (),
        more=behind.turned - len(behind.shown),
    )


def of_what_waits(ahead: Waiting, *, may_read: bool) -> Part:
    if not ahead.all:
        sentence = "No message is scheduled that this could touch."
    elif not ahead.turned:
        sentence = f"None of the {_counted(ahead.all, 'scheduled message')} will go another way."
    else:
        least = "at least " if ahead.is_cut_off else ""
        sentence = f"Of {_counted(ahead.all, 'scheduled message')}, {least}{ahead.turned:,} will go another way."
    return Part(
        heading="Scheduled now",
        sentence=sentence,
        counts=_counts(ahead.turns),
        lines=tuple(_line(one) for one in ahead.shown) if may_read else (),
        more=ahead.turned - len(ahead.shown),
    )


def _limits_of(behind: Past, ahead: Waiting) -> list[str]:
    said = [
        "Each message is decided again with the facts of its own time. What people would have done then, nobody can know."
    ]
    if behind.is_cut_off:
        said.append(f"Only the newest {past.AT_MOST:,} decisions of these days were looked at.")
    if behind.unreadable:
        said.append(
            f"{_counted(behind.unreadable, 'message')} could not be decided again: an earlier version of Byhand kept other "
            "facts."
        )
    if behind.undecided:
        said.append(
            f"{_counted(behind.undecided, 'message')} ended before anything was decided, so nothing can be replayed."
        )
    if ahead.is_cut_off:
        said.append(f"Of what is scheduled, the {waiting.AT_MOST:,} that are due first were looked at.")
    if ahead.open_hand_offs and any(turn.is_looser for turn in behind.turns):
        one = ahead.open_hand_offs == 1
        words = "that is open stays with its person" if one else "that are open stay with their people"
        said.append(f"{_counted(ahead.open_hand_offs, 'hand-off')} {words}.")
    return said


def of_following(automation: Automation, behind: Following, *, may_read: bool, name: str = "") -> Part:
    """`name`: where the page is about several."""
    days = (behind.until - behind.since).days
    return Part(
        heading=name or (f"The last {days} days" if days > 1 else "Since you began"),
        sentence=_sentence_of(automation, behind),
        counts=_outcomes_of(behind),
        lines=tuple(_line_of_followed(one) for one in behind.shown) if may_read else (),
        more=behind.outcomes.get(Outcome.HAND_OFF, 0) - len(behind.shown),
        warning=_warning_of(behind),
    )


def _sentence_of(automation: Automation, behind: Following) -> str:
    before = f" As it is, it follows {behind.as_it_is:,}." if behind.as_it_is is not None else ""
    if not automation.is_active:
        before = f" As it is, it follows {_counted(behind.as_it_is, 'stage change')}." if behind.as_it_is else ""
        return f"Switched off, it follows nothing.{before}"
    least = "at least " if behind.is_cut_off else ""
    return (
        f"It would have followed {least}{_counted(behind.followed, 'stage change')}, about "
        f"{_counted(max(round(behind.a_week), 1 if behind.followed else 0), 'message')} a week.{before}"
    )


def _warning_of(behind: Following) -> str:
    if behind.at_once:
        return (
            f"{_counted(behind.at_once, 'candidate')} {'waits' if behind.at_once == 1 else 'wait'} that long already, and "
            "would be written to within a minute after you save."
        )
    return ""


def _outcomes_of(behind: Following) -> tuple[Count, ...]:
    found = behind.outcomes
    rows = [
        Count(words="would have left by themselves", number=found.get(Outcome.SEND, 0)),
        Count(words="would have waited for the candidate to be told", number=found.get(Outcome.LATER, 0)),
        *(
            Count(words=f"would have gone to a person: {REASONS.get(code, 'another reason')}", number=number)
            for code, number in behind.reasons.items()
        ),
        Count(
            words="would not have been sent: overtaken, told or not wanted by then", number=found.get(Outcome.STOP, 0)
        ),
        Count(words="were answered by another automation, and only one is sent", number=behind.answered),
    ]
    return tuple(row for row in rows if row.number)


def limits_of_following(looked_at: Sequence[Following]) -> list[str]:
    if not any(behind.followed for behind in looked_at):
        return []
    said = [
        "Reach, contact and decisions are those of the time.",
        "Missing values, addresses and open hand-offs of the past are not on record; supposed is that they were in order.",
    ]
    if not any(behind.at_once for behind in looked_at):
        said.append("Nobody is written to about the past.")
    if any(behind.is_cut_off for behind in looked_at):
        said.append(f"Only the newest {following.AT_MOST:,} stage changes of these days were looked at.")
    return said


# --- Words ------------------------------------------------------------------------------------------------------------


def _counts(turns: Mapping[Turn, int]) -> tuple[Count, ...]:
    """Whether something leaves now or at its time is one to who reads this."""
    found: Counter[str] = Counter()
    for turn, number in turns.items():
        found[_words_of_turn(turn)] += number
    return tuple(Count(words=words, number=number) for words, number in found.most_common())


def _words_of_turn(turn: Turn) -> str:
    return f"{_words_of(turn.was, origin=turn.origin)} → {_words_of(turn.would_be, origin=turn.origin)}"


def _words_of(answer: Answer, *, origin: str) -> str:
    words = (BY_A_PERSON if origin == Origin.PERSON else BY_A_MACHINE)[Outcome(answer.outcome)]
    return words if isinstance(words, str) else words[answer.reserve]


def _line(one: Turned) -> Line:
    message = one.message
    return Line(
        candidate=str(message.application.candidate),
        about=f"{message.template or message.get_touchpoint_display()}, {message.application.job}",
        url=reverse("admin:messaging_message_change", args=[message.pk]),
        at=one.at,
        words=_words_of_turn(one.turn),
    )


def _line_of_followed(one: Followed) -> Line:
    application = one.change.application
    findings: Sequence[str] = [finding.code for finding in one.verdict.findings]
    return Line(
        candidate=str(application.candidate),
        about=f"{one.change.get_kind_display()}, {application.job}",
        url=reverse("admin:pipeline_application_change", args=[application.pk]),
        at=one.due_at,
        words=next((REASONS[code] for code in findings if code in REASONS), "handed to a person"),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
