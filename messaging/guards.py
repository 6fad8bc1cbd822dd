"""The promise as triggers: what the gate decides, the database asks once more of every row, whoever writes it."""

from messaging.policy.floor import FLOOR, HUMAN_FROM, Reserve
from messaging.routing import KEY_WINDOWS
from pipeline.guards import GUARDS as OF_THE_PIPELINE
from pipeline.guards import INSERT, UPDATE, Guard, append_only, changed, stays, there_already

_MESSAGE = "messaging_message"
_ATTEMPT = "messaging_attempt"
_HAND_OFF = "messaging_handoff"


def _list(words: list[str] | tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in sorted(words)) + ")"


_EVER = _list([kind.value for kind, asked in FLOOR.items() if asked == (Reserve.AUTOMATIC, Reserve.AUTOMATIC)])
_EARLY = _list([kind.value for kind, (early, late) in FLOOR.items() if early is Reserve.AUTOMATIC < late])

_OPEN_ATTEMPT = f"SELECT 1 FROM {_ATTEMPT} t WHERE t.message_id = NEW.id AND t.outcome = ''"
_THEIR_APPLICATIONS = (
    "(SELECT o.id FROM pipeline_application o WHERE o.candidate_id = "
    "(SELECT a.candidate_id FROM pipeline_application a WHERE a.id = NEW.application_id))"
)
# Reach, raised by contact, as messaging/facts.py and `standing_of` have it; what cannot be told is the furthest. The
# status of the message stands in COALESCE: SQLite counts no rows, and would take its index and read all that was ever sent.
_STANDING = f"""COALESCE((SELECT MAX(w.milestone) FROM (
SELECT c.reach AS milestone FROM pipeline_candidate c JOIN pipeline_application a ON a.candidate_id = c.id
 WHERE a.id = NEW.application_id
UNION ALL SELECT s.milestone FROM pipeline_stage s JOIN pipeline_application a ON a.stage_id = s.id
 WHERE a.id IN {_THEIR_APPLICATIONS}
UNION ALL SELECT h.to_milestone FROM pipeline_stagechange h WHERE h.application_id IN {_THEIR_APPLICATIONS}
 AND h.id > COALESCE((SELECT MAX(k.last_change_id) FROM pipeline_reachcorrection k
 JOIN pipeline_application a ON a.candidate_id = k.candidate_id WHERE a.id = NEW.application_id), 0)
UNION ALL SELECT {HUMAN_FROM.value} FROM pipeline_interview i WHERE i.application_id IN {_THEIR_APPLICATIONS}
 AND (i.held_at IS NOT NULL OR (i.cancelled_at IS NULL AND i.starts_at <= NEW.status_at))
UNION ALL SELECT {HUMAN_FROM.value} FROM {_HAND_OFF} p WHERE p.application_id IN {_THEIR_APPLICATIONS}
 AND p.status = 'told_by_phone'
UNION ALL SELECT {HUMAN_FROM.value} FROM {_MESSAGE} m WHERE m.application_id IN {_THEIR_APPLICATIONS}
 AND m.origin = 'person' AND COALESCE(m.status, '') IN ('sending', 'sent', 'uncertain') AND m.id <> NEW.id
) w), 99)"""

_LEAVES = "OLD.status <> 'sending' AND NEW.status = 'sending'"
_BY_A_MACHINE = f"{_LEAVES} AND NEW.origin <> 'person'"
# A person said what became of an uncertain mail, or that it shall be sent again: after it became uncertain.
_RESOLVED = (
    "EXISTS (SELECT 1 FROM messaging_ledgerentry l WHERE l.kind = 'resolved' AND l.subject = 'message:' || NEW.id "
    "AND l.actor_kind = 'person' AND l.at >= OLD.status_at)"
)


def _message(name: str, event: str, when: str, sentence: str, *, where: str = "") -> Guard:
    return Guard(name=f"message_{name}", table=_MESSAGE, event=event, where=where, when=when, sentence=sentence)


