"""The map of the whole policy: who may send what, which of floor, policy and template decided it, and the one place where
an administrator asks for more, or takes that back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from messaging import policy_map
from messaging.admin import policy_rows, what_if
from messaging.admin.what_if_words import Panel
from messaging.models import PolicyRow
from messaging.policy.floor import HUMAN_FROM, Reserve, Touchpoint, read_reserve, touchpoint_of
from messaging.policy_map import Cell, Choice, Column, MapRow
from pipeline.milestones import Milestone

if TYPE_CHECKING:
    from messaging.admin.policy import PolicyRowAdmin

MAP = "admin:messaging_policyrow_map"

# In a cell, as a sentence, and what that means.
WORDS = {
    Reserve.AUTOMATIC: (
        "Automatic",
        "An automation sends it.",
        "An automation sends it, with a wording that somebody signed.",
    ),
    Reserve.PERSON_SENDS: (
        "Person sends",
        "A person sends it.",
        "A person opens this one message, reads it and sends it.",
    ),
    Reserve.PERSON_WRITES: (
        "Person writes",
        "A person writes it.",
        "A person sends it, and the words are their own.",
    ),
}
# What the decision asks beside the reserve, for the person who reads the map.
ALSO: dict[Touchpoint, str] = {
    Touchpoint.REJECTION: "only after a person’s decision to reject",
    Touchpoint.SURVEY: "only after the outcome was told and no hand-off is open",
    Touchpoint.TALENT_POOL: "only with the candidate’s consent",
}


@dataclass(frozen=True, kw_only=True)
class ShownCell:
    cell: Cell
    url: str
    is_open: bool

    @property
    def words(self) -> str:
        return WORDS[self.cell.reserve][0]

    @property
    def name(self) -> str:
        return self.cell.reserve.name.lower()

    @property
    def decided_by(self) -> str:
        return "Policy" if self.cell.row else "Floor"

    @property
    def sentence(self) -> str:
        """All of it for who does not see colours and columns."""
        said = f"{_kind(self.cell)}, {_standing_words(self.cell.column)}: {self.words.lower()}. "
        said += "Your policy decides." if self.cell.row else "The floor decides."
        more = len(self.cell.demands)
        return f"{said} {more} template{' asks' if more == 1 else 's ask'} for more." if more else said


@dataclass(frozen=True, kw_only=True)
class ShownRow:
    touchpoint: Touchpoint
    also: str
    cells: tuple[ShownCell, ...]


@dataclass(frozen=True, kw_only=True)
class ShownChoice:
    choice: Choice
    words: str
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class Details:
    """Of the open cell. `own`: the organisation's rows for this kind; `here`: the one of them that begins here."""

    cell: Cell
    query: str  # of its address
    standing: Milestone
    title: str
    where: str
    words: str
    floor_words: str
    policy_words: str
    begins: str  # where the deciding row begins, if that is not here
    also: str
    demands: tuple[tuple[str, str, str], ...]  # template, its page, what it asks for
    choices: tuple[ShownChoice, ...]
    here: PolicyRow | None
    own: tuple[PolicyRow, ...]
    why: str


def show(
    model_admin: PolicyRowAdmin,
    request: HttpRequest,
    *,
    form: forms.ModelForm | None = None,
    panel: Panel | None = None,
    removing: PolicyRow | None = None,
) -> HttpResponse:
    """`form`: what was posted, with its errors or its `panel`; `removing`: the row whose removal the panel is about."""
    opened = _opened(request.GET or request.POST)
    rows = policy_map.read_map()
    cell = next((one for row in rows for one in row.cells if _key(one) == opened), None)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Who may send what",
        "milestones": [milestone for milestone in Milestone if milestone < HUMAN_FROM],
        "later": [milestone for milestone in Milestone if milestone >= HUMAN_FROM],
        "human_from": HUMAN_FROM,
        "rows": _shown(rows, opened=cell),
        "legend": [(reserve.name.lower(), WORDS[reserve][0], WORDS[reserve][2]) for reserve in Reserve],
        "rows_url": reverse("admin:messaging_policyrow_changelist"),
        "details": _details(cell, form=form) if cell else None,
        "form": form,
        # A button that leaves the page instead of filling in the panel.
        "native": {"data-native": ""},
        "what_if": panel,
        "removing": removing,
        "may_change": model_admin.has_add_permission(request) and model_admin.has_change_permission(request),
        "may_remove": model_admin.has_delete_permission(request),
    }
    return TemplateResponse(request, "messaging/policy/map.html", context)


