"""Reads plain maps and lists field by field, and notes all that is wrong: the field, what was expected, a way out.

Left out on purpose: lines; what a YAML reader knows of places it can add to the fields' names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...api.reading.load import Problem
from ...api.reading.nearest import did_you_mean


class Reader:
    """Reads values; `problems` grows with each that is wrong, and a harmless value is given in its stead."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def blame(self, at: str, message: str, hint: str = "") -> None:
        """Note a mistake."""
        self.problems.append(Problem(self.file, 0, at, message, hint))

    def map(self, value: Any, at: str, known: Iterable[str]) -> Mapping[str, Any]:
        """Return a map; a field that is not known is a mistake."""
        if not isinstance(value, Mapping):
            self.blame(at, f"expected a map, got {value!r}", "write its fields below it")
            return {}
        for key in value:
            if key not in known:
                self.blame(_in(at, str(key)), "unknown field", did_you_mean(str(key), known))
        return {key: item for key, item in value.items() if key in known}

    def items(self, fields: Mapping[str, Any], name: str, at: str) -> list[Any]:
        """Return a list, empty if the field is absent."""
        value = fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.blame(_in(at, name), f"expected a list, got {value!r}", "begin each item with a dash")
            return []
        return list(value)

    def text(self, fields: Mapping[str, Any], name: str, at: str, default: str = "") -> str:
        """Return a text that is not empty."""
        value = fields.get(name, default)
        if isinstance(value, str) and value:
            return value
        self.blame(_in(at, name), f"expected a text, got {value!r}", "put it in quotes")
        return default

    def known(self, fields: Mapping[str, Any], name: str, at: str, words: Iterable[str]) -> str:
        """Return one of the known words, "" if it is none."""
        value = self.text(fields, name, at)
        if value and value not in words:
            self.blame(_in(at, name), f"unknown {value!r}", did_you_mean(value, words))
            return ""
        return value

    def integer(
        self, fields: Mapping[str, Any], name: str, at: str, default: int, *, least: int, most: int | None = None
    ) -> int:
        """Return a whole number between bounds; null is the default."""
        value = fields.get(name)
        if value is None:
            return default
        bounds = f"from {least} to {most}" if most is not None else f"of at least {least}"
        number = isinstance(value, int) and not isinstance(value, bool)
        if not number or value < least or (most is not None and value > most):
            self.blame(_in(at, name), f"expected a whole number {bounds}, got {value!r}", f"leave it out for {default}")
            return default
        return int(value)

    def flag(self, fields: Mapping[str, Any], name: str, at: str) -> bool:
        """Return a truth value, false if the field is absent."""
        value = fields.get(name, False)
        if not isinstance(value, bool):
            self.blame(_in(at, name), f"expected true or false, got {value!r}", "write it without quotes")
            return False
        return value


def _in(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
