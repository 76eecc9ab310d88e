"""The files a check starts from, read as texts: what a trace embeds, so that a replay needs nothing else.

A folder gives its manifests and its scenario.yaml, and whatever that one applies later. `-` is standard input.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath

from attrs import frozen
from immutabledict import immutabledict

from ....impl.api.reading.load import STDIN, BadInput, Problem, Text, read_sources
from .scenario_file import applied_files, dump_file, is_scenario_file

EMPTY_FILES: immutabledict[str, str] = immutabledict()


@frozen
class Gathered:
    """A name for the whole, and the texts of the files by the names they were found under, in the order given."""

    name: str
    files: immutabledict[str, str]


def gather(paths: Iterable[str | Path], *, recursive: bool = False) -> Gathered:
    """Read files and folders, `recursive` those below them, too. Raises BadInput naming all that cannot be used."""
    wanted = [str(path) for path in paths]
    files = {text.file: text.text for text in _read(wanted, recursive=recursive)}
    dump = dump_file(files)
    if dump and Path(dump).is_file():
        files |= {text.file: text.text for text in _read([dump])}
    if not any(not is_scenario_file(name) for name in files):
        hint = "a scenario.yaml says what happens to manifests; they go beside it"
        raise BadInput((Problem(wanted[0], 0, "", "no manifests, only a scenario", hint),))
    later = [name for name in applied_files(files) if name not in files]
    files |= {text.file: text.text for text in _read(name for name in later if Path(name).is_file())}
    return Gathered(_name(wanted[0]), immutabledict(files))


def beside_dump(paths: Iterable[str | Path], dump: str | Path, *, recursive: bool = False) -> Gathered:
    """Read the dump of a cluster, and the files and folders beside it, if any. Raises BadInput."""
    wanted = [str(path) for path in paths]
    if STDIN in wanted and str(dump) == STDIN:
        hint = "put one of them into a file"
        raise BadInput((Problem(STDIN, 0, "", "standard input cannot be the dump and the manifests", hint),))
    found = gather(wanted, recursive=recursive) if wanted else Gathered(_name(str(dump)), EMPTY_FILES)
    texts = {text.file: text.text for text in _read([str(dump)])}
    if Path(dump).is_dir():
        hint = "kubectl get -A -o json > dump.json"
        raise BadInput((Problem(str(dump), 0, "", "a dump is one file, not a folder", hint),))
    others = {name: text for name, text in found.files.items() if str(dump) == STDIN or not _same(name, dump)}
    return Gathered(found.name, immutabledict({**others, **texts}))


def _same(name: str, dump: str | Path) -> bool:
    """Tell whether a file is the dump, which may lie among the manifests and be called otherwise there."""
    return Path(name).resolve() == Path(dump).resolve()


def name_of(source: str | Path) -> str:
    """Return the name that a file's text is found under."""
    return "stdin" if str(source) == STDIN else str(source)


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
