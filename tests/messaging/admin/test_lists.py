"""Every list and every form of the admin, whoever wrote it: a new page is tested as soon as it is registered."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from messaging.admin import list_headings
from messaging.models import Incident
from messaging.roles import write_roles
from pipeline.models import Job, User
from tests import factories as make
from tests.messaging.admin.rows import MAKERS

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
LABELS = [model._meta.label for model in MODELS]
each_model = pytest.mark.parametrize("model", MODELS, ids=LABELS)

HOSTILE = "' OR 1=1 -- \"%_\\ <script>alert(1)</script> ０ \u202e"

# What machines write and nobody may type: status and history belong to functions, and they alone keep the rules.
WRITTEN_BY_MACHINES: dict[str, frozenset[str]] = {
    "auth.Group": frozenset(),
    "messaging.Attempt": frozenset(
        {"message", "number", "recipient", "fingerprint", "outcome", "provider_message_id", "detail"}
    ),
    "messaging.Automation": frozenset({"created_at"}),
    "messaging.HandOff": frozenset(
        {"message", "application", "touchpoint", "reserve", "reasons", "status", "due_at", "closed_at", "closed_by"}
    ),
    "messaging.Incident": frozenset({"kind", "at", "sentence", "message", "closed_at", "closed_by", "note"}),
    "messaging.LedgerEntry": frozenset({"kind", "at", "actor_kind", "actor_id", "subject", "data", "seal"}),
    "messaging.Message": frozenset(
        {
            "application",
            "origin",
            "wording",
            "status",
            "status_reason",
            "due_at",
            "sent_at",
            "recipient",
            "cause",
            "body",
        }
    ),
    "messaging.Operation": frozenset({"by", "kind", "begun_at", "to_stage", "reason", "template", "undone_at"}),
    "messaging.PolicyRow": frozenset(),
    "messaging.RecordedVerdict": frozenset(
        {"message", "outcome", "reserve", "findings", "facts", "versions", "decided_at", "seal"}
    ),
    "messaging.RejectionPhrase": frozenset(),
    "messaging.Seal": frozenset({"number", "sealed_at", "rows", "contents", "digest", "previous", "head"}),
    "messaging.Signature": frozenset({"wording", "signed_by", "name", "signed_at"}),
    "messaging.Template": frozenset({"created_at"}),
    "messaging.Wording": frozenset({"template", "number", "subject", "body", "written_by"}),
    "pipeline.Application": frozenset(
        {
            "candidate",
            "job",
            "stage",
            "status",
            "applied_at",
            "stage_entered_at",
            "decided_at",
            "decided_by",
            "reason",
            "told_at",
            "told_how",
            "told_by",
        }
    ),
    "pipeline.Candidate": frozenset(
        {"email_key", "email_flag", "reach", "external_source", "external_id", "created_at"}
    ),
    "pipeline.Interview": frozenset({"application", "held_at", "logged_by"}),
    "pipeline.Job": frozenset({"created_at"}),
    "pipeline.Pipeline": frozenset(),
    "pipeline.Reason": frozenset(),
    "pipeline.Source": frozenset({"registered_by", "registered_at", "kind"}),
    "pipeline.Stage": frozenset({"pipeline", "name", "milestone", "position"}),
    "pipeline.StageChange": frozenset(
        {"application", "kind", "from_stage", "to_stage", "at", "actor_kind", "moved_by"}
    ),
    "pipeline.User": frozenset({"is_demo", "last_login", "date_joined"}),
}

# What happened stays, and what it happened to stays with it.
KEPT = {
    "messaging.Attempt",
    "messaging.HandOff",
    "messaging.Incident",
    "messaging.LedgerEntry",
    "messaging.Message",
    "messaging.Operation",
    "messaging.RecordedVerdict",
    "messaging.Seal",
    "messaging.Signature",
    "messaging.Template",
    "messaging.Wording",
    "pipeline.Application",
    "pipeline.Candidate",
    "pipeline.Interview",
    "pipeline.Source",
    "pipeline.Stage",
    "pipeline.StageChange",
    "pipeline.User",
}


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root", "root@byhand.example.com", first_name="Noor"))
    return client


@pytest.fixture
def auditor() -> Client:
    write_roles()
    user = make.make_user()
    user.groups.add(Group.objects.get(name="Auditor"))
    client = Client()
    client.force_login(user)
    return client


def list_url(model: type[Model], query: str = "") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def change_url(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def add_rows(model: type[Model], count: int) -> list[Any]:
    return [MAKERS[model._meta.label]() for _ in range(count)]


def queries(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    assert response.status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def test_every_page_has_rows_to_be_tested_with() -> None:
    assert set(LABELS) == set(MAKERS) == set(WRITTEN_BY_MACHINES)


@each_model
def test_a_list_shows_its_rows_to_who_may_do_everything(model: type[Model], root: Client) -> None:
    [row] = add_rows(model, 1)
    response = root.get(list_url(model, "?all=&show=all"), follow=True)
    assert response.status_code == 200
    assert row.pk in [shown.pk for shown in response.context["cl"].result_list]


@each_model
def test_a_list_shows_its_rows_to_an_auditor_and_nothing_to_do_with_them(model: type[Model], auditor: Client) -> None:
    add_rows(model, 1)
    response = auditor.get(list_url(model))
    if model._meta.label in ("auth.Group", "pipeline.User"):
        assert response.status_code == 403
        return
    assert response.status_code == 200
    assert response.context["cl"].result_count
    actions = response.context["action_form"]
    assert actions is None or [value for value, _ in actions.fields["action"].choices if value] == []
    assert not response.context["has_add_permission"]


@each_model
def test_a_list_asks_no_question_per_row(model: type[Model], root: Client) -> None:
    add_rows(model, 3)
    queries(root, list_url(model))  # what is read once and kept, the content types for example
    few = queries(root, list_url(model))
    add_rows(model, 9)
    many = queries(root, list_url(model))
    assert len(many) == len(few), "\n".join(many)


@each_model
def test_a_list_that_is_long_enough_to_search_can_be_searched(model: type[Model], root: Client) -> None:
    add_rows(model, 2)
    model_admin = admin.site.get_model_admin(model)
    assert model_admin.search_fields
    for term in ("kim", HOSTILE, "\x00", "9" * 40):
        response = root.get(list_url(model), {"q": term})
        assert response.status_code == 200
        assert "<script>alert(1)</script>" not in response.content.decode()


@each_model
def test_a_list_says_what_appears_in_it_and_what_it_is_searched_for(model: type[Model]) -> None:
    model_admin = admin.site.get_model_admin(model)
    assert model_admin.nothing_yet.endswith(".")  # type: ignore[attr-defined]
    assert model_admin.search_help_text


def test_a_list_without_rows_teaches_and_one_that_was_narrowed_to_nothing_leads_back(root: Client) -> None:
    empty, narrowed = list_url(Incident), list_url(Incident, "?q=nothing")
    assertContains(root.get(empty), "opens an incident here.")
    assertNotContains(root.get(empty), "Nothing matches")
    assertContains(root.get(narrowed), "Nothing matches")
    assertNotContains(root.get(narrowed), "opens an incident here.")
    add_rows(Incident, 1)
    assertNotContains(root.get(empty), "opens an incident here.")


def test_a_list_without_rows_offers_to_add_one_to_who_may(root: Client, auditor: Client) -> None:
    assertContains(root.get(list_url(Job)), "Add job")
    assertContains(auditor.get(list_url(Job)), "No job yet.")
    assertNotContains(auditor.get(list_url(Job)), "Add job")


def test_the_headings_of_a_list_are_drawn_once_however_many_rows_it_has(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rows(Incident, 5)
    drawn, draw = [], list_headings._draw

    def draw_and_count(shown: Any) -> Any:
        drawn.append(shown)
        return draw(shown)

    monkeypatch.setattr(list_headings, "_draw", draw_and_count)
    assert root.get(list_url(Incident)).content.count(b'data-label="incident"') == 5
    assert len(drawn) == 1


@each_model
def test_every_filter_of_a_list_can_be_opened(model: type[Model], root: Client) -> None:
    add_rows(model, 2)
    changelist = root.get(list_url(model)).context["cl"]
    for spec in changelist.filter_specs:
        for choice in spec.choices(changelist):
            if "query_string" in choice:
                assert root.get(list_url(model, choice["query_string"])).status_code == 200, choice


@each_model
def test_a_list_cannot_be_narrowed_by_what_nobody_may_read(model: type[Model], root: Client) -> None:
    """A password that can be asked about letter by letter is a password that is known."""
    add_rows(model, 1)
    people = [field.name for field in model._meta.get_fields() if field.is_relation and field.related_model is User]
    lookups = [f"{name}__password__startswith" for name in people] + (["password__startswith"] if model is User else [])
    for lookup in lookups:
        assert root.get(list_url(model), {lookup: "p"}).status_code == 400, lookup


@each_model
def test_what_a_machine_writes_cannot_be_typed(model: type[Model], root: Client) -> None:
    [row] = add_rows(model, 1)
    label = model._meta.label
    names = {field.name for field in model._meta.get_fields()}
    assert WRITTEN_BY_MACHINES[label] <= names
    response = root.get(change_url(row), follow=True)
    assert response.status_code == 200
    typed = _fields_to_type(response)
    assert not typed & WRITTEN_BY_MACHINES[label]


@each_model
def test_a_form_says_what_it_was_filled_with(model: type[Model], root: Client) -> None:
    [row] = add_rows(model, 1)
    response = root.get(change_url(row), {"edit": "1"}, follow=True)
    assert not _fields_to_type(response) or 'name="as_read"' in response.content.decode()


@each_model
def test_the_history_cannot_be_deleted_even_by_who_may_do_everything(model: type[Model], root: Client) -> None:
    [row] = add_rows(model, 1)
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="root")
    may_delete = admin.site.get_model_admin(model).has_delete_permission(request, row)
    assert may_delete is (model._meta.label not in KEPT)
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_delete", args=[row.pk])
    assert root.get(url).status_code == (200 if may_delete else 403)


@each_model
def test_an_auditor_reads_a_row_and_cannot_save_it(model: type[Model], auditor: Client) -> None:
    [row] = add_rows(model, 1)
    response = auditor.get(change_url(row), follow=True)
    if model._meta.label in ("auth.Group", "pipeline.User"):
        assert response.status_code == 403
        return
    assert response.status_code == 200
    assert not _fields_to_type(response)
    assert auditor.post(change_url(row), {}).status_code in (302, 403, 405)


def _fields_to_type(response: Any) -> set[str]:
    """The fields of the page's form that are not read-only; a page of another shape than Django's has none here."""
    if response.context is None or "adminform" not in response.context:
        return set()
    shown = response.context["adminform"]
    names = set(flatten_fieldsets(shown.fieldsets)) - set(shown.readonly_fields)
    return {name for name in names & set(shown.form.fields) if not shown.form.fields[name].disabled}
