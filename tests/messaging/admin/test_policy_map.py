"""The page of the whole policy: what it says of a cell, and how an administrator asks for more and takes it back."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.models import LedgerEntry, PolicyRow
from messaging.policy.floor import Reserve, Touchpoint
from messaging.policy_map import COLUMNS
from pipeline.milestones import Milestone
from tests.factories import make_colleague, make_message, make_stage_rule, make_template
from tests.messaging.admin.saving import save

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"
MAP = "admin:messaging_policyrow_map"
ROW = "admin:messaging_policyrow_map_row"
UPDATE = "kind=status_update&at=4"


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_colleague(role))
    return client


@pytest.fixture
def client() -> Client:
    return client_of("Administrator")


def make_row(touchpoint: str, from_milestone: int, reserve: int, why: str = "") -> PolicyRow:
    return PolicyRow.objects.create(touchpoint=touchpoint, from_milestone=from_milestone, reserve=reserve, why=why)


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def opened(client: Client, query: str = UPDATE) -> Any:
    return client.get(f"{reverse(MAP)}?{query}")


def asked(touchpoint: str, milestone: int, reserve: int, **more: Any) -> dict[str, Any]:
    """What the panel of a cell posts."""
    return {
        "kind": touchpoint,
        "at": milestone,
        "touchpoint": touchpoint,
        "from_milestone": milestone,
        "reserve": reserve,
        "why": "",
    } | more


class Table(HTMLParser):
    """The words of each body row, the attributes of all headings, and the sentence of each cell's link."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.headings: list[dict[str, str | None]] = []
        self.sentences: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td") and self.rows:
            self.rows[-1].append("")
        if tag == "th":
            self.headings.append(dict(attrs))
        if tag == "a":
            self.sentences.append(dict(attrs)["aria-label"] or "")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and data.strip():
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data.strip()}".strip()


def table(client: Client) -> Table:
    text = text_of(client.get(reverse(MAP)))
    return Table(text[text.index("<table") : text.index("</table>")])


# --- What it says -----------------------------------------------------------------------------------------------------


def test_each_cell_says_in_words_who_may_send_and_who_decided(client: Client) -> None:
    make_row(Touchpoint.STATUS_UPDATE, Milestone.FINAL_ROUND, Reserve.PERSON_WRITES)
    make_stage_rule(
        make_template(touchpoint=Touchpoint.SURVEY), from_milestone=Milestone.HIRED, reserve=Reserve.PERSON_SENDS
    )
    rows = {row[0]: row[1:] for row in table(client).rows[2:]}
    assert len(rows) == 12
    assert rows["Status update"] == ["Automatic Floor"] * 6 + ["Person writes Policy"] * 3
    early = rows["Rejection only after a person’s decision to reject"][:4]
    assert early == ["Automatic Floor", "Person writes Floor"] * 2
    assert rows["Offer"] == ["Person sends Floor"] * len(COLUMNS)
    [survey] = [cells for kind, cells in rows.items() if kind.startswith("Survey")]
    assert survey == ["Automatic Floor"] * 8 + ["Automatic Floor description 1"]


def test_each_cell_can_be_opened_and_heard(client: Client) -> None:
    sentences = table(client).sentences
    assert len(sentences) == 12 * len(COLUMNS)
    assert "Rejection, reached review, somebody dealt with them: person writes. The floor decides." in sentences
    assert "Offer, reached hired: person sends. The floor decides." in sentences


def test_every_heading_of_the_map_says_what_it_heads(client: Client) -> None:
    headings = table(client).headings
    assert {heading.get("scope") for heading in headings} == {"col", "colgroup", "row"}
    assert len(headings) == 1 + 2 + 5 + 4 + 12


def test_an_open_cell_tells_what_floor_policy_and_templates_ask(client: Client) -> None:
    make_row(Touchpoint.STATUS_UPDATE, Milestone.PHONE_SCREEN, Reserve.PERSON_SENDS, why="They met us.")
    template = make_template(name="Weekly news", touchpoint=Touchpoint.STATUS_UPDATE)
    make_stage_rule(template, from_milestone=Milestone.INTERVIEW, reserve=Reserve.PERSON_WRITES)
    details = opened(client).context["details"]
    assert (details.title, details.where, details.words) == ("Status update", "reached interview", "A person sends it.")
    assert (details.floor_words, details.policy_words) == ("An automation sends it.", "A person sends it.")
    assert [(name, words) for name, _, words in details.demands] == [("Weekly news", "A person writes it.")]
    shown = text_of(opened(client))
    assert "They met us." in shown
    assert "It asks from phone screen on" in shown


