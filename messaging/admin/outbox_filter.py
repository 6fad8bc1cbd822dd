"""How the outbox is narrowed."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from messaging.models import Automation, Message, choices
from pipeline.candidates import called
from pipeline.models import Job


class FilterForm(forms.Form):
    q = forms.CharField(
        label="Candidate",
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget({"type": "search", "placeholder": "Name or address"}),
    )
    job = forms.ModelChoiceField(
        queryset=Job.objects.order_by("title", "pk"),
        required=False,
        empty_label="Every job",
        widget=UnfoldAdminSelectWidget,
    )
    kind = forms.ChoiceField(
        label="Kind",
        required=False,
        choices=[("", "Every kind"), *choices.TOUCHPOINTS],
        widget=UnfoldAdminSelectWidget,
    )
    automation = forms.ModelChoiceField(
        queryset=Automation.objects.order_by("name"),
        required=False,
        empty_label="Every automation",
        widget=UnfoldAdminSelectWidget,
    )

    def narrow(self, rows: QuerySet[Message]) -> QuerySet[Message]:
        """What cannot be read narrows nothing."""
        given = self.cleaned_data if self.is_valid() else {}
        for word in str(given.get("q") or "").split():
            rows = rows.filter(called(word, of="application__candidate"))
        if given.get("job"):
            rows = rows.filter(application__job=given["job"])
        if given.get("kind"):
            rows = rows.filter(touchpoint=given["kind"])
        if given.get("automation"):
            rows = rows.filter(automation=given["automation"])
        return rows

    @property
    def is_narrow(self) -> bool:
        return self.is_valid() and any(self.cleaned_data.values())
