"""The database refuses what the policy reserves and what rewrites history: through the ORM, raw statements, fixtures and
INSERT OR REPLACE. Every refusal stands beside the same statement where it is allowed, or beside an untouched row."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging import bounces, checks, gate, handoffs, ledger, outgoing
from messaging.delivery import brake as the_brake
from messaging.delivery import outbox
from messaging.delivery.outcomes import Outcome, Result
from messaging.gate import Clearance
from messaging.guards import ALL
from messaging.models import (
    Attempt,
    BounceAnswer,
    Brake,
    Escalation,
    HandOff,
    Hold,
    Incident,
    Installation,
    LedgerEntry,
    Message,
    PolicyRow,
    RecordedVerdict,
    Release,
    Seal,
    Signature,
    Snooze,
    Wording,
)
from messaging.policy.floor import FLOOR, HUMAN_FROM, Reserve, Touchpoint
from pipeline import actors, guards, moves
from pipeline.milestones import Milestone
from pipeline.models import Candidate, Interview, ReachCorrection, StageChange
from pipeline.outcomes import Refusal
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_automation,
    make_hand_off,
    make_interview,
    make_message,
    make_sender,
    make_stage_rule,
    make_template,
    make_user,
    move_to,
)
from tests.guards_off import guards_off

pytestmark = pytest.mark.django_db

Status = Message.Status
DUE = NOW + timedelta(hours=1)


def refused(act: Callable[[], object], *, because: str | None = None) -> None:
    with pytest.raises(IntegrityError, match=because), transaction.atomic():
        act()


def run(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def record_send(message: Message) -> None:
    """Somebody forges even the recorded decision."""
    RecordedVerdict.objects.create(
        message=message, decided_at=DUE, outcome="send", reserve=0, findings=[], facts={"forged": True}
    )


def let_go(message: Message, **fields: Any) -> int:
    values: dict[str, Any] = {"status": Status.SENDING, "status_at": DUE, "recipient": "kim@example.com"} | fields
    return Message.objects.filter(pk=message.pk).update(**values)


def make_planned(touchpoint: str) -> Message:
    """A message of an automation that waits, whatever the policy says to its kind."""
    application = make_application()
    automation = make_automation(template=make_template(touchpoint=touchpoint))
    return Message.objects.create(
        application=application,
        touchpoint=touchpoint,
        origin="automation",
        automation=automation,
        template=automation.template,
        wording=automation.template.wording_to_send(),
        cause=f"test:{application.pk}",
        created_at=NOW,
        status_at=NOW,
        due_at=DUE,
    )


def make_written() -> Message:
    """A person's own message that waits to leave."""
    hand_off = make_hand_off()
    answer = handoffs.answer(hand_off, subject="Our talk", body=OWN_WORDS, by=make_sender(), now=NOW)
    assert isinstance(answer, Message)
    return answer


def clear(message: Message) -> Attempt:
    cleared = gate.clear(message.pk, now=DUE)
    assert isinstance(cleared, Clearance)
    return cleared.attempt


def finish(attempt: Attempt, outcome: Outcome) -> Message:
    outbox.record(attempt, Result(outcome=outcome), clock=lambda: DUE)
    return Message.objects.get(pk=attempt.message_id)


