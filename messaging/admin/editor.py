"""What the editor of a wording says while somebody writes: what keeps it from being saved, how it sounds, whether it reads
like a rejection, and how it would be read, by a chosen candidate and in the worst case. Nothing is saved here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string

from messaging import gate, wordings
from messaging.admin.previews import mark_missing
from messaging.admin.template_forms import Prose
from messaging.admin.wordings import framed_mail
from messaging.models import Message, Template, Wording
from messaging.policy.decision import Origin
from messaging.values import example_values_for, gather_values
from messaging.wording import rendering
from messaging.wording.placeholders import without_optional
from messaging.wording.rendering import Rendered
from pipeline.models import Application, User

CHOSEN, WORST = "chosen", "worst"


class TextForm(forms.Form):
    """A text that is being written; `rendering.check` says what is wrong with it."""

    subject = Prose()
    body = Prose()
    touchpoint = forms.CharField(required=False)

    def __init__(self, *args: Any, applications: QuerySet[Application], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["application"] = forms.ModelChoiceField(applications, required=False)


def read_as(case: str, *, text: dict[str, Any], viewer: User, now: datetime) -> Rendered:
    """`text`: the cleaned data of a TextForm. Under the viewer's name, who has not signed it yet."""
    application = text["application"]
    if not text["subject"].strip() and not text["body"].strip():
        return Rendered(subject="", body="", missing=(), problem="")
    if case == WORST:
        values = (
            gather_values(application, interview=None, sender=viewer) if application else example_values_for(viewer)
        )
        return rendering.render(subject=text["subject"], body=text["body"], values=without_optional(values))
    if application is None:
        return rendering.render(subject=text["subject"], body=text["body"], values=example_values_for(viewer))
    template = Template(touchpoint=text["touchpoint"])
    message = Message(
        application=application,
        template=template,
        wording=Wording(template=template, subject=text["subject"], body=text["body"]),
        touchpoint=text["touchpoint"],
        origin=Origin.AUTOMATION,
        written_by=viewer,
        due_at=now,
        status_at=now,
    )
    asked = gate.preview(message, now=now)
    return Rendered(
        subject=asked.subject, body=asked.body, missing=asked.facts.missing, problem=asked.facts.text_problem
    )


def say(form: TextForm, *, viewer: User, now: datetime) -> HttpResponse:
    """The answer to a text while it is being written; the form is valid."""
    text = form.cleaned_data
    heard = wordings.hear(
        subject=text["subject"], body=text["body"], touchpoint=text["touchpoint"], phrases=wordings.read_phrases()
    )
    notes = {case: _note(read_as(case, text=text, viewer=viewer, now=now)) for case in (CHOSEN, WORST)}
    html = render_to_string("messaging/template/heard.html", {"heard": heard, "in_editor": True})
    who = str(text["application"].candidate) if text["application"] else ""
    return JsonResponse({"sentence": heard.sentence, "html": html, "notes": notes, "who": who})


def _note(rendered: Rendered) -> str:
    """What is to be known of a preview beside the mail itself."""
    return render_to_string("messaging/template/note.html", note_of(rendered))


def note_of(rendered: Rendered) -> dict[str, Any]:
    return {"rendered": rendered, "subject": mark_missing(rendered.subject, rendered.missing)}


def frame(case: str, form: TextForm, *, viewer: User, now: datetime) -> HttpResponse:
    """The mail itself, for a frame that is shut in."""
    rendered = read_as(case, text=form.cleaned_data, viewer=viewer, now=now)
    return framed_mail(subject=rendered.subject, body=rendered.body or rendered.problem)
