"""A template with a real candidate: the text as it would be read, and what the gate would say to it right now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminSelectWidget

from messaging import gate
from messaging.gate import Case
from messaging.models import Message, Template, Wording
from messaging.policy.decision import Finding, Outcome
from messaging.who_may_send import as_if_it_followed, just_planned
from pipeline.models import Application, User

OUTCOMES = {
    Outcome.SEND: "It would leave by itself.",
    Outcome.LATER: "It would wait and ask again.",
    Outcome.HAND_OFF: "It would not leave by itself: it would become a hand-off, a person’s task.",
    Outcome.STOP: "It would not be sent at all.",
}


# What a preview needs of an application, joined.
CONTEXT = ("candidate", "job__recruiter", "job__coordinator", "stage", "reason")


class CandidateForm(forms.Form):
    """Whom to read a text as; the search offers what the page of applications shows to this person."""

    def __init__(self, *args: Any, applications: QuerySet[Application], admin_site: AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        application = forms.ModelChoiceField(
            applications.select_related(*CONTEXT),
            label="Candidate",
            help_text="Search for a name, an address or a job.",
        )
        field = Message._meta.get_field("application")
        application.widget = AutocompleteSelect(field, admin_site, {"class": "admin-autocomplete"})
        application.widget.choices = application.choices
        self.fields["application"] = application


class PreviewForm(CandidateForm):
    wording = forms.ModelChoiceField(Wording.objects.none(), required=False, empty_label=None)
    field_order = ("application", "wording")

    def __init__(self, *args: Any, template: Template, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(self.field_order)
        self.template = template
        wording = self.fields["wording"]
        wording.widget = UnfoldAdminSelectWidget()
        wording.queryset = template.wordings.order_by("-number").defer("body")  # type: ignore[attr-defined]
        wording.label_from_instance = lambda one: f"Wording {one.number}"  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class Preview:
    case: Case
    stand_in: bool  # nobody signed this wording yet, so the viewer's name stands for the signer's

    @property
    def outcome(self) -> str:
        return OUTCOMES[self.case.verdict.outcome]

    @property
    def reserve(self) -> str:
        return self.case.verdict.reserve.label

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.case.verdict.findings

    @property
    def body(self) -> list[tuple[str, bool]]:
        return mark_missing(self.case.body, self.case.facts.missing)

    @property
    def subject(self) -> list[tuple[str, bool]]:
        return mark_missing(self.case.subject, self.case.facts.missing)


def preview_of(form: PreviewForm, *, viewer: User, now: datetime) -> Preview:
    """The form is valid. Nothing is saved, and nothing is planned."""
    template = form.template
    wording = form.cleaned_data["wording"] or template.wordings.order_by("-number").first()
    message = just_planned(form.cleaned_data["application"], template, wording, now=now)
    stand_in = wording is not None and not wording.signatures.exists()
    if stand_in:
        message.written_by = viewer
    return Preview(case=as_if_it_followed(gate.preview(message, now=now)), stand_in=stand_in)


def mark_missing(text: str, missing: tuple[str, ...]) -> list[tuple[str, bool]]:
    """The text in pieces; True for those that stand where a value is missing."""
    if not missing:
        return [(text, False)]
    blanks = "|".join(re.escape(f"[missing: {name}]") for name in missing)
    pieces = re.split(f"({blanks})", text)
    return [(piece, at % 2 == 1) for at, piece in enumerate(pieces) if piece]