class TestReserved:
    @pytest.mark.parametrize("touchpoint", [kind for kind in Touchpoint if kind is not Touchpoint.UNKNOWN])
    @pytest.mark.parametrize("late", [False, True])
    def test_a_machine_lets_go_what_the_floor_lets_it_and_nothing_else(
        self, touchpoint: Touchpoint, late: bool
    ) -> None:
        message = make_planned(touchpoint)
        if late:
            move_to(message.application, HUMAN_FROM)
        record_send(message)
        if FLOOR[touchpoint][late] is Reserve.AUTOMATIC:
            assert let_go(message) == 1
        else:
            refused(lambda: let_go(message), because="floor")

    @pytest.mark.parametrize("milestone", Milestone)
    def test_a_rejection_goes_by_itself_only_before_the_phone_screen(self, milestone: Milestone) -> None:
        message = make_planned("rejection")
        if milestone > Milestone.APPLIED:
            move_to(message.application, milestone)
        record_send(message)
        if milestone < HUMAN_FROM:
            assert let_go(message) == 1
        else:
            refused(lambda: let_go(message), because="floor")

    def test_who_was_moved_back_still_reached_it(self) -> None:
        message = make_planned("rejection")
        move_to(message.application, HUMAN_FROM)
        message.application.refresh_from_db()
        move_to(message.application, Milestone.APPLIED)
        record_send(message)
        refused(lambda: let_go(message), because="floor")

    def test_another_application_of_theirs_counts(self) -> None:
        message, other = make_planned("rejection"), make_planned("rejection")
        move_to(make_application(candidate=message.application.candidate), HUMAN_FROM)
        record_send(message)
        record_send(other)
        refused(lambda: let_go(message), because="floor")
        assert let_go(other) == 1

    @pytest.mark.parametrize(
        ("interview", "counts"),
        [
            ({"starts_at": NOW, "held_at": NOW}, True),
            ({"starts_at": NOW}, True),  # nobody wrote down whether it took place
            ({"starts_at": NOW, "cancelled_at": NOW}, False),
            ({"starts_at": DUE + timedelta(days=1)}, False),
        ],
    )
    def test_a_conversation_counts_whatever_the_stage_says(self, interview: dict[str, Any], counts: bool) -> None:
        message = make_planned("rejection")
        make_interview(message.application, **interview)
        record_send(message)
        if counts:
            refused(lambda: let_go(message), because="floor")
        else:
            assert let_go(message) == 1

    def test_what_a_person_wrote_to_them_counts(self) -> None:
        written = make_written()
        message = make_planned("rejection")
        Message.objects.filter(pk=message.pk)  # of another candidate: not touched by it
        clear(written)
        record_send(message)
        assert let_go(message) == 1

    def test_a_policy_row_counts_from_its_milestone_on(self) -> None:
        early, late = make_planned("status_update"), make_planned("status_update")
        PolicyRow.objects.create(touchpoint="status_update", from_milestone=Milestone.REVIEW, reserve=1)
        move_to(late.application, Milestone.REVIEW)
        for message in (early, late):
            record_send(message)
        assert let_go(early) == 1
        refused(lambda: let_go(late), because="policy or a stage rule")

    def test_a_stage_rule_counts_for_its_template_alone(self) -> None:
        ruled, free = make_planned("status_update"), make_planned("status_update")
        make_stage_rule(ruled.template, from_milestone=Milestone.APPLIED, reserve=2)  # type: ignore[arg-type]
        for message in (ruled, free):
            record_send(message)
        assert let_go(free) == 1
        refused(lambda: let_go(ruled), because="policy or a stage rule")

    def test_an_unsigned_wording_does_not_leave(self) -> None:
        message = make_planned("status_update")
        record_send(message)
        with guards_off():
            Signature.objects.all().delete()
        refused(lambda: let_go(message), because="signed")

    def test_nothing_leaves_without_a_recorded_decision(self) -> None:
        message = make_planned("status_update")
        refused(lambda: let_go(message), because="recorded decision")
        record_send(message)
        refused(lambda: let_go(message, status_at=DUE + timedelta(seconds=1)), because="recorded decision")
        assert let_go(message) == 1

    def test_who_asked_for_no_mail_gets_none(self) -> None:
        message = make_planned("status_update")
        record_send(message)
        candidate = Candidate.objects.filter(pk=message.application.candidate_id)
        candidate.update(do_not_contact_at=NOW)
        refused(lambda: let_go(message), because="not to be contacted")
        candidate.update(do_not_contact_at=None)
        assert let_go(message) == 1

    def test_nothing_leaves_in_safe_mode(self) -> None:
        message = make_planned("status_update")
        record_send(message)
        Installation.objects.update_or_create(pk=1, defaults={"safe_since": NOW, "safe_why": "elsewhere"})
        refused(lambda: let_go(message), because="Safe mode")
        Installation.objects.update(safe_since=None, safe_why="")
        assert let_go(message) == 1

    def test_nothing_of_a_braked_automation_leaves(self) -> None:
        braked, free = make_planned("status_update"), make_planned("status_update")
        for message in (braked, free):
            record_send(message)
        assert braked.automation is not None
        brake = Brake.objects.create(automation=braked.automation, put_on_at=NOW, why="Far more than usual.", count=300)
        refused(lambda: let_go(braked), because="brake")
        assert let_go(free) == 1
        Brake.objects.filter(pk=brake.pk).update(released_at=NOW, released_by=make_user(), reason="Meant.")
        assert let_go(braked) == 1


