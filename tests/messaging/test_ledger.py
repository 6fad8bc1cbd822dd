"""The ledger: what is written into it, how it is sealed, and what becomes visible when somebody changes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from messaging import gate, handoffs, ledger, outgoing, tasks, wordings
from messaging.models import LedgerEntry, PolicyRow, RecordedVerdict, Seal, Signature
from messaging.policy.floor import Reserve
from messaging.wording.fingerprint import text_fingerprint
from pipeline import actors
from pipeline.milestones import Milestone
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_hand_off,
    make_message,
    make_sender,
    make_stage_rule,
    make_template,
    make_user,
    make_wording,
)
from tests.guards_off import guards_off, tamper

pytestmark = pytest.mark.django_db

Kind = LedgerEntry.Kind
LATER = NOW + timedelta(hours=2)


def make_entry(**data: Any) -> LedgerEntry:
    user = make_user()
    return ledger.write(Kind.RESOLVED, about=user, by=actors.person(user.pk), now=NOW, data=data)


def make_verdict() -> RecordedVerdict:
    message = make_message()
    gate.clear(message.pk, now=LATER)
    return message.verdicts.get()


def make_chain(links: int = 3) -> None:
    for number in range(links):
        make_entry(number=number)
        make_verdict()
        make_entry(number=number)
        assert ledger.seal(now=NOW + timedelta(minutes=number)) == 3


def only_entry(kind: str) -> LedgerEntry:
    return LedgerEntry.objects.get(kind=kind)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("ledger", *arguments, stdout=out)
    return out.getvalue().strip()


# --- What is written --------------------------------------------------------------------------------------------------


def test_a_signature_is_in_the_ledger_with_the_text_it_stands_under() -> None:
    by, wording = make_user(), make_wording(make_template(signed=False), signed=False)
    signature = wordings.sign(wording, by=by, now=NOW)
    assert isinstance(signature, Signature)
    entry = only_entry(Kind.SIGNED)
    assert (entry.subject, entry.actor_kind, entry.actor_id) == (f"wording:{wording.pk}", "person", by.pk)
    assert entry.data == {
        "signature": signature.pk,
        "template": wording.template_id,
        "number": 2,
        "fingerprint": text_fingerprint(
            touchpoint=wording.template.touchpoint, subject=wording.subject, body=wording.body
        ),
    }


def test_a_refused_signature_is_not_in_the_ledger() -> None:
    by, wording = make_user(), make_wording(make_template(signed=False), signed=False)
    wordings.sign(wording, by=by, now=NOW)
    wordings.sign(wording, by=by, now=NOW)
    assert LedgerEntry.objects.filter(kind=Kind.SIGNED).count() == 1


def test_a_closed_hand_off_is_in_the_ledger_with_its_answer() -> None:
    by, hand_off = make_sender(), make_hand_off()
    handoffs.answer(hand_off, subject="About our talk", body=OWN_WORDS, by=by, now=NOW)
    hand_off.refresh_from_db()
    entry = only_entry(Kind.HAND_OFF_CLOSED)
    assert (entry.subject, entry.actor_id) == (f"handoff:{hand_off.pk}", by.pk)
    assert entry.data == {"status": "answered", "message": hand_off.message_id, "answer": hand_off.answer_id}


def test_a_hand_off_without_an_answer_says_so_and_not_what_was_talked_about() -> None:
    hand_off = make_hand_off()
    handoffs.tell_by_phone(hand_off, note="Kim was sad.", by=make_sender(), now=NOW)
    entry = only_entry(Kind.HAND_OFF_CLOSED)
    assert entry.data == {"status": "told_by_phone", "message": hand_off.message_id, "answer": None}


def test_a_cancelled_message_is_in_the_ledger_once() -> None:
    by, message = make_user(), make_message()
    outgoing.cancel(message, by=by, now=NOW)
    outgoing.cancel(message, by=by, now=NOW)
    entry = only_entry(Kind.CANCELLED)
    assert (entry.subject, entry.actor_id, entry.at) == (f"message:{message.pk}", by.pk, NOW)


def test_a_rule_that_changed_says_what_it_was_and_what_it_is() -> None:
    by = actors.person(make_user().pk)
    rule = PolicyRow(touchpoint="survey", from_milestone=Milestone.OFFER, reserve=Reserve.PERSON_SENDS, why="Ask Mei.")
    assert ledger.read_rule(rule) == {}
    rule.save()
    new = ledger.write_rule_change(rule, before={}, by=by, now=NOW)
    before = ledger.read_rule(rule)
    PolicyRow.objects.filter(pk=rule.pk).update(reserve=Reserve.PERSON_WRITES, why="Ask Noor.")
    changed = ledger.write_rule_change(rule, before=before, by=by, now=NOW)
    before = ledger.read_rule(rule)
    PolicyRow.objects.filter(pk=rule.pk).delete()
    gone = ledger.write_rule_change(rule, before=before, by=by, now=NOW)

    assert new is not None
    assert changed is not None
    assert gone is not None
    assert {entry.subject for entry in (new, changed, gone)} == {f"policyrow:{rule.pk}"}
    assert new.data["reserve_before"] is None
    assert (new.data["touchpoint_after"], new.data["reserve_after"]) == ("survey", 1)
    assert changed.data == {"reserve_before": 1, "reserve_after": 2}
    assert (gone.data["reserve_before"], gone.data["reserve_after"]) == (2, None)


def test_a_rule_that_was_saved_as_it_was_is_no_change() -> None:
    rule = make_stage_rule(make_template(), from_milestone=Milestone.OFFER, reserve=Reserve.PERSON_SENDS)
    before = ledger.read_rule(rule)
    rule.save()
    assert ledger.write_rule_change(rule, before=before, by=actors.CLOCK, now=NOW) is None
    assert not LedgerEntry.objects.exists()


# --- Sealing ----------------------------------------------------------------------------------------------------------


def test_every_row_is_sealed_once_and_a_quiet_minute_makes_no_link() -> None:
    make_chain()
    assert list(Seal.objects.values_list("number", "rows")) == [(1, 3), (2, 3), (3, 3)]
    assert not LedgerEntry.objects.filter(seal__isnull=True).exists()
    assert not RecordedVerdict.objects.filter(seal__isnull=True).exists()
    assert ledger.seal(now=NOW) == 0
    assert Seal.objects.count() == 3
    assert ledger.verify() is None


def test_more_than_fits_under_one_seal_gets_more_of_them_and_the_rest_the_next_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "ROWS", 2)
    monkeypatch.setattr(ledger, "SECONDS", 0.0)
    for _ in range(5):
        make_entry()
    assert ledger.seal(now=NOW) == 2
    monkeypatch.setattr(ledger, "SECONDS", 60.0)
    assert ledger.seal(now=NOW) == 3
    assert list(Seal.objects.values_list("rows", flat=True)) == [2, 2, 1]
    assert ledger.verify() is None


def test_a_row_that_was_committed_late_goes_under_the_next_seal() -> None:
    late, early = make_entry(), make_entry()
    with guards_off():
        LedgerEntry.objects.filter(pk=late.pk).delete()  # its transaction is still open
    ledger.seal(now=NOW)
    late.save(force_insert=True)
    ledger.seal(now=LATER)
    late.refresh_from_db()
    early.refresh_from_db()
    assert (early.seal_id, late.seal_id) == (1, 2)
    assert ledger.verify() is None


def test_of_two_who_seal_at_once_one_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    make_chain(1)
    make_entry()
    digest_of = ledger.digest_of

    def meanwhile(row: Any) -> str:
        monkeypatch.setattr(ledger, "digest_of", digest_of)
        assert ledger.seal(now=NOW) == 1  # the other one
        return digest_of(row)

    monkeypatch.setattr(ledger, "digest_of", meanwhile)
    assert ledger.seal(now=LATER) == 0
    assert list(Seal.objects.values_list("number", "sealed_at")) == [(1, NOW), (2, NOW)]
    assert ledger.verify() is None


def test_a_seal_that_cannot_be_put_for_another_reason_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    make_entry()

    def refuse(*args: Any) -> None:
        raise IntegrityError("refused")

    monkeypatch.setattr(ledger, "_stamp", refuse)
    with pytest.raises(IntegrityError, match="refused"):
        ledger.seal(now=NOW)
    assert not Seal.objects.exists()


def test_a_row_that_is_gone_before_its_seal_reaches_it_stops_the_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = make_entry()
    head_of = ledger.head_of

    def meanwhile(link: Seal) -> str:
        with guards_off():
            LedgerEntry.objects.filter(pk=entry.pk).delete()
        return head_of(link)

    monkeypatch.setattr(ledger, "head_of", meanwhile)
    with pytest.raises(RuntimeError, match="1 rows were gone"):
        ledger.seal(now=NOW)
    assert not Seal.objects.exists()


def test_the_clock_seals() -> None:
    make_entry()
    tasks.sweep()
    assert ledger.head().number == 1


# --- What becomes visible ---------------------------------------------------------------------------------------------


def change_entry() -> str:
    entry = LedgerEntry.objects.filter(seal=2)[0]
    tamper(LedgerEntry, "UPDATE {table} SET data = %s WHERE id = %s", json.dumps({"number": 99}), entry.pk)
    return f"Seal 2 is broken: entry {entry.pk} was changed."


def change_verdict() -> str:
    verdict = RecordedVerdict.objects.get(seal=2)
    tamper(RecordedVerdict, "UPDATE {table} SET reserve = 2 WHERE id = %s", verdict.pk)
    return f"Seal 2 is broken: verdict {verdict.pk} was changed."


def change_facts() -> str:
    verdict = RecordedVerdict.objects.get(seal=3)
    facts = json.dumps(verdict.facts | {"contact": True})
    tamper(RecordedVerdict, "UPDATE {table} SET facts = %s WHERE id = %s", facts, verdict.pk)
    return f"Seal 3 is broken: verdict {verdict.pk} was changed."


def delete_entry() -> str:
    entry = LedgerEntry.objects.filter(seal=1).order_by("-pk")[0]
    tamper(LedgerEntry, "DELETE FROM {table} WHERE id = %s", entry.pk)
    return f"Seal 1 is broken: entry {entry.pk} is missing."


def delete_verdict() -> str:
    verdict = RecordedVerdict.objects.get(seal=3)
    tamper(RecordedVerdict, "DELETE FROM {table} WHERE id = %s", verdict.pk)
    return f"Seal 3 is broken: verdict {verdict.pk} is missing."


def take_out_of_its_seal() -> str:
    verdict = RecordedVerdict.objects.get(seal=2)
    tamper(RecordedVerdict, "UPDATE {table} SET seal_id = NULL WHERE id = %s", verdict.pk)
    return f"Seal 2 is broken: verdict {verdict.pk} is missing."


def insert_entry() -> str:
    copied = "kind, at, actor_kind, actor_id, subject, data, seal_id"
    tamper(LedgerEntry, f"INSERT INTO {{table}} ({copied}) SELECT {copied} FROM {{table}} WHERE seal_id = 2 LIMIT 1")
    return f"Seal 2 is broken: entry {LedgerEntry.objects.order_by('-pk')[0].pk} was added later."


def insert_verdict() -> str:
    copied = "message_id, decided_at, outcome, reserve, findings, facts, versions, seal_id"
    tamper(RecordedVerdict, f"INSERT INTO {{table}} ({copied}) SELECT {copied} FROM {{table}} WHERE seal_id = 1")
    return f"Seal 1 is broken: verdict {RecordedVerdict.objects.order_by('-pk')[0].pk} was added later."


def change_seal() -> str:
    tamper(Seal, "UPDATE {table} SET sealed_at = %s WHERE number = 2", LATER)
    return "Seal 2 itself was changed."


def change_contents() -> str:
    tamper(Seal, "UPDATE {table} SET contents = '' WHERE number = 2")
    return "Seal 2 itself was changed."


def rewrite_seal() -> str:
    """With a row changed, and everything in it computed anew."""
    change_entry()
    link = Seal.objects.get(number=2)
    rows: list[Any] = [*LedgerEntry.objects.filter(seal=2).order_by("pk"), *RecordedVerdict.objects.filter(seal=2)]
    link.contents = "\n".join(f"{ledger.name_of(row)} {ledger.digest_of(row)}" for row in rows)
    link.digest = ledger._sha256(link.contents)
    link.head = ledger.head_of(link)
    tamper(
        Seal,
        "UPDATE {table} SET contents = %s, digest = %s, head = %s WHERE number = 2",
        link.contents,
        link.digest,
        link.head,
    )
    return "Seal 3 does not follow on the one before it."


def delete_seal() -> str:
    tamper(LedgerEntry, "DELETE FROM {table} WHERE seal_id = 2")
    tamper(RecordedVerdict, "DELETE FROM {table} WHERE seal_id = 2")
    tamper(Seal, "DELETE FROM {table} WHERE number = 2")
    return "Seal 2 is missing."


TAMPERINGS: list[Callable[[], str]] = [
    change_entry,
    change_verdict,
    change_facts,
    delete_entry,
    delete_verdict,
    take_out_of_its_seal,
    insert_entry,
    insert_verdict,
    change_seal,
    change_contents,
    rewrite_seal,
    delete_seal,
]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.__name__)
def test_whatever_is_done_to_what_was_sealed_is_named(tampering: Callable[[], str]) -> None:
    make_chain()
    assert run("verify") == "The chain holds: 9 rows under 3 seals."
    sentence = tampering()
    with pytest.raises(CommandError) as told:
        run("verify")
    assert str(told.value) == sentence


def test_the_first_of_several_is_named() -> None:
    make_chain()
    delete_verdict()
    sentence = change_entry()
    broken = ledger.verify()
    assert broken is not None
    assert (broken.seal, broken.sentence) == (2, sentence)
    assert broken.row.startswith("entry ")


def cut_off_the_end() -> None:
    for model in (LedgerEntry, RecordedVerdict):
        tamper(model, "DELETE FROM {table} WHERE seal_id = 3")
    tamper(Seal, "DELETE FROM {table} WHERE number = 3")


def test_a_head_that_was_kept_elsewhere_shows_that_the_end_was_cut_off() -> None:
    make_chain()
    kept = run("head")
    assert run("verify", "--head", kept).startswith("The chain holds")
    cut_off_the_end()
    assert run("verify").startswith("The chain holds")
    with pytest.raises(CommandError, match="Seal 3, whose head was kept elsewhere, is missing"):
        run("verify", "--head", kept)


def test_a_head_that_was_kept_elsewhere_shows_that_the_end_was_written_anew() -> None:
    make_chain()
    kept = run("head")
    cut_off_the_end()
    make_entry()
    ledger.seal(now=LATER)
    assert run("verify").startswith("The chain holds")
    with pytest.raises(CommandError, match="the chain was written anew"):
        run("verify", "--head", kept)


def test_an_older_head_still_lies_on_the_chain() -> None:
    make_chain(2)
    kept = run("head")
    make_entry()
    ledger.seal(now=LATER)
    assert run("verify", "--head", kept).startswith("The chain holds")


def test_rows_under_a_seal_that_is_gone_are_named() -> None:
    make_chain()
    link, entry = Seal.objects.get(number=3), LedgerEntry.objects.filter(seal=3)[0]
    tamper(Seal, "DELETE FROM {table} WHERE number = 3")
    broken = ledger.verify()
    link.save(force_insert=True)  # the database looks after its references when the test ends
    assert broken is not None
    assert broken.sentence == f"Seal 3 is missing, and entry {entry.pk} carries it."
    assert ledger.verify() is None


def test_a_ledger_without_a_row_holds() -> None:
    assert run("head") == "0:"
    assert run("verify") == "The chain holds: 0 rows under 0 seals."


@pytest.mark.parametrize("head", ["", "3", "3:abc", "x:" + "a" * 64])
def test_a_head_that_is_none_gets_a_sentence(head: str) -> None:
    with pytest.raises(CommandError, match="write NUMBER:HASH"):
        run("verify", "--head", head)


def test_it_reads_each_row_once_whatever_the_number_of_seals(django_assert_num_queries: Any) -> None:
    make_chain(2)
    with django_assert_num_queries(6):
        ledger.verify()
    make_chain_longer()
    with django_assert_num_queries(6):
        ledger.verify()


def make_chain_longer() -> None:
    for minute in range(5):
        make_entry()
        ledger.seal(now=NOW + timedelta(minutes=minute))
