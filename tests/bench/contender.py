"""One way to hand over mail, as a process: `python -m tests.bench.contender WAY NUMBER`. Makes itself ready, says so,
waits for a line, sends, and says how many left."""

from __future__ import annotations

import itertools
import os
import smtplib
import sys
import time
import timeit
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
BODY = """Dear Kim,

Thank you for applying for Engineer 1. We have read your application and we will not be moving forward with it.

Ana Ruiz"""
SUBJECT, SENDER = "About Engineer 1", "Acme <jobs@acme-careers.com>"
IS_HTTP = os.environ.get("MAIL_PROVIDER") == "postmark"


def mails(number: int) -> list[Any]:
    from django.core.mail import EmailMultiAlternatives

    from messaging.delivery.mail import render_html

    made = []
    for count in range(number):
        mail = EmailMultiAlternatives(SUBJECT, BODY, SENDER, [f"candidate{count}@example.com"])
        mail.attach_alternative(render_html(subject=SUBJECT, body=BODY), "text/html")
        made.append(mail)
    return made


def raw(number: int) -> Callable[[], int]:
    """Prebuilt bytes on one connection."""
    if IS_HTTP:
        import requests

        session, url = requests.Session(), os.environ["ANYMAIL_POSTMARK_API_URL"] + "email"
        payload = {"To": "kim@example.com", "Subject": SUBJECT, "TextBody": BODY}
        return lambda: sum(session.post(url, json=payload, timeout=20).ok for _ in range(number))
    built = [mail.message().as_bytes(linesep="\r\n") for mail in mails(number)]

    def send() -> int:
        with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"])) as server:
            for data in built:
                server.sendmail("jobs@acme-careers.com", ["kim@example.com"], data)
        return len(built)

    return send


def without_the_guard() -> None:
    """What others do is measured as it is without Byhand, whose guard would keep their mail."""
    from anymail.signals import pre_send
    from django.core.mail.backends.smtp import EmailBackend

    from messaging.delivery import guard

    pre_send.disconnect(dispatch_uid="messaging.delivery.guard")
    setattr(EmailBackend, "send_messages", guard._django_send_messages)  # noqa: B010  (a method, for the type checker)


def send_messages(number: int) -> Callable[[], int]:
    """Django's own, on one connection."""
    without_the_guard()
    from django.core.mail import get_connection

    return lambda: get_connection().send_messages(mails(number)) or 0


def let_it_be_counted() -> None:
    """What PostgreSQL does by itself within a minute: it plans by how many rows it counted last, and would plan for the
    empty tables that were here a moment ago."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def fill_post_office(number: int) -> Callable[[], int]:
    from post_office import mail
    from post_office.models import Email

    from messaging.delivery.mail import render_html

    Email.objects.all().delete()
    html = render_html(subject=SUBJECT, body=BODY)
    mail.send_many(
        [
            {
                "sender": SENDER,
                "recipients": [f"c{count}@example.com"],
                "subject": SUBJECT,
                "message": BODY,
                "html_message": html,
            }
            for count in range(number)
        ]
    )
    let_it_be_counted()
    return lambda: number


def post_office(processes: int) -> Callable[[], int]:
    """All that is queued, with so many processes of its own."""
    without_the_guard()
    from django.db import connection
    from post_office.mail import get_queued, send_queued

    def send() -> int:
        sent = 0
        while get_queued().exists():
            sent += send_queued(processes=processes, log_level=1)[0]
            connection.close()  # its processes inherited it, and ended it
        return sent

    return send


def fill_ours(number: int) -> Callable[[], int]:
    """Rejections of candidates whom nobody spoke with, all due: the kind that costs most, because it tells the outcome."""
    from django.db import transaction
    from django.utils import timezone

    from messaging import automations
    from messaging.models import Message
    from pipeline import actors, moves_of_many
    from pipeline.moves import Act
    from tests import factories
    from tests.factories import done, make_application, make_automation, make_job, make_reason, make_user

    factories._numbers = itertools.count(time.time_ns())  # beside those of the rounds before
    past = timezone.now() - timedelta(hours=2)
    with transaction.atomic():
        job = make_job()
        make_automation(job=job)
        act = Act(by=actors.person(make_user().pk), now=past)
        applications = [make_application(job=job, now=past) for _ in range(number)]
        rejected = moves_of_many.reject_many(applications, reason=make_reason(), act=act)
        automations.follow_many([done(change) for change in rejected.values()], now=past)
    assert Message.objects.due(timezone.now()).count() >= number
    let_it_be_counted()
    return lambda: number


def ours(_: int) -> Callable[[], int]:
    """One worker."""
    from django.db import connection
    from django.utils import timezone

    from messaging.delivery import outbox

    connection.ensure_connection()
    return lambda: outbox.drain(clock=timezone.now, seconds=600)["sent"]


def decide_one(number: int) -> Callable[[], int]:
    """Nanoseconds of one decision, of a message that nothing speaks against, the best of several runs."""
    from django.utils import timezone

    from messaging import facts
    from messaging.models import Message
    from messaging.policy.decision import decide

    fill_ours(1)
    [gathered] = facts.gather(list(facts.with_context(Message.objects.order_by("-pk"))[:1]), now=timezone.now())
    return lambda: int(min(timeit.repeat(lambda: decide(gathered.facts), number=number, repeat=5)) / number * 1e9)


def queries_of(number: int) -> Callable[[], int]:
    """What deciding so many messages costs in queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from messaging import facts, gate
    from messaging.models import Message

    fill_ours(number)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            messages = list(facts.with_context(Message.objects.order_by("-pk"))[:number])
            cases = gate.preview_many(messages, now=timezone.now())
        assert len(cases) == number
        return len(queries)

    return count


def main() -> None:
    django.setup()
    way: Callable[[int], Callable[[], int]] = globals()[sys.argv[1]]
    send = way(int(sys.argv[2]))
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    print(send(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
