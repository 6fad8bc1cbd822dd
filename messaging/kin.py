"""How close a person's message is to what is known already: the wordings, and what people wrote to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.models import Message, Wording
from messaging.policy.decision import Origin
from messaging.values import gather_values
from messaging.wording import kinship, rendering

# How far back a person's text is compared with what they and others wrote to candidates.
KIN_FOR = timedelta(days=180)
KIN_AT_MOST = 300


@dataclass(frozen=True, kw_only=True)
class Answer:
    too_short: bool
    label: str | None
    passage: str


NOT_COMPARED = Answer(too_short=False, label=None, passage="")


@dataclass(frozen=True, kw_only=True)
class Known:
    """Every template's wordings, and what people wrote to candidates lately."""

    wordings: tuple[Wording, ...]
    written: tuple[tuple[int, str], ...]  # candidate, body

    @classmethod
    def read(cls, *, now: datetime) -> Known:
        written = (
            Message.objects.filter(origin=Origin.PERSON, created_at__gte=now - KIN_FOR)
            .exclude(status=Message.Status.CANCELLED)
            .order_by("-created_at")
        )
        return cls(
            wordings=tuple(Wording.objects.order_by("template", "-number").select_related("template")),
            written=tuple(written.values_list("application__candidate", "body")[:KIN_AT_MOST]),
        )


NOTHING_KNOWN = Known(wordings=(), written=())


def find(message: Message, text: rendering.Rendered, known: Known) -> Answer:
    kin = kinship.too_close(text.body, others=_known_texts(message, known))
    return Answer(
        too_short=kinship.too_short(text.body),
        label=kin.label if kin else "",
        passage=kin.passage if kin else "",
    )


def closest_kin(message: Message, *, now: datetime) -> kinship.Kin | None:
    """The known text that a person's message is closest to, however far; for showing it to them while they write."""
    return kinship.closest(message.body, others=_known_texts(message, Known.read(now=now)))


def _known_texts(message: Message, known: Known) -> list[kinship.KnownText]:
    """The wordings filled in for this candidate, and what was written to others."""
    values = gather_values(message.application, interview=None, sender=message.written_by)
    texts = []
    for wording in known.wordings:
        rendered = rendering.render(subject=wording.subject, body=wording.body, values=values)
        texts.append(kinship.KnownText(label=f"the template “{wording.template}”", text=rendered.body or wording.body))
    texts += [
        kinship.KnownText(label="a message to another candidate", text=body)
        for candidate, body in known.written
        if candidate != message.application.candidate_id
    ]
    return texts
