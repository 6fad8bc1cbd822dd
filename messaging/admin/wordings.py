"""Wordings and signatures: read, compared and signed here, changed nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_GET
from unfold.admin import ModelAdmin

from messaging import wordings
from messaging.admin import comparisons, desk
from messaging.delivery.mail import render_html
from messaging.models import Signature, Wording
from messaging.policy.floor import touchpoint_of
from messaging.values import example_values_for
from messaging.wording import rendering, voice
from messaging.wording.placeholders import without_optional
from pipeline.models import User
from pipeline.outcomes import Refusal


def framed_mail(*, subject: str, body: str) -> HttpResponse:
    """The HTML part as a candidate's mail program would show it, for a sandboxed frame."""
    return desk.frame(render_html(subject=subject, body=body))


@dataclass(frozen=True, kw_only=True)
class Version:
    """A wording as one row of the list on the template's page."""

    wording: Wording
    signatures: Sequence[Signature]
    phrases: tuple[str, ...]  # why one signature is not enough
    may_sign: bool

    @property
    def needs_second(self) -> bool:
        return bool(self.phrases) and len(self.signatures) == 1


def versions_of(newest_first: QuerySet[Wording], *, viewer: User) -> list[Version]:
    """Constant in queries, whatever the number of wordings."""
    phrases = wordings.read_phrases()
    may_sign = viewer.has_perm("messaging.sign_wording")
    rows = newest_first.select_related("template", "written_by").prefetch_related("signatures")
    versions = []
    for wording in rows:
        signatures = list(wording.signatures.all())
        versions.append(
            Version(
                wording=wording,
                signatures=signatures,
                phrases=wordings.rejection_phrases_of(wording, phrases=phrases),
                may_sign=may_sign and all(signature.signed_by_id != viewer.pk for signature in signatures),
            )
        )
    return versions


def example_of(wording: Wording, *, signer: User) -> rendering.Rendered:
    values = example_values_for(signer)
    return rendering.render(subject=wording.subject, body=wording.body, values=values)