_OF_MESSAGES = (
    _message(
        "is_new",
        INSERT,
        f"({there_already(_MESSAGE, unique=['public_id'])} OR (NEW.origin <> 'person' AND EXISTS (SELECT 1 "
        f"FROM {_MESSAGE} r WHERE r.application_id = NEW.application_id AND r.touchpoint = NEW.touchpoint "
        "AND r.cause = NEW.cause AND r.origin = NEW.origin)))",
        "A message is never replaced, and the same cause never leads to two of a kind.",
    ),
    _message(
        "is_born_scheduled",
        INSERT,
        "NEW.status <> 'scheduled' OR NEW.sent_at IS NOT NULL OR NEW.recipient <> ''",
        "A message begins as scheduled, and has not left.",
    ),
    _message(
        "says_what_it_follows_from",
        INSERT,
        "NEW.origin <> 'person' AND (NEW.cause = '' OR NOT EXISTS (SELECT 1 FROM messaging_template t "
        "WHERE t.id = NEW.template_id AND t.touchpoint = NEW.touchpoint))",
        "A message of an automation has a cause, and is of its template’s kind.",
    ),
    _message(
        "stays_what_it_is",
        UPDATE,
        changed(
            *(
                "id",
                "public_id",
                "application_id",
                "touchpoint",
                "origin",
                "automation_id",
                "template_id",
                "wording_id",
            ),
            *("stage_change_id", "operation_id", "cause", "written_by_id", "created_at"),
        ),
        "What a message is, to whom and by whom, never changes.",
    ),
    _message(
        "keeps_its_text",
        UPDATE,
        f"{changed('subject', 'body', 'recipient')} AND NOT (OLD.status = 'scheduled' AND NEW.status = 'sending' "
        f"AND (NEW.origin <> 'person' OR NOT {changed('subject', 'body')}))",
        "The text and the recipient of a message are written when it is cleared, and by nobody else.",
    ),
    _message(
        "goes_its_way",
        UPDATE,
        # What was to be tried again under its key, and is not.
        f"NOT (OLD.status = 'scheduled' AND NEW.status = 'uncertain' AND EXISTS (SELECT 1 FROM {_ATTEMPT} t "
        "WHERE t.message_id = NEW.id AND t.outcome = 'uncertain'))",
        "A message does not go from this status to that one.",
        where="OLD.status <> NEW.status AND NOT ("
        "(OLD.status = 'scheduled' AND NEW.status IN ('sending', 'held', 'cancelled')) "
        "OR (OLD.status = 'sending' AND NEW.status IN ('sent', 'failed', 'uncertain', 'scheduled')) "
        "OR (OLD.status = 'held' AND NEW.status = 'cancelled') "
        "OR (OLD.status = 'uncertain' AND NEW.status IN ('sent', 'failed', 'scheduled')))",
    ),
    _message(
        "leaves_by_a_decision",
        UPDATE,
        "NOT EXISTS (SELECT 1 FROM messaging_recordedverdict v WHERE v.message_id = NEW.id "
        "AND v.outcome = 'send' AND v.decided_at = NEW.status_at)",
        "No message leaves without the gate’s recorded decision.",
        where=_LEAVES,
    ),
    _message(
        "is_not_reserved_by_the_floor",
        UPDATE,
        f"NOT (NEW.touchpoint IN {_EARLY} AND {_STANDING} < {HUMAN_FROM.value})",
        "The floor reserves this message for a person.",
        where=f"{_BY_A_MACHINE} AND NEW.touchpoint NOT IN {_EVER}",
    ),
    _message(
        "is_not_reserved_by_a_rule",
        UPDATE,
        "EXISTS (SELECT 1 FROM (SELECT p.from_milestone FROM messaging_policyrow p WHERE p.touchpoint = NEW.touchpoint "
        "AND p.reserve > 0 UNION ALL SELECT p.from_milestone FROM messaging_stagerule p "
        f"WHERE p.template_id = NEW.template_id AND p.reserve > 0) r WHERE r.from_milestone <= {_STANDING})",
        "The policy or a stage rule reserves this message for a person.",
        where=_BY_A_MACHINE,
    ),
    _message(
        "has_a_signed_wording",
        UPDATE,
        "NOT EXISTS (SELECT 1 FROM messaging_signature s WHERE s.wording_id = NEW.wording_id)",
        "Nobody signed the wording of this message.",
        where=_BY_A_MACHINE,
    ),
    _message(
        "was_released_by_its_writer",
        UPDATE,
        "NOT EXISTS (SELECT 1 FROM messaging_release r JOIN pipeline_user u "
        "ON u.id = r.released_by_id WHERE r.message_id = NEW.id AND r.released_by_id = NEW.written_by_id AND u.is_active)",
        "No act of its writer lets this message go.",
        where=f"{_LEAVES} AND NEW.origin = 'person'",
    ),
    _message(
        "goes_to_somebody_who_wants_mail",
        UPDATE,
        "EXISTS (SELECT 1 FROM pipeline_candidate c JOIN pipeline_application a ON a.candidate_id = c.id "
        "WHERE a.id = NEW.application_id AND c.do_not_contact_at IS NOT NULL)",
        "The candidate asked not to be contacted.",
        where=_LEAVES,
    ),
    _message(
        "waits_for_safe_mode_and_brake",
        UPDATE,
        "(EXISTS (SELECT 1 FROM messaging_installation i WHERE i.safe_since IS NOT NULL) "
        "OR (NEW.origin <> 'person' AND EXISTS (SELECT 1 FROM messaging_brake b WHERE (b.automation_id = NEW.automation_id "
        "OR b.operation_id = NEW.operation_id) AND b.released_at IS NULL AND b.dropped_at IS NULL)))",
        "Safe mode or a brake is on, and a person looks first.",
        where=_LEAVES,
    ),
    _message(
        "waits_for_its_attempt",
        UPDATE,
        f"EXISTS ({_OPEN_ATTEMPT})",
        "An attempt of this message is open, so nobody knows yet what became of it.",
        where="OLD.status = 'sending' AND NEW.status <> 'sending'",
    ),
    _message(
        "was_accepted",
        UPDATE,
        f"NOT EXISTS (SELECT 1 FROM {_ATTEMPT} t WHERE t.message_id = NEW.id AND t.outcome = 'accepted') "
        f"AND NOT {_RESOLVED}",
        "No provider accepted this message, and no person said that it was sent.",
        where="OLD.status <> 'sent' AND NEW.status = 'sent'",
    ),
    _message(
        "is_not_repeated",
        UPDATE,
        f"NOT {_RESOLVED} AND NOT EXISTS ("
        f"SELECT 1 FROM {_ATTEMPT} t WHERE t.message_id = NEW.id AND (t.outcome = 'refused' OR (t.outcome = 'uncertain' "
        f"AND t.provider IN {_list([*KEY_WINDOWS])})) AND t.number = (SELECT MAX(n.number) FROM {_ATTEMPT} n "
        "WHERE n.message_id = NEW.id))",
        "What may have been accepted is not sent again, unless a person says so.",
        where="OLD.status IN ('sending', 'uncertain') AND NEW.status = 'scheduled'",
    ),
    stays(_MESSAGE, name="message", thing="A message"),
)

