"""Queries are written once in a process; where a test looks at how, they are to be written for it."""

from __future__ import annotations

import functools
import sys

from pipeline.written_once import UpdateOnce, WrittenOnce

KEPT = functools._lru_cache_wrapper


def forget_queries() -> None:
    """All that modules of the product hold, also those that a function makes for each size."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"messaging", "pipeline"}:
            for value in list(vars(module).values()):
                if isinstance(value, WrittenOnce | UpdateOnce):
                    value._written.clear()
                elif isinstance(value, KEPT):
                    value.cache_clear()
