"""Which stage changes of the last weeks an automation would have followed, and what would have become of its messages.

Reach, contact, decision and consent are taken as they were when each message would have been due, from history. Values,
addresses and open hand-offs are not on record for a moment in the past, so they are supposed to have been in order; the
page says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import DateTimeField, Min, OuterRef, Q, QuerySet, Subquery

from messaging import automations, working_days
from messaging.models import Automation, Message
from messaging.policy.decision import Finding, Outcome, Verdict, decide
from messaging.rulebook import Rulebook
from messaging.what_if.past import LOOKED_BACK, SHOWN
from messaging.what_if.then import Kind, Then
from pipeline.models import Application, Interview, StageChange

PAGE = 500
# The newest of them, where there are more; a person waits for the answer.
AT_MOST = 5_000
# Of those who wait for news right now.
WAIT_AT_MOST = 500

Event = Automation.Event


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One stage change, and the message that would have come of it."""

    change: StageChange
    due_at: datetime
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Following:
    since: datetime  # the last weeks, or as far as there is a history
    until: datetime
    followed: int
    as_it_is: int | None  # how many the automation follows that is stored; None: there is none in use
    is_cut_off: bool  # there are older ones, which nobody looked at
    outcomes: dict[Outcome, int]
    reasons: dict[str, int]  # first finding of those that a person would have got, as its code
    answered: int  # another automation planned a message of the kind for the same cause, and only one is sent
    shown: tuple[Followed, ...]  # the newest that a person would have got
    at_once: int  # candidates who wait for long enough now, and would be written to within a minute

    @property
    def weeks(self) -> float:
        return max((self.until - self.since) / timedelta(days=7), 1.0)

    @property
    def a_week(self) -> float:
        return self.followed / self.weeks


@dataclass(kw_only=True)
class _Tally:
    """What was counted so far."""

    followed: int = 0
    answered: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    shown: list[Followed] = field(default_factory=list)

    def add(self, one: Followed) -> None:
        self.outcomes[one.verdict.outcome] += 1
        if one.verdict.outcome is Outcome.HAND_OFF:
            self.reasons[_first_reason(one.verdict).code] += 1
            self.shown += [one] if len(self.shown) < SHOWN else []


def look_back(automation: Automation, *, stored: Automation | None, now: datetime) -> Following:
    """`automation`: as it would be, saved or not; `stored`: as it is, None where it is new."""
    since = _history_since(now)
    tally = _follow(automation, since=since, now=now) if automation.is_active else _Tally()
    return Following(
        since=since,
        until=now,
        followed=tally.followed,
        as_it_is=_count(stored, since=since, now=now) if stored and stored.is_active else None,
        is_cut_off=tally.followed >= AT_MOST,
        outcomes=dict(tally.outcomes),
        reasons=dict(tally.reasons.most_common()),
        answered=tally.answered,
        shown=tuple(tally.shown),
        at_once=_at_once(automation, now=now),
    )


def _follow(automation: Automation, *, since: datetime, now: datetime) -> _Tally:
    tally, kind, rules = _Tally(), Kind.of(automation), Rulebook.read()
    for page in _pages(automation, since=since, now=now):
        tally.followed += len(page)
        then = Then.read(automation, page)
        for change, due_at in page:
            if change.pk in then.answered:
                tally.answered += 1
                continue
            facts = rules.ask(then.facts_of(change, kind=kind, due_at=due_at), template=automation.template_id)
            tally.add(Followed(change=change, due_at=due_at, verdict=decide(facts)))
    return tally


def _first_reason(verdict: Verdict) -> Finding:
    return next(finding for finding in verdict.findings if finding.outcome is verdict.outcome)


def _history_since(now: datetime) -> datetime:
    """A company that began last week has no ninety days to look back on."""
    first = Application.objects.order_by("applied_at").values_list("applied_at", flat=True).first()
    return max(first, now - LOOKED_BACK) if first else now - LOOKED_BACK


def _count(automation: Automation, *, since: datetime, now: datetime) -> int:
    if automation.event != Event.NO_NEWS:
        return min(automations.could_set_off(automation).filter(at__gte=since, at__lte=now).count(), AT_MOST)
    return sum(len(page) for page in _pages(automation, since=since, now=now))


def _at_once(automation: Automation, *, now: datetime) -> int:
    if automation.event != Event.NO_NEWS or not automation.is_active:
        return 0
    return len(automations.without_news_for_long(automation, now=now, at_most=WAIT_AT_MOST))


# --- What it follows --------------------------------------------------------------------------------------------------


def _pages(automation: Automation, *, since: datetime, now: datetime) -> Iterator[list[tuple[StageChange, datetime]]]:
    """The changes it follows, newest first, each with the time at which its message is due. By time and key, so that no
    transaction stays open and nothing but a page is in memory."""
    rows = automations.could_set_off(automation).filter(at__gte=since, at__lte=now).order_by("-at", "-pk")
    rows = rows.select_related("application__candidate", "application__job", "source")
    if automation.event == Event.NO_NEWS:
        rows = _with_news(rows)
    left, before = AT_MOST, Q()
    while left and (page := list(rows.filter(before)[: min(PAGE, left)])):
        followed = [(change, due_at) for change in page if (due_at := _due_at(automation, change, now=now)) is not None]
        yield followed
        left -= len(page)
        before = Q(at__lte=page[-1].at) & (Q(at__lt=page[-1].at) | Q(pk__lt=page[-1].pk))


def _with_news(changes: QuerySet[StageChange]) -> QuerySet[StageChange]:
    """With the first thing after each that ends a silence: a move, a mail, a conversation."""

    def first(rows: QuerySet[StageChange] | QuerySet[Message] | QuerySet[Interview], name: str) -> Subquery:
        of_it = rows.filter(application=OuterRef("application")).order_by().values("application")
        return Subquery(of_it.annotate(first=Min(name)).values("first"), output_field=DateTimeField())

    after = Q(status_at__gte=OuterRef("at"), status__in=Message.MAY_HAVE_LEFT)
    return changes.annotate(
        next_move=first(StageChange.objects.filter(pk__gt=OuterRef("pk")), "at"),
        first_mail=first(Message.objects.filter(after), "status_at"),
        first_talk=first(Interview.objects.held().filter(held_at__gte=OuterRef("at")), "held_at"),
    )


def _due_at(automation: Automation, change: StageChange, *, now: datetime) -> datetime | None:
    """None: the silence was broken before it was long enough, or is not long enough yet."""
    if automation.event != Event.NO_NEWS:
        return automations.due_at(automation, event_at=change.at)
    silent_until = working_days.add(change.at, automation.quiet_days or 0)
    news = [getattr(change, name) for name in ("next_move", "first_mail", "first_talk")]
    return None if silent_until > now or any(at and at <= silent_until for at in news) else silent_until