class TestAPersonsMessage:
    def test_it_leaves_as_its_writer_let_it_go(self) -> None:
        message = make_written()
        assert message.release.released_by == message.written_by
        clear(message)
        assert Message.objects.get(pk=message.pk).status == Status.SENDING

    def test_without_its_writers_act_it_does_not(self) -> None:
        message = make_written()
        with guards_off():
            Release.objects.all().delete()
        record_send(message)
        refused(lambda: let_go(message), because="act of its writer")

    def test_an_account_that_was_closed_lets_nothing_go(self) -> None:
        message = make_written()
        assert message.written_by is not None
        type(message.written_by).objects.filter(pk=message.written_by.pk).update(is_active=False)
        record_send(message)
        refused(lambda: let_go(message), because="act of its writer")

    def test_nobody_releases_another_persons_or_a_machines_message(self) -> None:
        message, planned = make_written(), make_planned("offer")
        with guards_off():
            Release.objects.all().delete()
        for about, by in ((message, make_sender()), (planned, make_sender())):
            refused(
                lambda about=about, by=by: Release.objects.create(  # type: ignore[misc]
                    message=about, released_by=by, released_at=NOW, fingerprint="0" * 64
                ),
                because="wrote",
            )
        assert handoffs.release(message, now=NOW).message == message

    def test_its_text_cannot_be_exchanged(self) -> None:
        message = make_written()
        for fields in ({"subject": "No"}, {"body": "We will not be moving forward."}):
            refused(lambda fields=fields: Message.objects.filter(pk=message.pk).update(**fields), because="text")  # type: ignore[misc]
        record_send(message)
        refused(lambda: let_go(message, body="Another one."), because="text")
        assert let_go(message) == 1

    def test_a_text_that_was_exchanged_behind_the_guards_goes_back_to_a_person(self) -> None:
        message = make_written()
        with guards_off():
            Message.objects.filter(pk=message.pk).update(body=OWN_WORDS + " And more.")
        cleared = gate.clear(message.pk, now=DUE)
        assert isinstance(cleared, gate.Case)
        assert "not_released" in [finding.code for finding in cleared.verdict.findings]
        assert Message.objects.get(pk=message.pk).status == Status.HELD

    def test_a_machines_message_does_not_become_a_persons(self) -> None:
        message, person = make_planned("offer"), make_sender()
        refused(
            lambda: Message.objects.filter(pk=message.pk).update(origin="person", written_by=person),
            because="never changes",
        )


