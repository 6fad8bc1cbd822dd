"""Every address of the product: the admin is the main user interface."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from config import palette

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/import/", include("pipeline.admin.intake")),
    path("admin/safe-mode/", include("messaging.admin.safe_mode")),
    path("admin/board/", include("messaging.admin.board")),
    path("admin/profile/", include("messaging.admin.profile")),
    path("admin/outbox/", include("messaging.admin.outbox")),
    path("admin/brakes/", include("messaging.admin.brakes")),
    path("admin/help/", include("messaging.admin.guide")),
    path("admin/reports/", include("messaging.admin.reports")),
    # Before the theme's own search, which knows no pages of ours and shows what it found for five minutes more.
    path("admin/search/", admin.site.admin_view(palette.search)),
    path("admin/", admin.site.urls),
    # What providers report. Without the secret anybody could report it, so then there is no such address.
    *([path("anymail/", include("anymail.urls"))] if settings.ANYMAIL.get("WEBHOOK_SECRET") else []),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
