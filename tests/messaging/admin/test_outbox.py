"""The outbox: what is in which part, at what price, with which verdict, and what people can do about it from there."""

import html
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from messaging import bulk, handoffs, outgoing, outlook
from messaging.admin import outbox_acts
from messaging.delivery import outbox
from messaging.models import Attempt, BounceAnswer, Brake, HandOff, Hold, Message, ProviderEvent
from messaging.outlook import Show
from pipeline.milestones import Milestone
from pipeline.models import Candidate, User
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_candidate,
    make_colleague,
    make_hand_off,
    make_message,
    make_sender,
    make_tried,
    move_to,
)
from tests.guards_off import force

pytestmark = pytest.mark.django_db

Status = Message.Status
LIST = "outbox:list"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):  # a Tuesday, 10:00 in London
        yield


@pytest.fixture
def coordinator() -> User:
    return make_colleague("Coordinator", first_name="Mei", last_name="Sato")


@pytest.fixture
def client(coordinator: User) -> Client:
    return client_of(coordinator)


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(client: Client, **query: Any) -> list[int]:
    response = client.get(reverse(LIST), query)
    assert response.status_code == 200
    return [row["message"].pk for row in response.context["rows"]]


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def page(client: Client, **query: Any) -> str:
    return text_of(client.get(reverse(LIST), query))


def hold(message: Message, *, by: User | None = None) -> Hold:
    held = outgoing.hold(message, reason="Frozen?", until=NOW + timedelta(days=1), by=by or make_sender(), now=NOW)
    assert isinstance(held, Hold)
    return held


def put_a_brake_on(message: Message) -> None:
    assert message.automation is not None
    Brake.objects.create(automation=message.automation, put_on_at=NOW, why="Far more than usual.", count=1)


def make_sent(**values: Any) -> Message:
    message = make_message(**values)
    outbox.drain(clock=lambda: NOW + timedelta(hours=1))
    message.refresh_from_db()
    assert message.status == Status.SENT
    return message


def make_bounced(message: Message | None = None, delivery: int = Message.Delivery.BOUNCED) -> Message:
    message = message or make_sent()
    Message.objects.filter(pk=message.pk).update(delivery=delivery)
    ProviderEvent.objects.create(
        provider="postmark",
        event_id=f"bounce {message.pk}",
        kind="bounced",
        at=NOW,
        received_at=NOW,
        applied_at=NOW,
        message=message,
        description="550 no such user",
    )
    return message


def act(client: Client, name: str, *chosen: Message, **more: Any) -> Any:
    data = {"ids": [message.pk for message in chosen], **more}
    return client.post(reverse("outbox:act", args=[name]), data, follow=True)


def again(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def raise_reach(message: Message) -> None:
    move_to(make_application(candidate=message.application.candidate), Milestone.PHONE_SCREEN)


# --- What is where ----------------------------------------------------------------------------------------------------


def test_every_message_is_in_the_part_that_says_what_became_of_it(client: Client) -> None:
    sent = make_sent()
    bounced = make_bounced()
    failed = make_tried(Attempt.Outcome.REJECTED)
    uncertain = make_tried(Attempt.Outcome.UNCERTAIN)
    scheduled, held, braked = make_message(), make_message(), make_message()
    hold(held)
    put_a_brake_on(braked)
    assert {show: shown(client, show=show.value) for show in Show} == {
        Show.SCHEDULED: [scheduled.pk],
        Show.ON_HOLD: [held.pk],
        Show.BRAKED: [braked.pk],
        Show.SENDING: [],
        Show.SENT: [bounced.pk, sent.pk],
        Show.FAILED: [failed.pk],
        Show.UNCERTAIN: [uncertain.pk],
        Show.BOUNCED: [bounced.pk],
    }
    tabs = client.get(reverse(LIST)).context["tabs"]
    assert [tab["count"] for tab in tabs] == ["1", "1", "1", "0", "2", "1", "1", "1"]
    assert [tab["name"] for tab in tabs if tab["is_grave"]] == ["braked", "failed", "uncertain", "bounced"]


def test_what_somebody_dealt_with_asks_for_nobody_any_more(client: Client) -> None:
    failed, bounced = make_tried(Attempt.Outcome.REJECTED), make_bounced()
    assert (shown(client, show="failed"), shown(client, show="bounced")) == ([failed.pk], [bounced.pk])
    task = HandOff.objects.get(message=failed)
    handoffs.close_as_not_needed(task, reason="They called.", by=make_sender(), now=NOW)
    act_on_bounce(client, bounced, leave="1", note="They called.")
    assert (shown(client, show="failed"), shown(client, show="bounced")) == ([], [])


def test_a_count_is_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook, "COUNTED_AT_MOST", 2)
    monkeypatch.setattr("messaging.admin.outbox.COUNTED_AT_MOST", 2)
    make_message(), make_message()
    assert client.get(reverse(LIST)).context["tabs"][0]["count"] == "2"
    make_message(), make_message()
    assert outlook.count(Show.SCHEDULED, now=NOW) == 3
    assert client.get(reverse(LIST)).context["tabs"][0]["count"] == "2+"