class TestTheWay:
    LEGAL = {
        (Status.SCHEDULED, Status.SENDING),
        (Status.SCHEDULED, Status.HELD),
        (Status.SCHEDULED, Status.CANCELLED),
        (Status.SENDING, Status.SENT),
        (Status.SENDING, Status.FAILED),
        (Status.SENDING, Status.UNCERTAIN),
        (Status.SENDING, Status.SCHEDULED),
        (Status.HELD, Status.CANCELLED),
        (Status.UNCERTAIN, Status.SENT),
        (Status.UNCERTAIN, Status.FAILED),
        (Status.UNCERTAIN, Status.SCHEDULED),
    }

    @pytest.mark.parametrize("source", Status)
    @pytest.mark.parametrize("target", Status)
    def test_only_legal_steps(self, source: Status, target: Status) -> None:
        if source == target:
            return
        message = make_planned("status_update")
        record_send(message)
        with guards_off():
            Message.objects.filter(pk=message.pk).update(status=source, recipient="kim@example.com")
            for number, outcome in enumerate(["accepted", "refused"], start=1):
                make_attempt(message, number=number, outcome=outcome)
        change = Message.objects.filter(pk=message.pk)
        person = make_user()
        by = actors.person(person.pk)
        ledger.write(LedgerEntry.Kind.RESOLVED, about=message, by=by, now=DUE)
        if (source, target) in self.LEGAL:
            assert change.update(status=target, status_at=DUE) == 1
        else:
            refused(lambda: change.update(status=target, status_at=DUE), because="does not go")

    @pytest.mark.parametrize("status", [status for status in Status if status != Status.SCHEDULED])
    def test_a_message_is_born_scheduled(self, status: Status) -> None:
        message = make_planned("status_update")
        message.pk, message.public_id, message.cause = None, None, "another"  # type: ignore[assignment]
        message.status, message.recipient = status, "kim@example.com"
        refused(message.save, because="begins as scheduled")

    def test_bulk_create_and_bulk_update_are_no_way_around(self) -> None:
        message = make_planned("rejection")
        move_to(message.application, HUMAN_FROM)
        message.status, message.recipient, message.status_at = Status.SENT, "kim@example.com", DUE
        refused(lambda: Message.objects.bulk_update([message], ["status", "recipient", "status_at"]))
        message.pk, message.cause = None, "another"
        refused(lambda: Message.objects.bulk_create([message]))

    def test_raw_statements_are_no_way_around(self) -> None:
        message = make_planned("rejection")
        move_to(message.application, HUMAN_FROM)
        record_send(message)
        for status in ("sending", "sent", "uncertain"):
            refused(
                lambda status=status: run(  # type: ignore[misc]
                    "UPDATE messaging_message SET status = %s, recipient = 'kim@example.com' WHERE id = %s",
                    status,
                    message.pk,
                )
            )
        refused(lambda: run("DELETE FROM messaging_message WHERE id = %s", message.pk), because="never deleted")

    def test_a_fixture_is_no_way_around(self, tmp_path: Path) -> None:
        message = make_planned("rejection")
        move_to(message.application, HUMAN_FROM)
        [row] = json.loads(serializers.serialize("json", [message]))
        row["fields"] |= {"status": "sent", "recipient": "kim@example.com"}
        fixture = tmp_path / "forged.json"
        fixture.write_text(json.dumps([row]))
        with pytest.raises(IntegrityError):
            call_command("loaddata", str(fixture), verbosity=0)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has INSERT OR REPLACE")
    def test_insert_or_replace_is_no_way_around(self) -> None:
        attempt, message = clear(make_message()), make_planned("status_update")
        for model, pk in (
            (Message, message.pk),
            (Attempt, attempt.pk),
            (StageChange, StageChange.objects.latest("pk").pk),
            (Candidate, message.application.candidate_id),
            (RecordedVerdict, RecordedVerdict.objects.latest("pk").pk),
            (Wording, message.wording_id),
        ):
            refused(lambda model=model, pk=pk: replace_row(model, pk), because="never replaced|begins open")  # type: ignore[misc]

    def test_what_a_message_is_never_changes(self) -> None:
        message, other = make_planned("status_update"), make_planned("reminder")
        for fields in (
            {"touchpoint": "reminder"},
            {"application": other.application},
            {"template": other.template},
            {"wording": other.wording},
            {"cause": "another"},
            {"created_at": DUE},
        ):
            change = partial(Message.objects.filter(pk=message.pk).update, **fields)
            refused(change, because="never changes")
        assert Message.objects.filter(pk=message.pk).update(due_at=DUE + timedelta(days=1)) == 1

    def test_a_message_is_of_its_templates_kind_and_follows_from_something(self) -> None:
        message = make_planned("offer")
        for fields in ({"touchpoint": "status_update"}, {"cause": ""}, {"template": None}):
            copy = Message.objects.get(pk=message.pk)
            copy.pk, copy.public_id, copy.cause = None, None, "another"  # type: ignore[assignment]
            for name, value in fields.items():
                setattr(copy, name, value)
            refused(copy.save, because="kind")

    def test_nobody_says_sent_of_what_no_provider_accepted(self) -> None:
        message = finish(clear(make_message()), Outcome.UNCERTAIN)
        change = Message.objects.filter(pk=message.pk)
        refused(lambda: change.update(status=Status.SENT), because="accepted")
        refused(lambda: change.update(status=Status.SCHEDULED), because="not sent again")
        by = actors.person(make_user().pk)
        with transaction.atomic():
            ledger.write(LedgerEntry.Kind.RESOLVED, about=message, by=actors.CLOCK, now=DUE)
        refused(lambda: change.update(status=Status.SENT), because="accepted")  # no person said it
        ledger.write(LedgerEntry.Kind.RESOLVED, about=message, by=by, now=DUE)
        assert change.update(status=Status.SENT) == 1

    def test_an_open_attempt_keeps_its_message(self) -> None:
        attempt = clear(make_message())
        change = Message.objects.filter(pk=attempt.message_id)
        refused(lambda: change.update(status=Status.UNCERTAIN), because="attempt")
        assert finish(attempt, Outcome.REFUSED).status == Status.SCHEDULED