@admin.register(Wording)
class WordingAdmin(ModelAdmin):
    change_form_template = "messaging/template/wording.html"
    nothing_yet = (
        "No template has a text yet. Each text that you save with a template becomes a numbered wording, "
        "which stays as it is."
    )
    list_display = ("template", "number", "subject", "written_by", "created_at", "signed_by")
    list_display_links = ("template", "number")
    list_filter = ("template__touchpoint", "template")
    list_select_related = ("template", "written_by")
    list_per_page = 50
    search_help_text = "Template, subject or words of the text"
    search_fields = ("template__name", "subject", "body")
    fields = ("template", "number", "written_by", "created_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Wording | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Wording | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wording]:
        found: QuerySet[Wording] = super().get_queryset(request)
        return found.prefetch_related("signatures")

    @admin.display(description="signed by", empty_value="Nobody")
    def signed_by(self, wording: Wording) -> str:
        return ", ".join(signature.name for signature in wording.signatures.all())

    def get_urls(self) -> list[URLPattern]:
        sign = self.admin_site.admin_view(self.sign_view)
        mail = self.admin_site.admin_view(require_GET(self.mail_view))
        compare = self.admin_site.admin_view(require_GET(self.compare_view))
        return [
            path("<int:object_id>/sign/", sign, name="messaging_wording_sign"),
            path("<int:object_id>/mail/", mail, name="messaging_wording_mail"),
            path("<int:object_id>/compare/", compare, name="messaging_wording_compare"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        found = Wording.objects.filter(pk=object_id) if object_id.isdecimal() else Wording.objects.none()
        versions = versions_of(found, viewer=viewer_of(request))
        context = {"version": versions[0] if versions else None, **(extra_context or {})}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def sign_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Shows the whole text as a candidate would read it; a POST puts the person's name under it."""
        wording = _get_wording(object_id)
        if not request.user.has_perm("messaging.sign_wording"):
            raise PermissionDenied
        viewer = viewer_of(request)
        if request.method == "POST":
            return self._sign(request, wording, by=viewer)
        [version] = versions_of(Wording.objects.filter(pk=wording.pk), viewer=viewer)
        heard = hear_wording(wording)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": wording,
            "title": f"Sign {wording}",
            "version": version,
            "example": example_of(wording, signer=viewer),
            "heard": heard,
            "subject_pieces": voice.in_pieces(wording.subject, _about("subject", heard)),
            "body_pieces": voice.in_pieces(wording.body, _about("body", heard)),
            "signer": viewer,
            "kind": touchpoint_of(wording.template.touchpoint).label,
        }
        return TemplateResponse(request, "messaging/template/sign.html", context)

    def _sign(self, request: HttpRequest, wording: Wording, *, by: User) -> HttpResponse:
        answer = wordings.sign(wording, by=by, now=timezone.now())
        if isinstance(answer, Refusal):
            messages.error(request, answer.sentence)
        else:
            self.log_change(request, wording, f"Signed as {answer.name}.")
            self._say_what_follows(request, wording)
        return redirect("admin:messaging_template_change", wording.template_id)

    def _say_what_follows(self, request: HttpRequest, wording: Wording) -> None:
        messages.success(request, f"Your name stands under {wording} now.")
        [version] = versions_of(Wording.objects.filter(pk=wording.pk), viewer=viewer_of(request))
        if version.needs_second:
            messages.warning(
                request,
                f"{wording} reads like a rejection ({_quoted(version.phrases)}). "
                "A second person must sign before it can be sent automatically.",
            )
        elif wording.template.wording_to_send() != wording:
            messages.info(request, "A newer wording is signed as well; automations go on sending the newer one.")

    def mail_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The example of a wording as the HTML part of a mail, `?case=worst` without what may be missing; for a frame."""
        wording = _get_wording(object_id)
        if not self.has_view_permission(request, wording):
            raise PermissionDenied
        values = example_values_for(viewer_of(request))
        if request.GET.get("case") == "worst":
            values = without_optional(values)
        example = rendering.render(subject=wording.subject, body=wording.body, values=values)
        return framed_mail(subject=example.subject, body=example.body or example.problem)

    def compare_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """This wording beside another one of the same template, `?with=` its number; without it, the one before."""
        newer = _get_wording(object_id)
        if not self.has_view_permission(request, newer):
            raise PermissionDenied
        number = str(newer.number)
        return comparisons.show(
            request, newer.template, numbers=(request.GET.get("with", ""), number), model_admin=self
        )


@admin.register(Signature)
class SignatureAdmin(ModelAdmin):
    nothing_yet = "Nobody signed a wording yet. A machine sends only what a person put their name to."
    list_display = ("wording", "name", "signed_by", "signed_at")
    list_filter = ("wording__template", "signed_by")
    list_select_related = ("wording__template", "signed_by")
    list_per_page = 50
    search_help_text = "Name or template"
    search_fields = ("name", "wording__template__name")
    fields = ("wording", "name", "signed_by", "signed_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Signature | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Signature | None = None) -> bool:
        return False


def _get_wording(pk: int) -> Wording:
    return get_object_or_404(Wording.objects.select_related("template", "written_by"), pk=pk)


def viewer_of(request: HttpRequest) -> User:
    # admin_view lets nobody else through.
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def hear_wording(wording: Wording) -> wordings.Heard:
    return wordings.hear(
        subject=wording.subject,
        body=wording.body,
        touchpoint=wording.template.touchpoint,
        phrases=wordings.read_phrases(),
    )


def _about(part: str, heard: wordings.Heard) -> list[voice.Remark]:
    return [remark for remark in heard.voice.remarks if remark.part == part]


def _quoted(phrases: Sequence[str]) -> str:
    return ", ".join(f"“{phrase}”" for phrase in phrases)
