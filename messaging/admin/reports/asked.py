"""What somebody asked a report for: the time, the job, and the rows that they may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from unfold.widgets import UnfoldAdminSelectWidget

from messaging.models import HandOff, Message
from messaging.reports import periods
from messaging.reports.periods import Period
from pipeline.models import Application, Job

VIEW, EXPORT = "messaging.view_report", "messaging.export_report"
WEEKS = (4, 12, 26)
USUALLY = 12  # weeks


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The rows that a person may see on the lists are the rows that their reports count."""

    applications: QuerySet[Application]
    messages: QuerySet[Message]
    hand_offs: QuerySet[HandOff]
    jobs: QuerySet[Job]


def scope_of(request: HttpRequest) -> Scope:
    def visible(model: type[Model]) -> QuerySet[Any]:
        rows: QuerySet[Any] = admin.site.get_model_admin(model).get_queryset(request)
        return rows.order_by()

    return Scope(
        applications=visible(Application), messages=visible(Message), hand_offs=visible(HandOff), jobs=visible(Job)
    )


class FilterForm(forms.Form):
    weeks = forms.TypedChoiceField(
        coerce=int,
        choices=[(count, f"Last {count} weeks") for count in WEEKS],
        label="Time",
        widget=UnfoldAdminSelectWidget,
    )
    job = forms.ModelChoiceField(
        queryset=Job.objects.none(), required=False, empty_label="All jobs", widget=UnfoldAdminSelectWidget
    )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody chose above a report. What cannot be read is as if nothing had been chosen."""

    form: FilterForm
    period: Period
    job: Job | None
    scope: Scope


def read_asked(request: HttpRequest, *, now: datetime) -> Asked:
    scope = scope_of(request)
    data = QueryDict(mutable=True)
    data.update({"weeks": str(USUALLY)} | request.GET.dict())
    form = FilterForm(data)
    cast(forms.ModelChoiceField, form.fields["job"]).queryset = scope.jobs.order_by("title", "pk")
    form.is_valid()
    job = form.cleaned_data.get("job")
    if job is not None:
        scope = Scope(
            applications=scope.applications.filter(job=job),
            messages=scope.messages.filter(application__job=job),
            hand_offs=scope.hand_offs.filter(application__job=job),
            jobs=scope.jobs,
        )
    weeks = form.cleaned_data.get("weeks") or USUALLY
    return Asked(form=form, period=periods.last_weeks(weeks, now=now), job=job, scope=scope)
