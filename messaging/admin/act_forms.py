"""The small forms behind the buttons of an application: what has to be chosen, and the act that follows from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanWidget,
)

from messaging.consequences import Step, refuse_if_moved
from pipeline import moves
from pipeline.actors import Actor
from pipeline.models import Application, Candidate, Interview, Job, Reason, Stage
from pipeline.moves import Act
from pipeline.outcomes import Refusal

NOTE = "For colleagues. It stands in the timeline, and no template can reach it."
LONGEST_NOTE = 2000
LAST = ("note", "quiet")


class ActForm(forms.Form):
    """`seen` is the stage in which the person saw the candidate: who was moved meanwhile is not moved again."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        help_text=NOTE,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )

    def __init__(self, *args: Any, application: Application, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = application.stage_id
        self.application = application
        if "note" in self.fields:
            self.order_fields([*(name for name in self.fields if name not in LAST), *LAST])

    @property
    def needs_no_choice(self) -> bool:
        """What follows can be said before anything is filled in."""
        return all(not field.required or field.initial or name == "seen" for name, field in self.fields.items())

    def clean_seen(self) -> int:
        seen: int = self.cleaned_data["seen"]
        refusal = refuse_if_moved(self.application, seen_in=seen)
        if refusal is not None:
            raise ValidationError(refusal.sentence)
        return seen

    def step(self, *, by: Actor, now: datetime) -> Step:
        raise NotImplementedError

    def act(self, *, by: Actor, now: datetime) -> Act:
        quiet = self.cleaned_data.get("quiet", False)
        return Act(by=by, now=now, note=self.cleaned_data["note"].strip(), quiet=quiet)


class FollowedForm(ActForm):
    """An act that automations follow, unless the person says that this time they should not."""

    quiet = forms.BooleanField(
        label="Without any message",
        required=False,
        help_text="No automation follows: nobody is written to, and nobody gets a hand-off. What was planned before and "
        "does not fit any more ends all the same.",
        widget=UnfoldBooleanWidget,
    )


class MoveForm(FollowedForm):
    to = forms.ModelChoiceField(
        label="Stage", queryset=Stage.objects.none(), empty_label=None, widget=UnfoldAdminRadioSelectWidget
    )

    def __init__(self, *args: Any, application: Application, **kwargs: Any) -> None:
        super().__init__(*args, application=application, **kwargs)
        stages = Stage.objects.filter(pipeline=application.job.pipeline_id).exclude(pk=application.stage_id)
        self._choice("to").queryset = stages.order_by("position", "pk")

    def _choice(self, name: str) -> Any:
        return self.fields[name]

    def step(self, *, by: Actor, now: datetime) -> Step:
        to, act = self.cleaned_data["to"], self.act(by=by, now=now)
        return lambda application: moves.move(application, to, act=act)


class RejectForm(FollowedForm):
    reason = forms.ModelChoiceField(
        queryset=Reason.objects.filter(kind=Reason.Kind.REJECTED, is_active=True),
        empty_label=None,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="The first part is for colleagues. Only the second may reach the candidate.",
    )

    def step(self, *, by: Actor, now: datetime) -> Step:
        reason, act = self.cleaned_data["reason"], self.act(by=by, now=now)
        return lambda application: moves.reject(application, reason=reason, act=act)


class WithdrawForm(FollowedForm):
    reason = forms.ModelChoiceField(
        required=False,
        queryset=Reason.objects.filter(kind=Reason.Kind.WITHDREW, is_active=True),
        empty_label="They gave none",
        widget=UnfoldAdminSelectWidget,
    )

    def step(self, *, by: Actor, now: datetime) -> Step:
        reason, act = self.cleaned_data["reason"], self.act(by=by, now=now)
        return lambda application: moves.withdraw(application, reason=reason, act=act)


class ReopenForm(ActForm):
    def step(self, *, by: Actor, now: datetime) -> Step:
        act = self.act(by=by, now=now)
        return lambda application: moves.reopen(application, act=act)


class HireForm(FollowedForm):
    def step(self, *, by: Actor, now: datetime) -> Step:
        act = self.act(by=by, now=now)
        return lambda application: moves.hire(application, act=act)


class CallForm(ActForm):
    kind = forms.ChoiceField(
        label="How you spoke",
        choices=Interview.Kind.choices,
        initial=Interview.Kind.PHONE,
        widget=UnfoldAdminRadioSelectWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].label = "What was said"

    def step(self, *, by: Actor, now: datetime) -> Step:
        kind, note = self.cleaned_data["kind"], self.cleaned_data["note"].strip()
        return lambda application: moves.log_conversation(application, kind=kind, note=note, by=by, now=now)


class ToldForm(ActForm):
    note = None  # type: ignore[assignment]
    how = forms.ChoiceField(
        label="How they were told",
        choices=[(value, label) for value, label in Application.ToldHow.choices if value != Application.ToldHow.MAIL],
        widget=UnfoldAdminRadioSelectWidget,
    )

    def step(self, *, by: Actor, now: datetime) -> Step:
        how = self.cleaned_data["how"]

        def record(application: Application) -> Refusal | None:
            if moves.record_told(application, how=how, by=by, now=now):
                return None
            return Refusal(
                f"{application.candidate} was told already, or nothing was decided yet. Nothing was changed."
            )

        return record


class CandidateChoice(forms.ModelChoiceField):
    """With the address: two candidates may share a name, and the wrong one would get the mail."""

    def label_from_instance(self, obj: Any) -> str:
        return name_with_address(obj)


class CandidateSearch(AutocompleteSelect):
    url_name = "%s:pipeline_candidate_search"


def name_with_address(candidate: Candidate) -> str:
    return f"{candidate} · {candidate.email}"


class ReceiveForm(forms.Form):
    """An application that arrived on another way than an import."""

    candidate = CandidateChoice(queryset=Candidate.objects.all())
    job = forms.ModelChoiceField(
        queryset=Job.objects.filter(status=Job.Status.OPEN), empty_label="Choose a job", widget=UnfoldAdminSelectWidget
    )
    note = forms.CharField(
        required=False, max_length=LONGEST_NOTE, help_text=NOTE, widget=UnfoldAdminTextareaWidget({"rows": 3})
    )

    def __init__(self, *args: Any, admin_site: AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        candidate: Any = self.fields["candidate"]
        field: Any = Application._meta.get_field("candidate")
        candidate.widget = CandidateSearch(field, admin_site)
        candidate.widget.choices = candidate.choices
