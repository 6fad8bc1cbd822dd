"""The lists behind the numbers: each shows as many rows as the number says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from messaging.models import Message
from messaging.policy.decision import Origin
from messaging.reports import periods
from messaging.reports.periods import Period
from pipeline.models import Job


def sent_by_automations(period: Period, *, job: Job | None = None, **narrowed: Any) -> str:
    of = {"origin__exact": Origin.AUTOMATION.value, "status__exact": Message.Status.SENT.value}
    return _list("message", of | _within("sent_at", period) | _of_job(job) | narrowed)


def answered(period: Period, *, job: Job | None = None, **narrowed: Any) -> str:
    return _list("handoff", {"show": "answered"} | _within("closed_at", period) | _of_job(job) | narrowed)


def week_within(period: Period, monday: date) -> Period:
    """The first one begins with the period, and the last one ends with it."""
    since, until = periods.midnight(monday), periods.midnight(monday + timedelta(days=7))
    return Period(since=max(since, period.since), until=min(until, period.until))


def _within(field: str, period: Period) -> dict[str, str]:
    return {f"{field}__gte": period.since.isoformat(), f"{field}__lt": period.until.isoformat()}


def _of_job(job: Job | None) -> dict[str, int]:
    return {"application__job__id__exact": job.pk} if job else {}


def _list(model: str, narrowed: dict[str, Any]) -> str:
    return f"{reverse(f'admin:messaging_{model}_changelist')}?{urlencode(narrowed)}"