def make_attempt(message: Message, **fields: Any) -> Attempt:
    values: dict[str, Any] = {
        "number": 1,
        "started_at": DUE,
        "expires_at": DUE + timedelta(minutes=2),
        "recipient": "kim@example.com",
        "fingerprint": "0" * 64,
        "provider": "smtp",
        "finished_at": DUE,
    } | fields
    return Attempt.objects.create(message=message, **values)


def replace_row(model: type[Model], pk: object) -> None:
    """The very row again, over itself."""
    columns = ", ".join(f'"{field.column}"' for field in model._meta.local_concrete_fields)
    table, key = model._meta.db_table, model._meta.pk.column
    run(f'INSERT OR REPLACE INTO "{table}" ({columns}) SELECT {columns} FROM "{table}" WHERE "{key}" = %s', pk)


class TestAttempts:
    def test_one_begins_open_and_for_a_message_that_is_being_sent(self) -> None:
        waiting, sending = make_message(), clear(make_message()).message
        refused(lambda: make_attempt(waiting, finished_at=None), because="being sent")
        refused(lambda: make_attempt(sending, number=2, finished_at=None), because="alone")
        with guards_off():
            Attempt.objects.all().delete()
        recipient = Message.objects.get(pk=sending.pk).recipient
        refused(lambda: make_attempt(sending, outcome="accepted", recipient=recipient), because="open")
        refused(lambda: make_attempt(sending, finished_at=None, recipient="eve@example.com"), because="this address")
        assert make_attempt(sending, finished_at=None, recipient=recipient).outcome == ""

    def test_one_ends_once(self) -> None:
        attempt = clear(make_message())
        finish(attempt, Outcome.ACCEPTED)
        change = Attempt.objects.filter(pk=attempt.pk)
        for fields in ({"outcome": ""}, {"outcome": "refused"}, {"recipient": "eve@example.com"}, {"number": 7}):
            refused(lambda fields=fields: change.update(**fields), because="ends once")  # type: ignore[misc]
        refused(lambda: run("DELETE FROM messaging_attempt"), because="never deleted")

    def test_one_is_used_once(self) -> None:
        change = Attempt.objects.filter(pk=clear(make_message()).pk)
        assert change.update(used_at=DUE) == 1
        refused(lambda: change.update(used_at=None), because="ends once")

    def test_an_uncertain_one_may_turn_out(self) -> None:
        attempt = clear(make_message())
        finish(attempt, Outcome.UNCERTAIN)
        assert Attempt.objects.filter(pk=attempt.pk).update(outcome="accepted") == 1


