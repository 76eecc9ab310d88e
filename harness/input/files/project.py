"""`kubeproof.toml`: what a project asks of each check, below what scenario.yaml and the command line say.

At the top stand fields of scenario.yaml (`nodes`, `faults`, `bounds`, `script`, ...) and `claims`, `timeout` and
`baseline`. A table `[paths."deploy/web"]` says the same of the manifests at that path and below it, and counts for
more; of several the longest path does. Paths are relative to the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from attrs import evolve, frozen
from immutabledict import immutabledict

from ....impl.api.reading.load import BadInput, Problem
from ....impl.api.reading.nearest import did_you_mean
from ....impl.api.values.duration import DurationError, seconds
from ....impl.api.values.frozen import EMPTY, Json, freeze, thaw
from .located import from_yaml
from .scenario_file import FIELDS, is_scenario_file

NAME = "kubeproof.toml"
OWN: dict[str, tuple[type | tuple[type, ...], str]] = {
    "claims": (list, 'a list: ["convergence"]'),
    "timeout": ((str, int), 'a time: "5m"'),
    "baseline": (str, 'the name of a file: "known.json"'),
}
"""Fields that scenario.yaml has not: their types, and what is expected."""
PATHS = "paths"


@frozen
class Project:
    """What a file says for every path, and for some."""

    file: str
    everywhere: immutabledict[str, Json] = EMPTY
    paths: immutabledict[str, immutabledict[str, Json]] = EMPTY
    text: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The paths that are named, as seen from here: what is checked where no manifests are named."""
        folder = PurePath(self.file).parent
        return tuple(str(folder / path) for path in self.paths)

    def of(self, target: str) -> dict[str, Any]:
        """Return all that is asked of the manifests at a path."""
        found: dict[str, Any] = {}
        for _, said in self._tables(target):
            found = over(thaw(said), found)
        return found

    def _tables(self, target: str) -> Iterator[tuple[str, immutabledict[str, Json]]]:
        """Yield what is said of the manifests at a path, by the path of it; what counts for more comes later."""
        here = Path(target).resolve()
        folder = Path(self.file).resolve().parent
        above = [path for path in self.paths if here.is_relative_to((folder / path).resolve())]
        yield "", self.everywhere
        yield from ((path, self.paths[path]) for path in sorted(above, key=len))

    def blamed(self, problem: Problem, target: str) -> Problem:
        """Return a problem of an option as one of this file, with the line of its field, or of its words in a list."""
        key = re.split(r"[.\[ ]", problem.field)[0]
        tables = [path for path, said in self._tables(target) if key in said]
        if not tables:
            return problem
        lines = self.text.splitlines()
        begins = next((at for at, line in enumerate(lines) if tables[-1] and _is_table(line, tables[-1])), 0)
        words = problem.field.partition(" ")[2].strip("'\"")
        first = begins + _line("\n".join(lines[begins:]), key)
        number = next((at for at in range(first, len(lines) + 1) if words and words in lines[at - 1]), first)
        return evolve(problem, file=self.file, line=number)


def _is_table(line: str, path: str) -> bool:
    """Tell whether a line begins the table of a path."""
    return line.replace(" ", "") in {f"[{PATHS}.{quote}{path}{quote}]" for quote in ('"', "'", "")}


def over(above: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    """Lay options over others: field by field, and inside maps (faults, bounds) as well."""
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        found[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return found


def below_scenario(options: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Return those options that scenario.yaml among the files does not give itself."""
    names = sorted(filter(is_scenario_file, files))
    said = from_yaml(files[names[0]], names[0]).plain() if names else {}
    found: dict[str, Any] = {}
    for key, value in options.items():
        own = said.get(key) if isinstance(said, dict) else None
        if own is None:
            found[key] = value
        elif isinstance(own, dict) and isinstance(value, dict):
            found[key] = {name: item for name, item in value.items() if name not in own}
    return found


def read_project(path: Path) -> Project:
    """Read a project's file. Raises BadInput naming file, line and field."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput((Problem(str(path), 0, "", f"cannot be read: {error}"),)) from None
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise BadInput((Problem(str(path), int(line[1]) if line else 0, "", f"is no TOML: {error}"),)) from None
    paths = found.pop(PATHS, {})
    problems = [*_unknown(path, text, found, (*FIELDS, *OWN, PATHS))]
    if not isinstance(paths, dict) or not all(isinstance(value, dict) for value in paths.values()):
        problems.append(Problem(str(path), _line(text, PATHS), PATHS, "expected tables", '[paths."deploy/web"]'))
        paths = {}
    for value in paths.values():
        problems += _unknown(path, text, value, (*FIELDS, *OWN))
    for value in (found, *paths.values()):
        problems += _mistyped(path, text, value) or _durations(path, text, value)
    if problems:
        raise BadInput(tuple(problems))
    return Project(str(path), freeze(found), freeze(paths), text)


def _unknown(path: Path, text: str, said: Mapping[str, Any], known: tuple[str, ...]) -> list[Problem]:
    return [
        Problem(str(path), _line(text, key), key, "there is no such field", did_you_mean(key, known))
        for key in said
        if key not in known
    ]


def _mistyped(path: Path, text: str, said: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(str(path), _line(text, key), key, f"expected {words}")
        for key, (types, words) in OWN.items()
        if key in said and not isinstance(said[key], types)
    ]


def _durations(path: Path, text: str, said: Mapping[str, Any]) -> list[Problem]:
    try:
        seconds(str(said.get("timeout", "0s")))
    except DurationError as error:
        return [Problem(str(path), _line(text, "timeout"), "timeout", str(error))]
    return []


def _line(text: str, key: str) -> int:
    """Return the line in which a key first stands."""
    begins = re.compile(rf"\s*\[*\"?{re.escape(key)}\b")
    return next((number for number, line in enumerate(text.splitlines(), start=1) if begins.match(line)), 0)
