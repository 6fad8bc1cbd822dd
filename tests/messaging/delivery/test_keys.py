"""Providers that know a mail by its key: what cannot be proven is tried again, with the same key and the same bytes, while
they remember it, and is one mail; after that a person decides."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from messaging import gate, outgoing
from messaging.delivery import outbox
from messaging.models import Message
from messaging.routing import KEY_WINDOWS
from pipeline.milestones import Milestone
from pipeline.models import Candidate
from tests.factories import let_out, make_colleague, make_message
from tests.messaging.delivery.asking import DUE, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.doubles import Brevo, Exchange, Keyed, Provider, Resend

pytestmark = pytest.mark.django_db

DIALECTS: dict[str, type[Keyed]] = {"resend": Resend, "brevo": Brevo}
SOON = DUE + timedelta(minutes=2)
WAITS = Fate(status="scheduled", attempts=("uncertain",))
both = pytest.mark.parametrize("name", DIALECTS)


def use(name: str, settings: Settings, provider: Provider, *faults: Any, accepts_first: bool = True) -> Keyed:
    settings.MAIL_PROVIDER = name
    keys = {"RESEND_API_KEY": "key", "BREVO_API_KEY": "key"}
    settings.ANYMAIL = {**settings.ANYMAIL, **keys, f"{name.upper()}_API_URL": provider.url}
    dialect = DIALECTS[name](*faults, accepts_first=accepts_first)
    provider.behaviour = dialect
    return dialect


def says(status: int, body: Any = None) -> Any:
    return lambda exchange: exchange.answer(status, body or {"message": "Oops"})


FAULTS = {
    "hangs": Exchange.hang,
    "resets": Exchange.reset,
    "says 500": says(500),
    "says 502 in HTML": lambda exchange: exchange.answer(502, b"<h1>Bad gateway</h1>"),
    "says 200 in HTML": lambda exchange: exchange.answer(200, b"<h1>Welcome</h1>"),
    "says 200 and nothing": lambda exchange: exchange.answer(200, b""),
}


@both
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("accepts_first", [True, False], ids=["after accepting", "before accepting"])
def test_a_fault_leads_to_one_acceptance_whichever_side_of_it_it_fell_on(
    provider: Provider, impatient: None, live: Settings, name: str, fault: str, accepts_first: bool
) -> None:
    dialect = use(name, live, provider, FAULTS[fault], accepts_first=accepts_first)
    message = make_message()

    drain()

    assert (fate_of(message), len(provider.accepted)) == (WAITS, int(accepts_first))
    provider.release.set()
    assert provider.hung_up.wait(10)
    drain(SOON)
    assert fate_of(message) == Fate(status="sent", attempts=("uncertain", "accepted"))
    assert len(provider.accepted) == 1
    assert len(set(dialect.keys)) == len(set(dialect.bodies)) == 1
    drain(DUE + timedelta(days=3))
    assert len(provider.requests) == 2


@both
def test_the_key_is_a_uuid_and_another_for_every_message(provider: Provider, live: Settings, name: str) -> None:
    dialect = use(name, live, provider)
    make_message(), make_message()

    drain()

    assert len({uuid.UUID(key) for key in dialect.keys}) == 2


@both
def test_after_the_window_it_stays_uncertain_and_a_person_decides(
    provider: Provider, live: Settings, name: str
) -> None:
    use(name, live, provider, says(500))
    message = make_message()

    drain()
    assert drain(DUE + KEY_WINDOWS[name]) == {"hand_off": 1}

    assert (fate_of(message), len(provider.requests)) == (UNCERTAIN, 1)


@both
def test_just_before_the_end_of_the_window_it_is_still_tried(provider: Provider, live: Settings, name: str) -> None:
    use(name, live, provider, says(500))
    message = make_message()

    drain()
    drain(DUE + KEY_WINDOWS[name] - timedelta(seconds=1))

    assert (fate_of(message).status, len(provider.accepted)) == ("sent", 1)


@both
def test_a_provider_that_never_answers_well_is_given_up_within_the_window(
    provider: Provider, live: Settings, name: str
) -> None:
    use(name, live, provider, *[says(500)] * 20, accepts_first=False)
    message = make_message()

    now = DUE
    while now < DUE + timedelta(days=2):
        drain(now)
        now += timedelta(minutes=7)

    assert fate_of(message).status == "uncertain"
    last = message.attempts.order_by("number").last()
    assert last is not None
    assert last.started_at < DUE + KEY_WINDOWS[name]
    assert len(provider.requests) == {"resend": len(outbox.BACK_OFF) + 1, "brevo": 2}[name]


@both
def test_what_a_dead_process_left_behind_is_tried_again_with_the_key(
    provider: Provider, live: Settings, name: str
) -> None:
    use(name, live, provider)
    message = make_message()
    drain(DUE - timedelta(hours=1))  # nothing is due yet, and the installation is at home from now on
    let_out(message, now=DUE)

    outbox.reap(now=DUE + timedelta(minutes=3))
    assert fate_of(message) == WAITS
    drain(DUE + timedelta(minutes=5))

    assert (fate_of(message).status, len(provider.accepted)) == ("sent", 1)


def test_without_a_key_nothing_is_tried_again(provider: Provider) -> None:
    message = make_message()
    provider.behaviour = says(500)

    drain()

    assert fate_of(message) == UNCERTAIN


# --- What changed in the meantime --------------------------------------------------------------------------------------


@pytest.fixture
def waits(provider: Provider, live: Settings) -> Message:
    """A message that Resend accepted, that nobody knows of, and that is tried again soon."""
    use("resend", live, provider, says(500))
    message = make_message()
    drain()
    assert fate_of(message) == WAITS
    return message


def test_it_is_sent_once_where_nothing_changed(waits: Message, provider: Provider) -> None:
    drain(SOON)

    assert (fate_of(waits).status, len(provider.accepted), len(provider.requests)) == ("sent", 1, 2)


def test_other_words_would_be_another_mail(waits: Message, provider: Provider) -> None:
    Candidate.objects.filter(pk=waits.application.candidate_id).update(first_name="Robin")

    drain(SOON)

    assert (fate_of(waits), len(provider.requests)) == (UNCERTAIN, 1)


def test_who_asks_for_another_mail_learns_that_the_first_cannot_be_proven(waits: Message) -> None:
    Candidate.objects.filter(pk=waits.application.candidate_id).update(first_name="Robin")

    case = gate.clear(waits.pk, now=SOON)

    assert isinstance(case, gate.Case)
    assert (case.verdict.outcome, case.verdict.findings) == ("hand_off", (gate.cannot_be_proven(""),))
    assert fate_of(waits) == UNCERTAIN
    assert waits.status_reason == case.verdict.findings[0].sentence


def test_another_address_would_be_another_mail(waits: Message, provider: Provider) -> None:
    Candidate.objects.filter(pk=waits.application.candidate_id).update(email="new@example.com")

    drain(SOON)

    assert (fate_of(waits), len(provider.requests)) == (UNCERTAIN, 1)


def test_another_provider_does_not_know_the_key(waits: Message, provider: Provider, live: Settings) -> None:
    live.MAIL_PROVIDER = "postmark"

    drain(SOON)

    assert (fate_of(waits), len(provider.requests)) == (UNCERTAIN, 1)


def test_what_the_gate_keeps_back_by_now_is_still_shown_as_perhaps_sent(waits: Message, provider: Provider) -> None:
    Candidate.objects.filter(pk=waits.application.candidate_id).update(reach=Milestone.INTERVIEW)

    drain(SOON)

    fate = fate_of(waits)
    assert (fate.status, fate.attempts, len(provider.requests)) == ("uncertain", ("uncertain",), 1)
    assert fate.hand_offs[0] == "uncertain"
    assert len(fate.hand_offs) > 1
    assert waits.verdicts.count() == 2
    assert waits.status_reason.startswith(f"{gate.cannot_be_proven('').sentence} The floor: ")


def test_a_move_in_between_makes_it_a_persons_at_once(waits: Message) -> None:
    Candidate.objects.filter(pk=waits.application.candidate_id).update(reach=Milestone.INTERVIEW)

    gate.resettle(waits.application_id, now=SOON)

    assert fate_of(waits).status == "uncertain"


def test_who_looks_too_early_changes_nothing(waits: Message) -> None:
    due_at = Message.objects.get(pk=waits.pk).due_at

    gate.clear(waits.pk, now=DUE)

    assert fate_of(waits) == WAITS
    assert waits.due_at == due_at


def test_what_would_wait_longer_than_the_provider_remembers_is_a_persons(waits: Message, provider: Provider) -> None:
    Message.objects.filter(pk=waits.pk).update(due_at=DUE + timedelta(days=2))

    gate.clear(waits.pk, now=SOON)

    assert fate_of(waits).status == "uncertain"
    assert fate_of(waits).hand_offs == ("uncertain", "not_due")


class TestOfSeveralTimes:
    """The provider forgets the first of them first."""

    @pytest.fixture
    def twice(self, waits: Message, provider: Provider, live: Settings) -> Message:
        use("resend", live, provider, says(500), accepts_first=False)
        drain(SOON)
        assert fate_of(waits).attempts == ("uncertain", "uncertain")
        return waits

    def test_just_before_that_it_is_tried(self, twice: Message) -> None:
        drain(DUE + KEY_WINDOWS["resend"] - timedelta(seconds=1))
        assert fate_of(twice).status == "sent"

    def test_then_it_is_not_tried_any_more(self, twice: Message, provider: Provider) -> None:
        asked = len(provider.requests)
        drain(DUE + KEY_WINDOWS["resend"])
        assert (fate_of(twice).status, len(provider.requests)) == ("uncertain", asked)

    def test_nor_is_it_waited_for_so_long(self, twice: Message) -> None:
        Message.objects.filter(pk=twice.pk).update(due_at=DUE + KEY_WINDOWS["resend"])
        gate.clear(twice.pk, now=SOON + timedelta(minutes=1))
        assert fate_of(twice).status == "uncertain"


def test_of_two_who_leave_it_to_a_person_one_does(waits: Message) -> None:
    case = gate.preview(waits, now=SOON)
    findings = [gate.cannot_be_proven("")]

    done = [gate.leave_in_doubt(waits, findings=findings, reserve=case.verdict.reserve, now=SOON) for _ in range(2)]

    assert done == [True, False]
    assert fate_of(waits) == UNCERTAIN


def test_who_cancels_the_repeat_does_not_take_back_what_may_have_left(waits: Message, provider: Provider) -> None:
    answer = outgoing.cancel(waits, by=make_colleague("Recruiter"), now=SOON)

    assert answer == waits
    assert fate_of(waits) == Fate(
        status="uncertain", attempts=("uncertain",), hand_offs=("repeat_cancelled", "uncertain")
    )
    drain(SOON)
    assert len(provider.requests) == 1


def test_who_cancels_too_late_learns_it(waits: Message) -> None:
    drain(SOON)

    answer = outgoing.cancel(waits, by=make_colleague("Recruiter"), now=SOON)

    assert "is sent by now" in str(answer)


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        pytest.param(says(422), ("uncertain", ("uncertain", "rejected"), ("uncertain",)), id="rejected"),
        pytest.param(says(429), ("scheduled", ("uncertain", "refused"), ()), id="too fast"),
    ],
)
def test_a_refusal_of_the_repeat_proves_nothing_about_the_first_time(
    waits: Message, provider: Provider, answer: Any, fate: Any
) -> None:
    provider.behaviour = answer

    drain(SOON)

    status, attempts, hand_offs = fate
    assert fate_of(waits) == Fate(status=status, attempts=attempts, hand_offs=hand_offs)


def test_a_request_that_is_still_going_on_is_waited_for(provider: Provider, impatient: None, live: Settings) -> None:
    use("resend", live, provider, Exchange.hang, accepts_first=False)
    message = make_message()

    drain()
    drain(SOON)

    assert fate_of(message) == Fate(status="scheduled", attempts=("uncertain", "uncertain"))
    provider.release.set()
    assert provider.hung_up.wait(10)
    drain(SOON + timedelta(minutes=10))
    assert (fate_of(message).status, len(provider.accepted)) == ("sent", 1)


def test_another_request_under_the_same_key_proves_nothing(waits: Message, provider: Provider, live: Settings) -> None:
    # In the request, and no part of what the fingerprint holds.
    live.ANYMAIL = live.ANYMAIL | {"SEND_DEFAULTS": {"tags": ["renamed"]}}

    drain(SOON)

    assert fate_of(waits) == Fate(status="scheduled", attempts=("uncertain", "uncertain"))
    assert "invalid_idempotent_request" in waits.attempts.get(number=2).detail
    assert len(provider.accepted) == 1


def test_a_hand_written_mail_that_may_have_left_is_contact_while_it_waits(provider: Provider, live: Settings) -> None:
    from messaging import handoffs
    from tests.factories import OWN_WORDS, make_hand_off, make_sender

    use("resend", live, provider, says(500))
    hand_off = make_hand_off()
    written = handoffs.answer(hand_off, subject="About your talk", body=OWN_WORDS, by=make_sender(), now=DUE)
    assert isinstance(written, Message), written
    assert not Message.objects.hand_sent().exists()

    drain(DUE)

    assert fate_of(written).status == "scheduled"
    assert list(Message.objects.hand_sent()) == [written]
