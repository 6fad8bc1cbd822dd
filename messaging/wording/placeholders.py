"""The documented registry of everything a wording can refer to; a name that is not here cannot be rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Values = Mapping[str, Mapping[str, str]]
"""Group -> field -> text, such as `{"candidate": {"first_name": "Amara"}}`; absent and blank both mean missing."""


@dataclass(frozen=True, kw_only=True)
class Placeholder:
    """One name that a wording may print; `always_known` is False where a value can be missing."""

    name: str
    meaning: str
    example: str
    always_known: bool


GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "candidate": "The person the message goes to.",
        "job": "The job they applied for.",
        "stage": "Where their application stands.",
        "interview": "The interview the message is about, where there is one.",
        "reason": "The part of a decision's reason that may be shared. The internal part has no placeholder.",
        "sender": "The person whose name stands under the message.",
        "organisation": "The organisation that is hiring.",
    }
)
"""What each group is about, in the order in which the documentation lists them."""

_ALWAYS = True
_SOMETIMES = False

_ROWS: tuple[tuple[str, str, str, bool], ...] = (
    # A person's name is one field where people have one name only, so its parts can be missing.
    ("candidate.first_name", "Their first name.", "Amara", _SOMETIMES),
    ("candidate.last_name", "Their last name.", "Okafor", _SOMETIMES),
    ("candidate.full_name", "Their name as they wrote it.", "Amara Okafor", _ALWAYS),
    ("job.title", "The title of the job.", "Data Engineer", _ALWAYS),
    ("job.department", "The department or team that hires.", "Platform", _SOMETIMES),
    ("job.location", "Where the work is done.", "Lisbon or remote", _SOMETIMES),
    ("stage.name", "The stage as the pipeline names it.", "Phone screen", _ALWAYS),
    (
        "interview.kind",
        "What kind of interview it is.",
        "Technical interview",
        _SOMETIMES,
    ),
    ("interview.date", "The day, written out.", "Thursday, 14 May 2026", _SOMETIMES),
    (
        "interview.time",
        "When it starts, in the time zone of interview.time_zone.",
        "14:30",
        _SOMETIMES,
    ),
    (
        "interview.time_zone",
        "The time zone of date and time.",
        "Europe/Lisbon",
        _SOMETIMES,
    ),
    (
        "interview.place",
        "The address, or the link to the call.",
        "https://meet.example.com/amara",
        _SOMETIMES,
    ),
    (
        "interview.interviewers",
        "The names of the people they will meet.",
        "Jonas Weber and Mei Lin",
        _SOMETIMES,
    ),
    (
        "reason.shared",
        "The part of the reason that may be shared with the candidate.",
        "we were looking for more experience with streaming data",
        _SOMETIMES,
    ),
    ("sender.name", "The sender's full name.", "Priya Raman", _ALWAYS),
    ("sender.first_name", "The sender's first name.", "Priya", _SOMETIMES),
    ("sender.email", "The address that replies reach.", "priya@example.com", _ALWAYS),
    ("sender.phone", "A telephone number.", "+351 21 000 0000", _SOMETIMES),
    ("sender.title", "The sender's job title.", "Recruiting coordinator", _SOMETIMES),
    ("organisation.name", "The name of the organisation.", "Larkfield", _ALWAYS),
    ("organisation.website", "Its website.", "https://www.example.com", _SOMETIMES),
    (
        "organisation.address_line",
        "Its postal address in one line.",
        "Rua Augusta 1, 1100-048 Lisbon",
        _SOMETIMES,
    ),
)

REGISTRY: Mapping[str, Placeholder] = MappingProxyType(
    {
        name: Placeholder(name=name, meaning=meaning, example=example, always_known=always_known)
        for name, meaning, example, always_known in _ROWS
    }
)
"""Dotted name -> placeholder, in the order of `GROUPS`."""


def placeholders_in(group: str) -> tuple[Placeholder, ...]:
    """The placeholders of one group, for the page that documents them; empty for an unknown group."""
    return tuple(entry for name, entry in REGISTRY.items() if name.partition(".")[0] == group)


def example_values() -> Values:
    """A value for every placeholder, for a preview that belongs to no real candidate."""
    values: dict[str, dict[str, str]] = {}
    for name, entry in REGISTRY.items():
        group, _, field = name.partition(".")
        values.setdefault(group, {})[field] = entry.example
    return values


def without_optional(values: Values) -> Values:
    """The worst that can happen to a wording: every value that may be missing is."""
    return {
        group: {
            field: value
            for field, value in fields.items()
            if (entry := REGISTRY.get(f"{group}.{field}")) is not None and entry.always_known
        }
        for group, fields in values.items()
    }