def test_contact_before_phone_screen_is_asked_about_as_phone_screen(client: Client) -> None:
    details = opened(client, "kind=status_update&at=1&contact=1").context["details"]
    assert details.where == "reached applied, somebody dealt with them"
    assert details.standing == Milestone.PHONE_SCREEN


@pytest.mark.parametrize(
    "query", ["", "kind=gossip&at=1", "kind=offer&at=9", "kind=offer&at=²", "kind=offer&at=" + "9" * 99]
)
def test_an_address_that_names_no_cell_opens_none(client: Client, query: str) -> None:
    response = opened(client, query)
    assert response.status_code == 200
    assert response.context["details"] is None


def test_the_page_asks_as_many_questions_whatever_is_in_it(client: Client) -> None:
    counts = []
    for size in (1, 4):
        for number in range(size):
            make_row(Touchpoint.SURVEY, size + number, Reserve.PERSON_SENDS)
            make_stage_rule(
                make_template(touchpoint=Touchpoint.SURVEY), from_milestone=2, reserve=Reserve.PERSON_WRITES
            )
        opened(client, "kind=survey&at=4")
        with CaptureQueriesContext(connection) as captured:
            opened(client, "kind=survey&at=4")
        counts.append(len(captured))
    assert counts[0] == counts[1]


# --- Asking for more --------------------------------------------------------------------------------------------------


def test_what_it_would_change_is_shown_before_a_row_is_made(client: Client) -> None:
    message = make_message(template=make_template(touchpoint=Touchpoint.REJECTION))
    posted = asked("rejection", Milestone.APPLIED, Reserve.PERSON_WRITES)
    checked = client.post(reverse(ROW), posted)
    assert not PolicyRow.objects.exists()
    panel = checked.context["what_if"]
    assert panel.parts[1].sentence == "Of 1 scheduled message, 1 will go another way."
    assert str(message.application.candidate) in text_of(checked)

    saved = client.post(reverse(ROW), posted | {"what_if": panel.token})
    assert saved.headers["Location"] == f"{reverse(MAP)}?kind=rejection&at=1&contact=0"
    row = PolicyRow.objects.get()
    assert (row.touchpoint, row.from_milestone, row.reserve) == ("rejection", Milestone.APPLIED, Reserve.PERSON_WRITES)
    assert LedgerEntry.objects.filter(kind="rule_changed", subject=f"policyrow:{row.pk}").exists()
    assert LogEntry.objects.filter(object_id=row.pk).count() == 1


def test_what_was_shown_for_one_row_saves_no_other(client: Client) -> None:
    token = client.post(reverse(ROW), asked("survey", 4, Reserve.PERSON_SENDS)).context["what_if"].token
    other = asked("survey", 4, Reserve.PERSON_WRITES, what_if=token)
    assert client.post(reverse(ROW), other).context["what_if"].token != token
    assert not PolicyRow.objects.exists()
    assert client.post(reverse(ROW), asked("survey", 4, Reserve.PERSON_SENDS, what_if=token)).status_code == 302


def test_a_row_that_begins_here_is_changed_and_no_second_one_is_made(client: Client) -> None:
    row = make_row(Touchpoint.SURVEY, Milestone.OFFER, Reserve.PERSON_SENDS)
    assert save(client, reverse(ROW), asked("survey", Milestone.OFFER, Reserve.PERSON_WRITES)).status_code == 302
    assert [(one.pk, one.reserve) for one in PolicyRow.objects.all()] == [(row.pk, Reserve.PERSON_WRITES)]
    # Why somebody asks for it is none of the rule.
    reworded = asked("survey", Milestone.OFFER, Reserve.PERSON_WRITES, why="For Mei.")
    assert client.post(reverse(ROW), reworded).status_code == 302
    row.refresh_from_db()
    assert row.why == "For Mei."


