"""The registry is complete, documented and cannot reach what must stay inside."""

from messaging.wording.placeholders import (
    GROUPS,
    REGISTRY,
    example_values,
    placeholders_in,
    without_optional,
)


def test_every_placeholder_is_explained_and_belongs_to_a_documented_group() -> None:
    for name, entry in REGISTRY.items():
        assert entry.name == name
        assert name.split(".")[0] in GROUPS
        assert entry.meaning.endswith(".")
        assert entry.example.strip() == entry.example != ""


def test_every_group_has_placeholders_and_together_they_are_the_registry() -> None:
    listed = [entry.name for group in GROUPS for entry in placeholders_in(group)]
    assert listed == list(REGISTRY)
    assert all(placeholders_in(group) for group in GROUPS)
    assert placeholders_in("salary") == ()


def test_the_internal_part_of_a_reason_has_no_placeholder() -> None:
    assert [entry.name for entry in placeholders_in("reason")] == ["reason.shared"]


def test_example_values_cover_the_registry() -> None:
    values = example_values()
    assert {f"{group}.{field}" for group, fields in values.items() for field in fields} == set(REGISTRY)
    assert values["candidate"]["first_name"] == REGISTRY["candidate.first_name"].example


def test_what_depends_on_an_interview_is_never_promised() -> None:
    assert not any(entry.always_known for entry in placeholders_in("interview"))
    assert REGISTRY["candidate.full_name"].always_known


def test_in_the_worst_case_all_is_missing_that_may_be_and_nothing_else() -> None:
    worst = without_optional({**example_values(), "unknown": {"field": "x"}})
    left = {f"{group}.{field}" for group, fields in worst.items() for field in fields}
    assert left == {name for name, entry in REGISTRY.items() if entry.always_known}
    assert worst["job"]["title"] == REGISTRY["job.title"].example
