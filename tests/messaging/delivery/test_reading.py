"""A mail as its candidate reads it, from the file of simulate mode or from its words."""

from datetime import timedelta

import pytest

from messaging.delivery import outbox, reading
from messaging.models import Message
from tests.factories import NOW, make_message, make_template, make_user

BODY = "Dear {{ candidate.first_name }},\n\nwe have read it – twice.\n\n{{ sender.name }}"


@pytest.mark.django_db
def test_the_file_is_read_back_as_it_was_sent() -> None:
    message = make_message(template=make_template(body=BODY))
    outbox.drain(clock=lambda: NOW + timedelta(hours=2))
    message.refresh_from_db()
    letter = reading.read_file(message)
    assert letter is not None
    assert (letter.recipient, letter.subject) == (message.recipient, message.subject)
    assert "recruiting@example.com" in letter.sender
    assert letter.text.strip() == message.body
    assert "<p>we have read it – twice.</p>" in letter.html
    assert letter.date
    assert letter.reply_to


@pytest.mark.django_db
def test_where_there_is_no_file_there_is_no_letter() -> None:
    assert reading.read_file(make_message()) is None


def test_a_mail_without_parts_and_headers_is_read_as_empty() -> None:
    message = Message()
    path = reading.path_of(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"Content-Type: application/octet-stream\r\n\r\n\x00")
    letter = reading.read_file(message)
    assert letter is not None
    assert (letter.sender, letter.subject, letter.text, letter.html) == ("", "", "", "")


@pytest.mark.django_db
def test_the_words_alone_make_the_same_layout() -> None:
    letter = reading.lay_out(
        sender=make_user(first_name="Rita", last_name="Okafor"),
        recipient="kim@example.com",
        subject="Hello",
        body="One\n\n<b>Two</b>",
    )
    assert letter.sender.startswith('"Rita Okafor,')
    assert "<p>One</p>\n<p>&lt;b&gt;Two&lt;/b&gt;</p>" in letter.html
    assert letter.text == "One\n\n<b>Two</b>"
