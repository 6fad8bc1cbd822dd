"""Every misbehaviour of a provider, with and without keys, for every touchpoint: what a machine may send is sent by it, and
what is reserved a person answers; what we show agrees with what was accepted, and nothing is accepted twice."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import transaction
from pytest_django.fixtures import Settings

from messaging import automations, handoffs
from messaging.delivery import outbox
from messaging.models import Automation, HandOff, Message
from messaging.policy.floor import Reserve, Touchpoint, floor
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate
from tests.chaos.figures import Count, counted, size
from tests.chaos.invariants import accepted_by, id_in, violations, what_the_audit_finds
from tests.chaos.misbehaviour import HTTP, SMTP, End, Misbehaviour
from tests.factories import NOW, make_application, make_automation, make_job, make_sender, make_template, reject
from tests.messaging.delivery.asking import DUE
from tests.messaging.delivery.doubles import Exchange, Keyed, Provider, Sink, accepts, answers_that_it_accepted
from tests.messaging.delivery.test_keys import DIALECTS

pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]

ROUNDS = size("PROVIDERS", 1)
PATIENCE = 0.2  # seconds, with what hangs
# The second while a provider with keys remembers, the third when those that asked for time may be asked again.
DRAINS = (DUE, DUE + timedelta(minutes=3), DUE + timedelta(hours=3))
STATUS = {End.ACCEPTED: "sent", End.REFUSED: "sent", End.REJECTED: "failed", End.UNCERTAIN: "uncertain"}

KNOWN = ("without keys", "with keys")
TEXT = "Dear {{ candidate.first_name }}, this is about {{ job.title }}. {{ sender.name }}"
# The words of a person, one text for each kind that is theirs.
WORDS = {
    Touchpoint.INTERVIEW_PREPARATION: """On Monday you will meet Mei and Jonas in the small room on the third floor. Mei
asks about queues and likes drawings; Jonas wants to hear what went wrong once. Ring me if the train is late.""",
    Touchpoint.FEEDBACK: """You asked what the panel thought. The way you cut the import in two convinced all of us; what
nobody could see was how you would have told the customer. Take an hour with somebody who does that daily.""",
    Touchpoint.OFFER: """We would like you to join us in March, at the salary that you named, four days a week as you
hoped. The paper comes by post. Tell me what is unclear, and take the two weeks before you say yes or no.""",
    Touchpoint.CHECK_IN: """It has been quiet from our side since the holidays, and that is our doing. The budget was
moved, the job was not. I know more on Thursday and will call in the afternoon, whatever comes out of it.""",
    Touchpoint.UNKNOWN: """Your referee wrote to us in a language none of us reads, so I asked a neighbour. He says it is
the kindest letter he ever translated. I wanted you to know it before the formal part goes on.""",
}


def is_reserved(touchpoint: Touchpoint) -> bool:
    return floor(touchpoint, Milestone.APPLIED) > Reserve.AUTOMATIC


def test_every_reserved_kind_has_the_words_of_a_person() -> None:
    assert set(WORDS) == {touchpoint for touchpoint in Touchpoint if is_reserved(touchpoint)}


def make_every_kind() -> list[Message]:
    """One message of each kind, to one candidate each, all of them due."""
    person = make_sender()
    messages = []
    for touchpoint in Touchpoint:
        job = make_job(recruiter=person)
        is_after_the_end = touchpoint in {Touchpoint.REJECTION, Touchpoint.SURVEY}
        event = Automation.Event.REJECTED if is_after_the_end else Automation.Event.RECEIVED
        make_automation(job=job, event=event, template=make_template(touchpoint=touchpoint, body=TEXT))
        application = make_application(job=job, quiet=False)
        if touchpoint is Touchpoint.TALENT_POOL:
            Candidate.objects.filter(pk=application.candidate_id).update(talent_pool_consent_at=NOW)
        if touchpoint is Touchpoint.SURVEY:
            Application.objects.filter(pk=application.pk).update(told_at=NOW, told_how=Application.ToldHow.PHONE)
        change = reject(application, by=person) if is_after_the_end else application.stage_changes.get()
        [planned] = automations.follow(change, now=NOW)
        messages.append(answered(planned, touchpoint) if is_reserved(touchpoint) else planned)
    assert all(message.status == "scheduled" for message in messages)
    return messages


def answered(planned: Message, touchpoint: Touchpoint) -> Message:
    assert planned.status == "held"
    written = handoffs.answer(
        HandOff.objects.get(message=planned), subject="About you", body=WORDS[touchpoint], by=make_sender(), now=NOW
    )
    assert isinstance(written, Message), written
    return written


@contextmanager
def taken_back() -> Iterator[None]:
    """What happens in it did not, so that the same messages can be sent again. The installation was never anywhere."""
    (configured.VAR_DIR / "instance.json").unlink(missing_ok=True)
    attempt = transaction.atomic()
    attempt._from_testcase = True  # type: ignore[attr-defined]  # else no mail could leave out of it
    with attempt:
        yield
        transaction.set_rollback(True)


def find_wrong(messages: list[Message], double: Provider | Sink, *, end: End, accepted: bool) -> list[str]:
    """`accepted`: at the first drain, whatever was said. A message that may be sent again was, and is accepted then."""
    mails = {id_in(mail): mail for mail in double.accepted}
    wrong = violations(accepted_by(double)) + what_the_audit_finds(now=DRAINS[-1])
    standing = Message.objects.select_related("application__candidate")
    for message in standing.filter(pk__in=[message.pk for message in messages]):
        mail = mails.get(str(message.public_id))
        if message.status != STATUS[end] or (mail is not None) != (message.status == "sent" or accepted):
            wrong.append(f"{message}: {message.status}, and it was {'' if mail else 'not '}accepted")
        if mail is None:
            continue
        text = json.dumps(mail) if isinstance(mail, dict) else mail.as_string()
        if message.application.candidate.email not in text or message.recipient not in text:
            wrong.append(f"{message}: not the candidate's address")
        if "{{" in text or "{%" in text:
            wrong.append(f"{message}: a hole in the text")
        if is_reserved(Touchpoint(message.touchpoint)) and message.written_by is None:
            wrong.append(f"{message}: reserved, and nobody wrote it")
    return wrong


def note(count: Count, wrong: list[str], end: End, *, messages: int, name: str) -> None:
    count.size += messages
    count.faults += 0 if end is End.ACCEPTED else messages
    count.violations += len(wrong)
    assert not wrong, (name, wrong)


@pytest.fixture
def persistent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain goes on as if mails had got out before and still did: on all its connections, and to the last message."""
    begin = outbox._Run.__init__

    def begin_as_if(run: outbox._Run, *args: Any) -> None:
        begin(run, *args)
        run._got_out = True

    monkeypatch.setattr(outbox._Run, "__init__", begin_as_if)
    monkeypatch.setattr(outbox, "DID_NOT_GET_OUT", frozenset())


