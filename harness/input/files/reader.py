"""Typed reading of located values: every mistake is noted with its place, and reading goes on to find the others."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeVar

from ....impl.api.reading.load import BadInput, Note, Other, Problem
from ....impl.api.reading.nearest import did_you_mean
from ....impl.api.values.duration import DurationError, seconds
from .located import Located

E = TypeVar("E", bound=Enum)

INT32 = 2**31 - 1
"""The largest number of replicas, seconds and the like that Kubernetes can hold."""


class Reader:
    """Reads values; `problems` grows with each that is wrong, and a harmless value is given in its stead.

    `notes` grows with what the objects that are read say and nothing here models, `others` with those without a class.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.notes: list[Note] = []
        self.others: list[Other] = []

    def blame(self, at: Located, message: str, hint: str = "") -> None:
        """Note a mistake."""
        self.problems.append(at.problem(message, hint))

    def finish(self) -> None:
        """Raise BadInput if anything was wrong."""
        if self.problems:
            raise BadInput(tuple(self.problems))

    def fields(self, at: Located, known: Iterable[str]) -> dict[str, Located]:
        """Return the fields of a map; one that is not known is a mistake."""
        if not isinstance(at.value, dict):
            self._expected(at, "a map")
            return {}
        for key, item in at.value.items():
            if key not in known:
                self.blame(item, f"unknown field {key!r}", did_you_mean(key, known))
        return {key: item for key, item in at.value.items() if key in known}

    def items(self, at: Located) -> tuple[Located, ...]:
        """Return the items of a list."""
        if isinstance(at.value, tuple):
            return at.value
        self._expected(at, "a list")
        return ()

    def text(self, at: Located) -> str:
        """Read a text; YAML takes an unquoted 1.32 for a number, which the message says."""
        if isinstance(at.value, str):
            return at.value
        self._expected(at, "a text", "put it in quotes" if isinstance(at.value, int | float) else "")
        return ""

    def integer(self, at: Located, least: int = 0, most: int = INT32) -> int:
        """Read a whole number from `least` to `most`."""
        if isinstance(at.value, bool) or not isinstance(at.value, int):
            self._expected(at, "an integer")
            return least
        if at.value < least:
            self.blame(at, f"expected at least {least}, got {at.value}")
        if at.value > most:
            self.blame(at, f"expected at most {most}, got {at.value}")
        return min(max(at.value, least), most)

    def flag(self, at: Located) -> bool:
        """Read a truth value."""
        if isinstance(at.value, bool):
            return at.value
        self._expected(at, "true or false")
        return False

    def seconds(self, at: Located) -> int:
        """Read a duration in whole seconds: 5s, 1m30s, or a number of seconds."""
        if isinstance(at.value, int) and not isinstance(at.value, bool):
            return self.integer(at)
        try:
            return seconds(self.text(at)) if isinstance(at.value, str) else int(self._expected(at, "a duration"))
        except DurationError as error:
            self.blame(at, str(error))
            return 0

    def choice(self, at: Located, choices: type[E]) -> E:
        """Read one of the values of an enumeration."""
        for choice in choices:
            if choice.value == at.value:
                return choice
        names = [str(choice.value) for choice in choices]
        meant = did_you_mean(str(at.value), names, "")
        self.blame(at, f"expected one of {', '.join(names)}, got {show(at.value)}", meant)
        return next(iter(choices))

    def _expected(self, at: Located, what: str, hint: str = "") -> int:
        self.blame(at, f"expected {what}, got {show(at.value)}", hint)
        return 0


def show(value: Any) -> str:
    """Name a value in a message."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
