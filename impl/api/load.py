"""Manifests into objects: everything wrong is reported at once, with file, line, field and what was expected.

Upstream: what kubectl v1.32 does with -f (cli-runtime's resource builder) and with --validate=strict: files, a folder's
*.yaml, *.yml and *.json (not those below it), `-` for standard input, several documents a file, and List objects;
unknown and duplicate fields are errors. A field Kubernetes has and the components here do not look at is no error: it
is a note.
Left out on purpose: fetching URLs, kustomize and templates (their tools print manifests that can be piped in), and
whether the values are allowed, which the API server's validation says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from . import schema
from .convert import BadObject, FieldError, from_json
from .kinds import BY_NAME, Object, ref_of
from .manifest_check import errors_of
from .meta import Ref
from .relevance import HARMLESS_KINDS, unmodelled
from .yaml_source import Document, YamlError, repeated_message, steps, tolerant_documents

SUFFIXES = (".json", ".yaml", ".yml")
STDIN = "-"


@frozen(order=True)
class Problem:
    """One thing wrong with the input; line 0 is the whole file, `hint` is what to do about it, or ""."""

    file: str
    line: int
    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        field = f"{self.field}: " if self.field else ""
        return f"{place}: {field}{self.message}{f' ({self.hint})' if self.hint else ''}"


class BadInput(Exception):  # noqa: N818 - it says what is bad
    """Input that cannot be used; its text is every problem, one a line, as the user should see it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(one) for one in problems))
        self.problems = problems


@frozen
class Text:
    """What one source holds: the name to report it by, and its text."""

    file: str
    text: str


@frozen
class Source:
    """Where an object is written down."""

    file: str
    document: Document

    @property
    def line(self) -> int:
        """The line the object begins at."""
        return self.document.line

    def line_of(self, path: str) -> int:
        """Give the line of a field, `spec.template.spec.containers[0].image`, or of the nearest thing around it."""
        return self.document.line_of(steps(path))


@frozen
class LoadedObject:
    """An object and where it is written down."""

    object: Object
    source: Source


@frozen(order=True)
class Note:
    """Something in the input that no component looks at; `field` "" is the whole object.

    `decides`: a claim may hang on it, so that none can be said to hold for certain.
    """

    file: str
    line: int
    field: str
    object: str
    message: str
    decides: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.object}{f' {self.field}' if self.field else ''}: {self.message}"


@frozen
class Loaded:
    """The objects of all sources in the order they are written, and what of them is not modelled."""

    objects: tuple[LoadedObject, ...]
    unmodelled: tuple[Note, ...]


def load_objects(sources: Iterable[str | Path], namespace: str = "default") -> Loaded:
    """Load files, folders and `-` (standard input); raise BadInput, with every problem of all of them.

    `namespace` is given to namespaced objects that name none, as kubectl does.
    """
    texts, problems = read_sources(sources)
    return objects_in(texts, namespace, problems)


def read_sources(sources: Iterable[str | Path]) -> tuple[tuple[Text, ...], tuple[Problem, ...]]:
    """Read the text of each file named, of each manifest in each folder named, and of standard input."""
    texts: list[Text] = []
    problems: list[Problem] = []
    for source in sources:
        found = _folder(Path(source)) if str(source) != STDIN and Path(source).is_dir() else [source]
        for one in found:
            read = one if isinstance(one, Problem) else _read(one)
            if isinstance(read, Problem):
                problems.append(read)
            elif read.text.strip() or len(found) == 1:
                texts.append(read)
    if not texts and not problems:
        problems.append(Problem("input", 0, "", "no manifests given", "name a file, a folder or - for standard input"))
    return tuple(texts), tuple(problems)


def objects_in(
    texts: Sequence[Text], namespace: str = "default", problems: tuple[Problem, ...] = (), *, served: bool = False
) -> Loaded:
    """Turn texts into objects; raise BadInput with the problems given and all that are found.

    `served`: an API server printed them (`kubectl get -o json`).
    """
    wrong = list(problems)
    objects: list[LoadedObject] = []
    notes: list[Note] = []
    seen: dict[tuple[str, Ref], Source] = {}
    for text in texts:
        for source in _sources(text, wrong):
            before = len(wrong)
            wrong += [_problem(source, one) for one in errors_of(source.document.value, served=served)]
            if len(wrong) > before:
                continue
            json = _placed(source.document.value, namespace)
            wrong += _repeated(json, source, seen)
            if len(wrong) > before:
                continue
            found = _convert(json, source, wrong, notes)
            if found is not None:
                objects.append(found)
    if wrong:
        raise BadInput(tuple(sorted(wrong)))
    return Loaded(tuple(objects), tuple(notes))


# --- reading ------------------------------------------------------------------------------------------------------


