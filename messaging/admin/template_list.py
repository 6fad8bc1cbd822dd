"""The list of templates: what each is for, who signed it, how it sounds, where it is used and how often it was sent."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from messaging import wordings
from messaging.admin.words import day
from messaging.models import Automation, Message, Signature, Template, Wording
from messaging.wording import voice


def with_columns(templates: QuerySet[Template]) -> QuerySet[Template]:
    """What the list shows of each template, in the one query that reads the list."""
    newest = Wording.objects.filter(template=OuterRef("pk")).order_by("-number")
    signatures = Signature.objects.filter(
        wording__template=OuterRef("pk"), wording__number=OuterRef("current_number")
    ).order_by("signed_at", "pk")
    automations = Automation.objects.in_use().filter(template=OuterRef("pk")).order_by()
    sent = Message.objects.filter(template=OuterRef("pk"), sent_at__isnull=False).order_by("-sent_at")
    return templates.annotate(
        current_number=Subquery(newest.values("number")[:1]),
        current_subject=Subquery(newest.values("subject")[:1]),
        current_body=Subquery(newest.values("body")[:1]),
        signed_number=Subquery(newest.filter(signatures__isnull=False).values("number")[:1]),
        automations_in_use=Coalesce(
            Subquery(automations.values("template").annotate(found=Count("pk")).values("found")), 0
        ),
        last_sent=Subquery(sent.values("sent_at")[:1]),
        sent_so_far=Coalesce(
            Subquery(sent.order_by().values("template").annotate(found=Count("pk")).values("found")), 0
        ),
    ).annotate(
        first_signature=Subquery(signatures.values("name")[:1]),
        signatures=Coalesce(
            Subquery(signatures.order_by().values("wording").annotate(found=Count("pk")).values("found")), 0
        ),
    )


class Templates(ChangeList):
    """Each row with what its newest wording says: the phrases are read once for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        phrases = wordings.read_phrases()
        for template in self.result_list:
            if template.current_number is None:
                continue
            text = {"subject": template.current_subject, "body": template.current_body}
            template.remarks = len(voice.listen(**text, touchpoint=template.touchpoint).remarks)
            template.reads_like_rejection = bool(
                wordings.rejection_phrases_of(Wording(template=template, **text), phrases=phrases)
            )


class TemplateColumns:
    """What the list shows, of rows that Templates prepared."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        return with_columns(super().get_queryset(request))  # type: ignore[misc]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Templates

    @admin.display(description="wording", ordering="current_number", empty_value="None yet")
    def wording(self, template: Any) -> int | None:
        number: int | None = template.current_number
        return number

    @admin.display(description="signed by", ordering="first_signature")
    def signed_by(self, template: Any) -> str:
        if template.current_number is None:
            return "–"
        if template.first_signature is None:
            return f"Nobody; wording {template.signed_number} is sent" if template.signed_number else "Nobody"
        more = template.signatures - 1
        if more:
            return f"{template.first_signature} and {more} more"
        if template.reads_like_rejection:
            return f"{template.first_signature}; a second person must sign"
        return str(template.first_signature)

    @admin.display(description="voice", empty_value="–")
    def voice(self, template: Any) -> str | None:
        if template.current_number is None:
            return None
        if not template.remarks:
            return "Fine"
        url = reverse("admin:messaging_template_change", args=[template.pk])
        counted = "1 remark" if template.remarks == 1 else f"{template.remarks} remarks"
        return format_html('<a class="underline" href="{}#heard">{}</a>', url, counted)

    @admin.display(description="automations", ordering="automations_in_use")
    def automations(self, template: Any) -> str:
        if not template.automations_in_use:
            return "None"
        url = reverse("admin:messaging_automation_changelist")
        return format_html(
            '<a class="underline" href="{}?template__id__exact={}">{}</a>',
            url,
            template.pk,
            template.automations_in_use,
        )

    @admin.display(description="sent", ordering="sent_so_far")
    def sent(self, template: Any) -> str:
        if not template.sent_so_far:
            return "Never"
        url = reverse("admin:messaging_message_changelist")
        return format_html(
            '<a class="underline" href="{}?template__id__exact={}&amp;status__exact=sent">{}</a>',
            url,
            template.pk,
            template.sent_so_far,
        )

    @admin.display(description="last sent", ordering="last_sent", empty_value="Never")
    def last_sent(self, template: Any) -> str | None:
        return day(template.last_sent) if template.last_sent else None
