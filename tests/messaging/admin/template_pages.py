"""The pages of templates and wordings as a browser meets them: their addresses, what they post, what they say."""

from typing import Any

from django.test import Client
from django.urls import reverse

from messaging.models import Template, Wording
from messaging.policy.floor import Touchpoint
from tests.factories import make_colleague

EVIL = "<script>alert(1)</script>"
BODY = "Dear {{ candidate.full_name }},\n\nthank you.\n\n{{ sender.name }}"


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_colleague(role))
    return client


def page(template: Template) -> str:
    return reverse("admin:messaging_template_change", args=[template.pk])


def fields(template: Template | None = None, **overrides: Any) -> dict[str, Any]:
    """What the form posts; of an existing template, all as it is unless told otherwise."""
    newest = template.wordings.order_by("-number").first() if template else None
    rules = list(template.stage_rules.all()) if template else []
    posted: dict[str, Any] = {
        "name": template.name if template else "Receipt",
        "touchpoint": template.touchpoint if template else Touchpoint.ACKNOWLEDGEMENT,
        "is_active": "on",
        "subject": newest.subject if newest else "Thank you",
        "body": newest.body if newest else BODY,
        "started_from": newest.number if newest else "",
        "stage_rules-TOTAL_FORMS": len(rules),
        "stage_rules-INITIAL_FORMS": len(rules),
    }
    for at, rule in enumerate(rules):
        posted |= rule_fields(at, rule.from_milestone, rule.reserve) | {f"stage_rules-{at}-id": rule.pk}
    return posted | overrides


def rule_fields(at: int, from_milestone: int, reserve: int) -> dict[str, Any]:
    return {f"stage_rules-{at}-from_milestone": from_milestone, f"stage_rules-{at}-reserve": reserve}


def new_rules(template: Template, *rules: tuple[int, int]) -> dict[str, Any]:
    posted = fields(template) | {"stage_rules-TOTAL_FORMS": len(rules)}
    for at, (from_milestone, reserve) in enumerate(rules):
        posted |= rule_fields(at, from_milestone, reserve)
    return posted


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def said(response: Any) -> str:
    """The messages on the page that follows."""
    return " ".join(str(message) for message in response.context["messages"])


def sign_page(wording: Wording) -> str:
    return reverse("admin:messaging_wording_sign", args=[wording.pk])


def preview(client: Client, template: Template, **query: Any) -> Any:
    return client.get(reverse("admin:messaging_template_preview", args=[template.pk]), query)
