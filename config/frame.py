"""What stands around every page: the sidebar, grouped as a coordinator thinks, and the label that says whether mail leaves.
Nobody is shown a page that they may not see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse

from messaging import routing
from messaging.admin.desk import person_of
from messaging.models import HandOff


@dataclass(frozen=True)
class Page:
    """`name`: of its URL. `permission`: empty where everybody who works here may see it."""

    title: str
    icon: str
    name: str
    permission: str


TODAY = "admin:index"
HAND_OFFS = "admin:messaging_handoff_changelist"

GROUPS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "Today",
        (
            Page("Today", "today", TODAY, ""),
            Page("Hand-offs", "edit_note", HAND_OFFS, "messaging.view_handoff"),
            Page("Help", "menu_book", "help:page", ""),
        ),
    ),
    (
        "Candidates",
        (
            Page("Board", "view_kanban", "board:list", "pipeline.view_application"),
            Page("Candidates", "group", "admin:pipeline_candidate_changelist", "pipeline.view_candidate"),
            Page(
                "Applications", "assignment_ind", "admin:pipeline_application_changelist", "pipeline.view_application"
            ),
            Page("Operations", "checklist", "admin:messaging_operation_changelist", "messaging.view_operation"),
            Page("Interviews", "forum", "admin:pipeline_interview_changelist", "pipeline.view_interview"),
            Page("Import", "upload_file", "intake:upload", "pipeline.import_candidates"),
        ),
    ),
    (
        "Messages",
        (
            Page("Outbox", "outbox", "outbox:list", "messaging.view_message"),
            Page("Messages", "mail", "admin:messaging_message_changelist", "messaging.view_message"),
            Page("Uncertain", "help", "admin:messaging_message_uncertain", "messaging.view_message"),
            Page("Templates", "description", "admin:messaging_template_changelist", "messaging.view_template"),
            Page("Automations", "bolt", "admin:messaging_automation_changelist", "messaging.view_automation"),
            Page("Brakes", "pan_tool", "brakes:list", "messaging.view_brake"),
        ),
    ),
    (
        "Reports",
        (
            Page("Time given back", "hourglass_top", "reports:hours", "messaging.view_report"),
            Page("Response times", "timer", "reports:answers", "messaging.view_report"),
            Page("Ghosting ledger", "visibility_off", "reports:silence", "messaging.view_report"),
            Page("Human moments", "handshake", "reports:moments", "messaging.view_report"),
        ),
    ),
    (
        "Policy",
        (
            Page("Who may send what", "grid_on", "admin:messaging_policyrow_map", "messaging.view_policyrow"),
            Page("Policy rows", "front_hand", "admin:messaging_policyrow_changelist", "messaging.view_policyrow"),
            Page(
                "Rejection phrases",
                "format_quote",
                "admin:messaging_rejectionphrase_changelist",
                "messaging.view_rejectionphrase",
            ),
            Page("Verdicts", "gavel", "admin:messaging_recordedverdict_changelist", "messaging.view_recordedverdict"),
            Page("Incidents", "report", "admin:messaging_incident_changelist", "messaging.view_incident"),
            Page(
                "Ledger entries", "receipt_long", "admin:messaging_ledgerentry_changelist", "messaging.view_ledgerentry"
            ),
            Page("Seals", "link", "admin:messaging_seal_changelist", "messaging.view_seal"),
            Page("Stage changes", "history", "admin:pipeline_stagechange_changelist", "pipeline.view_stagechange"),
        ),
    ),
    (
        "Settings",
        (
            Page("Jobs", "work", "admin:pipeline_job_changelist", "pipeline.view_job"),
            Page("Pipelines", "view_week", "admin:pipeline_pipeline_changelist", "pipeline.view_pipeline"),
            Page("Reasons", "label", "admin:pipeline_reason_changelist", "pipeline.view_reason"),
            Page("Sources", "input", "admin:pipeline_source_changelist", "pipeline.view_source"),
            Page("Safe mode", "shield", "safe_mode:page", "messaging.view_installation"),
            Page("People", "badge", "admin:pipeline_user_changelist", "pipeline.view_user"),
            Page("Roles", "shield_person", "admin:auth_group_changelist", "auth.view_group"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    links = _links(get_script_prefix())
    open_page = _page_of(request.path, links)
    groups = [
        {
            "title": title,
            "items": [
                _item(page, request, link=links[page.name], is_open=page.name == open_page)
                for page in pages
                if may_open(page, request)
            ],
        }
        for title, pages in GROUPS
    ]
    return [group for group in groups if group["items"]]


def _item(page: Page, request: HttpRequest, *, link: str, is_open: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"title": page.title, "icon": page.icon, "link": link, "active": is_open}
    if page.name == HAND_OFFS and (mine := HandOff.objects.open().filter(owner=request.user.pk).count()):
        item |= {"badge": mine, "badge_variant": "warning"}
    return item


def may_open(page: Page, request: HttpRequest) -> bool:
    return not page.permission or person_of(request).has_perm(page.permission)


@cache
def _links(prefix: str) -> dict[str, str]:
    """By the name of the page. Every page shows them, and they are the same under one `prefix` of the web server."""
    return {page.name: reverse(page.name) for _, pages in GROUPS for page in pages}


def _page_of(path: str, links: dict[str, str]) -> str:
    """The name of the page that an address belongs to: of those that it begins with, the one that says most."""
    within = [name for name, link in links.items() if path.startswith(link) and (name != TODAY or path == link)]
    return max(within, key=lambda name: len(links[name]), default="")


def environment(request: HttpRequest) -> tuple[str, str]:
    """Whether mail really leaves, on every page, because nothing else about the pages differs."""
    if settings.MAIL_MODE == routing.LIVE:
        return "Live", "danger"
    if settings.MAIL_MODE == routing.ALLOWLIST:
        return "Allow-list: others get no mail", "warning"
    return "Simulate: no mail leaves", "info"
