"""Who is asked next when a hand-off is overdue: the job's recruiter at once, and its hiring manager a working day later.

The clock does this, as often as it likes: each step is taken once for a due date. Who may write to candidates gets the
hand-off; who may not is only asked, and it stays with whom it was.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from messaging import gate, ledger, working_days
from messaging.models import Escalation, HandOff, LedgerEntry
from pipeline import actors
from pipeline.models import Application, User

Step = Escalation.Step

# The field of the job that names the person, and how many working days they are asked after what came before.
PERSON = {Step.RECRUITER: "recruiter", Step.HIRING_MANAGER: "hiring_manager"}
DAYS = {Step.RECRUITER: 0, Step.HIRING_MANAGER: 1}


def escalate(*, now: datetime, at_most: int) -> int:
    """Returns how many were escalated."""
    done = 0
    for step in Step:
        for hand_off in _overdue(step, now=now)[:at_most]:
            if working_days.add(hand_off.asked_at, DAYS[step]) > now:  # type: ignore[attr-defined]  # annotated
                break  # they come by the time from which this counts, so the others are not due either
            to = gate.owner_among(getattr(hand_off.application.job, PERSON[step]), now=now)
            done += to is not None and _ask(hand_off, step, to=to, now=now)
    return done


def _overdue(step: Step, *, now: datetime) -> QuerySet[HandOff]:
    """For which this step was not taken, and with somebody else than the person to be asked."""
    asked = f"application__job__{PERSON[step]}"
    taken = Escalation.objects.filter(hand_off=OuterRef("pk"), due_at=OuterRef("due_at"))
    earlier = taken.filter(step__lt=step).order_by("-step").values("escalated_at")[:1]
    return (
        HandOff.objects.overdue(now)
        .filter(~Exists(taken.filter(step=step)), **{f"{asked}__is_active": True})
        .exclude(owner=F(asked))
        .annotate(asked_at=Coalesce(Subquery(earlier), F("due_at")))
        .select_related(asked)
        .order_by("asked_at", "pk")
    )


def _ask(hand_off: HandOff, step: Step, *, to: User, now: datetime) -> bool:
    """False: it was closed or put off meanwhile, or another clock was first."""
    with transaction.atomic():
        # As everybody takes it first; of two clocks the second waits here.
        Application.objects.select_for_update(of=("self",)).get(pk=hand_off.application_id)
        before = HandOff.objects.open().filter(pk=hand_off.pk, due_at=hand_off.due_at).first()
        if before is None or hand_off.escalations.filter(step=step, due_at=hand_off.due_at).exists():
            return False
        owner_id = to.pk if to.has_perm("messaging.answer_handoff") else before.owner_id
        HandOff.objects.open().filter(pk=hand_off.pk).update(owner=owner_id)
        Escalation.objects.create(hand_off=hand_off, step=step, due_at=hand_off.due_at, to=to, escalated_at=now)
        data: dict[str, ledger.Plain] = {
            "step": int(step),
            "due_at": hand_off.due_at.astimezone(UTC).isoformat(),
            "to": to.pk,
            "owner_before": before.owner_id,
            "owner_after": owner_id,
        }
        ledger.write(LedgerEntry.Kind.HAND_OFF_ESCALATED, about=hand_off, by=actors.CLOCK, now=now, data=data)
    return True
