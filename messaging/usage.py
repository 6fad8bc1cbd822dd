"""Where a template is used, and what became of the mails that left with it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from messaging.models import Automation, HandOff, Message, Template
from messaging.policy.decision import Origin

Delivery = Message.Delivery


@dataclass(frozen=True, kw_only=True)
class Result:
    """The mails of one wording; without a number, those that people wrote themselves where this template was meant.

    `delivered`, `bounced` and `complained` are what providers reported; a provider that reports nothing leaves them at 0.
    """

    number: int | None
    by_machine: int = 0
    by_person: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0

    @property
    def sent(self) -> int:
        return self.by_machine + self.by_person


@dataclass(frozen=True, kw_only=True)
class Usage:
    automations: tuple[Automation, ...]  # in use first
    scheduled: int
    waiting_for_a_person: int
    results: tuple[Result, ...]  # the newest wording first
    total: Result


def usage_of(template: Template) -> Usage:
    """Constant in queries."""
    automations = template.automations.select_related("job", "pipeline", "stage__pipeline")
    results = _results_of(template)
    return Usage(
        automations=tuple(automations.order_by("-is_active", "name")),
        scheduled=template.messages.waiting().count(),
        waiting_for_a_person=HandOff.objects.open().filter(message__template=template).count(),
        results=results,
        total=Result(
            number=None,
            by_machine=sum(result.by_machine for result in results),
            by_person=sum(result.by_person for result in results),
            delivered=sum(result.delivered for result in results),
            bounced=sum(result.bounced for result in results),
            complained=sum(result.complained for result in results),
        ),
    )


def _results_of(template: Template) -> tuple[Result, ...]:
    rows = (
        template.messages.filter(sent_at__isnull=False)
        .order_by()
        .values("wording__number")
        .annotate(
            by_machine=Count("pk", filter=Q(origin=Origin.AUTOMATION)),
            by_person=Count("pk", filter=Q(origin=Origin.PERSON)),
            # Who reported a mail as spam had it.
            delivered=Count("pk", filter=Q(delivery__in=[Delivery.DELIVERED, Delivery.COMPLAINED])),
            bounced=Count("pk", filter=Q(delivery__in=[Delivery.REJECTED, Delivery.BOUNCED])),
            complained=Count("pk", filter=Q(delivery=Delivery.COMPLAINED)),
        )
    )
    results = [
        Result(
            number=row["wording__number"],
            by_machine=row["by_machine"],
            by_person=row["by_person"],
            delivered=row["delivered"],
            bounced=row["bounced"],
            complained=row["complained"],
        )
        for row in rows
    ]
    return tuple(sorted(results, key=lambda result: -(result.number or 0)))
