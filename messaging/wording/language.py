"""The part of Liquid that a wording may use: output, `if` and five filters; everything else does not exist here."""

from collections.abc import Callable
from typing import Final

from liquid import Environment, Mode, StrictUndefined
from liquid.builtin.content import Literal as ContentTag
from liquid.builtin.filters.misc import default
from liquid.builtin.filters.string import capitalize, downcase, truncate, upcase
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output
from liquid.builtin.tags.if_tag import IfTag
from liquid.undefined import Undefined

NESTING_LIMIT: Final = 10
RENDERED_LIMIT: Final = 256 * 1024
"""Bytes that one part may become when it is rendered."""


class MissingValue(Undefined):
    """Stands for a value that nobody gave; printing it notes its name and shows it, so that it is never a blank."""

    __slots__ = ("noted",)

    def __init__(self, name: str, *, noted: list[str]) -> None:
        super().__init__(name)
        self.noted = noted

    def __str__(self) -> str:
        self.noted.append(self.name)
        return f"[missing: {self.name}]"


def _unless_missing(change: Callable[..., object]) -> Callable[..., object]:
    # A missing value passes through unchanged, so that a `default` further right still sees that it is missing.
    def changed(value: object, *arguments: object) -> object:
        return value if isinstance(value, MissingValue) else change(value, *arguments)

    return changed


FILTERS: Final[dict[str, Callable[..., object]]] = {
    "default": default,  # the one way to allow for a missing value in running text
    "capitalize": _unless_missing(capitalize),  # a stage or a reason at the start of a sentence
    "downcase": _unless_missing(downcase),  # a stage in the middle of one
    "upcase": _unless_missing(upcase),  # a reference such as a time zone's short name
    "truncate": _unless_missing(truncate),  # an imported job title can be longer than a subject should be
}


class _StrictIfTag(IfTag):
    """Liquid's `if`, which otherwise drops a second `else` and all that stands in it without a word."""

    mode = Mode.STRICT


class _WordingEnvironment(Environment):
    block_nesting_limit = NESTING_LIMIT + 1
    context_depth_limit = 4
    loop_iteration_limit = 1
    output_stream_limit = RENDERED_LIMIT
    suppress_blank_control_flow_blocks = False

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002  # the name is Liquid's
        for tag in (ContentTag, Output, Illegal, _StrictIfTag):
            self.add_tag(tag)
        self.filters.update(FILTERS)


LIQUID: Final = _WordingEnvironment(tolerance=Mode.STRICT, undefined=StrictUndefined, strict_filters=True)
"""Strict everywhere: whatever the check before it overlooked raises a LiquidError instead of rendering."""
