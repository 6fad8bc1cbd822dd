"""Which column of an export is which of our fields, and how a file is told to be one system's export or another's."""

import difflib
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum

from pipeline.intake.dates import DateOrder
from pipeline.outcomes import Refusal

# How many headings of one system a file must have before it is taken for that system's export.
TELLING = 2


class Field(StrEnum):
    """What the import can take from a row; the value is what people read about it."""

    EXTERNAL_ID = "candidate id"
    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    FULL_NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    CAME_FROM = "source"
    JOB = "job"
    JOB_ID = "job id"
    STAGE = "stage"
    FURTHEST_STAGE = "furthest stage"
    STATUS = "status"
    ARCHIVED = "archived"
    APPLIED_AT = "applied at"
    ENDED_AT = "ended at"
    HIRED_AT = "hired at"
    REASON = "reason"
    NOTE = "note"


NAMES = (Field.FULL_NAME, Field.FIRST_NAME, Field.LAST_NAME)
JOBS = (Field.JOB, Field.JOB_ID)


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """`headings` gives for each field the headings it may have, the surest first; case, spaces and signs in them do not
    matter. `telling` are those that hardly another system's export has."""

    name: str
    label: str
    headings: Map[Field, Sequence[str]]
    telling: frozenset[str] = frozenset()
    # A heading that begins so holds the day on which a stage was reached; the rest of it is the stage's name.
    stage_prefix: str = ""
    date_order: DateOrder = DateOrder.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Columns:
    """A mapping that fits a file: for each field the heading as the file writes it."""

    mapping: Mapping
    headings: Map[Field, str]
    reached: Map[str, str] = field(default_factory=dict)  # stage name by heading

    def zone_of(self, name: Field, zone: tzinfo) -> tzinfo:
        """The zone that the heading itself names, else the one given."""
        return UTC if self.headings[name].upper().endswith(("(GMT)", "(UTC)")) else zone


def normal(heading: str) -> str:
    """How headings are compared: “E-Mail”, “e_mail” and “EMAIL” are one."""
    return "".join(character for character in heading.casefold() if character.isalnum())


def detect(headings: Sequence[str], mappings: Sequence[Mapping]) -> Mapping | Refusal:
    """The mapping that most headings speak for. The one without telling headings is for everything else."""
    seen = {normal(heading) for heading in headings}
    generic = next(mapping for mapping in mappings if not mapping.telling)
    scores = {mapping.name: len({normal(heading) for heading in mapping.telling} & seen) for mapping in mappings}
    best = max(scores.values())
    if best < TELLING:
        return generic
    likeliest = [mapping for mapping in mappings if scores[mapping.name] == best]
    if len(likeliest) > 1:
        labels = " or ".join(mapping.label for mapping in likeliest)
        return Refusal(f"By its headings this could be an export of {labels}: say which mapping to use.")
    return likeliest[0]


def fit(
    mapping: Mapping,
    headings: Sequence[str],
    *,
    repeated: frozenset[str] = frozenset(),
    job_is_given: bool = False,
) -> Columns | Refusal:
    """Refuses a file in which a needed column is missing, or one that is used stands twice.

    `repeated`: the headings, in lower case, that the file has more than once.
    """
    seen = {normal(heading): heading for heading in reversed(headings)}
    found: dict[Field, str] = {}
    for name, choices in mapping.headings.items():
        heading = next((seen[normal(choice)] for choice in choices if normal(choice) in seen), None)
        if heading is not None:
            found[name] = heading
    missing = _missing(found, job_is_given=job_is_given)
    if missing:
        return _refuse_missing(mapping, missing, headings)
    for name, heading in found.items():
        alike = sum(normal(other) == normal(heading) for other in headings)
        if alike > 1 or heading.casefold() in repeated:
            return Refusal(
                f"The heading “{heading}” stands above more than one column, so it cannot be told which of them holds "
                f"the {name}. Rename or remove the others."
            )
    return Columns(mapping=mapping, headings=found, reached=_stage_columns(mapping, headings))


def _missing(found: Map[Field, str], *, job_is_given: bool) -> list[Field]:
    missing = [] if Field.EMAIL in found else [Field.EMAIL]
    if not any(name in found for name in NAMES):
        missing.append(Field.FULL_NAME)
    if not job_is_given and not any(name in found for name in JOBS):
        missing.append(Field.JOB)
    return missing


def _refuse_missing(mapping: Mapping, missing: Sequence[Field], headings: Sequence[str]) -> Refusal:
    wanted = [choice for name in missing for choice in mapping.headings.get(name, ())]
    readable = {normal(choice): choice for choice in wanted}
    near = [
        (heading, readable[close[0]])
        for heading in headings
        if (close := difflib.get_close_matches(normal(heading), list(readable), n=1, cutoff=0.75))
    ]
    parts = [
        f"The {mapping.label} mapping finds no column for the {_listed([str(name) for name in missing], 'or')}.",
        f"Headings seen: {_quoted(headings)}.",
        f"Known are: {_quoted(wanted)}." if wanted else "",
        *(f"Is “{heading}” meant as “{choice}”?" for heading, choice in near[:3]),
        "Rename the heading, or choose another mapping.",
    ]
    if Field.JOB in missing:
        parts.append("A file about one job needs no job column when that job is named for the whole file.")
    return Refusal(" ".join(part for part in parts if part))


def _stage_columns(mapping: Mapping, headings: Sequence[str]) -> dict[str, str]:
    prefix = mapping.stage_prefix.casefold()
    return {
        heading: heading[len(prefix) :].strip()
        for heading in headings
        if prefix and heading.casefold().startswith(prefix) and heading[len(prefix) :].strip()
    }


def _quoted(headings: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(f"“{heading[:60]}”" for heading in headings[:most])
    return f"{shown} and {len(headings) - most} more" if len(headings) > most else shown


def _listed(words: Sequence[str], conjunction: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {conjunction} {words[-1]}"
