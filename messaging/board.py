"""What the board shows: of one job its stages with the candidates in them, who waits longest first, and of all jobs how many
wait where. A constant number of queries, however many cards there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from messaging.models import HandOff
from pipeline.candidates import called
from pipeline.milestones import Milestone
from pipeline.models import Application, Job, Stage

Status = Application.Status

# Days in a stage. Candidates expect to hear something every week; after two, most think that nobody will write any more.
LONG, VERY_LONG = 7, 14


@dataclass(frozen=True, kw_only=True)
class Filters:
    """`search`: words that all stand in the name or the address. `days`: at least so many in the stage."""

    search: str = ""
    source: str = ""
    days: int = 0
    has_hand_off: bool = False

    @property
    def are_set(self) -> bool:
        return self != Filters()


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One application. `tone`: "", "long" or "very-long", by its days in the stage."""

    key: str  # text, because a template takes its time to write a number as people read it
    name: str
    days: int
    tone: str
    source: str
    has_hand_off: bool

    @property
    def age(self) -> str:
        return "1 day" if self.days == 1 else f"{self.days} days" if self.days else "today"


@dataclass(frozen=True, kw_only=True)
class Column:
    """`total`: with the filters taken away. `hired`: whose application ended here as hired; they have no card."""

    stage: Stage
    cards: tuple[Card, ...]
    total: int
    hired: int

    @property
    def ends_as_hired(self) -> bool:
        return self.stage.milestone == Milestone.HIRED


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A job among all jobs: how many are in each stage, and how many of them for long."""

    job: Job
    stages: tuple[tuple[Stage, int], ...]
    active: int
    long: int

    @property
    def in_words(self) -> str:
        return ", ".join(f"{number} in {stage}" for stage, number in self.stages if number)


def read_columns(
    job: Job, applications: QuerySet[Application], *, filters: Filters, now: datetime
) -> tuple[Column, ...]:
    """`applications`: those that the person may see."""
    here = applications.filter(job=job).order_by()
    shown = here.filter(status__in=[Status.ACTIVE, Status.HIRED])
    counts = shown.values_list("stage", "status").annotate(number=Count("pk"))
    counted = {(stage, status): number for stage, status, number in counts}
    cards: dict[int, list[Card]] = {}
    for stage_id, card in _read_cards(_narrow(here.active(), filters, now=now), now=now):  # type: ignore[attr-defined]
        cards.setdefault(stage_id, []).append(card)
    return tuple(
        Column(
            stage=stage,
            cards=tuple(cards.get(stage.pk, ())),
            total=counted.get((stage.pk, Status.ACTIVE), 0),
            hired=counted.get((stage.pk, Status.HIRED), 0),
        )
        for stage in job.pipeline.stages.order_by("position", "pk")
    )


def read_card(application_id: int, *, now: datetime) -> Card:
    """As the board shows it now, after a move."""
    [(_, card)] = _read_cards(Application.objects.filter(pk=application_id), now=now)
    return card


def read_sources(job: Job, applications: QuerySet[Application]) -> list[str]:
    """Where the candidates on this board heard of the job."""
    active = applications.filter(job=job, status=Status.ACTIVE).exclude(candidate__came_from="")
    return list(active.order_by("candidate__came_from").values_list("candidate__came_from", flat=True).distinct())


def read_standings(jobs: Iterable[Job], applications: QuerySet[Application], *, now: datetime) -> tuple[Standing, ...]:
    """`jobs`: with their pipelines' stages at hand."""
    jobs = list(jobs)
    is_long = Q(stage_entered_at__lte=now - timedelta(days=LONG))
    active = applications.filter(job__in=jobs, status=Status.ACTIVE).order_by()
    counts = active.values_list("job", "stage").annotate(number=Count("pk"), long=Count("pk", filter=is_long))
    counted = {(job, stage): (number, long) for job, stage, number, long in counts}

    def standing_of(job: Job) -> Standing:
        stages = sorted(job.pipeline.stages.all(), key=lambda stage: (stage.position, stage.pk))
        numbers = [counted.get((job.pk, stage.pk), (0, 0)) for stage in stages]
        return Standing(
            job=job,
            stages=tuple((stage, number) for stage, (number, _) in zip(stages, numbers, strict=True)),
            active=sum(number for number, _ in numbers),
            long=sum(long for _, long in numbers),
        )

    return tuple(standing_of(job) for job in jobs)


def _narrow(applications: QuerySet[Application], filters: Filters, *, now: datetime) -> QuerySet[Application]:
    for word in filters.search.split():
        applications = applications.filter(called(word, of="candidate"))
    if filters.source:
        applications = applications.filter(candidate__came_from=filters.source)
    if filters.days:
        applications = applications.filter(stage_entered_at__lte=now - timedelta(days=filters.days))
    if filters.has_hand_off:
        applications = applications.filter(Exists(_open_hand_offs()))
    return applications


def _read_cards(applications: QuerySet[Application], *, now: datetime) -> Iterable[tuple[int, Card]]:
    """With the stage of each; plain values, because a thousand model instances take longer than everything else here."""
    rows = applications.annotate(waits_for_a_person=Exists(_open_hand_offs())).order_by("stage_entered_at", "pk")
    for pk, stage_id, entered_at, first_name, last_name, source, has_hand_off in rows.values_list(
        "pk",
        "stage",
        "stage_entered_at",
        "candidate__first_name",
        "candidate__last_name",
        "candidate__came_from",
        "waits_for_a_person",
    ):
        days = max((now - entered_at).days, 0)
        yield (
            stage_id,
            Card(
                key=str(pk),
                name=f"{first_name} {last_name}".strip(),
                days=days,
                tone="very-long" if days >= VERY_LONG else "long" if days >= LONG else "",
                source=source,
                has_hand_off=has_hand_off,
            ),
        )


def _open_hand_offs() -> QuerySet[HandOff]:
    return HandOff.objects.open().filter(application=OuterRef("pk"))