def test_less_than_the_floor_is_refused_with_its_sentence(client: Client) -> None:
    refused = client.post(reverse(ROW), asked("rejection", Milestone.OFFER, Reserve.PERSON_SENDS))
    assert "From offer on the floor says" in text_of(refused)
    assert refused.context["what_if"] is None
    assert not PolicyRow.objects.exists()
    assert save(client, reverse(ROW), asked("rejection", Milestone.OFFER, Reserve.PERSON_WRITES)).status_code == 302


def test_a_row_is_taken_back_after_it_was_shown_what_that_changes(client: Client) -> None:
    row = make_row(Touchpoint.SURVEY, Milestone.OFFER, Reserve.PERSON_SENDS)
    posted = {"kind": "survey", "at": "6", "remove": row.pk}
    asked_first = client.post(reverse(ROW), posted)
    assert asked_first.context["removing"] == row
    assert PolicyRow.objects.filter(pk=row.pk).exists()
    assert client.post(reverse(ROW), posted | {"what_if": asked_first.context["what_if"].token}).status_code == 302
    assert not PolicyRow.objects.exists()
    assert LedgerEntry.objects.filter(kind="rule_changed", subject=f"policyrow:{row.pk}").exists()
    assert client.post(reverse(ROW), posted).status_code == 404


def test_a_row_that_holds_a_looser_one_is_taken_back_last(client: Client) -> None:
    loose = make_row(Touchpoint.REJECTION, Milestone.REVIEW, Reserve.PERSON_SENDS)
    row = make_row(Touchpoint.REJECTION, Milestone.PHONE_SCREEN, Reserve.PERSON_WRITES)
    refused = client.post(reverse(ROW), {"remove": row.pk}, follow=True)
    assert "cannot be removed before the others" in " ".join(str(one) for one in refused.context["messages"])
    assert PolicyRow.objects.count() == 2
    for one in (loose, row):
        assert save(client, reverse(ROW), {"remove": one.pk}).status_code == 302


# --- Who may what -----------------------------------------------------------------------------------------------------


def test_everybody_who_may_see_the_policy_sees_the_map_and_nobody_else() -> None:
    assert client_of("Auditor").get(reverse(MAP)).status_code == 200
    nobody = Client()
    assert nobody.get(reverse(MAP)).status_code == 302
    stranger = make_colleague("Auditor")
    stranger.groups.clear()
    nobody.force_login(stranger)
    assert nobody.get(reverse(MAP)).status_code == 403


@pytest.mark.parametrize("role", ["Auditor", "Recruiter", "Coordinator"])
def test_only_administrators_are_offered_a_change_and_only_they_make_one(role: str) -> None:
    row, client = make_row(Touchpoint.SURVEY, Milestone.HIRED, Reserve.PERSON_SENDS), client_of(role)
    shown = text_of(opened(client, "kind=survey&at=7"))
    assert "Check what it changes" not in shown
    assert "Remove…" not in shown
    assert client.post(reverse(ROW), asked("survey", Milestone.HIRED, Reserve.PERSON_WRITES)).status_code == 403
    assert client.post(reverse(ROW), asked("survey", Milestone.OFFER, Reserve.PERSON_WRITES)).status_code == 403
    assert client.post(reverse(ROW), {"remove": row.pk}).status_code == 403
    administrator = client_of("Administrator")
    assert "Check what it changes" in text_of(opened(administrator, "kind=survey&at=7"))
    assert administrator.post(reverse(ROW), asked("survey", 6, Reserve.PERSON_WRITES)).status_code == 200


def test_a_row_is_not_changed_by_opening_a_page(client: Client) -> None:
    assert client.get(reverse(ROW)).status_code == 405


def test_the_page_runs_nothing_that_a_name_or_a_reason_brings(client: Client) -> None:
    make_row(Touchpoint.SURVEY, 2, Reserve.PERSON_SENDS, why=EVIL)
    template = make_template(name=EVIL, touchpoint=Touchpoint.SURVEY)
    make_stage_rule(template, from_milestone=1, reserve=Reserve.PERSON_WRITES)
    posted = asked("survey", 4, Reserve.PERSON_WRITES, why=EVIL)
    for response in (opened(client, "kind=survey&at=2"), client.post(reverse(ROW), posted)):
        assert EVIL not in text_of(response)
        assert "&lt;script&gt;" in text_of(response)