def _folder(folder: Path) -> list[Path | Problem]:
    """List the manifests of a folder, by name; a folder without any is a problem."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    if names & {"kustomization.yaml", "kustomization.yml"}:
        hint = f"render it first: kubectl kustomize {folder} | kubeproof check -"
        return [Problem(str(folder), 0, "", "the folder is a kustomization", hint)]
    if "Chart.yaml" in names:
        hint = f"render it first: helm template {folder} | kubeproof check -"
        return [Problem(str(folder), 0, "", "the folder is a Helm chart", hint)]
    found: list[Path | Problem] = [folder / name for name in sorted(names) if name.endswith(SUFFIXES)]
    if found:
        return found
    below = sorted({path.parent for path in folder.rglob("*") if path.suffix in SUFFIXES})
    hint = f"there are some in {below[0]}" if below else ""
    return [Problem(str(folder), 0, "", f"the folder has no manifests ({', '.join(SUFFIXES)})", hint)]


def _read(source: str | Path) -> Text | Problem:
    name = "stdin" if str(source) == STDIN else str(source)
    if name.startswith(("http://", "https://", "http:/", "https:/")):
        return Problem(name, 0, "", "addresses are not fetched", f"curl {name} | kubeproof check -")
    try:
        data = sys.stdin.buffer.read() if name == "stdin" else Path(source).read_bytes()
    except FileNotFoundError:
        return Problem(name, 0, "", "no such file or folder")
    except OSError as error:
        return Problem(name, 0, "", f"cannot be read: {error.strerror}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Problem(name, 0, "", "not a text file: expected YAML or JSON in UTF-8")
    return Problem(name, 0, "", "not a text file: expected YAML or JSON in UTF-8") if "\0" in text else Text(name, text)


def _sources(text: Text, wrong: list[Problem]) -> Iterator[Source]:
    """Give the objects of a text, the items of a List one by one; report a text that is malformed or has none."""
    empty = True
    try:
        for document in tolerant_documents(text.text):
            empty = False
            wrong += [Problem(text.file, one.line, _join(one.path), repeated_message(one)) for one in document.repeated]
            yield from (Source(text.file, one) for one in _items(document))
    except YamlError as error:
        wrong.append(Problem(text.file, error.line, _join(error.path), error.message, error.hint))
        return
    if empty:
        wrong.append(Problem(text.file, 0, "", "the file is empty" if not text.text.strip() else "no objects in it"))


def _items(document: Document) -> Iterator[Document]:
    value = document.value
    is_list = (
        isinstance(value, dict) and str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list)
    )
    if not is_list:
        yield document
        return
    for item in document.items():
        yield from _items(item)


def _join(path: tuple[str | int, ...]) -> str:
    joined = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return joined.removeprefix(".")


def _problem(source: Source, error: FieldError) -> Problem:
    return Problem(source.file, source.line_of(error.path), error.path, error.message, error.hint)


def _placed(json: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Give an object that lives in a namespace and names none the default one."""
    kind = BY_NAME.get(json["kind"])
    named = (json.get("metadata") or {}).get("namespace")
    if kind is None or not kind.namespaced or named or json["apiVersion"] != kind.api_version:
        return json
    return {**json, "metadata": {**json["metadata"], "namespace": namespace}}


def _repeated(json: Mapping[str, Any], source: Source, seen: dict[tuple[str, Ref], Source]) -> tuple[Problem, ...]:
    metadata = json["metadata"]
    if not metadata.get("name"):
        return ()
    ref = Ref(json["kind"], metadata.get("namespace") or "", metadata["name"])
    first = seen.setdefault((json["apiVersion"].rpartition("/")[0], ref), source)
    if first is source:
        return ()
    message = f"{ref} is already defined in {first.file}:{first.line}"
    return (Problem(source.file, source.line, "metadata.name", message),)


# --- converting ---------------------------------------------------------------------------------------------------


def _convert(json: dict[str, Any], source: Source, wrong: list[Problem], notes: list[Note]) -> LoadedObject | None:
    """Make the object, or note that its kind is not modelled."""
    kind = BY_NAME.get(json["kind"])
    if kind is None or json["apiVersion"] != kind.api_version:
        what = "this kind" if schema.is_built_in(json["apiVersion"]) else "this custom resource"
        name = (json["metadata"].get("name") or json["metadata"].get("generateName")) if json.get("metadata") else ""
        harmless = HARMLESS_KINDS.get(json["kind"], "")
        why = f"{what} is not modelled{f'; no claim hangs on it: {harmless}' if harmless else ''}"
        notes.append(Note(source.file, source.line, "", f"{json['kind']} {name}", why, not harmless))
        return None
    try:
        loaded = from_json(json)
    except BadObject as bad:
        wrong += [_problem(source, one) for one in bad.errors]
        return None
    label = str(ref_of(loaded))
    found = (
        Note(source.file, source.line_of(one.path), one.path, label, one.why, one.decides) for one in unmodelled(loaded)
    )
    notes += sorted(found)
    return LoadedObject(loaded, source)
