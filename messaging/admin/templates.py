"""The page of a template: what it is for, its stage rules, the wording in it, and what all earlier wordings said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST
from unfold.admin import ModelAdmin, TabularInline

from messaging import wordings
from messaging.admin import comparisons, editor, previews, reserves, stage_rules
from messaging.admin.rules import RuleAdmin
from messaging.admin.template_forms import StageRuleFormSet, TemplateForm
from messaging.admin.template_list import TemplateColumns
from messaging.admin.what_if import WhatIfAdmin
from messaging.admin.what_if_words import Panel
from messaging.admin.wordings import framed_mail, hear_wording, versions_of, viewer_of
from messaging.models import Automation, StageRule, Template, Wording
from messaging.usage import Usage, usage_of
from messaging.wording.placeholders import GROUPS, placeholders_in
from pipeline.admin.as_read import AsReadAdmin
from pipeline.models import Application

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


@admin.register(Template)
class TemplateAdmin(AsReadAdmin, TemplateColumns, WhatIfAdmin, RuleAdmin, ModelAdmin):
    change_form_template = "messaging/template/change_form.html"
    inlines = (StageRuleInline,)
    list_display = (
        "name",
        "touchpoint",
        "wording",
        "signed_by",
        "voice",
        "automations",
        "sent",
        "last_sent",
        "is_active",
    )
    list_filter = ("touchpoint", "is_active")
    list_per_page = 50
    nothing_yet = (
        "Write the first text that goes to candidates, in your own voice, and put your name under it. "
        "What automations send needs a signed wording."
    )
    search_help_text = "Name, or a subject"
    search_fields = ("name", "wordings__subject")
    fields = (("name", "touchpoint"), "is_active")
    actions = None

    class Media:
        css = {"all": ("messaging/template.css", "messaging/template-editor.css")}
        js = ("messaging/template.js", "messaging/template-live.js")

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
            "show_save_and_add_another": False,  # a text of its own is no quick row
        }
        form = context["adminform"].form
        if isinstance(form, TemplateForm):
            context |= self._editor_of(request, form, context["media"])
        if obj is not None:
            context |= self._history_of(request, obj)
        newest = context.get("newest")
        if newest is not None and "heard" not in context:
            context["heard"] = hear_wording(newest)
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response

    def _editor_of(self, request: HttpRequest, form: TemplateForm, media: forms.Media) -> dict[str, Any]:
        """What the text in the editor sounds like before anybody types, and the candidates to read it as."""
        text = {name: str(form[name].value() or "") for name in ("subject", "body", "touchpoint")}
        viewer, now = viewer_of(request), timezone.now()
        context: dict[str, Any] = {"heard": wordings.hear(**text, phrases=wordings.read_phrases())}
        readings = {
            case: editor.read_as(case, text=text | {"application": None}, viewer=viewer, now=now)
            for case in (editor.CHOSEN, editor.WORST)
        }
        context |= {f"note_{case}": editor.note_of(reading) for case, reading in readings.items()}
        if request.user.has_perm("pipeline.view_application"):
            chooser = previews.CandidateForm(applications=self._applications(request), admin_site=self.admin_site)
            chooser.fields["application"].widget.attrs |= {"form": "wording-gate", "aria-describedby": "read-as-help"}
            context |= {"chooser": chooser["application"], "media": media + chooser.media}
        return context

    def _applications(self, request: HttpRequest) -> QuerySet[Application]:
        """Those that this person may see, as on the page of applications."""
        if not request.user.has_perm("pipeline.view_application"):
            return Application.objects.none()
        found: QuerySet[Application] = self.admin_site.get_model_admin(Application).get_queryset(request)
        return found

    def _history_of(self, request: HttpRequest, template: Template) -> dict[str, Any]:
        newest_first, usage = template.wordings.order_by("-number"), usage_of(template)
        return {
            "versions": versions_of(newest_first[:VERSIONS_SHOWN], viewer=viewer_of(request)),
            "more_versions": newest_first.count() > VERSIONS_SHOWN,
            "to_send": template.wording_to_send(),
            "newest": newest_first.first(),
            "usage": usage,
            "automations": self._automations_in_words(template, usage),
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

    def _automations_in_words(self, template: Template, usage: Usage) -> list[dict[str, Any]]:
        page = self.admin_site.get_model_admin(Automation)
        return [
            {
                "automation": automation,
                "when": page.event_words(automation),
                "scope": page.scope(automation),
                "delay": page.delay_words(automation),
            }
            for automation in usage.automations
        ]

    # --- While somebody writes ----------------------------------------------------------------------------------------

    def look_view(self, request: HttpRequest) -> HttpResponse:
        """What there is to say to a text that is not saved."""
        form = self._posted_text(request)
        if not form.is_valid():
            return HttpResponse(status=400)
        return editor.say(form, viewer=viewer_of(request), now=timezone.now())

    def look_mail_view(self, request: HttpRequest, case: str) -> HttpResponse:
        """The same text as a mail; shown in a frame."""
        if case not in (editor.CHOSEN, editor.WORST):
            raise Http404
        form = self._posted_text(request)
        if not form.is_valid():
            return HttpResponse(status=400)
        return editor.frame(case, form, viewer=viewer_of(request), now=timezone.now())

    def _posted_text(self, request: HttpRequest) -> editor.TextForm:
        may_save = self.has_add_permission(request) or self.has_change_permission(request)
        if not (may_save and request.user.has_perm("messaging.add_wording")):
            raise PermissionDenied
        return editor.TextForm(request.POST, applications=self._applications(request))

    # --- Preview ------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        look = self.admin_site.admin_view(require_POST(self.look_view))
        look_mail = self.admin_site.admin_view(require_POST(self.look_mail_view))
        compare = self.admin_site.admin_view(require_GET(self.compare_view))
        preview = self.admin_site.admin_view(require_GET(self.preview_view))
        mail = self.admin_site.admin_view(require_GET(self.preview_mail_view))
        return [
            path("look/", look, name="messaging_template_look"),
            path("look/<slug:case>/", look_mail, name="messaging_template_look_mail"),
            path("<int:object_id>/compare/", compare, name="messaging_template_compare"),
            path("<int:object_id>/preview/", preview, name="messaging_template_preview"),
            path("<int:object_id>/preview/mail/", mail, name="messaging_template_preview_mail"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A wording of the template with a real candidate, `?application=&wording=`, and what the gate would say."""
        template = self._get_previewed(request, object_id)
        form = self._preview_form(request, template)
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
        form = self._preview_form(request, template)
        if not form.is_valid():
            raise Http404
        preview = previews.preview_of(form, viewer=viewer_of(request), now=timezone.now())
        return framed_mail(subject=preview.case.subject, body=preview.case.body or preview.case.facts.text_problem)

    def _preview_form(self, request: HttpRequest, template: Template) -> previews.PreviewForm:
        return previews.PreviewForm(
            request.GET or None,
            template=template,
            applications=self._applications(request),
            admin_site=self.admin_site,
        )

    def compare_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Two wordings of the template, `?from=&to=` their numbers."""
        template = get_object_or_404(Template, pk=object_id)
        if not self.has_view_permission(request, template):
            raise PermissionDenied
        return comparisons.show(
            request, template, numbers=(request.GET.get("from", ""), request.GET.get("to", "")), model_admin=self
        )

    def _get_previewed(self, request: HttpRequest, pk: int) -> Template:
        template = Template.objects.filter(pk=pk).first()
        if template is None:
            raise Http404
        # A preview shows what is known of a candidate.
        if not self.has_view_permission(request, template) or not request.user.has_perm("pipeline.view_application"):
            raise PermissionDenied
        return template