class TestReach:
    def test_it_never_goes_down(self) -> None:
        application = make_application()
        move_to(application, Milestone.INTERVIEW)
        candidate = Candidate.objects.filter(pk=application.candidate_id)
        refused(lambda: candidate.update(reach=Milestone.REVIEW), because="never goes down")
        refused(lambda: run("UPDATE pipeline_candidate SET reach = 0"), because="never goes down")
        assert candidate.update(reach=Milestone.OFFER) == 1

    def test_an_administrators_correction_lowers_it_once(self) -> None:
        application, person = make_application(), make_user()
        move_to(application, Milestone.INTERVIEW)
        application.refresh_from_db()
        move_to(application, Milestone.REVIEW)
        candidate = Candidate.objects.get(pk=application.candidate_id)
        by = actors.person(person.pk)
        done = moves.correct_reach(candidate, to=Milestone.REVIEW, reason="Wrong card.", by=by, now=NOW)
        assert isinstance(done, ReachCorrection)
        assert Candidate.objects.get(pk=candidate.pk).reach == Milestone.REVIEW

        again = make_planned_for(application)
        record_send(again)
        assert let_go(again) == 1  # the history before the correction counts no more, here as in the facts

        application.refresh_from_db()
        move_to(application, Milestone.INTERVIEW)
        refused(
            lambda: Candidate.objects.filter(pk=candidate.pk).update(reach=Milestone.REVIEW), because="never goes down"
        )

    def test_a_correction_says_why_and_goes_below_no_stage_of_today(self) -> None:
        application, person = make_application(), make_user()
        move_to(application, Milestone.INTERVIEW)
        candidate, by = Candidate.objects.get(pk=application.candidate_id), actors.person(person.pk)

        def correct(to: Milestone, reason: str, by: actors.Actor) -> ReachCorrection | Refusal:
            return moves.correct_reach(candidate, to=to, reason=reason, by=by, now=NOW)

        for answer, word in (
            (correct(Milestone.REVIEW, " ", by), "why"),
            (correct(Milestone.REVIEW, "Wrong card.", actors.CLOCK), "person"),
            (correct(Milestone.OFFER, "Wrong card.", by), "no more"),
            (correct(Milestone.REVIEW, "Wrong card.", by), "back first"),
        ):
            assert isinstance(answer, Refusal)
            assert word in answer.sentence


def make_planned_for(application: Any) -> Message:
    automation = make_automation(template=make_template(touchpoint="rejection"))
    return Message.objects.create(
        application=application,
        touchpoint="rejection",
        origin="automation",
        automation=automation,
        template=automation.template,
        wording=automation.template.wording_to_send(),
        cause="test",
        created_at=NOW,
        status_at=NOW,
        due_at=DUE,
    )


class TestContact:
    def test_a_held_conversation_stays_held(self) -> None:
        interview = make_interview(make_application(), held_at=NOW)
        change = Interview.objects.filter(pk=interview.pk)
        refused(lambda: change.update(held_at=None), because="stays held")
        refused(lambda: change.update(application=make_application()), because="same candidate")
        refused(lambda: run("DELETE FROM pipeline_interview"), because="never deleted")
        assert change.update(note="It went well.") == 1


