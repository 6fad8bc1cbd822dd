"""What is entered about a candidate by hand, and who is found by an address. An address is checked as an import checks it,
and belongs to one candidate; the addresses of records that were merged find the one that was kept."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from pipeline.actors import Actor, ActorKind
from pipeline.intake.addresses import Address, canonical_address, read_address
from pipeline.models import Candidate, SilenceEnd
from pipeline.outcomes import Refusal


def read_own_address(text: str, *, candidate_id: int | None) -> Address | Refusal:
    """`candidate_id`: whose address it is to be; None for a candidate who is not stored yet."""
    read = read_address(text)
    if isinstance(read, Refusal):
        return read
    other = find_by_address(read.canonical)
    if other is not None and other.pk == candidate_id:
        return _own(read, other)
    if other is not None:
        return Refusal(
            f"{other} has this address already. Open that candidate instead; one person is one candidate, whatever they "
            "apply for."
        )
    return read


def _own(read: Address, candidate: Candidate) -> Address | Refusal:
    if candidate.email_key == read.canonical:
        return read
    return Refusal(
        f"{candidate} is found by this address already, through a record that was merged. To write to it, un-merge that "
        "record and keep it instead."
    )


def find_by_address(address: str) -> Candidate | None:
    """Whoever writes from it, or is imported with it, whatever became of the record that first had it."""
    found = Candidate.objects.filter(email_key=canonical_address(address)).first()
    return stand_in(found) if found else None


def stand_in(candidate: Candidate) -> Candidate:
    """The record that stands for it; itself, unless it was merged into another one."""
    while candidate.merged_into is not None:
        candidate = candidate.merged_into
    return candidate


def called(word: str, *, of: str) -> Q:
    """Those with the word in their name or address. `of`: how the query comes to the candidate, as
    “application__candidate”."""
    return (
        Q(**{f"{of}__first_name__icontains": word})
        | Q(**{f"{of}__last_name__icontains": word})
        | Q(**{f"{of}__email__icontains": word})
    )


def ask_for_silence(candidate: Candidate, *, now: datetime) -> bool:
    """They asked to hear nothing more. True the first time."""
    asked = Candidate.objects.filter(pk=candidate.pk, do_not_contact_at__isnull=True, merged_into__isnull=True)
    return bool(asked.update(do_not_contact_at=now))


def end_silence(candidate: Candidate, *, reason: str, by: Actor, now: datetime) -> SilenceEnd | Refusal:
    """They want to hear from us again, as somebody was told, who says how."""
    if by.kind != ActorKind.PERSON or by.user_id is None:
        return Refusal("Only a person ends a wish for silence.")
    if not reason.strip():
        return Refusal("Say how you know that they want to hear from us, so that the next person knows.")
    with transaction.atomic():
        asked = Candidate.objects.select_for_update(of=("self",)).get(pk=candidate.pk).do_not_contact_at
        silent = Candidate.objects.filter(pk=candidate.pk, do_not_contact_at__isnull=False, merged_into__isnull=True)
        if asked is None or not silent.update(do_not_contact_at=None):
            return Refusal(f"{candidate} may be contacted already.")
        return SilenceEnd.objects.create(
            candidate=candidate, asked_at=asked, reason=reason.strip(), ended_by_id=by.user_id, ended_at=now
        )


def give_address(candidate: Candidate, address: Address) -> None:
    """The three fields that belong together, on a candidate who is about to be saved."""
    candidate.email = address.address
    candidate.email_key = address.canonical
    candidate.email_flag = address.flag
