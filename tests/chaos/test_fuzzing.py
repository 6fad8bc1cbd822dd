"""Whatever stands in a wording, a name, a title, a subject or an address: what is built has one recipient, no header of
anybody's making, no hole, and reads back as the text that was cleared; or it is not built."""

from __future__ import annotations

import email
import email.message
import email.policy
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesHeaderParser

import pytest
from anymail.exceptions import AnymailInvalidAddress
from anymail.utils import parse_address_list
from django.utils.encoding import punycode

from messaging import facts
from messaging.delivery import mail
from messaging.gate import Case, Clearance
from messaging.models import Attempt, Message
from messaging.policy.decision import decide
from messaging.wording.rendering import Rendered, render
from pipeline.models import User
from tests.chaos.figures import counted, size
from tests.chaos.nasty import KNOWN, examples
from tests.factories import NOW
from tests.messaging.policy.test_decision import REJECTION

pytestmark = pytest.mark.no_cover  # it is random, and slower with it

EXAMPLES = size("EXAMPLES", 5_000)
Record = Callable[[str, object], None]

RECIPIENT = "kim@example.com"
# What no wording here names: if it is printed, a value was taken for a part of the wording.
UNSEEN = "canary"
HEADERS = [
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
]
PLAIN = Rendered(subject="About you", body="Dear Kim", missing=(), problem="")
TYPES = ('text/plain; charset="utf-8"', 'text/html; charset="utf-8"')
LINE_AT_MOST = 998  # bytes; RFC 5322, section 2.1.1


