"""The people who work here, and their roles. Nobody gives all rights who has not got them, and whoever gives or takes a role
is in the ledger."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from messaging import rights
from messaging.admin.desk import person_of
from pipeline.admin.as_read import AsReadAdmin
from pipeline.models import User

admin.site.unregister(Group)


class RightsAdmin:
    """For admin classes of what gives rights, which are many-to-many and so saved after the row."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        form.rights_before = rights.read(obj) if change else rights.NOTHING
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        rights.write_change(form.instance, before=form.rights_before, by=person_of(request), now=timezone.now())


@admin.register(User)
class UserAdmin(AsReadAdmin, RightsAdmin, DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    nothing_yet = "Nobody is here yet. Add your colleagues, each with a role."
    list_display = ["name", "username", "email", "title", "roles", "is_active", "demo", "last_login"]
    list_filter = ["is_active", "groups", "is_demo", "is_superuser"]
    list_per_page = 50
    ordering = ["first_name", "last_name", "username"]
    search_help_text = "Name, username or address"
    search_fields = ["first_name", "last_name", "username", "email"]
    filter_horizontal = []
    readonly_fields = ["is_demo", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("What candidates may read", {"fields": ["first_name", "last_name", "title", "email", "phone"]}),
        ("Role", {"fields": ["is_active", "is_staff", "groups", "is_superuser"]}),
        ("Dates", {"fields": ["last_login", "date_joined", "is_demo"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "first_name", "last_name", "email", "usable_password", "password1", "password2"],
            },
        ),
        ("Role", {"fields": ["is_staff", "groups"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fixed = list(super().get_readonly_fields(request, obj))
        return fixed if _has_all_rights(request) else [*fixed, "is_superuser"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not _has_all_rights(request):
            return False  # a new password for them would be a way to their rights
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # their name stands under mail and decisions; who leaves becomes inactive

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        with transaction.atomic():
            before = self.get_object(request, id)
            response = super().user_change_password(request, id, form_url)
            if before is not None and User.objects.filter(pk=before.pk).exclude(password=before.password).exists():
                rights.write_password(before, by=person_of(request), now=timezone.now())
        return response

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField[Any] | None:
        # Rights come with roles, and there are few of them.
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description="Name", ordering="first_name")
    def name(self, person: User) -> str:
        return str(person)

    @display(description="Roles")
    def roles(self, person: User) -> str:
        names = ["All rights"] if person.is_superuser else []
        return ", ".join(names + [group.name for group in person.groups.all()]) or "None"

    @display(description="Demo", label=True, empty_value="")
    def demo(self, person: User) -> str:
        return "Demo" if person.is_demo else ""


@admin.register(Group)
class GroupAdmin(AsReadAdmin, RightsAdmin, DjangoGroupAdmin, ModelAdmin):
    nothing_yet = "No roles. They are written when Byhand starts."
    search_help_text = "Name of a role"
    filter_horizontal = []
    list_display = ["name", "people", "rights"]
    list_per_page = 50

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        with transaction.atomic():
            rights.write_loss(obj, by=person_of(request), now=timezone.now())
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        with transaction.atomic():
            for group in queryset:
                rights.write_loss(group, by=person_of(request), now=timezone.now())
            super().delete_queryset(request, queryset)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        counts = {"person_count": Count("user", distinct=True), "right_count": Count("permissions", distinct=True)}
        return super().get_queryset(request).annotate(**counts)

    @display(description="People", ordering="person_count")
    def people(self, group: Any) -> int:
        return group.person_count  # type: ignore[no-any-return]

    @display(description="Rights", ordering="right_count")
    def rights(self, group: Any) -> int:
        return group.right_count  # type: ignore[no-any-return]


def _has_all_rights(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
