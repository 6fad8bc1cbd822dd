"""How a wording comes to be: written under the next number, never changed, and signed by named people; and what there is to
say to its text before that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from messaging import ledger
from messaging.models import LedgerEntry, RejectionPhrase, Signature, Template, Wording
from messaging.policy.floor import FLOOR, Reserve, Touchpoint, touchpoint_of
from messaging.wording import rendering, tripwire, voice
from messaging.wording.fingerprint import text_fingerprint
from messaging.wording.passages import Passage, passages_of
from messaging.wording.placeholders import example_values
from messaging.wording.rendering import TextFinding
from messaging.wording.voice import Voice
from pipeline.actors import person
from pipeline.models import User
from pipeline.outcomes import Refusal


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """What makes a text read like a rejection; without a place where it only does so once its values are filled in."""

    text: str
    part: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, kw_only=True)
class Heard:
    flaws: tuple[TextFinding, ...]
    voice: Voice
    phrases: tuple[Phrase, ...]

    @property
    def sentence(self) -> str:
        """For somebody who hears the page."""
        remarks = len(self.voice.remarks)
        sentences = [
            f"{_in_number(len(self.flaws), 'thing')} to change before it can be saved." if self.flaws else "",
            "It reads like a rejection." if self.phrases else "",
            f"{_in_number(remarks, 'remark')} on the voice." if remarks else "Nothing to remark on the voice.",
        ]
        return " ".join(sentence for sentence in sentences if sentence)


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


def hear(*, subject: str, body: str, touchpoint: str, phrases: Sequence[str]) -> Heard:
    """`phrases`: the organisation's, see `read_phrases`."""
    return Heard(
        flaws=rendering.check(subject=subject, body=body) if subject.strip() or body.strip() else (),
        voice=voice.listen(subject=subject, body=body, touchpoint=touchpoint),
        phrases=_tripped(subject=subject, body=body, touchpoint=touchpoint, phrases=phrases),
    )


def _tripped(*, subject: str, body: str, touchpoint: str, phrases: Sequence[str]) -> tuple[Phrase, ...]:
    wording = Wording(template=Template(touchpoint=touchpoint), subject=subject, body=body)
    found = rejection_phrases_of(wording, phrases=phrases)
    places: dict[str, tuple[str, Passage]] = {}
    for part, text in (("subject", subject), ("body", body)):
        for phrase, passage in passages_of(text, found).items():
            places.setdefault(phrase, (part, passage))
    return tuple(
        Phrase(text=phrase, part=places[phrase][0], start=places[phrase][1].start, end=places[phrase][1].end)
        if phrase in places
        else Phrase(text=phrase)
        for phrase in found
    )


def _in_number(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"


def _tidy(text: str) -> str:
    """As it is stored: line ends as \\n, nothing around it; a browser's line ends alone are no new wording."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