def drain(now: datetime) -> None:
    outbox.drain(clock=lambda: now)


@pytest.mark.parametrize("names", [["postmark"], [*DIALECTS]], ids=KNOWN)
def test_over_http(
    postmark: Provider,
    persistent: None,
    settings: Settings,
    record_property: Callable[[str, object], None],
    names: list[str],
) -> None:
    """Where there are two providers, they take turns, and the other turn in the next round."""
    settings.MAIL_MODE = "live"
    usual: dict[str, Any] = dict.fromkeys(("POSTMARK_SERVER_TOKEN", "RESEND_API_KEY", "BREVO_API_KEY"), "key")
    usual |= {f"{name.upper()}_API_URL": postmark.url for name in names} | {"REQUESTS_TIMEOUT": (10, 10)}
    messages = make_every_kind()
    with counted(record_property, f"misbehaving providers {KNOWN[len(names) > 1]}, every touchpoint") as count:
        for turn, (round_, misbehaviour) in enumerate(itertools.product(range(ROUNDS), HTTP)):
            name = names[(turn + round_ * (len(HTTP) % 2 == 0)) % len(names)]
            settings.MAIL_PROVIDER = name
            hangs = misbehaviour.fault is Exchange.hang
            settings.ANYMAIL = usual | ({"REQUESTS_TIMEOUT": (10, PATIENCE)} if hangs else {})
            postmark.accepted.clear()
            postmark.release.clear()
            known, mend = behave(postmark, name, misbehaviour)
            with taken_back():
                drain(DRAINS[0])
                mend()
                settings.ANYMAIL = usual
                for now in DRAINS[1:]:
                    drain(now)
                end = End.ACCEPTED if known and misbehaviour.end is End.UNCERTAIN else misbehaviour.end
                wrong = find_wrong(messages, postmark, end=end, accepted=misbehaviour.accepts)
            note(count, wrong, misbehaviour.end, messages=len(messages), name=f"{name} {misbehaviour.name}")


def behave(double: Provider, name: str, misbehaviour: Misbehaviour) -> tuple[bool, Callable[[], None]]:
    """Whether it knows mails by their key, and how to bring it to its senses."""
    if name in DIALECTS:
        dialect = DIALECTS[name](*[misbehaviour.fault] * 100, accepts_first=misbehaviour.accepts)
        double.behaviour = dialect
        return True, lambda: mend_keyed(double, dialect)

    def behaves(exchange: Exchange) -> None:
        if misbehaviour.accepts:
            exchange.accept()
        (misbehaviour.fault or answers_that_it_accepted)(exchange)

    def mend() -> None:
        double.release.set()
        double.behaviour = accepts

    double.behaviour = behaves
    return False, mend


def mend_keyed(double: Provider, dialect: Keyed) -> None:
    dialect.faults.clear()
    double.release.set()
    while dialect.busy:
        double.hung_up.wait(0.01)


def test_over_smtp(
    smtp: Sink, persistent: None, settings: Settings, record_property: Callable[[str, object], None]
) -> None:
    settings.MAIL_MODE = "live"
    settings.MAIL_PROVIDER = "smtp"
    settings.SMTP_HOST, settings.SMTP_PORT = smtp.hostname, smtp.port
    messages = make_every_kind()
    with counted(record_property, "misbehaving mail servers, every touchpoint") as count:
        for _, (name, (answers, end)) in itertools.product(range(ROUNDS), SMTP.items()):
            settings.MAIL_READ_TIMEOUT = PATIENCE if "hangs" in name else 10
            smtp.accepted.clear()
            smtp.release.clear()
            smtp.answers = answers
            with taken_back():
                drain(DRAINS[0])
                smtp.release.set()
                smtp.answers = {}
                settings.MAIL_READ_TIMEOUT = 10
                for now in DRAINS[1:]:
                    drain(now)
                accepted = end is End.UNCERTAIN and callable(answers["END"])
                wrong = find_wrong(messages, smtp, end=end, accepted=accepted)
            note(count, wrong, end, messages=len(messages), name=f"smtp {name}")
