"""The import of candidates as a page: upload, preview, confirm, result. What the command does, for smaller files."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import permission_required
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from pipeline.intake import exports, uploads
from pipeline.intake.dates import DateOrder
from pipeline.intake.importing import Wishes, source_name
from pipeline.models import Job, Source
from pipeline.outcomes import Refusal

ENCODINGS = ("utf-8", "utf-16", "cp1252", "cp1250", "cp1251", "latin-1")
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
FOUND_OUT = ("", "Find out")
COUNTS = (
    ("Rows", "rows"),
    ("New applications", "created"),
    ("Updated", "updated"),
    ("Unchanged", "unchanged"),
    ("Rejected", "rejected"),
    ("New candidates", "new_candidates"),
    ("Odd addresses", "flagged"),
)

may_import = permission_required("pipeline.import_candidates", raise_exception=True)


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        widget=UnfoldAdminFileFieldWidget,
        help_text="As your old system exported it; nothing has to be renamed or saved anew first.",
    )
    mapping = forms.ChoiceField(
        label="Where it is from",
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[("", "Told by the headings"), *((mapping.name, mapping.label) for mapping in exports.MAPPINGS)],
    )
    job = forms.ModelChoiceField(
        queryset=Job.objects.filter(status=Job.Status.OPEN),
        required=False,
        widget=UnfoldAdminSelectWidget,
        empty_label="The file says it",
        help_text="Only for a file without a column for the job.",
    )
    date_order = forms.ChoiceField(
        label="Dates like 03/04/2026",
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[
            ("", "As the old system writes them"),
            (DateOrder.DAY_FIRST.value, "Day first: 3 April"),
            (DateOrder.MONTH_FIRST.value, "Month first: 4 March"),
        ],
    )
    source = forms.CharField(
        label="Name of the old system",
        required=False,
        max_length=50,
        widget=UnfoldAdminTextInputWidget,
        help_text="For files of a system that is not listed: the ids of two systems must not mix.",
    )
    encoding = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[FOUND_OUT, *((name, name) for name in ENCODINGS)],
        help_text="Choose one when the preview shows wrong letters.",
    )
    delimiter = forms.ChoiceField(
        required=False, widget=UnfoldAdminSelectWidget, choices=[FOUND_OUT, *DELIMITERS.items()]
    )

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        most = settings.IMPORT_UPLOAD_MAX_BYTES
        if (file.size or 0) > most:
            raise forms.ValidationError(
                f"The file is larger than {most // 2**20} MB. Import it with the command “manage.py import_candidates”."
            )
        return file


@may_import
@require_http_methods(["GET", "POST"])
def upload_file(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        uploads.remove_old(now=now)
        upload = _keep(request, form)
        previewed = uploads.preview(upload, now=now)
        if not isinstance(previewed, Refusal):
            return redirect("intake:show", token=previewed.token)
        upload.remove()
        form.add_error("file", previewed.sentence)
    return _page(request, "upload", form=form)


@may_import
@require_GET
def show(request: HttpRequest, token: str) -> HttpResponse:
    upload = _find(request, token)
    return _page(request, upload.state.value, upload=upload, **_tables(upload))


@may_import
@require_POST
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    upload = _find(request, token)
    done = uploads.perform(upload, now=timezone.now())
    if isinstance(done, Refusal):
        messages.error(request, done.sentence)
    elif done is not None:
        _log(request, done)
        messages.success(request, f"{done.name} was imported.")
    return redirect("intake:show", token=token)


@may_import
@require_GET
def download_rejects(request: HttpRequest, token: str) -> FileResponse:
    upload = _find(request, token)
    if upload.rejects is None:
        raise Http404
    return FileResponse(
        upload.rejects.open("rb"), as_attachment=True, filename="rejected-rows.csv", content_type="text/csv"
    )


def _keep(request: HttpRequest, form: UploadForm) -> uploads.Upload:
    given = form.cleaned_data
    return uploads.keep(
        given["file"].chunks(),
        user_id=_user_id(request),
        name=given["file"].name,
        wishes=Wishes(
            mapping=given["mapping"],
            date_order=DateOrder(given["date_order"]),
            job=given["job"].title if given["job"] else "",
            source=given["source"],
        ),
        encoding=given["encoding"],
        delimiter=given["delimiter"],
    )


def _find(request: HttpRequest, token: str) -> uploads.Upload:
    upload = uploads.find(token, user_id=_user_id(request))
    if upload is None or not upload.found:
        raise Http404("This upload is not here any more.")
    return upload


def _log(request: HttpRequest, upload: uploads.Upload) -> None:
    report = upload.report
    LogEntry.objects.log_actions(
        _user_id(request),
        Source.objects.filter(name=source_name(upload.found["source"])),
        CHANGE,
        f"Imported {report['rows']} rows: {report['created']} new applications, {report['updated']} updated, "
        f"{report['unchanged']} unchanged, {report['rejected']} rejected.",
    )


def _tables(upload: uploads.Upload) -> dict[str, dict[str, object]]:
    report, found = upload.report, upload.found
    return {
        "counts": {
            "headers": [label for label, _ in COUNTS],
            "rows": [[report[name] for _, name in COUNTS]],
        },
        "reasons": {"headers": ["Reason", "Rows"], "rows": list(report["reasons"].items())},
        "columns": {"headers": ["Field", "Column of the file"], "rows": found["columns"]},
        "rows": {
            "headers": ["Line", "Name", "Address", "Job", "Stage", "Status", "Applied", "To be known"],
            "rows": found["rows"],
        },
    }


def _page(request: HttpRequest, name: str, **context: object) -> TemplateResponse:
    return TemplateResponse(
        request,
        f"pipeline/intake/{name}.html",
        admin.site.each_context(request) | {"title": "Import candidates"} | context,
    )


def _user_id(request: HttpRequest) -> int:
    return cast(int, request.user.pk)


app_name = "intake"
urlpatterns: list[URLPattern] = [
    path("", admin.site.admin_view(upload_file), name="upload"),
    path("<slug:token>/", admin.site.admin_view(show), name="show"),
    path("<slug:token>/confirm/", admin.site.admin_view(confirm), name="confirm"),
    path("<slug:token>/rejects.csv", admin.site.admin_view(download_rejects), name="rejects"),
]
