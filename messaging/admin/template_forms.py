"""What is posted on the page of a template: its settings with the text of its wording, and the set of its stage rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from messaging import wordings
from messaging.admin import reserves, stage_rules, what_if
from messaging.models import Template
from messaging.policy.floor import Rule, find_loose
from messaging.wording import rendering


class Prose(forms.CharField):
    """Text as it was typed: nothing trimmed, so that lines and columns are those the writer sees."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        text: str = super().to_python(value) or ""
        return text.replace("\r\n", "\n").replace("\r", "\n")


class TemplateForm(forms.ModelForm):
    """The template with the text of its newest wording beside it."""

    subject = Prose(widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}))
    body = Prose(widget=UnfoldAdminTextareaWidget({"rows": 18, "spellcheck": "true"}))
    # Which wording the writer started from; two who write at once must not overwrite each other unseen.
    started_from = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    class Meta:
        model = Template
        fields = ("name", "touchpoint", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.newest = wordings.newest_of(self.instance) if self.instance.pk else None
        if self.newest is not None:
            self.initial["subject"] = self.newest.subject
            self.initial["body"] = self.newest.body
            self.initial["started_from"] = self.newest.number

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "subject" in data and "body" in data:
            for finding in rendering.check(subject=data["subject"], body=data["body"]):
                self.add_error(finding.part, _error_of(finding))
            self._keep_both_texts(data)
        return data

    def _keep_both_texts(self, data: dict[str, Any]) -> None:
        """Somebody saved a wording since this page was opened: an untouched text gives way, a changed one is asked about."""
        newest, started_from = self.newest, data.get("started_from") or 0
        if newest is None or newest.number == started_from:
            return
        seen = newest.template.wordings.filter(number=started_from).first()
        if seen is not None and (seen.subject, seen.body) == (data["subject"].strip(), data["body"].strip()):
            data |= {"subject": newest.subject, "body": newest.body}
            return
        self.add_error(
            "body",
            f"While you were writing, {newest.written_by} saved wording {newest.number}. Your text is still here. "
            f"Compare the two below, then save again to make yours wording {newest.number + 1}.",
        )
        self.data = {**self.data, self.add_prefix("started_from"): str(newest.number)}


def _error_of(finding: rendering.TextFinding) -> ValidationError:
    """With its place as parameters, so that the page can lead to it; as parameters, because a text may contain “%”."""
    where = "" if finding.code == "empty" else f"Line {finding.line}, column {finding.column}: "
    place = {"line": finding.line, "column": finding.column} if where else {}
    return ValidationError(
        "%(where)s%(sentence)s", code=finding.code, params={"where": where, "sentence": finding.sentence, **place}
    )


class StageRuleFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        """The whole set at once, because a looser row below a stricter one is no fault; and the template as it is now
        being saved, because another touchpoint has another floor."""
        super().clean()
        touchpoint = self.instance.touchpoint
        if not touchpoint or any(form.errors for form in self.forms):
            return
        rules = self.rules()
        sentences = find_loose(touchpoint, rules, policy=reserves.policy_for(touchpoint))
        if sentences:
            raise ValidationError([ValidationError("%(sentence)s", params={"sentence": one}) for one in sentences])
        if stage_rules.is_to_be_shown(self.instance, rules, posted=self.data):
            raise ValidationError(what_if.SENTENCE, code=what_if.CODE)

    def rules(self) -> list[Rule]:
        """As they would be; the forms are valid."""
        kept = [form.cleaned_data for form in self.forms if not self._should_delete_form(form)]
        return [
            Rule(from_milestone=row["from_milestone"], reserve=row["reserve"])
            for row in kept
            if row.get("from_milestone") is not None and row.get("reserve") is not None
        ]