_OF_ATTEMPTS = (
    Guard(
        name="attempt_begins_open",
        table=_ATTEMPT,
        event=INSERT,
        when=f"({there_already(_ATTEMPT, unique=['message_id', 'number'])} OR NEW.outcome <> '' "
        f"OR NEW.finished_at IS NOT NULL OR EXISTS (SELECT 1 FROM {_ATTEMPT} t "
        "WHERE t.message_id = NEW.message_id AND t.outcome = '') "
        f"OR NOT EXISTS (SELECT 1 FROM {_MESSAGE} m WHERE m.id = NEW.message_id AND m.status = 'sending' "
        "AND m.recipient = NEW.recipient))",
        sentence="An attempt begins open, alone, and for a message that is being sent to this address.",
    ),
    Guard(
        name="attempt_ends_once",
        table=_ATTEMPT,
        event=UPDATE,
        when=changed("id", "message_id", "number", "started_at", "expires_at", "recipient", "fingerprint", "provider")
        + " OR (NEW.outcome <> OLD.outcome AND OLD.outcome NOT IN ('', 'uncertain')) "
        "OR (OLD.outcome <> '' AND NEW.outcome = '') "
        "OR (OLD.used_at IS NOT NULL AND NEW.used_at IS DISTINCT FROM OLD.used_at)",
        sentence="An attempt ends once, and is what it was.",
    ),
    stays(_ATTEMPT, name="attempt", thing="An attempt"),
)

