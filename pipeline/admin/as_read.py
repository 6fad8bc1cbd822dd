"""Two people who save one form: whoever comes second is told what is there now, and nothing is saved and nothing of theirs
is lost; saving again puts theirs in its place, knowingly. The page carries what it was filled with, as fingerprints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import ManyToManyField, Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import Truncator

FIELD = "as_read"
OPENED = "opened"  # beside the names of the fields: when the page was filled


class StillAsRead:
    """For the form of a row that is there already."""

    request: ClassVar[HttpRequest]
    as_read: ClassVar[Mapping[str, str]]
    lists: ClassVar[Mapping[str, type[Any]]]

    def full_clean(self) -> None:
        form: Any = self
        if form.is_bound:
            # From here to the end of the transaction nobody else saves it; and what machines wrote since stays as it is.
            rows = form.instance.__class__.objects.select_for_update(of=("self",))
            form.instance.refresh_from_db(from_queryset=rows)
        super().full_clean()  # type: ignore[misc]

    def clean(self) -> Any:
        form: Any = self
        now = _read(form, self.lists)
        others = [name for name, mark in now.items() if self.as_read.get(name, mark) != mark]
        if others:
            changes = ", ".join(_in_words(form, name) for name in others)
            form.add_error(
                None,
                f"{_who(form.instance, self.request, since=self.as_read.get(OPENED, ''))} saved this while you had it open: "
                f"{changes}. Nothing of yours was saved yet. Save again to put yours in its place.",
            )
        return super().clean()  # type: ignore[misc]


class AsReadAdmin:
    """For admin classes, first of their bases."""

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, *args, **kwargs)  # type: ignore[misc]
        if obj is None or request.method != "POST":
            return form
        about = {"request": request, "as_read": _posted(request), "lists": self._lists()}
        return type(form)(form.__name__, (StillAsRead, form), about)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        if obj is not None and (read := _read(form, self._lists())):
            context["as_read"] = json.dumps(read | {OPENED: timezone.now().isoformat()})
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]
        return response

    def _lists(self) -> dict[str, type[Any]]:
        """What is edited in rows below, by the name of its field that leads here."""
        page: Any = self
        return {
            field.name: inline.model
            for inline in page.inlines
            for field in inline.model._meta.fields
            if field.related_model is page.model
        }


def _read(form: Any, lists: Mapping[str, type[Any]]) -> dict[str, str]:
    """A fingerprint for each field that the form can change, and one for each list, as they are stored."""
    model = type(form.instance)
    fields = {field.name: field for field in [*model._meta.concrete_fields, *model._meta.many_to_many]}
    names = [name for name, field in form.fields.items() if name in fields and not field.disabled]
    stored = model.objects.get(pk=form.instance.pk)
    found: dict[str, object] = {}
    for name in names:
        if isinstance(fields[name], ManyToManyField):
            found[name] = sorted(getattr(stored, name).values_list("pk", flat=True))
        else:
            found[name] = fields[name].value_to_string(stored)
    for name, other in lists.items():
        rows = other.objects.filter(**{name: form.instance.pk}).order_by("pk")
        found[str(other._meta.verbose_name_plural)] = list(rows.values_list())
    return {name: hashlib.sha256(str(value).encode()).hexdigest()[:12] for name, value in found.items()}


def _posted(request: HttpRequest) -> dict[str, str]:
    """Nothing where the page does not say it: it was opened before an update, or it is no page."""
    try:
        said = json.loads(request.POST.get(FIELD, "{}"))
    except ValueError:
        return {}
    return {str(name): str(mark) for name, mark in said.items()} if isinstance(said, dict) else {}


def _in_words(form: Any, name: str) -> str:
    if name not in form.fields:
        return f"the {name} are not what they were"
    label = str(form.fields[name].label or name)
    display = getattr(form.instance, f"get_{name}_display", None)
    value: Any = display() if display else getattr(form.instance, name)
    several = isinstance(form.instance._meta.get_field(name), ManyToManyField)
    value = ", ".join(map(str, value.all())) if several else value
    text = "empty" if value in (None, "") else f"“{Truncator(str(value)).chars(60)}”"
    return f"{label[:1].lower()}{label[1:]} {'are' if several else 'is'} {text} now"


def _who(row: Model, request: HttpRequest, *, since: str) -> str:
    """By the log of the pages. What was changed elsewhere, or before the page was opened, is in nobody's name."""
    of_row = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk))
    last = of_row.select_related("user").order_by("-action_time").first()
    if last is None or last.action_time.isoformat() < since:
        return "Somebody"
    return "You yourself" if last.user_id == request.user.pk else str(last.user)
