"""Help: how a message gets sent, what the words mean, and what to do when something stands still."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from messaging.policy.floor import FLOOR, Reserve
from pipeline.milestones import Milestone


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    context = admin.site.each_context(request) | {
        "title": "Help",
        "milestones": ", ".join(milestone.label for milestone in Milestone),
        "kinds": ", ".join(kind.label for kind in FLOOR if kind.label != "unknown"),
        "reserves": [reserve.label for reserve in Reserve],
        "silence_days": settings.SILENCE_DAYS,
    }
    return TemplateResponse(request, "messaging/help/page.html", context)


app_name = "help"
urlpatterns: list[URLPattern] = [path("", admin.site.admin_view(show), name="page")]