_OF_HAND_OFFS = (
    Guard(
        name="hand_off_begins_open",
        table=_HAND_OFF,
        event=INSERT,
        when=f"({there_already(_HAND_OFF)} OR NEW.status <> 'open' OR EXISTS (SELECT 1 FROM {_HAND_OFF} h "
        "WHERE h.message_id = NEW.message_id AND h.status = 'open'))",
        sentence="A hand-off begins open, and a message has one at a time.",
    ),
    Guard(
        name="hand_off_ends_once",
        table=_HAND_OFF,
        event=UPDATE,
        when=changed("id", "message_id", "application_id", "touchpoint", "reserve", "created_at")
        + f" OR (OLD.status <> 'open' AND {changed('status', 'closed_at', 'closed_by_id', 'answer_id', 'note')})",
        sentence="A hand-off is closed once, and is what it was.",
    ),
    stays(_HAND_OFF, name="hand_off", thing="A hand-off"),
)


def _sealed(table: str, *, name: str, thing: str, columns: list[str]) -> tuple[Guard, Guard, Guard]:
    """Append-only, but for the seal that comes within the minute."""
    new, final, remains = append_only(table, name=name, thing=thing)
    once = f"NOT (OLD.seal_id IS NULL AND NEW.seal_id IS NOT NULL AND NOT {changed('id', *columns)})"
    return new, Guard(name=final.name, table=table, event=UPDATE, when=once, sentence=final.sentence), remains


_OF_EVIDENCE = (
    *append_only("messaging_wording", name="wording", thing="A wording", unique=["template_id", "number"]),
    *append_only("messaging_signature", name="signature", thing="A signature", unique=["wording_id", "signed_by_id"]),
    *append_only("messaging_release", name="release", thing="A person’s release", key="message_id"),
    Guard(
        name="release_is_by_the_writer",
        table="messaging_release",
        event=INSERT,
        when=f"NOT EXISTS (SELECT 1 FROM {_MESSAGE} m WHERE m.id = NEW.message_id AND m.origin = 'person' "
        "AND m.status = 'scheduled' AND m.written_by_id = NEW.released_by_id)",
        sentence="Only the person who wrote a message lets it go, and only while it waits.",
    ),
    *_sealed(
        "messaging_recordedverdict",
        name="verdict",
        thing="A recorded verdict",
        columns=["message_id", "decided_at", "outcome", "reserve", "findings", "facts", "versions"],
    ),
    *_sealed(
        "messaging_ledgerentry",
        name="ledger_entry",
        thing="A row of the ledger",
        columns=["kind", "at", "actor_kind", "actor_id", "subject", "data"],
    ),
    *append_only("messaging_seal", name="seal", thing="A seal of the ledger", key="number"),
    Guard(
        name="incident_is_final",
        table="messaging_incident",
        event=UPDATE,
        when=f"OLD.closed_at IS NOT NULL OR {changed('id', 'kind', 'at', 'sentence', 'message_id')}",
        sentence="An incident is closed once, and is what it was.",
    ),
    stays("messaging_incident", name="incident", thing="An incident"),
)