def test_the_list_is_narrowed_by_candidate_kind_and_automation(client: Client) -> None:
    candidate = make_candidate(first_name="Mira", last_name="Castellanos")
    wanted, other = make_message(application=make_application(candidate=candidate)), make_message()
    assert shown(client) == [wanted.pk, other.pk]
    assert shown(client, q="mira castel") == [wanted.pk]
    assert shown(client, automation=other.automation_id) == [other.pk]
    assert shown(client, kind="rejection") == [wanted.pk, other.pk]
    assert shown(client, kind="survey") == []
    assert "Nothing here fits" in page(client, kind="survey")
    for nonsense in ({"automation": "x"}, {"kind": "x"}, {"p": "x"}, {"p": "9" * 30}, {"show": "x"}):
        assert shown(client, **nonsense) == [wanted.pk, other.pk]


def test_what_is_too_much_for_one_page_is_on_the_next(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.admin.outbox.PER_PAGE", 2)
    all_of_them = [make_message().pk for _ in range(3)]
    assert (shown(client), shown(client, p=2), shown(client, p=3)) == (all_of_them[:2], all_of_them[2:], [])
    assert "1 to 2" in page(client)


def test_a_time_is_the_readers_and_the_candidates(client: Client) -> None:
    far = make_candidate(time_zone="America/New_York")
    near = make_candidate(time_zone="Europe/London")
    messages = [
        make_message(application=make_application(candidate=one), delay=2 if one is near else 1) for one in (far, near)
    ]
    there = [row["there"] for row in client.get(reverse(LIST)).context["rows"]]
    assert there == ["Tue 15 Sep, 06:00 for them (New York)", ""]
    assert "Tue 15 Sep, 11:00" in text_of(
        client.get(reverse("outbox:act", args=["hold"]), {"ids": [one.pk for one in messages]})
    )


def test_what_leaves_stands_under_the_day_on_which_it_does_as_the_reader_counts_days(
    client: Client, coordinator: User
) -> None:
    late = make_message(delay=14)  # midnight in London
    soon, later = make_message(), make_message(delay=24 * 120)
    [(today, first), (tomorrow, second), (far, third)] = client.get(reverse(LIST)).context["days"]
    assert (today, tomorrow) == ("Today, Tuesday 15 September", "Tomorrow, Wednesday 16 September")
    assert far == "Wednesday 13 January 2027"
    assert [[row["message"].pk for row in rows] for rows in (first, second, third)] == [
        [soon.pk],
        [late.pk],
        [later.pk],
    ]
    assert f'<h2 id="day-1">{today}</h2>' in page(client)
    User.objects.filter(pk=coordinator.pk).update(time_zone="America/New_York")
    assert [day for day, _ in client.get(reverse(LIST)).context["days"]] == [today, far]


def test_the_verdict_is_the_one_of_now_and_as_if_it_were_due(client: Client) -> None:
    free, reserved = make_message(), make_message()
    raise_reach(reserved)
    rows = {row["message"].pk: row for row in client.get(reverse(LIST)).context["rows"]}
    assert (rows[free.pk]["verdict"], rows[free.pk]["sentences"]) == ("May leave", [])
    assert rows[reserved.pk]["verdict"] == "Becomes a hand-off"
    assert "is written by a person here" in rows[reserved.pk]["sentences"][0]


def test_a_held_message_shows_who_holds_it_until_when_and_what_would_become_of_it(client: Client) -> None:
    message = make_message()
    hold(message, by=make_sender(first_name="Rita", last_name="Okafor"))
    said = page(client, show="on_hold")
    for words in ("Frozen?", "Rita Okafor", "Wed 16 Sep, 10:00", "May leave"):
        assert words in said
    said = text_of(client.get(reverse("admin:messaging_message_change", args=[message.pk])))
    for words in ("On hold until Wednesday 16 September, 10:00", "Frozen?", reverse("outbox:act", args=["release"])):
        assert words in said


def test_what_the_provider_reported_is_there_with_its_time(client: Client) -> None:
    make_bounced()
    for show in ("sent", "bounced"):
        said = page(client, show=show)
        assert "Bounced" in said
        assert "Tue 15 Sep, 10:00: bounced. 550 no such user" in said


@pytest.mark.parametrize("show", list(Show))
def test_every_empty_part_says_what_it_is_for(client: Client, show: Show) -> None:
    assert 'class="desk-empty"' in page(client, show=show.value)


@pytest.mark.parametrize("show", [Show.SCHEDULED, Show.ON_HOLD, Show.SENT, Show.BOUNCED, Show.FAILED])
def test_a_list_asks_no_question_per_row(client: Client, show: Show) -> None:
    def add() -> None:
        if show is Show.FAILED:
            make_tried(Attempt.Outcome.REJECTED)
        elif show is Show.ON_HOLD:
            hold(make_message())
        elif show is Show.SCHEDULED:
            make_message()
        else:
            make_bounced()

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(client, show=show.value)
        return len(captured)

    for _ in range(2):
        add()
    asked()  # what is read once and kept
    few = asked()
    for _ in range(4):
        add()
    assert asked() == few


# --- What can be done -------------------------------------------------------------------------------------------------


def test_nothing_happens_before_one_says_yes(client: Client) -> None:
    message = make_message()
    for name in outbox_acts.ACTS:
        act(client, name, message)
        client.get(reverse("outbox:act", args=[name]) + f"?ids={message.pk}&confirmed=yes")
    assert (again(message).status, again(message).due_at, Hold.objects.count()) == (
        Status.SCHEDULED,
        message.due_at,
        0,
    )


def test_many_are_held_with_a_reason_until_the_next_working_day_and_released_again(client: Client) -> None:
    chosen = [make_message(), make_message()]
    asked = act(client, "hold", *chosen)
    assert asked.context["form"].initial == {}
    assert 'value="2026-09-16"' in text_of(asked)
    said = act(client, "hold", *chosen, confirmed="yes", reason="", until="2026-09-16")
    assert "Say in a few words why it waits" in text_of(said)
    assert not Hold.objects.exists()
    said = act(client, "hold", *chosen, confirmed="yes", reason="Frozen?", until="2026-09-16", back="on_hold")
    assert "2 messages on hold until Wednesday 16 September, 09:00." in text_of(said)
    assert said.redirect_chain[-1][0] == f"{reverse(LIST)}?show=on_hold"
    assert LogEntry.objects.filter(change_message__contains="Put on hold.").count() == 2
    said = act(client, "release", *chosen, confirmed="yes")
    assert "2 messages released" in text_of(said)
    assert not Hold.objects.on(NOW).exists()


@pytest.mark.parametrize("until", ["2026-09-15", "2026-09-30", "tomorrow"])
def test_a_day_that_makes_no_sense_is_refused(client: Client, until: str) -> None:
    message = make_message()
    act(client, "hold", message, confirmed="yes", reason="Frozen?", until=until)
    assert not Hold.objects.exists()
    act(client, "hold", message, confirmed="yes", reason="Frozen?", until="2026-09-29")
    assert Hold.objects.count() == 1


def test_one_is_postponed_by_the_button_of_its_row(client: Client) -> None:
    message, ticked = make_message(), make_message()
    asked = act(client, "postpone", ticked, one=message.pk)
    assert [row["message"].pk for row in asked.context["rows"]] == [message.pk]
    said = act(client, "postpone", message, confirmed="yes", to="2026-09-14T09:00")
    assert "Choose a time in the future" in text_of(said)
    said = act(client, "postpone", message, confirmed="yes", to="2026-09-17T14:30", back=str(message.pk))
    assert "1 message due on Thursday 17 September, 14:30 now." in text_of(said)
    assert said.redirect_chain[-1][0] == reverse("admin:messaging_message_change", args=[message.pk])
    assert timezone.localtime(again(message).due_at).isoformat() == "2026-09-17T14:30:00+01:00"
    assert again(ticked).due_at == ticked.due_at


def test_what_was_postponed_can_be_put_back_from_the_outbox(client: Client) -> None:
    first, second, other = make_message(), make_message(), make_message()
    before = first.due_at
    undo = reverse("outbox:put_back")
    assert undo not in page(client)
    act(client, "postpone", first, second, confirmed="yes", to="2026-09-17T14:30")
    shown_then = page(client)
    assert undo in shown_then
    assert "You postponed 2 messages until Thu 17 Sep, 14:30." in " ".join(strip_tags(shown_then).split())
    assert undo not in page(client_of(make_colleague("Coordinator")))
    assert client.get(undo).status_code == 405
    said = text_of(client.post(undo, follow=True))
    assert "2 messages have their earlier time again." in said
    assert undo not in said
    assert {again(one).due_at for one in (first, second)} == {before}
    assert again(other).due_at == other.due_at
    assert "Nothing was changed." in text_of(client.post(undo, follow=True))


def test_a_row_says_what_its_automation_followed(client: Client) -> None:
    make_message()
    assert "”: rejected on 15 Sep" in page(client)


def test_sent_now_what_is_reserved_becomes_a_hand_off_and_only_the_rest_leaves(client: Client) -> None:
    free, reserved = make_message(), make_message()
    raise_reach(reserved)
    asked = text_of(act(client, "send", free, reserved))
    assert "1 leaves within the minute" in asked
    assert f"1 becomes a hand-off for {reserved.application.job.recruiter}" in asked
    said = text_of(act(client, "send", free, reserved, confirmed="yes"))
    assert "1 message will leave within the minute." in said
    assert "1 message became a hand-off: a person has to send this." in said
    outbox.drain(clock=timezone.now)
    assert (again(free).status, again(reserved).status) == (Status.SENT, Status.HELD)
    assert HandOff.objects.open().get().message == reserved


def test_what_safe_mode_or_the_candidate_keeps_is_said_to_be(client: Client) -> None:
    braked, unwanted = make_message(), make_message()
    put_a_brake_on(braked)
    Candidate.objects.filter(pk=unwanted.application.candidate_id).update(do_not_contact_at=NOW)
    said = text_of(act(client, "send", braked, unwanted, confirmed="yes"))
    assert "1 message cannot leave yet. The brake is on" in said
    assert "1 message will not be sent. The candidate asked not to be contacted." in said
    assert (again(braked).status, again(unwanted).status) == (Status.SCHEDULED, Status.CANCELLED)


def test_only_its_writer_hurries_what_a_person_wrote(client: Client, settings: Any) -> None:
    settings.UNDO_SECONDS = 60
    writer = make_colleague("Recruiter")
    message = handoffs.answer(make_hand_off(), subject="Hello", body=OWN_WORDS, by=writer, now=NOW)
    assert isinstance(message, Message)
    assert message.due_at > NOW
    assert "may still take it back" in text_of(act(client, "send", message, confirmed="yes"))
    assert again(message).due_at == message.due_at
    assert "1 message will leave" in text_of(act(client_of(writer), "send", message, confirmed="yes"))
    assert again(message).due_at == NOW


def test_cancelling_says_that_it_is_final_before_it_happens(client: Client) -> None:
    chosen, other = [make_message(), make_message()], make_message()
    assert "Cancelling is final." in text_of(act(client, "cancel", *chosen))
    said = text_of(act(client, "cancel", *chosen, confirmed="yes"))
    assert "2 messages cancelled before leaving." in said
    assert [again(message).status for message in (*chosen, other)] == [
        Status.CANCELLED,
        Status.CANCELLED,
        Status.SCHEDULED,
    ]
    assert "cancelled it before it left" in again(chosen[0]).status_reason


def test_what_left_meanwhile_stays_as_it_is_and_is_counted(client: Client) -> None:
    sent, waiting = make_sent(), make_message()
    said = text_of(act(client, "cancel", sent, waiting))
    assert "1 of what you chose does not wait any more" in said
    said = text_of(act(client, "cancel", sent, waiting, confirmed="yes"))
    assert "1 message cancelled" in said
    assert "1 message did not wait any more, and stayed as before." in said
    assert again(sent).status == Status.SENT
    said = text_of(act(client, "cancel", sent, waiting, confirmed="yes"))
    assert "Nothing to do" in said


def test_more_than_thirty_are_not_done_by_a_click_alone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bulk.TYPED_ABOVE == 30
    monkeypatch.setattr(outbox_acts, "TYPED_ABOVE", 1)
    chosen = [make_message(), make_message()]
    assert "Type the number to go on" in text_of(act(client, "cancel", *chosen))
    for typed in ("", "3"):
        said = text_of(act(client, "cancel", *chosen, confirmed="yes", typed=typed))
        assert "Nothing happened yet. Type 2" in said
    assert {again(message).status for message in chosen} == {Status.SCHEDULED}
    act(client, "cancel", *chosen, confirmed="yes", typed=" 2 ")
    assert {again(message).status for message in chosen} == {Status.CANCELLED}


def test_what_is_on_other_pages_can_be_chosen_as_well_and_only_what_fits(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.admin.outbox.PER_PAGE", 1)
    candidate = make_candidate(first_name="Mira")
    wanted = make_message(application=make_application(candidate=candidate))
    other, held = make_message(), make_message()
    hold(held)
    assert 'name="everything"' in page(client)

    def asked(**sent: Any) -> list[int]:
        asked = act(client, "postpone", everything="1", **sent)
        return [row["message"].pk for row in asked.context["rows"]] if "plan" in asked.context else []

    assert asked(back="scheduled") == [wanted.pk, other.pk]
    assert asked(back="scheduled", q="mira") == [wanted.pk]
    assert asked(back="on_hold") == [held.pk]
    assert asked(back="sent") == []
    assert asked(back="scheduled", one=other.pk) == [other.pk]
    monkeypatch.setattr("messaging.admin.outbox.AT_MOST", 1)
    assert asked(back="scheduled") == [wanted.pk]


def test_without_a_choice_nothing_is_asked(client: Client) -> None:
    for ids in ([], ["x"], ["0"], ["9" * 40]):
        response = client.post(reverse("outbox:act", args=["cancel"]), {"ids": ids}, follow=True)
        assert "Nothing was chosen." in text_of(response)
    assert client.post(reverse("outbox:act", args=["delete"])).status_code == 404


@pytest.mark.parametrize("name", outbox_acts.ACTS)
def test_who_may_only_read_does_nothing(name: str) -> None:
    message = make_message()
    hold(message)
    more = {"reason": "Mine.", "until": "2026-09-17", "to": "2026-09-17T09:00", "confirmed": "yes"}
    auditor = client_of(make_colleague("Auditor"))
    assert "Hold" not in [one.label for one in auditor.get(reverse(LIST)).context["acts"]]
    assert act(auditor, name, message, **more).status_code == 403
    assert (again(message).status, again(message).due_at) == (Status.SCHEDULED, message.due_at)
    assert Hold.objects.on(NOW).get().reason == "Frozen?"
    assert act(client_of(make_colleague("Recruiter")), name, message, **more).status_code == 200
    changed = again(message)
    assert (changed.status, changed.due_at, [one.reason for one in Hold.objects.on(NOW)]) != (
        Status.SCHEDULED,
        message.due_at,
        ["Frozen?"],
    )


def test_who_may_see_no_messages_sees_no_outbox() -> None:
    person = make_colleague("Auditor")
    assert client_of(person).get(reverse(LIST)).status_code == 200
    person.groups.clear()
    assert client_of(person).get(reverse(LIST)).status_code == 403
    assert Client().get(reverse(LIST)).status_code == 302


# --- Bounces ----------------------------------------------------------------------------------------------------------


def act_on_bounce(client: Client, message: Message, **data: str) -> Any:
    return client.post(reverse("outbox:bounce", args=[message.pk]), data, follow=True)


def test_the_address_is_corrected_and_it_is_sent_again(client: Client) -> None:
    message = make_bounced()
    said = text_of(client.get(reverse("outbox:bounce", args=[message.pk])))
    for words in (message.recipient, "550 no such user", "leaves within the minute"):
        assert words in said
    said = text_of(act_on_bounce(client, message, again="1", address="kim@"))
    assert "is not a mail address" in said
    assert not BounceAnswer.objects.exists()
    said = text_of(act_on_bounce(client, message, again="1", address="kim@example.net"))
    assert "It is scheduled for now and goes to the new address." in said
    outbox.drain(clock=timezone.now)
    assert Message.objects.get(cause=f"bounced:{message.pk}").recipient == "kim@example.net"
    assert LogEntry.objects.filter(change_message__contains="Corrected the address.").count() == 1
    said = text_of(client.get(reverse("outbox:bounce", args=[message.pk])))
    assert "Sent again to another address" in said
    assert 'name="again"' not in said


def test_an_address_can_be_corrected_without_sending(client: Client) -> None:
    message = make_bounced()
    said = text_of(act_on_bounce(client, message, correct="1", address="kim@example.net"))
    assert "Nothing was sent." in said
    assert "Send it to the corrected address" in said
    assert not BounceAnswer.objects.exists()


def test_to_the_same_address_it_is_not_sent_again(client: Client) -> None:
    message = make_bounced()
    said = text_of(act_on_bounce(client, message, again="1", address=message.recipient))
    assert "The address is still the one" in said
    assert not BounceAnswer.objects.exists()


def test_what_a_person_wrote_becomes_their_task(client: Client, coordinator: User) -> None:
    written = handoffs.answer(make_hand_off(), subject="Hello", body=OWN_WORDS, by=coordinator, now=NOW)
    assert isinstance(written, Message)
    outbox.drain(clock=lambda: NOW + timedelta(hours=1))
    message = make_bounced(again(written))
    assert f"It becomes a hand-off for {coordinator}" in page_of_bounce(client, message)
    said = text_of(act_on_bounce(client, message, again="1", address="kim@example.net"))
    assert f"It became a hand-off for {coordinator}: a person has to send it." in said
    task = HandOff.objects.open().get()
    assert (task.owner, task.message) == (coordinator, message)
    assert Message.objects.filter(application=message.application_id, origin="person").count() == 1


def page_of_bounce(client: Client, message: Message) -> str:
    return text_of(client.get(reverse("outbox:bounce", args=[message.pk])))


def test_what_is_reserved_by_now_is_said_to_become_a_hand_off(client: Client) -> None:
    message = make_bounced()
    assert "leaves within the minute" in page_of_bounce(client, message)
    raise_reach(message)
    assert "by now a person has to send it" in page_of_bounce(client, message)
    said = text_of(act_on_bounce(client, message, again="1", address="kim@example.net"))
    assert "It became a hand-off for" in said


def test_a_complaint_is_not_sent_again_but_left(client: Client) -> None:
    message = make_bounced(delivery=Message.Delivery.COMPLAINED)
    said = page_of_bounce(client, message)
    assert "reported this mail as spam" in said
    assert 'name="again"' not in said
    assert "Say in a few words why" in text_of(act_on_bounce(client, message, leave="1", note=""))
    assert "It is left as it is." in text_of(act_on_bounce(client, message, leave="1", note="They called."))


def test_who_may_only_read_corrects_nothing() -> None:
    message = make_bounced()
    auditor, recruiter = client_of(make_colleague("Auditor")), client_of(make_colleague("Recruiter"))
    assert 'name="again"' not in page_of_bounce(auditor, message)
    assert act_on_bounce(auditor, message, again="1", address="kim@example.net").status_code == 403
    assert Candidate.objects.get(pk=message.application.candidate_id).email == message.recipient
    act_on_bounce(recruiter, message, again="1", address="kim@example.net")
    assert Candidate.objects.get(pk=message.application.candidate_id).email == "kim@example.net"


def test_what_arrived_has_no_such_page(client: Client) -> None:
    message = make_sent()
    url = reverse("outbox:bounce", args=[message.pk])
    assert client.get(url).status_code == 404
    force(Message.objects.all(), delivery=Message.Delivery.BOUNCED)
    assert client.get(url).status_code == 200


# --- Today ------------------------------------------------------------------------------------------------------------


def test_today_shows_what_is_held_by_whom_and_why_and_what_did_not_arrive(client: Client) -> None:
    quiet = text_of(client.get(reverse("admin:index")))
    assert "On hold" not in quiet
    assert "did not arrive" not in quiet
    hold(make_message(), by=make_sender(first_name="Rita", last_name="Okafor"))
    make_bounced()
    said = text_of(client.get(reverse("admin:index")))
    for words in ("Frozen? Rita Okafor, since Tue 15 Sep, 10:00", "until Wed 16 Sep, 10:00", "1 mail did not arrive"):
        assert words in said
