"""Messages as they stand: the list, one message with everything the gate and the provider said to it, how it reads for
the candidate. What can be done to what waits is done in the outbox."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.views.decorators.http import require_GET
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from messaging import facts, gate, outlook
from messaging.admin import desk, newmessage, outbox, uncertain
from messaging.admin.outbox_acts import ACTS, AT_MOST, MAY_ACT
from messaging.admin.records import (
    AttemptInline,
    HandOffInline,
    History,
    ProviderEventInline,
    VerdictInline,
)
from messaging.admin.words import short_time
from messaging.delivery import reading
from messaging.delivery.reading import Letter
from messaging.models import Message
from messaging.policy.decision import Origin
from messaging.routing import SIMULATE

Status = Message.Status

STATUS_COLOURS = {
    Status.SCHEDULED: "info",
    Status.SENDING: "info",
    Status.SENT: "success",
    Status.FAILED: "danger",
    Status.UNCERTAIN: "danger",
    Status.HELD: "warning",
    Status.CANCELLED: "default",
}


@admin.register(Message)
class MessageAdmin(History, ModelAdmin):
    class Media:
        css = {"all": ["messaging/desk.css", "messaging/mail.css"]}

    nothing_yet = (
        "No message yet. Automations plan them when candidates apply, move or are rejected, and people write them."
    )
    list_display = ["candidate", "about", "from_whom", "state", "due_or_sent", "reason"]
    list_filter = ["status", "touchpoint", "origin", "application__job", "automation", "template"]
    list_select_related = ["application__candidate", "application__job", "automation", "written_by"]
    search_fields = [
        "application__candidate__first_name",
        "application__candidate__last_name",
        "application__candidate__email",
        "subject",
    ]
    search_help_text = "Name or address of a candidate, or a subject"
    ordering = ["-due_at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    actions = ["cancel_selected"]
    change_form_outer_before_template = "messaging/message/panel.html"
    inlines: list[type[TabularInline]] = [AttemptInline, ProviderEventInline, VerdictInline, HandOffInline]
    readonly_fields = ["candidate_page", "job", "text"]
    fieldsets = [
        ("Message", {"fields": ["subject", "text"]}),
        (
            "State",
            {
                "fields": [
                    ("status", "status_at"),
                    "status_reason",
                    "delivery",
                    ("due_at", "sent_at"),
                    ("created_at", "recipient"),
                ]
            },
        ),
        (
            "Where it comes from",
            {
                "fields": [
                    ("candidate_page", "job"),
                    ("touchpoint", "stage_change"),
                    ("origin", "written_by", "automation"),
                    ("template", "wording"),
                    "public_id",
                ]
            },
        ),
    ]

    # --- Columns ---

    @display(description="candidate", ordering="application__candidate__first_name", header=True)
    def candidate(self, message: Message) -> list[str]:
        candidate = message.application.candidate
        return [candidate.full_name, candidate.email]

    @display(description="candidate")
    def candidate_page(self, message: Message) -> SafeString:
        candidate = message.application.candidate
        url = reverse("admin:pipeline_candidate_change", args=[candidate.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, candidate)

    @display(description="message", ordering="touchpoint", header=True)
    def about(self, message: Message) -> list[str]:
        return [message.get_touchpoint_display(), message.application.job.title]

    @display(description="from", ordering="origin", header=True)
    def from_whom(self, message: Message) -> list[str]:
        author = message.written_by if message.origin == Origin.PERSON else message.automation
        return [message.get_origin_display(), str(author or "")]

    @display(description="job")
    def job(self, message: Message) -> str:
        return str(message.application.job)

    @display(description="status", ordering="status", label=STATUS_COLOURS)
    def state(self, message: Message) -> tuple[str, str]:
        return message.status, message.get_status_display()

    @display(description="due or sent", ordering="due_at")
    def due_or_sent(self, message: Message) -> str:
        return short_time(message.sent_at or message.due_at)

    @display(description="reason", ordering="status_reason")
    def reason(self, message: Message) -> str:
        return Truncator(message.status_reason).chars(70)

    @display(description="text")
    def text(self, message: Message) -> SafeString | str:
        if not message.body:
            return "It is filled in when the message leaves."
        return format_html('<div class="desk-text">{}</div>', message.body)

    # --- Who may do what ---

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return desk.person_of(request).has_perm(MAY_ACT)

    # --- Pages ---

    def get_inlines(self, request: HttpRequest, obj: Message | None) -> list[type[TabularInline]]:
        """Without the tables that would be empty."""
        return [inline for inline in self.inlines if inline.model.objects.filter(message=obj).exists()]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/read/", view(require_GET(self.read_view)), name="messaging_message_read"),
            path("<int:pk>/read/html/", view(require_GET(self.html_view)), name="messaging_message_html"),
            path("<int:pk>/read/file/", view(require_GET(self.file_view)), name="messaging_message_file"),
            path("uncertain/", view(require_GET(self.uncertain_view)), name="messaging_message_uncertain"),
            path("uncertain/<int:pk>/", view(require_GET(self.settle_view)), name="messaging_message_settle"),
            path("uncertain/<int:pk>/sent/", view(self.was_sent_view), name="messaging_message_was_sent"),
            path("uncertain/<int:pk>/again/", view(self.send_again_view), name="messaging_message_send_again"),
            path("preview/", view(desk.preview), name="messaging_message_preview"),
            path("write/<int:application_pk>/", view(self.write_view), name="messaging_message_write"),
            path("write/<int:application_pk>/check/", view(newmessage.check), name="messaging_message_check"),
            *super().get_urls(),
        ]

    def write_view(self, request: HttpRequest, application_pk: int) -> HttpResponse:
        return newmessage.show_or_send(self, request, application_pk)

    def uncertain_view(self, request: HttpRequest) -> HttpResponse:
        return uncertain.show_all(self, request)

    def settle_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return uncertain.show(self, request, pk)

    def was_sent_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return uncertain.say_it_was_sent(self, request, pk)

    def send_again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return uncertain.send_again(self, request, pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        now = timezone.now()
        waiting = facts.with_context(Message.objects.waiting()).filter(pk=object_id if object_id.isdecimal() else 0)
        one = next(iter(outlook.outlooks(list(waiting), now=now)), None)
        may_act = one is not None and self.has_cancel_permission(request)
        panel = {
            "case": one and one.case,
            "hold": one and one.hold,
            "acts": [act for act in ACTS.values() if one and (one.hold or not act.wants_hold)] if may_act else [],
            "original_key": object_id,
        }
        page: HttpResponse = super().change_view(request, object_id, form_url, panel | (extra_context or {}))
        return page

    def read_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self._readable(request, pk)
        letter, note = _letter_of(message)
        context = self.admin_site.each_context(request) | {
            "title": "As the candidate sees it",
            "opts": self.opts,
            "original": message,
            "message": message,
            "letter": letter,
            "note": note,
            "shows_text": request.GET.get("part") == "text",
            "has_file": reading.path_of(message).is_file(),
        }
        return TemplateResponse(request, "messaging/message/read.html", context)

    def html_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        letter, _ = _letter_of(self._readable(request, pk))
        return desk.frame(letter.html)

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
        message = self._readable(request, pk)
        try:
            file = reading.path_of(message).open("rb")
        except FileNotFoundError:
            messages.error(request, "There is no file of this mail. Only simulated mail is kept as a file.")
            return redirect("admin:messaging_message_read", pk)
        return FileResponse(file, as_attachment=True, content_type="message/rfc822")

    @admin.action(description="Cancel what has not left yet", permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse:
        """The outbox asks first, and does it."""
        ids = queryset.order_by("pk").values_list("pk", flat=True)
        return outbox.ask(request, ACTS["cancel"], outlook.find(list(ids[:AT_MOST])), back=outbox.MESSAGES)

    def _find(self, pk: int) -> Message:
        found = facts.with_context(Message.objects.all()).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _readable(self, request: HttpRequest, pk: int) -> Message:
        message = self._find(pk)
        if not self.has_view_permission(request, message):
            raise PermissionDenied
        return message


def _letter_of(message: Message) -> tuple[Letter, str]:
    """The mail, and a sentence that says what one is looking at."""
    if (file := reading.read_file(message)) is not None:
        return file, "This mail was simulated: it was written to a file, and nobody received it."
    case = gate.preview(message, now=timezone.now())
    if not message.recipient:
        left = "It has not left yet" if message.status == Status.SCHEDULED else "It did not leave"
        recipient = message.application.candidate.email
        letter = reading.lay_out(sender=case.sender, recipient=recipient, subject=case.subject, body=case.body)
        return letter, case.facts.text_problem or f"{left}. This is how it would read now."
    letter = reading.lay_out(
        sender=case.sender, recipient=message.recipient, subject=message.subject, body=message.body
    )
    attempt = message.attempts.order_by("number").last()
    if attempt is None or attempt.provider == SIMULATE:
        return letter, "The file of this simulated mail is not there any more. This is what was stored of it."
    return letter, f"This is what was given to the provider ({attempt.provider})."
