"""The organisation's rows and the rejection phrases."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from messaging.admin.reserves import in_words
from messaging.models import PolicyRow, RejectionPhrase
from messaging.policy.floor import Reserve, Touchpoint
from pipeline.milestones import Milestone
from tests.factories import make_colleague, make_stage_rule, make_template, sign
from tests.messaging.admin.saving import save

EVIL = "<script>alert(1)</script>"
ADD = "admin:messaging_policyrow_add"
BODY = "Dear {{ candidate.full_name }}, thank you. {{ sender.name }}"


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_colleague(role))
    return client


@pytest.fixture
def client(db: None) -> Client:
    return client_of("Administrator")


def make_row(touchpoint: str, from_milestone: int, reserve: int) -> PolicyRow:
    return PolicyRow.objects.create(touchpoint=touchpoint, from_milestone=from_milestone, reserve=reserve)


def row_fields(touchpoint: str, from_milestone: int, reserve: int, **overrides: Any) -> dict[str, Any]:
    return {"touchpoint": touchpoint, "from_milestone": from_milestone, "reserve": reserve, "why": ""} | overrides


def change_page(row: PolicyRow) -> str:
    return reverse("admin:messaging_policyrow_change", args=[row.pk])


def delete_page(row: PolicyRow) -> str:
    return reverse("admin:messaging_policyrow_delete", args=[row.pk])


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


# --- Rows -------------------------------------------------------------------------------------------------------------


def test_a_row_stricter_than_the_floor_is_saved(client: Client) -> None:
    posted = row_fields(
        Touchpoint.STATUS_UPDATE, Milestone.INTERVIEW, Reserve.PERSON_SENDS, why="Finalists hear a voice."
    )
    assert save(client, reverse(ADD), posted).status_code == 302
    row = PolicyRow.objects.get()
    assert (row.touchpoint, row.from_milestone, row.reserve) == ("status_update", Milestone.INTERVIEW, 1)


@pytest.mark.parametrize(
    ("touchpoint", "from_milestone", "reserve", "floor_from"),
    [
        (Touchpoint.REJECTION, Milestone.PHONE_SCREEN, Reserve.PERSON_SENDS, "phone screen"),
        (Touchpoint.REJECTION, Milestone.REVIEW, Reserve.PERSON_SENDS, "phone screen"),
        (Touchpoint.OFFER, Milestone.APPLIED, Reserve.AUTOMATIC, "applied"),
        (Touchpoint.CHECK_IN, Milestone.HIRED, Reserve.PERSON_SENDS, "hired"),
    ],
)
def test_a_row_looser_than_the_floor_is_refused_and_the_sentence_names_the_floor(
    client: Client, touchpoint: str, from_milestone: int, reserve: int, floor_from: str
) -> None:
    response = save(client, reverse(ADD), row_fields(touchpoint, from_milestone, reserve))
    [sentence] = response.context["adminform"].form.errors["reserve"]
    assert sentence.startswith(f"From {floor_from} on the floor says")
    assert not PolicyRow.objects.exists()
    strict = row_fields(touchpoint, from_milestone, Reserve.PERSON_WRITES)
    assert save(client, reverse(ADD), strict).status_code == 302


def test_a_row_is_judged_together_with_the_others_of_its_touchpoint(client: Client) -> None:
    make_row(Touchpoint.REJECTION, Milestone.PHONE_SCREEN, Reserve.PERSON_WRITES)
    posted = row_fields(Touchpoint.REJECTION, Milestone.REVIEW, Reserve.PERSON_SENDS)
    assert save(client, reverse(ADD), posted).status_code == 302


def test_a_change_that_makes_the_rows_loose_is_refused_and_the_touchpoint_stays(client: Client) -> None:
    make_row(Touchpoint.REJECTION, Milestone.REVIEW, Reserve.PERSON_SENDS)
    row = make_row(Touchpoint.REJECTION, Milestone.PHONE_SCREEN, Reserve.PERSON_WRITES)
    loose = save(client, change_page(row), row_fields("", Milestone.INTERVIEW, Reserve.PERSON_WRITES))
    assert "From phone screen on the floor says" in loose.context["adminform"].form.errors["reserve"][0]
    save(
        client, change_page(row), row_fields(Touchpoint.OFFER, Milestone.REVIEW + 1, Reserve.PERSON_WRITES, why="Known")
    )
    row.refresh_from_db()
    assert (row.touchpoint, row.from_milestone, row.why) == ("rejection", Milestone.PHONE_SCREEN, "Known")


def test_a_row_that_holds_a_looser_one_is_removed_last(client: Client) -> None:
    loose = make_row(Touchpoint.REJECTION, Milestone.REVIEW, Reserve.PERSON_SENDS)
    row = make_row(Touchpoint.REJECTION, Milestone.PHONE_SCREEN, Reserve.PERSON_WRITES)
    refused = client.post(delete_page(row), {"post": "yes"}, follow=True)
    assert "cannot be removed before the others" in said(refused)
    assert PolicyRow.objects.count() == 2
    for one in (loose, row):
        assert client.post(delete_page(one), {"post": "yes"}).status_code == 302
    assert not PolicyRow.objects.exists()


def test_the_same_row_twice_is_refused(client: Client) -> None:
    make_row(Touchpoint.STATUS_UPDATE, Milestone.INTERVIEW, Reserve.PERSON_SENDS)
    again = save(client, reverse(ADD), row_fields(Touchpoint.STATUS_UPDATE, Milestone.INTERVIEW, Reserve.PERSON_WRITES))
    assert again.status_code == 200
    assert PolicyRow.objects.count() == 1


def test_a_stricter_policy_says_which_templates_say_less_by_now(client: Client) -> None:
    loose = make_template(name="Weekly news", touchpoint=Touchpoint.STATUS_UPDATE)
    make_stage_rule(loose, from_milestone=Milestone.INTERVIEW, reserve=Reserve.PERSON_SENDS)
    strict = make_template(name="Careful news", touchpoint=Touchpoint.STATUS_UPDATE)
    make_stage_rule(strict, from_milestone=Milestone.INTERVIEW, reserve=Reserve.PERSON_WRITES)
    make_template(name="Plain news", touchpoint=Touchpoint.STATUS_UPDATE)
    posted = row_fields(Touchpoint.STATUS_UPDATE, Milestone.INTERVIEW, Reserve.PERSON_WRITES)
    warning = said(save(client, reverse(ADD), posted, follow=True))
    assert "The stage rules of 1 template say less than this policy now: “Weekly news”." in warning
    assert "Careful news" not in warning
    assert "Plain news" not in warning


def test_a_policy_that_touches_no_template_warns_of_nothing(client: Client) -> None:
    make_stage_rule(make_template(touchpoint=Touchpoint.REMINDER), from_milestone=1, reserve=Reserve.PERSON_SENDS)
    posted = row_fields(Touchpoint.STATUS_UPDATE, Milestone.INTERVIEW, Reserve.PERSON_WRITES)
    assert "say less" not in said(save(client, reverse(ADD), posted, follow=True))


# --- Who may what -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["Auditor", "Recruiter", "Coordinator"])
def test_only_administrators_change_the_policy(role: str) -> None:
    row, client = make_row(Touchpoint.OFFER, Milestone.APPLIED, Reserve.PERSON_WRITES), client_of(role)
    assert client.get(reverse("admin:messaging_policyrow_changelist")).status_code == 200
    assert client.get(change_page(row)).status_code == 200
    posted = row_fields(Touchpoint.OFFER, Milestone.REVIEW, Reserve.PERSON_WRITES)
    assert save(client, change_page(row), posted).status_code == 403
    assert save(client, reverse(ADD), posted).status_code == 403
    assert client.post(delete_page(row), {"post": "yes"}).status_code == 403
    assert client.post(reverse("admin:messaging_rejectionphrase_add"), {"text": "not this time"}).status_code == 403
    row.refresh_from_db()
    assert row.from_milestone == Milestone.APPLIED


# --- Rejection phrases ------------------------------------------------------------------------------------------------


def test_a_phrase_says_whose_wording_it_stands_in(client: Client) -> None:
    body = f"{BODY} We chose another path."
    touched = make_template(name="Weekly news", touchpoint=Touchpoint.STATUS_UPDATE, body=body)
    make_template(name="Early no", touchpoint=Touchpoint.REJECTION, body=body)
    make_template(name="Old news", touchpoint=Touchpoint.STATUS_UPDATE, body=body, is_active=False)
    add = reverse("admin:messaging_rejectionphrase_add")
    warning = said(save(client, add, {"text": "chose another  path"}, follow=True))
    assert "stands in the wording of “Weekly news”." in warning
    assert RejectionPhrase.objects.filter(text="chose another  path").exists()
    sign(touched.wordings.get())
    assert "stands in" not in said(save(client, add, {"text": "walk another path"}, follow=True))


@pytest.mark.parametrize("text", ["…", " - ", "\u200b"])
def test_a_phrase_without_a_word_is_refused(client: Client, text: str) -> None:
    before = RejectionPhrase.objects.count()
    response = client.post(reverse("admin:messaging_rejectionphrase_add"), {"text": text})
    assert response.status_code == 200
    assert response.context["adminform"].form.errors["text"]
    assert RejectionPhrase.objects.count() == before


def test_a_phrase_can_be_changed_and_removed(client: Client) -> None:
    phrase = RejectionPhrase.objects.create(text="not this one")
    save(client, reverse("admin:messaging_rejectionphrase_change", args=[phrase.pk]), {"text": "not that one"})
    phrase.refresh_from_db()
    assert phrase.text == "not that one"
    client.post(reverse("admin:messaging_rejectionphrase_delete", args=[phrase.pk]), {"post": "yes"})
    assert not RejectionPhrase.objects.filter(pk=phrase.pk).exists()


# --- In words ---------------------------------------------------------------------------------------------------------


def test_reserves_are_told_in_runs() -> None:
    asked = dict(zip(Milestone, [0, 0, 1, 2, 2, 2, 2], strict=True))
    assert in_words({at: Reserve(reserve) for at, reserve in asked.items()}) == [
        "From applied to review: sent automatically.",
        "At phone screen: sent by a person.",
        "From interview on: written by a person.",
    ]
    assert in_words(dict.fromkeys(Milestone, Reserve.PERSON_SENDS)) == ["For everybody: sent by a person."]


# --- What arrives is hostile ------------------------------------------------------------------------------------------


def test_no_page_runs_what_a_name_or_a_reason_brings(client: Client) -> None:
    template = make_template(name=EVIL, touchpoint=Touchpoint.STATUS_UPDATE, body=f"{BODY} alert(1)")
    make_stage_rule(template, from_milestone=1, reserve=Reserve.PERSON_SENDS)
    posted = row_fields(Touchpoint.STATUS_UPDATE, Milestone.APPLIED, Reserve.PERSON_WRITES, why=EVIL)
    pages = [
        save(client, reverse(ADD), posted, follow=True),
        client.get(change_page(PolicyRow.objects.get())),
        save(client, reverse("admin:messaging_rejectionphrase_add"), {"text": EVIL}, follow=True),
    ]
    for response in pages:
        assert response.status_code == 200
        assert EVIL not in text_of(response)
    assert "&lt;script&gt;" in text_of(pages[0])
