"""Values with the file, line and field path they come from, so that whatever is wrong with one can be pointed at.

Plain JSON values, as they come from the command line or a trace, have a place as well: no line, and the name of where
they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from ....impl.api.reading import yaml_source
from ....impl.api.reading.load import BadInput, Problem
from ....impl.api.reading.yaml_source import Path, YamlError


@frozen
class Located:
    """A value and its place: a scalar, a dict of str to Located, or a tuple of Located. Line 0 is no line."""

    value: Any
    file: str
    line: int
    path: str

    def problem(self, message: str, hint: str = "") -> Problem:
        """Blame this value."""
        return Problem(self.file, self.line, self.path, message, hint)

    def holding(self, value: Any) -> Located:
        """Return another plain JSON value in this place, everything in it as well."""
        if isinstance(value, Mapping):
            return evolve(self, value={key: self.holding(item) for key, item in value.items()})
        if isinstance(value, list | tuple):
            return evolve(self, value=tuple(map(self.holding, value)))
        return evolve(self, value=value)

    def plain(self) -> Any:
        """Return the value without places, as JSON."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        return self.value

    def walk(self) -> Iterator[Located]:
        """Yield this value and every one inside it, outer ones first."""
        yield self
        inside = self.value.values() if isinstance(self.value, dict) else self.value
        if isinstance(self.value, dict | tuple):
            for item in inside:
                yield from item.walk()


def from_json(value: Any, file: str) -> Located:
    """Place a plain JSON value."""
    return _place(value, file, lambda _: 0, ())


def from_yaml(text: str, file: str) -> Located:
    """Read a text with one YAML document; an empty one is an empty map. Raises BadInput with the line."""
    found = documents(text, file)
    if len(found) > 1:
        raise BadInput((found[1].problem("expected one document, got several"),))
    return found[0]


def documents(text: str, file: str) -> tuple[Located, ...]:
    """Read a text with YAML documents; an empty one is one empty map. Raises BadInput with the line."""
    try:
        found = tuple(yaml_source.documents(text))
    except YamlError as error:
        raise BadInput((Problem(file, error.line, _joined(error.path), error.message, error.hint),)) from None
    return tuple(_place(document.value, file, document.line_of, ()) for document in found) or (
        Located({}, file, 1, ""),
    )


def _place(value: Any, file: str, line_of: Callable[[Path], int], path: Path) -> Located:
    placed: Any = value
    if isinstance(value, Mapping):
        placed = {str(key): _place(item, file, line_of, (*path, str(key))) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        placed = tuple(_place(item, file, line_of, (*path, index)) for index, item in enumerate(value))
    return Located(placed, file, line_of(path), _joined(path))


def _joined(path: Path) -> str:
    """Write a path as messages have it: script[0].setImage.image."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
