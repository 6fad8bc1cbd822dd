"""Who may be the same person: records whose name, phone number or address is nearly that of another one. Only a person
decides whether they are, and who was told apart is not suggested again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, Expression, F, Q, QuerySet, Value
from django.db.models.functions import Lower, Replace

from pipeline.actors import Actor, ActorKind
from pipeline.models import Candidate, Distinction
from pipeline.outcomes import Refusal

SHORTEST_PHONE = 7  # digits; fewer are an extension
COMPARED_DIGITS = 8  # from the end: country codes and leading zeros are written in many ways
SHORTEST_NAME = 3  # letters of a first name that may stand for a longer one: Kim, Kimberly
LOOKED_AT = 500  # people of one family name
NOT_DIGITS = " -()./+"


@dataclass(frozen=True, kw_only=True)
class Likeness:
    candidate: Candidate
    reasons: tuple[str, ...]  # the strongest first


def find_duplicates(candidate: Candidate, *, at_most: int = 5) -> list[Likeness]:
    """The likeliest first; three queries, however many there are."""
    told_apart = {pk for pair in Distinction.objects.of(candidate).values_list("one", "other") for pk in pair}
    found = {other.pk: other for other in [*_of_like_name(candidate), *_of_like_ways(candidate)]}
    likely = [
        Likeness(candidate=other, reasons=reasons)
        for other in found.values()
        if other.pk not in {candidate.pk, *told_apart}
        and other.merged_into_id is None
        and (reasons := compare(candidate, other))
    ]
    return sorted(likely, key=lambda like: (-len(like.reasons), like.reasons[0] == SAME_NAME, -like.candidate.pk))[
        :at_most
    ]


def find_distinction(one: Candidate, other: Candidate) -> Distinction | None:
    first, second = sorted((one.pk, other.pk))
    return Distinction.objects.filter(one=first, other=second).select_related("said_by").first()


def tell_apart(one: Candidate, other: Candidate, *, by: Actor, now: datetime) -> Distinction | Refusal:
    """They are two people, says a person who looked."""
    if by.kind != ActorKind.PERSON or by.user_id is None:
        return Refusal("Only a person tells two candidates apart.")
    if one.pk == other.pk:
        return Refusal(f"{one} cannot be told apart from the same record.")
    first, second = sorted((one, other), key=lambda candidate: candidate.pk)
    said, _ = Distinction.objects.get_or_create(
        one=first, other=second, defaults={"said_by_id": by.user_id, "said_at": now}
    )
    return said


def suggest_again(one: Candidate, other: Candidate) -> bool:
    """They may be one person after all. True where they had been told apart."""
    said = find_distinction(one, other)
    return said is not None and bool(said.delete()[0])


SAME_PHONE, SAME_ADDRESS, SAME_NAME, LIKE_NAME = (
    "Same phone number",
    "Nearly the same address",
    "Same name",
    "Nearly the same name",
)


def compare(one: Candidate, other: Candidate) -> tuple[str, ...]:
    reasons = []
    if (phone := digits_of(one.phone)) and phone == digits_of(other.phone):
        reasons.append(SAME_PHONE)
    if mailbox_of(one.email_key) == mailbox_of(other.email_key):
        reasons.append(SAME_ADDRESS)
    if _name(one) in (_name(other), _name(other)[::-1]):
        reasons.append(SAME_NAME)
    elif _is_short_for(_name(one), _name(other)) or _is_short_for(_name(other), _name(one)):
        reasons.append(LIKE_NAME)
    return tuple(reasons)


def digits_of(phone: str) -> str:
    """The last digits, by which two numbers are compared; empty where there are too few."""
    digits = re.sub(r"\D", "", phone)
    return digits[-COMPARED_DIGITS:] if len(digits) >= SHORTEST_PHONE else ""


def mailbox_of(email_key: str) -> str:
    """What stands before the @-sign, without a tag and without dots: one person’s name at several providers."""
    return email_key.rpartition("@")[0].partition("+")[0].replace(".", "")


def _name(candidate: Candidate) -> tuple[str, str]:
    return candidate.first_name.casefold().strip(), candidate.last_name.casefold().strip()


def _is_short_for(short: tuple[str, str], long: tuple[str, str]) -> bool:
    return short[1] == long[1] and len(short[0]) >= SHORTEST_NAME and long[0].startswith(short[0])


def _of_like_name(candidate: Candidate) -> QuerySet[Candidate]:
    """By the index on family names alone; everything else is seen to by `compare`."""
    names = {candidate.last_name.lower().strip(), candidate.first_name.lower().strip()}
    return Candidate.objects.alias(low_last=Lower("last_name")).filter(low_last__in=names).order_by("-pk")[:LOOKED_AT]


def _of_like_ways(candidate: Candidate) -> QuerySet[Candidate]:
    digits: Expression | F = F("phone")
    for sign in NOT_DIGITS:
        digits = Replace(digits, Value(sign), Value(""), output_field=CharField())
    start = candidate.email_key.rpartition("@")[0].partition("+")[0]
    like = Q(email_key__startswith=f"{start}@") | Q(email_key__startswith=f"{start}+")
    if phone := digits_of(candidate.phone):
        like |= Q(phone__endswith=phone[-2:]) & Q(digits__endswith=phone)  # the first spares most rows the second
    return Candidate.objects.alias(digits=digits).filter(like).order_by("-pk")[:LOOKED_AT]
