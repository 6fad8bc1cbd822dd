"""Reports: time given back, response times, the ghosting ledger and human moments, each as a page and as a file. What they
count is in messaging/reports/."""

from django.contrib import admin
from django.urls import URLPattern, path
from django.views.generic import RedirectView

from messaging.admin.reports import answers, exports, hours, moments, silence

view = admin.site.admin_view

app_name = "reports"
urlpatterns: list[URLPattern] = [
    path("", view(RedirectView.as_view(pattern_name="reports:hours")), name="index"),
    path("hours/", view(hours.show), name="hours"),
    path("hours/csv/", view(exports.save_hours), name="hours_csv"),
    path("hours/minutes/", view(hours.save_minutes), name="minutes"),
    path("answers/", view(answers.show), name="answers"),
    path("answers/csv/", view(exports.save_answers), name="answers_csv"),
    path("silence/", view(silence.show), name="silence"),
    path("silence/csv/", view(exports.save_silence), name="silence_csv"),
    path("moments/", view(moments.show), name="moments"),
    path("moments/csv/", view(exports.save_moments), name="moments_csv"),
]
