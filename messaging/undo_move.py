"""Undo of one move that a person just made: the application stands where it stood, and what followed and has not left does
not leave; what it stopped is planned again. It is refused, with the reason, as soon as it would only look like an undo."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from messaging import automations, handoffs, outgoing, replanning
from messaging.models import HandOff, Message
from pipeline import actors, moves, moves_of_many
from pipeline.models import Application, StageChange, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal

# For as long as people notice a slip; later, moving back is a decision of its own.
WITHIN = timedelta(minutes=15)
WAITS = frozenset({Message.Status.SCHEDULED, Message.Status.HELD})


def why_not(change: StageChange, *, by: User, now: datetime) -> Refusal | None:
    """What speaks against undo_move this move; None: it can be undone whole, but for the reach, which never goes down."""
    candidate = change.application.candidate
    if change.kind not in moves.BETWEEN_STAGES:
        return Refusal("Only a move from one stage to another can be undone.")
    if change.moved_by_id != by.pk or change.actor_kind != actors.ActorKind.PERSON:
        return Refusal("Somebody else made this move. Only they can undo it.")
    if now - change.at > WITHIN:
        return Refusal(f"This move is older than {WITHIN.seconds // 60} minutes. Move {candidate} back by hand.")
    for message in change.messages.select_related("template"):
        name = message.template or message.get_touchpoint_display()
        if message.status not in WAITS:
            state = message.get_status_display().lower()
            return Refusal(f"“{name}” is {state} by now, so the move cannot be undone. Move {candidate} back by hand.")
        if message.hand_offs.exclude(status=HandOff.Status.OPEN).exists():
            return Refusal(
                f"A person dealt with “{name}”, so the move cannot be undone. Move {candidate} back by hand."
            )
    return None


def undo(change: StageChange, *, by: User, now: datetime) -> StageChange | Refusal:
    """All of it, or nothing. The way back is quiet: nobody is written to because of it."""
    with transaction.atomic():
        # Before anything is looked at: whoever lets a message leave holds the same row.
        change.application = Application.objects.select_for_update(of=("self",)).get(pk=change.application_id)
        refusal = why_not(change, by=by, now=now) or _call_off(change, by=by, now=now)
        if refusal is None:
            act = Act(by=actors.person(by.pk), now=now, quiet=True)
            taken_back = moves_of_many.take_back_many([change], act=act)[change.application_id]
            if not isinstance(taken_back, Refusal):
                automations.follow(taken_back, now=now)
                replanning.plan_again(replanning.find_stopped({change.application_id: change.at}), now=now)
                return taken_back
            refusal = taken_back
        transaction.set_rollback(True)
    return refusal


def _call_off(change: StageChange, *, by: User, now: datetime) -> Refusal | None:
    """What the move led to: scheduled messages are cancelled, hand-offs need nobody."""
    for message in change.messages.order_by("pk"):
        if message.status == Message.Status.SCHEDULED:
            cancelled = outgoing.cancel(message, by=by, now=now)
            if isinstance(cancelled, Refusal):
                return cancelled
        for hand_off in message.hand_offs.open():
            closed = handoffs.close_as_not_needed(
                hand_off, reason="The move that it followed from was undone.", by=by, now=now
            )
            if isinstance(closed, Refusal):
                return closed
    return None