def change(model_admin: PolicyRowAdmin, request: HttpRequest) -> HttpResponse:
    """POST of a row that begins at the open cell, or with `remove` of one that goes. Without the token of what it would
    change, it shows that; with it, it is done."""
    if "remove" in request.POST:
        return _remove(model_admin, request)
    row = PolicyRow.objects.filter(
        touchpoint=request.POST.get("touchpoint", ""), from_milestone=_number(request.POST.get("from_milestone"))
    ).first()
    allowed = model_admin.has_change_permission(request, row) if row else model_admin.has_add_permission(request)
    if not allowed:
        raise PermissionDenied
    form = model_admin.get_form(request, row, change=row is not None)(request.POST, instance=row)
    if what_if.is_pending(form):
        return show(model_admin, request, form=form, panel=model_admin.what_if_of(request, form, []))
    if not form.is_valid():
        return show(model_admin, request, form=form)
    saved = form.save(commit=False)
    model_admin.save_model(request, saved, form, change=row is not None)
    logged = model_admin.construct_change_message(request, form, [], add=row is None)
    if row is None:
        model_admin.log_addition(request, saved, logged)
    else:
        model_admin.log_change(request, saved, logged)
    messages.success(request, f"Saved. {saved}.")
    return _to_the_open_cell(request)


def _remove(model_admin: PolicyRowAdmin, request: HttpRequest) -> HttpResponse:
    row = PolicyRow.objects.filter(pk=_number(request.POST["remove"])).first()
    if row is None:
        raise Http404
    if not model_admin.has_delete_permission(request, row):
        raise PermissionDenied
    back = _to_the_open_cell(request)
    if loose := policy_rows.find_loose_without(row):
        messages.error(request, f"This row cannot be removed before the others. {loose[0]}")
        return back
    if request.POST.get(what_if.FIELD) != policy_rows.token_without(row):
        return show(model_admin, request, panel=policy_rows.what_if_without(request, row), removing=row)
    words = str(row)
    model_admin.log_deletions(request, PolicyRow.objects.filter(pk=row.pk))
    model_admin.delete_model(request, row)
    messages.success(request, f"Removed: {words}.")
    return back


# --- Which cell -------------------------------------------------------------------------------------------------------


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _opened(query: Any) -> tuple[str, int, bool]:
    return query.get("kind", ""), _number(query.get("at")), query.get("contact") == "1"


def _to_the_open_cell(request: HttpRequest) -> HttpResponseRedirect:
    kind, at, contact = _opened(request.POST)
    return redirect(f"{reverse(MAP)}?{urlencode({'kind': kind, 'at': at, 'contact': int(contact)})}")


def _key(cell: Cell) -> tuple[str, int, bool]:
    return cell.touchpoint.value, cell.column.milestone.value, bool(cell.column.contact)


def _query(touchpoint: str, column: Column) -> str:
    contact = {"contact": "1"} if column.contact else {}
    return urlencode({"kind": touchpoint, "at": column.milestone.value, **contact})


# --- In words ---------------------------------------------------------------------------------------------------------


def _shown(rows: Sequence[MapRow], *, opened: Cell | None) -> list[ShownRow]:
    return [
        ShownRow(
            touchpoint=row.touchpoint,
            also=ALSO.get(row.touchpoint, ""),
            cells=tuple(
                ShownCell(
                    cell=cell, url=f"?{_query(cell.touchpoint, cell.column)}#policy-details", is_open=cell is opened
                )
                for cell in row.cells
            ),
        )
        for row in rows
    ]


def _kind(cell: Cell) -> str:
    label = cell.touchpoint.label
    return label[:1].upper() + label[1:]


def _standing_words(column: Column) -> str:
    reached = f"reached {column.milestone.label}"
    if column.contact is None:
        return reached
    return f"{reached}, {'somebody' if column.contact else 'nobody'} dealt with them"


def _details(cell: Cell, *, form: forms.ModelForm | None) -> Details:
    standing = cell.column.standing
    own = list(PolicyRow.objects.filter(touchpoint=cell.touchpoint))
    here = next((row for row in own if row.from_milestone == standing), None)
    chosen = _number(form["reserve"].value() and str(form["reserve"].value())) if form else None
    choices = policy_map.choices_from(cell.touchpoint, standing, rows=own)
    return Details(
        cell=cell,
        query=_query(cell.touchpoint, cell.column),
        standing=standing,
        title=_kind(cell),
        where=_standing_words(cell.column),
        words=WORDS[cell.reserve][1],
        floor_words=WORDS[cell.floor][1],
        policy_words=WORDS[read_reserve(cell.row.reserve)][1] if cell.row else "",
        begins=_query_of_row(cell.row) if cell.row and cell.row.from_milestone != standing else "",
        also=ALSO.get(cell.touchpoint, ""),
        demands=tuple(
            (
                demand.template,
                reverse("admin:messaging_template_change", args=[demand.template_id]),
                WORDS[demand.reserve][1],
            )
            for demand in cell.demands
        ),
        choices=tuple(
            ShownChoice(
                choice=choice,
                words=("", "A person sends", "A person writes")[choice.reserve],
                is_chosen=choice.reserve == chosen if form else choice.is_now,
            )
            for choice in choices
        ),
        here=here,
        own=tuple(own),
        why=str(form["why"].value() or "") if form else here.why if here else "",
    )


def _query_of_row(row: PolicyRow) -> str:
    """The cell at which a row begins."""
    milestone = Milestone(row.from_milestone)
    contact = False if milestone < HUMAN_FROM else None
    return _query(touchpoint_of(row.touchpoint), Column(milestone=milestone, contact=contact))
