"""After a merge the gate knows of both, and is never milder for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from messaging import automations, gate, merging, silence, who_may_send
from messaging.consequences import Consequence
from messaging.gate import Clearance
from messaging.models import Automation, HandOff, LedgerEntry, Message, Template
from messaging.policy.decision import GRAVITY, Outcome, Verdict
from messaging.policy.floor import Touchpoint
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Interview, Merge, SilenceEnd
from pipeline.outcomes import Refusal
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

Status = Message.Status
# A survey waits for open hand-offs, and a merge may close one that became pointless.
KINDS = [kind.value for kind in Touchpoint if kind not in (Touchpoint.UNKNOWN, Touchpoint.SURVEY)]
DUE = NOW + timedelta(hours=1)
LATER = NOW + timedelta(minutes=30)


def merge(kept: Candidate, away: Candidate) -> merging.Merged:
    merged = merging.merge(kept, away, by=make.make_user(), now=LATER)
    assert isinstance(merged, merging.Merged), merged.sentence
    return merged


def status_of(message: Message) -> str:
    return Message.objects.values_list("status", flat=True).get(pk=message.pk)


def acknowledged() -> Message:
    """An acknowledgement that waits for its time."""
    application = make.make_application(quiet=False)
    template = make.make_template(touchpoint=Touchpoint.ACKNOWLEDGEMENT, body="We have it.")
    make.make_automation(event=Automation.Event.RECEIVED, job=application.job, template=template, delay=60)
    [message] = automations.follow(application.stage_changes.get(), now=NOW)
    return message


class TestMerging:
    def test_a_rejection_that_waits_becomes_a_task_where_the_other_record_came_further(self) -> None:
        fresh, alone = make.make_message(), make.make_message()
        met = make.make_application()
        make.move_to(met, Milestone.PHONE_SCREEN)
        consequence = merge(fresh.application.candidate, met.candidate).consequence
        assert status_of(fresh) == Status.HELD
        assert [task.kind for task in consequence.hand_offs] == ["Rejection"]
        assert "phone screen" in consequence.hand_offs[0].reasons[0]
        assert isinstance(gate.clear(alone.pk, now=DUE), Clearance)

    @pytest.mark.parametrize("kept_is_fresh", [True, False])
    def test_a_conversation_with_either_is_contact_with_both(self, kept_is_fresh: bool) -> None:
        fresh = make.make_message()
        met = make.make_application()
        make.make_interview(met, held_at=NOW)
        people = (fresh.application.candidate, met.candidate)
        merge(*people if kept_is_fresh else reversed(people))
        assert status_of(fresh) == Status.HELD

    def test_what_waits_ends_where_the_other_asked_for_silence(self) -> None:
        waits = acknowledged()
        silent = make.make_candidate(do_not_contact_at=NOW)
        consequence = merge(waits.application.candidate, silent).consequence
        assert status_of(waits) == Status.CANCELLED
        assert [stopped.reason for stopped in consequence.stopped] == ["The candidate asked not to be contacted."]

    def test_mail_for_the_record_that_went_away_leaves_to_the_kept_address(self) -> None:
        waits = acknowledged()
        kept = make.make_candidate(email="kept@example.com")
        merge(kept, waits.application.candidate)
        clearance = gate.clear(waits.pk, now=DUE)
        assert isinstance(clearance, Clearance)
        assert clearance.recipient == "kept@example.com"

    def test_of_two_applications_for_one_job_the_one_that_rests_sends_nothing(self) -> None:
        waits = acknowledged()
        further = make.make_application(job=waits.application.job)
        make.move_to(further, Milestone.INTERVIEW)
        task = make.make_hand_off(application=make.make_application(candidate=waits.application.candidate))
        also = make.make_application(candidate=further.candidate, job=task.application.job)
        make.move_to(also, Milestone.FINAL_ROUND)
        consequence = merge(further.candidate, waits.application.candidate).consequence
        assert status_of(waits) == Status.CANCELLED
        assert HandOff.objects.get(pk=task.pk).status == HandOff.Status.NOT_NEEDED
        assert len(consequence.stopped) == 2
        assert not consequence.hand_offs

    def test_the_ledger_knows_and_says_nothing_about_the_person(self) -> None:
        first, second = make.make_application(), make.make_application()
        by = make.make_user()
        merged = merging.merge(first.candidate, second.candidate, by=by, now=NOW)
        assert isinstance(merged, merging.Merged)
        entry = LedgerEntry.objects.get(kind=LedgerEntry.Kind.MERGED)
        assert (entry.subject, entry.actor_id) == (f"candidate:{first.candidate_id}", by.pk)
        assert entry.data == {
            "merge": merged.record.pk,
            "away": second.candidate_id,
            "applications": 1,
            "duplicates": 0,
        }

    def test_a_rehearsal_says_the_same_and_changes_nothing(self) -> None:
        fresh, met = make.make_message(), make.make_application()
        make.move_to(met, Milestone.PHONE_SCREEN)
        people = fresh.application.candidate, met.candidate
        rehearsed = merging.rehearse_merge(*people, by=make.make_user(), now=LATER)
        assert isinstance(rehearsed, merging.Merged)
        assert (status_of(fresh), Merge.objects.count(), LedgerEntry.objects.count()) == (Status.SCHEDULED, 0, 0)
        done = merge(*people).consequence
        assert [task.reasons for task in rehearsed.consequence.hand_offs] == [task.reasons for task in done.hand_offs]

    def test_a_refusal_is_passed_on(self) -> None:
        candidate = make.make_candidate()
        for answer in (
            merging.merge(candidate, candidate, by=make.make_user(), now=NOW),
            merging.rehearse_merge(candidate, candidate, by=make.make_user(), now=NOW),
        ):
            assert isinstance(answer, Refusal)


class TestTakingApart:
    def test_what_waited_because_of_the_other_is_asked_again_and_stays_where_a_person_has_it(self) -> None:
        fresh, met = make.make_message(), make.make_application()
        make.move_to(met, Milestone.PHONE_SCREEN)
        merged = merge(fresh.application.candidate, met.candidate)
        later = make.make_message(application=make.make_application(candidate=fresh.application.candidate))
        apart = merging.unmerge(merged.record, by=make.make_user(), now=LATER)
        assert isinstance(apart, merging.TakenApart)
        # Nothing that a person got as a task goes back to a machine.
        assert [status_of(fresh), status_of(later)] == [Status.HELD, Status.HELD]
        assert LedgerEntry.objects.filter(kind=LedgerEntry.Kind.UNMERGED).count() == 1

    def test_a_rehearsal_changes_nothing(self) -> None:
        merged = merge(make.make_candidate(), make.make_candidate())
        apart = merging.rehearse_unmerge(merged.record, by=make.make_user(), now=LATER)
        assert isinstance(apart, merging.TakenApart)
        assert Merge.objects.open().get() == merged.record
        assert isinstance(merging.unmerge(merged.record, by=make.make_user(), now=LATER), merging.TakenApart)
        assert isinstance(merging.unmerge(merged.record, by=make.make_user(), now=LATER), Refusal)


class TestNeverMilder:
    """Whatever two records hold, a merge makes no verdict about either of them milder."""

    def ask(self, applications: list[Application], templates: list[Template]) -> Iterator[tuple[str, Verdict]]:
        current = Application.objects.filter(pk__in=[application.pk for application in applications]).order_by("pk")
        for application in current.select_related("candidate", "job", "stage", "reason"):
            for answer in who_may_send.ask(application, templates, now=LATER):
                yield f"{answer.template.touchpoint} for {application}", answer.verdict

    @pytest.mark.parametrize("seed", range(10))
    def test_over_records_of_all_kinds(self, seed: int) -> None:
        chance = random.Random(seed)
        templates = [make.make_template(touchpoint=kind, body="Hello.") for kind in KINDS]
        jobs = [make.make_job() for _ in range(2)]
        recruiter = make.make_user()

        def anybody() -> list[Application]:
            candidate = make.make_candidate(
                first_name="Kim",
                last_name="Lee",
                do_not_contact_at=chance.choice([None] * 5 + [NOW]),
                talent_pool_consent_at=chance.choice([None, NOW]),
            )
            made = []
            for job in chance.sample(jobs, chance.randint(1, 2)):
                application = make.make_application(candidate=candidate, job=job)
                if (milestone := chance.choice([1, 1, 2, 3, 4])) > 1:
                    make.move_to(application, milestone)
                if chance.random() < 0.3:
                    make.make_interview(application, kind=Interview.Kind.PHONE, held_at=NOW)
                if chance.random() < 0.4:
                    make.reject(application, by=recruiter)
                made.append(application)
            return made

        one, other = anybody(), anybody()
        both = sorted(one + other, key=lambda application: application.pk)
        before = list(self.ask(both, templates))
        merge(one[0].candidate, other[0].candidate)
        after = list(self.ask(both, templates))
        assert {verdict.outcome for _, verdict in before} > {Outcome.HAND_OFF}
        for (what, was), (_, became) in zip(before, after, strict=True):
            assert became.reserve >= was.reserve, what
            assert GRAVITY[became.outcome] >= GRAVITY[was.outcome], what


class TestSilence:
    def test_everything_that_waits_ends_and_nothing_leaves(self) -> None:
        waits, other = acknowledged(), acknowledged()
        task = make.make_hand_off(application=make.make_application(candidate=waits.application.candidate))
        candidate, by = waits.application.candidate, make.make_user()
        rehearsed = silence.rehearse(candidate, by=by, now=LATER)
        assert isinstance(rehearsed, Consequence)
        assert len(rehearsed.stopped) == 2
        assert status_of(waits) == Status.SCHEDULED
        done = silence.begin(candidate, by=by, now=LATER)
        assert isinstance(done, Consequence)
        assert done.stopped == rehearsed.stopped
        assert status_of(waits) == Status.CANCELLED
        assert HandOff.objects.get(pk=task.pk).status == HandOff.Status.NOT_NEEDED
        assert isinstance(gate.clear(other.pk, now=DUE), Clearance)
        assert isinstance(silence.begin(candidate, by=by, now=LATER), Refusal)

    def test_its_end_brings_nothing_back_and_lets_new_mail_leave(self) -> None:
        waits, by = acknowledged(), make.make_user()
        candidate = waits.application.candidate
        assert isinstance(silence.end(candidate, reason="She called.", by=by, now=LATER), Refusal)
        silence.begin(candidate, by=by, now=LATER)
        assert isinstance(silence.end(candidate, reason=" ", by=by, now=LATER), Refusal)
        ended = silence.end(candidate, reason="She called.", by=by, now=LATER)
        assert isinstance(ended, SilenceEnd)
        assert (ended.reason, ended.asked_at, ended.ended_by) == ("She called.", LATER, by)
        assert status_of(waits) == Status.CANCELLED
        fresh = make.make_message(application=make.make_application(candidate=candidate))
        assert isinstance(gate.clear(fresh.pk, now=DUE), Clearance)
        kinds = [entry.data for entry in LedgerEntry.objects.filter(kind=LedgerEntry.Kind.SILENCE)]
        assert kinds == [{"asked": True}, {"asked": False, "end": ended.pk}]
