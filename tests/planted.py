"""Plant a fault in a pure function for the length of a `with` block, to see which check notices.

A check that no fault can fail proves nothing. `planted` recompiles a module with one piece of its text replaced and
lends the new code to the functions that everybody already holds, so that no import has to be undone.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any


class NothingPlanted(Exception):  # noqa: N818 - it says what happened
    """The text to replace is not in the module exactly once, or replacing it changed no function."""


@contextmanager
def planted(module_name: str, before: str, after: str) -> Iterator[None]:
    """Run the block with `before` replaced by `after` in the functions of a module.

    Raises NothingPlanted when `before` does not occur exactly once or no function's code changes by it.
    """
    module = importlib.import_module(module_name)
    source = inspect.getsource(module)
    if source.count(before) != 1:
        raise NothingPlanted(f"{module_name}: {before!r} occurs {source.count(before)} times")
    changed = dict(module.__dict__)
    exec(compile(source.replace(before, after), str(module.__file__), "exec"), changed)  # noqa: S102
    swaps = [
        (old, old.__code__, new.__code__)
        for old, new in _pairs(module.__dict__, changed)
        if old.__code__.co_code != new.__code__.co_code
        or old.__code__.co_consts != new.__code__.co_consts
        or old.__code__.co_names != new.__code__.co_names
    ]
    if not swaps:
        raise NothingPlanted(f"{module_name}: no function changes when {before!r} becomes {after!r}")
    for function, _, code in swaps:
        function.__code__ = code
    try:
        yield
    finally:
        for function, code, _ in swaps:
            function.__code__ = code


def _pairs(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[FunctionType, FunctionType]]:
    """Pair the functions and methods a module defines itself with their recompiled twins."""
    for name, value in sorted(old.items()):
        twin = new.get(name)
        if twin is None or getattr(value, "__module__", None) != old["__name__"]:
            continue
        value, twin = inspect.unwrap(value), inspect.unwrap(twin)  # noqa: PLW2901
        if isinstance(value, FunctionType) and isinstance(twin, FunctionType):
            yield value, twin
        elif isinstance(value, type) and isinstance(twin, type):
            for attribute, method in sorted(vars(value).items()):
                other = vars(twin).get(attribute)
                method, other = getattr(method, "__func__", method), getattr(other, "__func__", other)  # noqa: PLW2901
                if isinstance(method, FunctionType) and isinstance(other, FunctionType):
                    yield method, other