def build(*, sender: str = "Ana", recipient: str = RECIPIENT, rendered: Rendered = PLAIN) -> mail.Letter:
    message = Message(origin="automation", touchpoint="rejection")
    case = Case(
        message=message,
        facts=REJECTION,
        verdict=decide(REJECTION),
        subject=rendered.subject,
        body=rendered.body,
        sender=User(first_name="Ana", last_name=sender, email="ana@acme.example"),
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
    return mail.build(Clearance(attempt=attempt, case=case, recipient=recipient))


def wire(letter: mail.Letter) -> bytes:
    """As it goes to the provider."""
    return letter.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own


def read_head(letter: mail.Letter) -> EmailMessage:
    head = BytesHeaderParser(policy=email.policy.default).parsebytes(wire(letter).partition(b"\r\n\r\n")[0])
    assert isinstance(head, EmailMessage)
    return head


def squeezed(text: str) -> str:
    return "".join(text.split())


# --- Wordings ---------------------------------------------------------------------------------------------------------


def test_a_wording_is_filled_in_with_the_values_as_they_are_or_is_held(record_property: Record) -> None:
    with counted(record_property, "wordings") as count:
        for nasty in examples(count, EXAMPLES):
            values = {name: nasty.name() if nasty.random() < 0.97 else "" for name in KNOWN}
            subject, body = " ".join(f"About {nasty.wording()}".split()), nasty.wording()
            groups: dict[str, dict[str, str]] = {"candidate": {"full_name": UNSEEN, "email": UNSEEN}}
            for name, value in values.items():
                group, _, field = name.partition(".")
                groups.setdefault(group, {})[field] = value

            rendered = render(subject=subject, body=body, values=groups)

            text = rendered.subject + rendered.body
            assert UNSEEN not in text
            if rendered.problem or rendered.missing:
                count.faults += 1  # it is held
                assert not (rendered.problem and text)
                continue
            assert squeezed(rendered.subject) == squeezed(filled_in(subject, values))
            assert squeezed(rendered.body) == squeezed(filled_in(body, values))
            assert not any(mark in text for mark in ("{{", "{%")) or "{" in "".join(values.values())


def cleaned(value: str) -> str:
    """Without what cannot be seen, by which a value could do more than be read."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+", " ", value).strip()


def filled_in(wording: str, values: dict[str, str]) -> str:
    """The same, without the language: what has no flaw is made of conditions and placeholders alone."""
    known = {name: cleaned(value) for name, value in values.items()}

    def chosen(found: re.Match[str]) -> str:
        return found[2] if known[found[1]] else found[3]

    taken = re.sub(r"{% if (\S+) %}(.*?){% else %}(.*?){% endif %}", chosen, wording, flags=re.DOTALL)
    return re.sub(r"{{ ?(\S+?) ?}}", lambda found: known[found[1]], taken)


# --- Heads ------------------------------------------------------------------------------------------------------------


def test_a_head_holds_our_headers_and_what_was_cleared(record_property: Record) -> None:
    with counted(record_property, "heads of mails") as count:
        for nasty in examples(count, EXAMPLES):
            values = {"job": {"title": nasty.name()}, "candidate": {"first_name": nasty.name()}}
            wording = "About {{ job.title }}, {{ candidate.first_name }}" + (
                nasty.text(1) if nasty.random() < 0.3 else ""
            )
            rendered = render(subject=wording, body="Dear Kim", values=values)
            if rendered.problem or rendered.missing:
                count.faults += 1  # it is held
                continue
            head = read_head(build(sender=nasty.name(), rendered=rendered))
            subject, to, sender = head["Subject"], head["To"], head["From"]

            assert sorted(name.casefold() for name in head.keys()) == HEADERS  # noqa: SIM118  (a mail is no dictionary)
            assert [address.addr_spec for address in to.addresses] == [RECIPIENT]
            assert [address.addr_spec for address in sender.addresses] == ["recruiting@example.com"]
            assert not any(end in value for value in (subject, to, sender) for end in "\r\n")
            # A long subject is folded, which may add a space and lose one.
            assert squeezed(subject) == squeezed(rendered.subject)


# --- Addresses --------------------------------------------------------------------------------------------------------


def test_an_address_is_one_recipient_or_a_problem(record_property: Record) -> None:
    with counted(record_property, "addresses") as count:
        for nasty in examples(count, EXAMPLES):
            recipient, problem = facts._read_recipient(nasty.address(), frozenset())
            if problem:
                count.faults += 1  # it is held
                continue
            letter = build(recipient=recipient)
            try:
                assert [address.addr_spec for address in parse_address_list(letter.recipients())] == [recipient]
                head = read_head(letter)
            except (AnymailInvalidAddress, ValueError):
                count.faults += 1  # the comparison before the call refuses it as well
                continue
            [read] = head["To"].addresses
            assert read.username == recipient.rpartition("@")[0]
            assert punycode(read.domain) == punycode(recipient.rpartition("@")[2])
            assert sorted(name.casefold() for name in head.keys()) == HEADERS  # noqa: SIM118


# --- Texts ------------------------------------------------------------------------------------------------------------


def test_a_text_arrives_as_it_was_cleared_and_once_more_as_html(record_property: Record) -> None:
    with counted(record_property, "texts in MIME") as count:
        for nasty in examples(count, EXAMPLES):
            body = cleaned(nasty.text(1)) + nasty.text() if nasty.random() < 0.5 else nasty.letters(200) + nasty.text(1)
            body = re.sub(r"\r\n?", "\n", body).strip("\n")
            try:
                letter = build(rendered=Rendered(subject="About you", body=body, missing=(), problem=""))
            except ValueError:
                count.faults += 1  # it is empty, or holds what cannot be seen
                continue
            written = wire(letter)

            assert max(map(len, written.split(b"\r\n"))) <= LINE_AT_MOST
            assert b"\n" not in written.replace(b"\r\n", b"")
            _, text, html = email.message_from_bytes(written).walk()
            assert (text["Content-Type"], html["Content-Type"]) == TYPES
            assert read_part(text) == body
            shown = read_part(html)
            assert shown == mail.render_html(subject="About you", body=body).strip("\n")
            assert "<script" not in shown


def read_part(part: email.message.Message) -> str:
    decoded = part.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    return decoded.decode().replace("\r\n", "\n").strip("\n")