class TestHistory:
    @pytest.fixture
    def rows(self) -> dict[str, Any]:
        message = make_written()
        clear(message)
        seal = Seal.objects.create(number=1, sealed_at=NOW, rows=1, digest="0" * 64, previous="", head="1" * 64)
        return {
            "stage change": (StageChange.objects.latest("pk"), {"to_milestone": 1}),
            "wording": (Wording.objects.latest("pk"), {"body": "Another."}),
            "signature": (Signature.objects.latest("pk"), {"name": "Somebody"}),
            "release": (message.release, {"fingerprint": "0" * 64}),
            "verdict": (RecordedVerdict.objects.latest("pk"), {"outcome": "stop"}),
            "ledger entry": (LedgerEntry.objects.latest("pk"), {"subject": "message:0"}),
            "seal": (seal, {"head": "0" * 64}),
        }

    @pytest.mark.parametrize(
        "name", ["stage change", "wording", "signature", "release", "verdict", "ledger entry", "seal"]
    )
    def test_what_was_written_stays(self, rows: dict[str, Any], name: str) -> None:
        row, fields = rows[name]
        alike = type(row)._base_manager.filter(pk=row.pk)
        refused(lambda: alike.update(**fields), because="never changed")
        refused(
            lambda: run(f"DELETE FROM {row._meta.db_table} WHERE {row._meta.pk.column} = %s", row.pk),
            because="never deleted",
        )

    @pytest.mark.parametrize("name", ["verdict", "ledger entry"])
    def test_a_seal_comes_once(self, rows: dict[str, Any], name: str) -> None:
        row, seal = rows[name][0], rows["seal"][0]
        alike = type(row)._base_manager.filter(pk=row.pk)
        assert alike.update(seal=seal) == 1
        refused(lambda: alike.update(seal=None), because="never changed")

    @pytest.fixture
    def acts(self) -> dict[str, tuple[Model, dict[str, Any]]]:
        """What people and the clock did with a bounce and a due date."""
        bounced = finish(clear(make_message()), Outcome.ACCEPTED)
        Message.objects.filter(pk=bounced.pk).update(delivery=Message.Delivery.BOUNCED)
        assert isinstance(bounces.leave(bounced, note="She left.", by=make_user(), now=DUE), BounceAnswer)
        hand_off, till = make_hand_off(), (NOW + timedelta(days=7)).date()
        handoffs.snooze(hand_off, until=till, reason="The panel meets then.", by=make_sender(), now=NOW)
        Escalation.objects.create(hand_off=hand_off, step=1, due_at=DUE, to=make_user(), escalated_at=DUE)
        return {
            "snooze": (Snooze.objects.get(), {"reason": "She asked for it."}),
            "escalation": (Escalation.objects.get(), {"escalated_at": NOW}),
            "bounce answer": (BounceAnswer.objects.get(), {"answered_by": make_user()}),
        }

    @pytest.mark.parametrize("name", ["snooze", "escalation", "bounce answer"])
    def test_what_was_done_stays(self, acts: dict[str, tuple[Model, dict[str, Any]]], name: str) -> None:
        row, fields = acts[name]
        alike = type(row)._base_manager.filter(pk=row.pk)
        refused(lambda: alike.update(**fields), because="never changed")
        refused(lambda: run(f"DELETE FROM {row._meta.db_table}"), because="never deleted")
        again = alike.get()
        refused(lambda: again.save(force_insert=True), because="never replaced")

    def test_a_hold_is_what_it_was_and_ends_once_by_a_person(self) -> None:
        message, by = make_message(), make_sender()
        held = outgoing.hold(message, reason="Frozen?", until=NOW + timedelta(days=2), by=by, now=NOW)
        assert isinstance(held, Hold)
        change = Hold.objects.filter(pk=held.pk)
        for fields in ({"reason": "Another."}, {"held_by": make_user()}, {"until_at": DUE}, {"released_at": DUE}):
            refused(lambda fields=fields: change.update(**fields), because="ends once")  # type: ignore[misc]
        copy = Hold.objects.get(pk=held.pk)
        copy.pk = None
        refused(copy.save, because="one at a time")
        refused(lambda: run("DELETE FROM messaging_hold"), because="never deleted")
        assert isinstance(outgoing.release(message, by=by, now=DUE), Message)
        refused(lambda: change.update(released_by=make_user()), because="ends once")
        refused(lambda: change.update(released_at=None, released_by=None), because="ends once")

    def test_a_hold_that_is_over_ends_at_its_time_and_nobody_ended_it(self) -> None:
        message, by, over = make_message(), make_sender(), NOW + timedelta(days=2)
        outgoing.hold(message, reason="Frozen?", until=over, by=by, now=NOW)
        again = outgoing.hold(message, reason="Still?", until=over + timedelta(days=3), by=by, now=over)
        assert isinstance(again, Hold)
        first = Hold.objects.exclude(pk=again.pk).get()
        assert (first.released_at, first.released_by) == (over, None)

    def test_a_brake_ends_once_by_a_person_and_is_what_it_was(self) -> None:
        automation, person = make_automation(), make_user()
        brake = Brake.objects.create(automation=automation, put_on_at=NOW, why="Far more than usual.", count=300)
        change = Brake.objects.filter(pk=brake.pk)
        for fields in ({"why": "Nothing."}, {"count": 1}, {"released_at": NOW}, {"dropped_at": NOW}):
            refused(lambda fields=fields: change.update(**fields), because="once")  # type: ignore[misc]
        copy = Brake.objects.get(pk=brake.pk)
        copy.pk = None
        refused(copy.save, because="one at a time")
        refused(lambda: run("DELETE FROM messaging_brake"), because="never deleted")
        assert isinstance(the_brake.release(brake, reason="Meant.", by=person, now=NOW), Brake)
        refused(lambda: change.update(released_at=None, released_by=None), because="once")
        refused(lambda: change.update(reason="Somebody else said so."), because="once")

    def test_a_hand_off_is_closed_once_and_a_message_has_one_at_a_time(self) -> None:
        hand_off = make_hand_off()
        copy = HandOff.objects.get(pk=hand_off.pk)
        copy.pk = None
        refused(copy.save, because="one at a time")
        handoffs.close_as_not_needed(hand_off, reason="Told at the door.", by=make_user(), now=NOW)
        change = HandOff.objects.filter(pk=hand_off.pk)
        refused(lambda: change.update(status="open", closed_at=None), because="closed once")
        refused(lambda: change.update(reserve=0), because="closed once")
        refused(lambda: run("DELETE FROM messaging_handoff"), because="never deleted")

    def test_an_incident_is_closed_once(self) -> None:
        incident = Incident.objects.create(kind="mail_refused", at=NOW, sentence="A mail.")
        change = Incident.objects.filter(pk=incident.pk)
        refused(lambda: change.update(sentence="Nothing."), because="closed once")
        assert change.update(closed_at=NOW, note="Looked.") == 1
        refused(lambda: change.update(closed_at=None), because="closed once")


