"""The page of a template: what it is for, its stage rules, the wording in it, and what all earlier wordings said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET
from unfold.admin import ModelAdmin, TabularInline

from messaging import wordings
from messaging.admin import previews, reserves, stage_rules
from messaging.admin.rules import RuleAdmin
from messaging.admin.template_forms import StageRuleFormSet, TemplateForm
from messaging.admin.what_if import WhatIfAdmin
from messaging.admin.what_if_words import Panel
from messaging.admin.wordings import framed_mail, versions_of, viewer_of
from messaging.models import Automation, Message, Signature, StageRule, Template, Wording
from messaging.wording.placeholders import GROUPS, placeholders_in

VERSIONS_SHOWN = 20

# What the filters of a wording do, for the person who writes one.
FILTERS = (
    ('default: "there"', "stands in for a missing value, so that nothing is left blank"),
    ("capitalize", "makes the first letter a capital, for the start of a sentence"),
    ("downcase", "writes all of it in small letters"),
    ("upcase", "writes all of it in capitals"),
    ("truncate: 60", "cuts what is longer than 60 characters, and shows that something is missing"),
)


class StageRuleInline(TabularInline):
    model = StageRule
    formset = StageRuleFormSet
    extra = 0
    hide_title = True


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
        signed_number=Subquery(newest.filter(signatures__isnull=False).values("number")[:1]),
        automations_in_use=Coalesce(
            Subquery(automations.values("template").annotate(found=Count("pk")).values("found")), 0
        ),
        last_sent=Subquery(sent.values("sent_at")[:1]),
    ).annotate(
        first_signature=Subquery(signatures.values("name")[:1]),
        signatures=Coalesce(
            Subquery(signatures.order_by().values("wording").annotate(found=Count("pk")).values("found")), 0
        ),
    )


@admin.register(Template)
class TemplateAdmin(WhatIfAdmin, RuleAdmin, ModelAdmin):
    change_form_template = "messaging/template/change_form.html"
    inlines = (StageRuleInline,)
    list_display = ("name", "touchpoint", "wording", "signed_by", "automations", "sent", "is_active")
    list_filter = ("touchpoint", "is_active")
    list_per_page = 50
    search_fields = ("name", "wordings__subject")
    fields = ("name", "touchpoint", "minutes_saved", "is_active")
    warn_unsaved_form = True
    actions = None

    class Media:
        css = {"all": ("messaging/template.css",)}
        js = ("messaging/template.js",)

    # --- The list -----------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        return with_columns(super().get_queryset(request))

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
        return f"{template.first_signature} and {more} more" if more else str(template.first_signature)

    @admin.display(description="automations", ordering="automations_in_use")
    def automations(self, template: Any) -> str:
        if not template.automations_in_use:
            return "None"
        url = reverse("admin:messaging_automation_changelist")
        return format_html('<a href="{}?template__id__exact={}">{}</a>', url, template.pk, template.automations_in_use)

    @admin.display(description="last sent", ordering="last_sent", empty_value="Never")
    def sent(self, template: Any) -> datetime | None:
        sent_at: datetime | None = template.last_sent
        return sent_at

    # --- The page -----------------------------------------------------------------------------------------------------

    def has_delete_permission(self, request: HttpRequest, obj: Template | None = None) -> bool:
        """What was sent stays what it was: a template is retired, not deleted."""
        return False

    def get_form(self, request: HttpRequest, obj: Template | None = None, **kwargs: Any) -> Any:
        may_change = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        may_write = may_change and request.user.has_perm("messaging.add_wording")
        return super().get_form(request, obj, form=TemplateForm if may_write else forms.ModelForm, **kwargs)

    def what_if_of(self, request: HttpRequest, form: Any, formsets: Sequence[Any]) -> Panel:
        rules = [rule for formset in formsets if isinstance(formset, StageRuleFormSet) for rule in formset.rules()]
        return stage_rules.what_if_with(request, form.instance, rules)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Template | None = None, **kwargs: Any
    ) -> HttpResponse:
        context |= {
            "groups": [(name, meaning, placeholders_in(name)) for name, meaning in GROUPS.items()],
            "filters": FILTERS,
        }
        if obj is not None:
            context |= self._history_of(request, obj)
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response

    def _history_of(self, request: HttpRequest, template: Template) -> dict[str, Any]:
        newest_first = template.wordings.order_by("-number")
        return {
            "versions": versions_of(newest_first[:VERSIONS_SHOWN], viewer=viewer_of(request)),
            "more_versions": newest_first.count() > VERSIONS_SHOWN,
            "to_send": template.wording_to_send(),
            "newest": newest_first.first(),
            "reserves": reserves.in_words(reserves.reserves_of(template)),
            "may_preview": request.user.has_perm("pipeline.view_application"),
        }

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if isinstance(form, TemplateForm):
            self._write(request, obj, form)
        if change and "is_active" in form.changed_data and not obj.is_active:
            self._say_who_waits(request, obj)

    def _write(self, request: HttpRequest, template: Template, form: TemplateForm) -> None:
        answer = wordings.write_wording(
            template,
            subject=form.cleaned_data["subject"],
            body=form.cleaned_data["body"],
            by=viewer_of(request),
            now=timezone.now(),
        )
        if not isinstance(answer, Wording):
            messages.error(request, f"The wording was not saved. {answer[0].sentence}")
        elif form.newest is None or answer.number > form.newest.number:
            sent = template.wording_to_send()
            until_then = f"Until then wording {sent.number} is sent." if sent and sent != answer else ""
            messages.warning(
                request,
                format_html(
                    'This is wording {} now. Nobody signed it yet; <a class="underline" href="{}">sign it</a> '
                    "so that it can be sent automatically. {}",
                    answer.number,
                    reverse("admin:messaging_wording_sign", args=[answer.pk]),
                    until_then,
                ),
            )

    def _say_who_waits(self, request: HttpRequest, template: Template) -> None:
        waiting = template.messages.waiting().count()
        if waiting:
            messages.warning(
                request,
                f"{waiting} scheduled {'message' if waiting == 1 else 'messages'} of this template will be handed to a "
                "person when due.",
            )

    # --- Preview ------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(require_GET(self.preview_view))
        mail = self.admin_site.admin_view(require_GET(self.preview_mail_view))
        return [
            path("<int:object_id>/preview/", preview, name="messaging_template_preview"),
            path("<int:object_id>/preview/mail/", mail, name="messaging_template_preview_mail"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A wording of the template with a real candidate, `?application=&wording=`, and what the gate would say."""
        template = self._get_previewed(request, object_id)
        form = previews.PreviewForm(request.GET or None, template=template, admin_site=self.admin_site)
        preview = previews.preview_of(form, viewer=viewer_of(request), now=timezone.now()) if form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": template,
            "title": f"Preview of {template}",
            "form": form,
            "media": self.media + form.media,
            "preview": preview,
            "to_send": template.wording_to_send(),
            "query": request.GET.urlencode(),
        }
        return TemplateResponse(request, "messaging/template/preview.html", context)

    def preview_mail_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The HTML part of the same preview; shown in a frame."""
        template = self._get_previewed(request, object_id)
        form = previews.PreviewForm(request.GET or None, template=template, admin_site=self.admin_site)
        if not form.is_valid():
            raise Http404
        preview = previews.preview_of(form, viewer=viewer_of(request), now=timezone.now())
        return framed_mail(subject=preview.case.subject, body=preview.case.body or preview.case.facts.text_problem)

    def _get_previewed(self, request: HttpRequest, pk: int) -> Template:
        template = Template.objects.filter(pk=pk).first()
        if template is None:
            raise Http404
        # A preview shows what is known of a candidate.
        if not self.has_view_permission(request, template) or not request.user.has_perm("pipeline.view_application"):
            raise PermissionDenied
        return template
