"""A trace as a JSON document: what went in, what happened, what was found.

The document embeds the files it was made of, so that a replay needs nothing else. `FORMAT` is the version of this
layout; a document of another version is refused by name rather than misread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from ..impl.api.values.frozen import EMPTY, Json, freeze, thaw

FORMAT = 1


class BadTraceError(Exception):
    """A file that is no trace of this format; the message says why."""


@frozen
class Inputs:
    """Everything a replay starts from: file names to texts, and the options given beside them."""

    files: immutabledict[str, str] = EMPTY
    options: immutabledict[str, Json] = EMPTY


@frozen
class Moment:
    """One step: who did what, what it set off, what changed (for readers), and the digest of the state after it."""

    action: str
    label: str
    digest: str
    then: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    seconds: int | None = None
    """When it happens, after the start; None: nobody asked."""
    waited: tuple[str, ...] = ()
    """What ran out in it: how long, and since when."""


@frozen
class Document:
    """A recorded run. `what` is "check" (a run of a machine) or "walk" (the nine steps of `kubectl run`)."""

    what: str
    version: str
    inputs: Inputs
    start: str
    """Digest of the initial state."""
    steps: tuple[Moment, ...]
    claim: str = ""
    sentence: str = ""
    verdict: str = ""
    kind: str = ""
    reasons: tuple[str, ...] = ()
    cycle_start: int | None = None
    """Index of the first step of the part that repeats for ever, if one does."""
    island: str = ""
    """What the run is of where it is not of all: an island of the input by itself, beside others that do nothing."""
    places: int = 0
    """How many Pods it had places for."""
    rest: int = 0
    """In which of its states of rest it was when the others came; 0: they were there first."""


def said(action: str, label: str) -> str:
    """Say who did what; an action that is named after its only outcome says it once."""
    return action if action.endswith(f": {label}") else f"{action}: {label}"


def to_text(document: Document) -> str:
    """Write a document: the same bytes for the same document, one step below the other, a final newline."""
    return json.dumps(_to_json(document), indent=1, ensure_ascii=False) + "\n"


def _to_json(document: Document) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kubeproof": document.version,
        "what": document.what,
        "claim": document.claim,
        "sentence": document.sentence,
        "verdict": document.verdict,
        "kind": document.kind,
        "reasons": list(document.reasons),
        "inputs": {"files": dict(document.inputs.files), "options": thaw(document.inputs.options)},
        **({"island": document.island, "places": document.places, "rest": document.rest} if document.island else {}),
        "start": document.start,
        "steps": [
            {
                "action": step.action,
                "label": step.label,
                "then": list(step.then),
                "changes": list(step.changes),
                "digest": step.digest,
                **({} if step.seconds is None else {"seconds": step.seconds, "waited": list(step.waited)}),
            }
            for step in document.steps
        ],
        "cycleStart": document.cycle_start,
    }


def from_text(text: str, name: str = "trace") -> Document:
    """Read a document; `name` is the file to blame. Raises BadTraceError."""
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadTraceError(f"{name}: is no JSON: {error}") from None
    if not isinstance(data, dict) or "format" not in data:
        raise BadTraceError(f"{name}: is no kubeproof trace (no field 'format')")
    if data["format"] != FORMAT:
        raise BadTraceError(f"{name}: has format {data['format']!r}; this kubeproof reads format {FORMAT}")
    return _from_json(_Reader(name, data))


class _Reader:
    """Fields of one JSON object by name and type; a missing or wrong one blames the file and the path."""

    def __init__(self, name: str, data: Any, path: str = "") -> None:
        self.name, self.path, self.data = name, path, data
        if not isinstance(data, dict):
            raise BadTraceError(f"{name}: {path or 'the document'}: expected an object")

    def text(self, field: str) -> str:
        return str(self._typed(field, str, "a text"))

    def texts(self, field: str) -> tuple[str, ...]:
        found = self._typed(field, list, "a list of texts")
        if not all(isinstance(item, str) for item in found):
            raise BadTraceError(f"{self.name}: {self.path}{field}: expected a list of texts")
        return tuple(found)

    def number(self, field: str) -> int:
        return int(self._typed(field, int, "a number"))

    def index(self, field: str, below: int) -> int | None:
        found = self.data.get(field)
        if found is not None and (type(found) is not int or not 0 <= found < below):
            raise BadTraceError(f"{self.name}: {self.path}{field}: expected the index of a step, or null")
        return found

    def inside(self, field: str) -> _Reader:
        return _Reader(self.name, self._typed(field, dict, "an object"), f"{self.path}{field}.")

    def each(self, field: str) -> tuple[_Reader, ...]:
        found = self._typed(field, list, "a list")
        return tuple(_Reader(self.name, item, f"{self.path}{field}[{index}].") for index, item in enumerate(found))

    def _typed(self, field: str, cls: type, words: str) -> Any:
        if not isinstance(self.data.get(field), cls):
            raise BadTraceError(f"{self.name}: {self.path}{field}: expected {words}")
        return self.data[field]


def _from_json(data: _Reader) -> Document:
    inputs = data.inside("inputs")
    files: Mapping[str, Any] = inputs.inside("files").data
    steps = tuple(_moment(step) for step in data.each("steps"))
    return Document(
        what=data.text("what"),
        version=data.text("kubeproof"),
        inputs=Inputs(
            immutabledict((name, inputs.inside("files").text(name)) for name in files),
            freeze(inputs.inside("options").data),
        ),
        start=data.text("start"),
        steps=steps,
        claim=data.text("claim"),
        sentence=data.text("sentence"),
        verdict=data.text("verdict"),
        kind=data.text("kind"),
        reasons=data.texts("reasons"),
        cycle_start=data.index("cycleStart", len(steps)),
        island=data.text("island") if "island" in data.data else "",
        places=data.number("places") if "island" in data.data else 0,
        rest=data.number("rest") if "island" in data.data else 0,
    )


def _moment(step: _Reader) -> Moment:
    timed = "seconds" in step.data
    return Moment(
        step.text("action"),
        step.text("label"),
        step.text("digest"),
        step.texts("then"),
        step.texts("changes"),
        step.number("seconds") if timed else None,
        step.texts("waited") if timed else (),
    )