class TestTheGuardsThemselves:
    def test_they_are_installed_by_migrations(self) -> None:
        assert guards.find_differences(ALL) == []
        assert len({guard.full_name for guard in ALL}) == len(ALL)

    def test_one_migration_of_each_app_installs_them(self) -> None:
        executor = MigrationExecutor(connection)
        installing = [
            key
            for key, migration in executor.loader.disk_migrations.items()
            for operation in migration.operations
            if getattr(getattr(operation, "code", None), "__module__", "") == guards.__name__
        ]
        assert sorted(app for app, _ in installing) == ["messaging", "pipeline"]

    def test_a_missing_changed_or_foreign_one_is_noticed(self) -> None:
        with transaction.atomic():
            guards.remove([ALL[0]], using=connection)
            assert guards.find_differences(ALL) == [ALL[0].full_name]
            weaker = guards.Guard(
                name=ALL[0].name, table=ALL[0].table, event=ALL[0].event, when="1 = 0", sentence=ALL[0].sentence
            )
            guards.install([weaker], using=connection)
            assert guards.find_differences(ALL) == [ALL[0].full_name]
            guards.install([ALL[0]], using=connection)
            assert guards.find_differences(ALL) == []
            foreign = guards.Guard(
                name="foreign", table="messaging_message", event="UPDATE", when="1 = 0", sentence="?"
            )
            guards.install([foreign], using=connection)
            assert guards.find_differences(ALL) == ["byhand_foreign"]
            guards.remove([foreign], using=connection)

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite cannot switch a trigger off")
    def test_one_that_is_switched_off_is_noticed(self) -> None:
        run(f"ALTER TABLE {ALL[0].table} DISABLE TRIGGER {ALL[0].full_name}")
        assert guards.find_differences(ALL) == [ALL[0].full_name]
        run(f"ALTER TABLE {ALL[0].table} ENABLE TRIGGER {ALL[0].full_name}")

    def test_nothing_is_sent_while_they_differ_and_one_incident_says_so(self) -> None:
        message = make_message()
        with guards_off():
            assert [problem.id for problem in checks.the_guards_stand(databases=["default"])] == ["messaging.E015"]
            for _ in range(2):
                assert outbox.drain(clock=lambda: DUE) == {}
        assert Message.objects.get(pk=message.pk).status == Status.SCHEDULED
        assert [incident.kind for incident in Incident.objects.all()] == ["guards_differ"]
        assert list(checks.the_guards_stand(databases=["default"])) == []
        assert list(checks.the_guards_stand(databases=[])) == []
        assert outbox.drain(clock=lambda: DUE) == {"sent": 1}

    def test_an_operator_puts_them_back(self) -> None:
        said = io.StringIO()
        guards.remove([ALL[0]], using=connection)
        call_command("install_guards", stdout=said)
        assert ALL[0].full_name in said.getvalue()
        assert guards.find_differences(ALL) == []
        call_command("install_guards", stdout=said)
        assert "nothing was changed" in said.getvalue()

    def test_looking_at_them_is_one_query(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            guards.find_differences(ALL)
        assert len(queries) == 1


def test_a_message_without_a_writer_has_nobody_who_lets_it_go() -> None:
    with pytest.raises(ValueError, match="nobody wrote"):
        handoffs.release(make_planned("offer"), now=timezone.now())
