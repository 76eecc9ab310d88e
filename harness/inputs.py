"""The files a check starts from, read as texts: what a trace embeds, so that a replay needs nothing else.

A folder gives its manifests and its scenario.yaml, and whatever that one applies later. `-` is standard input.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath

from attrs import frozen
from immutabledict import immutabledict

from ..impl.api.load import STDIN, BadInput, Problem, Text, read_sources
from .scenario_file import applied_files, is_scenario_file


@frozen
class Gathered:
    """A name for the whole, and the texts of the files by the names they were found under."""

    name: str
    files: immutabledict[str, str]


def gather(paths: Iterable[str | Path], *, recursive: bool = False) -> Gathered:
    """Read files and folders, `recursive` those below them, too. Raises BadInput naming all that cannot be used."""
    wanted = [str(path) for path in paths]
    files = {text.file: text.text for text in _read(wanted, recursive=recursive)}
    if not any(not is_scenario_file(name) for name in files):
        hint = "a scenario.yaml says what happens to manifests; they go beside it"
        raise BadInput((Problem(wanted[0], 0, "", "no manifests, only a scenario", hint),))
    later = [name for name in applied_files(files) if name not in files]
    files |= {text.file: text.text for text in _read(name for name in later if Path(name).is_file())}
    return Gathered(_name(wanted[0]), immutabledict(sorted(files.items())))


def _read(sources: Iterable[str], *, recursive: bool = False) -> tuple[Text, ...]:
    """Read sources; a folder that cannot be listed is one more thing to tell."""
    texts: list[Text] = []
    problems: list[Problem] = []
    for source in sources:
        try:
            found, wrong = read_sources([source], recursive=recursive)
        except OSError as error:
            found, wrong = (), (Problem(source, 0, "", f"cannot be read: {error.strerror}"),)
        texts.extend(found)
        problems.extend(wrong)
    if problems:
        raise BadInput(tuple(problems))
    return tuple(texts)


def _name(first: str) -> str:
    """Name the whole after the folder, the file without its suffix, or standard input."""
    if first == STDIN:
        return "stdin"
    place = Path(first).resolve()
    return place.name if place.is_dir() else PurePath(place).stem