_OF_OPERATIONS = (
    Guard(
        name="operation_is_what_it_was",
        table="messaging_operation",
        event=UPDATE,
        when=changed("id", "kind", "by_id", "begun_at", "to_stage_id", "reason_id", "template_id", "quiet", "note")
        + f" OR {changed('message_count')} OR (OLD.undone_at IS NOT NULL AND {changed('undone_at', 'undone_by_id')})",
        sentence="What a person chose for an operation, and who undid it, never changes.",
    ),
    Guard(
        name="operation_item_goes_its_way",
        table="messaging_operationitem",
        event=UPDATE,
        when=changed("id", "operation_id", "application_id", "seen_in_id")
        + " OR (OLD.change_id IS NOT NULL AND NEW.change_id IS DISTINCT FROM OLD.change_id) OR (OLD.state <> NEW.state "
        "AND NOT ((OLD.state = 'to_do' AND NEW.state IN ('done', 'refused', 'dropped')) "
        "OR (OLD.state = 'done' AND NEW.state IN ('undone', 'stays'))))",
        sentence="An application has its turn in an operation once, and is undone once.",
    ),
    stays("messaging_operation", name="operation", thing="An operation"),
    stays("messaging_operationitem", name="operation_item", thing="A part of an operation"),
)

_HOLD = "messaging_hold"
_BRAKE = "messaging_brake"
_BRAKE_ENDED = "({row}.released_at IS NOT NULL OR {row}.dropped_at IS NOT NULL)"

_OF_ACTS = (
    *append_only("messaging_snooze", name="snooze", thing="What was said when a hand-off was put off"),
    *append_only(
        "messaging_escalation", name="escalation", thing="An escalation", unique=["hand_off_id", "step", "due_at"]
    ),
    *append_only(
        "messaging_bounceanswer",
        name="bounce_answer",
        thing="An answer to a bounce",
        key="message_id",
        unique=["again_id"],
    ),
    Guard(
        name="hold_begins_on",
        table=_HOLD,
        event=INSERT,
        when=f"({there_already(_HOLD)} OR NEW.released_at IS NOT NULL OR EXISTS (SELECT 1 FROM {_HOLD} r "
        "WHERE r.message_id = NEW.message_id AND r.released_at IS NULL))",
        sentence="A hold begins on, and a message has one at a time.",
    ),
    Guard(
        name="hold_ends_once",
        table=_HOLD,
        event=UPDATE,
        when=changed("id", "message_id", "reason", "held_by_id", "held_at", "until_at")
        + f" OR (OLD.released_at IS NOT NULL AND {changed('released_at', 'released_by_id')})"
        " OR (NEW.released_at IS NULL AND NEW.released_by_id IS NOT NULL)"
        " OR (NEW.released_at < NEW.until_at AND NEW.released_by_id IS NULL)",
        sentence="A hold ends once, at its time or by a person, and is what it was.",
    ),
    stays(_HOLD, name="hold", thing="A hold"),
    Guard(
        name="brake_begins_on",
        table=_BRAKE,
        event=INSERT,
        when=f"({there_already(_BRAKE)} OR {_BRAKE_ENDED.format(row='NEW')} OR EXISTS (SELECT 1 FROM {_BRAKE} r "
        "WHERE (r.automation_id = NEW.automation_id OR r.operation_id = NEW.operation_id) "
        f"AND NOT {_BRAKE_ENDED.format(row='r')}))",
        sentence="A brake begins on, and there is one at a time.",
    ),
    Guard(
        name="brake_ends_once",
        table=_BRAKE,
        event=UPDATE,
        when=changed("id", "automation_id", "operation_id", "put_on_at", "why", "count")
        + f" OR ({_BRAKE_ENDED.format(row='OLD')} AND "
        + changed("released_at", "released_by_id", "released_count", "dropped_at", "dropped_by_id", "reason")
        + ") OR (NEW.released_at IS NOT NULL AND NEW.released_by_id IS NULL)"
        " OR (NEW.dropped_at IS NOT NULL AND NEW.dropped_by_id IS NULL)",
        sentence="A brake is released or dropped once, by a person, and is what it was.",
    ),
    stays(_BRAKE, name="brake", thing="A brake"),
)

GUARDS = (*_OF_MESSAGES, *_OF_ATTEMPTS, *_OF_HAND_OFFS, *_OF_EVIDENCE, *_OF_OPERATIONS, *_OF_ACTS)
ALL = (*OF_THE_PIPELINE, *GUARDS)
