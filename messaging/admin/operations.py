"""Operations: who did what to how many and when, and the page of one, on which it can be watched and undone."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET
from unfold.admin import ModelAdmin
from unfold.decorators import display

from messaging import operation_account, operations
from messaging.admin.bulk import PERMISSIONS, SECONDS
from messaging.admin.desk import person_of
from messaging.admin.words import day
from messaging.models import Brake, Message, Operation, OperationItem
from pipeline.outcomes import Refusal

State = OperationItem.State
DONE_TO = {Operation.Kind.MOVE: "moved", Operation.Kind.REJECT: "rejected"}
STATE_LABELS = {"Done": "success", "At work": "info", "Undone": "", "Waits for a second person": "warning"}


class WhoseFilter(admin.SimpleListFilter):
    title = "whose"
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mine", "Mine")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Operation]) -> QuerySet[Operation]:
        return queryset.filter(by=request.user.pk) if self.value() == "mine" else queryset


@admin.register(Operation)
class OperationAdmin(ModelAdmin):
    list_display = ["what", "by", "when", "people", "mail", "state_label"]
    list_display_links = ["what"]
    list_filter = [WhoseFilter, "kind", "by"]
    list_select_related = ["by", "to_stage", "reason"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["by__first_name", "by__last_name", "reason__internal", "to_stage__name", "note"]
    search_help_text = "Person, stage or reason"
    actions = None
    nothing_yet = (
        "Select people in the list of applications and move or reject them together. What became of everybody stands here, "
        "and can be undone for a while."
    )

    # --- The list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        braked = Brake.objects.on().filter(operation=OuterRef("pk"))
        return (  # type: ignore[no-any-return]
            super()
            .get_queryset(request)
            .annotate(
                everybody=Count("items", distinct=True),
                changed=Count("items", filter=Q(items__state__in=OperationItem.CHANGED), distinct=True),
                is_braked=Exists(braked),
            )
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # one begins in the list of applications

    def has_change_permission(self, request: HttpRequest, obj: Operation | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Operation | None = None) -> bool:
        return False

    @admin.display(description="What")
    def what(self, operation: Operation) -> str:
        return in_words(operation)

    @admin.display(description="When", ordering="begun_at")
    def when(self, operation: Operation) -> str:
        return f"{day(operation.begun_at)}, {timezone.localtime(operation.begun_at):%H:%M}"

    @admin.display(description="People")
    def people(self, operation: Any) -> str:
        return f"{operation.changed} of {operation.everybody}"

    @admin.display(description="Messages", ordering="message_count")
    def mail(self, operation: Operation) -> str:
        return "without" if operation.quiet else str(operation.message_count)

    @display(description="State", label=STATE_LABELS)
    def state_label(self, operation: Any) -> str:
        if operation.is_braked:
            return "Waits for a second person"
        if operation.is_at_work:
            return "At work"
        return "Undone" if operation.is_undone else "Done"

    # --- The page of one ---

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(
                "<int:pk>/progress/",
                require_GET(view(partial(progress, model_admin=self))),
                name="messaging_operation_progress",
            ),
            path("<int:pk>/undo/", view(partial(undo, model_admin=self)), name="messaging_operation_undo"),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        operation = self.get_object(request, object_id)
        if operation is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[no-any-return]
        if request.method == "POST" or not self.has_view_permission(request, operation):
            raise PermissionDenied
        return TemplateResponse(
            request,
            "messaging/operation/page.html",
            self.admin_site.each_context(request)
            | {"opts": self.opts, "title": in_words(operation), **_context(request, operation)},
        )


def in_words(operation: Operation) -> str:
    if operation.to_stage is not None:
        return f"Move to “{operation.to_stage}”"
    return f"Rejection: {operation.reason}"


def progress(request: HttpRequest, pk: int, *, model_admin: OperationAdmin) -> HttpResponse:
    """The part of the page that changes while it is at work."""
    operation = model_admin.get_object(request, str(pk))
    if operation is None:
        raise Http404
    if not model_admin.has_view_permission(request, operation):
        raise PermissionDenied
    return TemplateResponse(request, "messaging/operation/progress.html", _progress(operation))


def undo(request: HttpRequest, pk: int, *, model_admin: OperationAdmin) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    operation = model_admin.get_object(request, str(pk))
    if operation is None:
        raise Http404
    person = person_of(request)
    if not (model_admin.has_view_permission(request, operation) and person.has_perm(PERMISSIONS[operation.kind])):
        raise PermissionDenied
    answer = operations.undo(operation, by=person, now=timezone.now())
    if isinstance(answer, Refusal):
        messages.error(request, answer.sentence)
    else:
        LogEntry.objects.log_actions(person.pk, [operation], CHANGE, "Undone.", single_object=True)
        operations.go_on(clock=timezone.now, seconds=SECONDS)
    return redirect("admin:messaging_operation_change", pk)


def _progress(operation: Operation) -> dict[str, Any]:
    counts = operation_account.count_states(operation)
    total = sum(counts.values())
    back = counts[State.UNDONE] + counts[State.STAYS] + counts[State.DROPPED]
    return {
        "operation": operation,
        "done_to": DONE_TO[Operation.Kind(operation.kind)],
        "counts": counts,
        "total": total,
        "turns": total - counts[State.DONE if operation.is_undone else State.TO_DO],
        "back": back,
        "brake": Brake.objects.on().filter(operation=operation).first(),
        "is_at_work": operation.is_at_work,
    }


def _context(request: HttpRequest, operation: Operation) -> dict[str, Any]:
    now = timezone.now()
    may_undo = person_of(request).has_perm(PERMISSIONS[operation.kind])
    can_undo = may_undo and operations.why_not_undo(operation, now=now) is None
    list_url = reverse("admin:messaging_message_changelist")
    account = None if operation.is_at_work else operation_account.account_of(operation)
    return {
        **_progress(operation),
        "account": account,
        "verb": operation.kind,
        "can_undo": can_undo,
        "stopped": operations.count_stopped(operation) if can_undo else 0,
        "undoable_until": operation.undoable_until(now),
        "still_waiting": Message.objects.waiting().filter(operation=operation).count(),
        "messages_url": f"{list_url}?operation__id__exact={operation.pk}",
    }
