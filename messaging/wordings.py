"""How a wording comes to be: written under the next number, never changed, and signed by named people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from messaging import ledger
from messaging.models import LedgerEntry, RejectionPhrase, Signature, Template, Wording
from messaging.policy.floor import FLOOR, Reserve, Touchpoint, touchpoint_of
from messaging.wording import rendering, tripwire
from messaging.wording.fingerprint import text_fingerprint
from messaging.wording.placeholders import example_values
from messaging.wording.rendering import TextFinding
from pipeline.actors import person
from pipeline.models import User
from pipeline.outcomes import Refusal


def write_wording(
    template: Template, *, subject: str, body: str, by: User, now: datetime
) -> Wording | tuple[TextFinding, ...]:
    """The next number, or the newest wording where the text is the same. Findings: what to change; nothing was saved."""
    findings = rendering.check(subject=subject, body=body)
    if findings:
        return findings
    text = _tidy(subject), _tidy(body)
    with transaction.atomic():
        # One writer at a time for each template, so that two who save together get two numbers.
        Template.objects.select_for_update().get(pk=template.pk)
        newest = newest_of(template)
        if newest is not None and (newest.subject, newest.body) == text:
            return newest
        return Wording.objects.create(
            template=template,
            number=newest.number + 1 if newest else 1,
            subject=text[0],
            body=text[1],
            written_by=by,
            created_at=now,
        )


def newest_of(template: Template) -> Wording | None:
    return template.wordings.select_related("written_by").order_by("-number").first()


def sign(wording: Wording, *, by: User, now: datetime) -> Signature | Refusal:
    """The person stands for this text from now on. The writer may sign their own; nobody can sign twice."""
    name = by.get_full_name()
    if not name:
        return Refusal(
            "Your account has no first or last name, and a signature is a name. Ask an administrator to fill it in."
        )
    findings = rendering.check(subject=wording.subject, body=wording.body)
    if findings:
        return Refusal(f"{wording} cannot be signed as it is. {findings[0].sentence} Write a new wording without it.")
    try:
        with transaction.atomic():
            signature = Signature.objects.create(wording=wording, signed_by=by, name=name[:200], signed_at=now)
            data: dict[str, ledger.Plain] = {
                "signature": signature.pk,
                "template": wording.template_id,
                "number": wording.number,
                "fingerprint": text_fingerprint(
                    touchpoint=wording.template.touchpoint, subject=wording.subject, body=wording.body
                ),
            }
            ledger.write(LedgerEntry.Kind.SIGNED, about=wording, by=person(by.pk), now=now, data=data)
            return signature
    except IntegrityError:
        return Refusal(f"Your name already stands under {wording}. A second signature must be another person’s.")


def read_phrases() -> tuple[str, ...]:
    return tuple(RejectionPhrase.objects.values_list("text", flat=True))


def rejection_phrases_of(wording: Wording, *, phrases: Sequence[str]) -> tuple[str, ...]:
    """What makes a text of another automatic kind read like a rejection, so that two must sign it. Empty: one will do.

    Looks at the text as written, so that no branch of an `if` is overlooked, and as it would be read.
    """
    kind = touchpoint_of(wording.template.touchpoint)
    if kind is Touchpoint.REJECTION or Reserve.AUTOMATIC not in FLOOR[kind]:
        return ()
    rendered = rendering.render(subject=wording.subject, body=wording.body, values=example_values())
    texts = (wording.subject, wording.body, rendered.subject, rendered.body)
    return tripwire.rejection_phrases_in("\n\n".join(texts), phrases=phrases)


def _tidy(text: str) -> str:
    """As it is stored: line ends as \\n, nothing around it; a browser's line ends alone are no new wording."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
