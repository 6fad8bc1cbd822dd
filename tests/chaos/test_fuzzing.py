"""Whatever stands in a name, a title, a subject or an address: what is built has one recipient, no header of anybody's
making, no hole, and reads back as the text that was cleared; or it is not built."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import hypothesis
from anymail.exceptions import AnymailInvalidAddress
from anymail.utils import parse_address_list
from django.utils.encoding import punycode
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from messaging import facts
from messaging.delivery import mail
from messaging.gate import Case, Clearance
from messaging.models import Attempt, Message
from messaging.policy.decision import decide
from messaging.wording.rendering import Rendered, render
from pipeline.models import User
from tests.chaos.figures import counted, size
from tests.factories import NOW
from tests.messaging.policy.test_decision import REJECTION

EXAMPLES = size("EXAMPLES", 2_000)

HEADERS = {
    "auto-submitted",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "reply-to",
    "subject",
    "to",
    "x-byhand-message",
}
NASTY = st.sampled_from(
    [
        "\r\nBcc: eve@example.net",
        "\n\nA second text",
        "{{ candidate.email }}",
        "{% raw %}",
        "{{ '{{' }}",
        "\u202egnp.exe",
        "\x00",
        "\x85",
        "\u2028",
        "<script>alert(1)</script>",
        "=?utf-8?q?=0D=0ABcc=3A_eve?=",
        '" <eve@example.net>, "',
        "\r\n.\r\nMAIL FROM:<eve@example.net>",
        "\n.\n",
        "a" * 1200,
        "é" * 400,
        "\ud7ff\U0001f600",
    ]
)
texts = st.lists(st.one_of(NASTY, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), max_size=4).map(
    "".join
)
names = st.one_of(texts, texts.map(lambda text: f"Kim {text}"), texts.map(lambda text: f"Kim {text}"))
addresses = st.one_of(
    texts,
    st.tuples(texts, st.sampled_from(["@example.com", "@example.com, eve@example.net", "@[127.0.0.1]", ""])).map(
        "".join
    ),
    st.tuples(
        st.sampled_from(["kim@example.com", "Kim <kim@example.com>", "kim@example.com;eve@example.net", "k: a@b.c;"]),
        st.one_of(st.just(""), NASTY),
    ).map("".join),
    st.emails(),
)

BODY = "Dear {{ candidate.first_name }} {{ candidate.last_name }},\n\nabout {{ job.title }}: {{ sender.name }}"
EXACTLY = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def build_letter(*, first: str, sender: str, recipient: str, rendered: Rendered) -> EmailMessage:
    """As it goes over the wire, read back."""
    message = Message(origin="automation", touchpoint="rejection")
    case = Case(
        message=message,
        facts=REJECTION,
        verdict=decide(REJECTION),
        subject=rendered.subject,
        body=rendered.body,
        sender=User(first_name=first, last_name=sender, email="ana@acme.example"),
        recipient=recipient,
        rules="",
    )
    attempt = Attempt(
        message=message,
        number=1,
        started_at=NOW,
        expires_at=NOW + timedelta(minutes=2),
        recipient=recipient,
        fingerprint="",
        provider="smtp",
    )
    built = mail.build(Clearance(attempt=attempt, case=case, recipient=recipient))
    assert [address.addr_spec for address in parse_address_list(built.recipients())] == [recipient]
    return email.message_from_bytes(built.message().as_bytes(), policy=email.policy.default)


def test_whatever_the_values_hold_one_letter_to_one_address_is_built(
    record_property: Callable[[str, object], None],
) -> None:
    with counted(record_property, "names, titles, subjects and texts") as count:

        @EXACTLY
        @given(first=names, last=names, title=names, sender=names, wording=st.one_of(st.just("you"), texts))
        def explore(first: str, last: str, title: str, sender: str, wording: str) -> None:
            count.size += 1
            values = {
                "candidate": {"first_name": first, "last_name": last},
                "job": {"title": title},
                "sender": {"name": sender},
            }
            rendered = render(subject=f"About {{{{ job.title }}}} {wording}", body=BODY, values=values)
            if rendered.problem or rendered.missing:
                count.faults += 1  # it is held
                return
            recipient = "kim@example.com"
            letter = build_letter(first=first, sender=sender, recipient=recipient, rendered=rendered)

            count.violations += 1  # taken back below, where nothing was found
            assert {name.casefold() for name in letter.keys()} == HEADERS  # noqa: SIM118  (a mail is no dictionary)
            assert len(letter.keys()) == len(HEADERS)
            assert [address.addr_spec for address in letter["To"].addresses] == [recipient]
            assert [address.addr_spec for address in letter["From"].addresses] == ["recruiting@example.com"]
            assert not any("\n" in str(value) or "\r" in str(value) for value in letter.values())
            # A long subject is folded, which may add a space and lose one.
            assert "".join(letter["Subject"].split()) == "".join(rendered.subject.split())
            part = letter.get_body(("plain",))
            assert part is not None
            read = str(part.get_content()).replace("\r\n", "\n").rstrip("\n")
            assert read == rendered.body.rstrip("\n")
            # What looks like a placeholder came out of a value and was printed, not filled in.
            assert "{{ candidate.first_name }}" not in rendered.body or "{{" in first + last + title + sender
            count.violations -= 1

        explore()


def test_an_address_is_one_recipient_or_a_problem(record_property: Callable[[str, object], None]) -> None:
    rendered = Rendered(subject="About you", body="Dear Kim", missing=(), problem="")
    with counted(record_property, "addresses") as count:

        @EXACTLY
        @given(written=addresses)
        def explore(written: str) -> None:
            count.size += 1
            recipient, problem = facts._read_recipient(written, frozenset())
            if problem:
                count.faults += 1  # it is held
                return
            try:
                letter = build_letter(first="Kim", sender="Ana", recipient=recipient, rendered=rendered)
            except (AnymailInvalidAddress, ValueError):
                count.faults += 1  # the comparison before the call refuses it as well
                return
            count.violations += 1  # taken back below, where nothing was found
            [read] = letter["To"].addresses
            assert read.username == recipient.rpartition("@")[0]
            assert punycode(read.domain) == punycode(recipient.rpartition("@")[2])
            assert {"Cc", "Bcc"}.isdisjoint(letter.keys())
            count.violations -= 1

        explore()
