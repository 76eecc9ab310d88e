"""A trace as a JSON document: what went in, what happened, what was found.

The document embeds the files it was made of, so that a replay needs nothing else. `FORMAT` is the version of this
layout; format 1, whose changes were lines of text, is read as well (`Moment.lines`), and one of another version is
refused by name rather than misread.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from ..impl.api.meta import Ref
from ..impl.api.values.frozen import EMPTY, Json, freeze, thaw
from .changes import Change, lines

FORMAT = 2
READ = (1, 2)


class BadTraceError(Exception):
    """A file that is no trace of this format; the message says why."""


@frozen
class Inputs:
    """Everything a replay starts from: file names to texts, and the options given beside them."""

    files: immutabledict[str, str] = EMPTY
    options: immutabledict[str, Json] = EMPTY


@frozen
class Seen:
    """What somebody went by who did not look at the state as it is: sorts of objects, as they were after a step.

    Steps count from 1, and 0 is the start.
    """

    of: tuple[str, ...]
    step: int


@frozen
class Moment:
    """One step: who did what, what it set off, what changed (for readers), and the digest of the state after it.

    `by` and `verb` say who acts and how ("" where nobody does), `on` on which object or thing, `view` on what view.
    """

    action: str
    label: str
    digest: str
    then: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    by: str = ""
    verb: str = ""
    on: Ref | str = ""
    view: tuple[Seen, ...] = ()
    lines: tuple[str, ...] = ()
    """What is told of it beside the changes: a walk's step, or the changes as format 1 had them."""
    why: str = ""
    code: tuple[str, ...] = ()
    """Where the code is of what was done, as paths of the repository."""
    routes: tuple[tuple[str, ...], ...] = ()
    """The ways that messages took, from component to component, where they are told (in a walk)."""

    seconds: int | None = None
    """When it happens, after the start; None: nobody asked."""
    waited: tuple[str, ...] = ()
    """What ran out in it: how long, and since when."""

    @property
    def told(self) -> tuple[str, ...]:
        """What it changed, in lines."""
        return (*self.lines, *lines(self.changes))


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
    objects: tuple[Json, ...] = ()
    """The objects in the store at the start, as JSON; none in a document of format 1."""


def said(action: str, label: str) -> str:
    """Say who did what; an action that is named after its only outcome says it once."""
    return action if action.endswith(f": {label}") else f"{action}: {label}"


def to_text(document: Document) -> str:
    """Write a document: the same bytes for the same document, one step below the other, a final newline."""
    return json.dumps(to_json(document), indent=1, ensure_ascii=False) + "\n"


def to_json(document: Document) -> dict[str, Any]:
    """Return a document as plain JSON."""
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
        "objects": thaw(document.objects),
        "steps": [_moment_json(step) for step in document.steps],
        "cycleStart": document.cycle_start,
    }


def _moment_json(step: Moment) -> dict[str, Any]:
    return {
        "action": step.action,
        "label": step.label,
        "by": step.by,
        "verb": step.verb,
        "on": _ref_json(step.on) if isinstance(step.on, Ref) else step.on,
        "then": list(step.then),
        "view": [{"of": list(seen.of), "step": seen.step} for seen in step.view],
        "changes": [_change_json(change) for change in step.changes],
        **({"lines": list(step.lines)} if step.lines else {}),
        **({"why": step.why, "code": list(step.code), "routes": thaw(step.routes)} if step.why else {}),
        "digest": step.digest,
        **({} if step.seconds is None else {"seconds": step.seconds, "waited": list(step.waited)}),
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "slot": change.slot,
        "object": None if change.object is None else _ref_json(change.object),
        "field": change.field,
        "before": thaw(change.before),
        "after": thaw(change.after),
    }


def _ref_json(ref: Ref) -> dict[str, str]:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def from_text(text: str, name: str = "trace") -> Document:
    """Read a document; `name` is the file to blame. Raises BadTraceError."""
    return from_json(parsed(text, name), name)


def parsed(text: str, name: str) -> Any:
    """Read JSON. Raises BadTraceError."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        why = f"is no JSON, and a trace is (check writes them below .kubeproof/traces): {error}"
        raise BadTraceError(f"{name}: {why}") from None


def from_json(data: Any, name: str) -> Document:
    """Read a document that is JSON already. Raises BadTraceError."""
    if not isinstance(data, dict) or "format" not in data:
        raise BadTraceError(f"{name}: is no kubeproof trace (no field 'format')")
    if data["format"] not in READ:
        known = " and ".join(map(str, READ))
        raise BadTraceError(f"{name}: has format {data['format']!r}; this kubeproof reads formats {known}")
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

    def ref(self) -> Ref:
        return Ref(self.text("kind"), self.text("namespace"), self.text("name"))

    def index(self, field: str, below: int) -> int | None:
        found = self.data.get(field)
        if found is not None and (type(found) is not int or not 0 <= found < below):
            raise BadTraceError(f"{self.name}: {self.path}{field}: expected the index of a step, or null")
        return found

    def inside(self, field: str) -> _Reader:
        return _Reader(self.name, self._typed(field, dict, "an object"), f"{self.path}{field}.")

    def all(self, field: str) -> list[Any]:
        return list(self._typed(field, list, "a list"))

    def each(self, field: str) -> tuple[_Reader, ...]:
        found = enumerate(self.all(field))
        return tuple(_Reader(self.name, item, f"{self.path}{field}[{index}].") for index, item in found)

    def _typed(self, field: str, cls: type, words: str) -> Any:
        if not isinstance(self.data.get(field), cls):
            raise BadTraceError(f"{self.name}: {self.path}{field}: expected {words}")
        return self.data[field]


def _from_json(data: _Reader) -> Document:
    inputs = data.inside("inputs")
    old = data.data["format"] == 1
    files = inputs.inside("files")
    steps = tuple(_old_moment(step) if old else _moment(step) for step in data.each("steps"))
    island = "island" in data.data
    return Document(
        what=data.text("what"),
        version=data.text("kubeproof"),
        inputs=Inputs(
            immutabledict((name, files.text(name)) for name in files.data), freeze(inputs.inside("options").data)
        ),
        start=data.text("start"),
        steps=steps,
        claim=data.text("claim"),
        sentence=data.text("sentence"),
        verdict=data.text("verdict"),
        kind=data.text("kind"),
        reasons=data.texts("reasons"),
        cycle_start=data.index("cycleStart", len(steps)),
        island=data.text("island") if island else "",
        places=data.number("places") if island else 0,
        rest=data.number("rest") if island else 0,
        objects=() if old else tuple(freeze(reader.data) for reader in data.each("objects")),
    )


def _old_moment(step: _Reader) -> Moment:
    told = step.texts("changes")
    return Moment(step.text("action"), step.text("label"), step.text("digest"), step.texts("then"), lines=told)


def _moment(step: _Reader) -> Moment:
    on = step.data.get("on")
    return Moment(
        action=step.text("action"),
        label=step.text("label"),
        digest=step.text("digest"),
        then=step.texts("then"),
        changes=tuple(_change(change) for change in step.each("changes")),
        by=step.text("by"),
        verb=step.text("verb"),
        on=on if isinstance(on, str) else step.inside("on").ref(),
        view=tuple(Seen(seen.texts("of"), seen.number("step")) for seen in step.each("view")),
        lines=step.texts("lines") if "lines" in step.data else (),
        **(_explained(step) if "why" in step.data else {}),
        **(_timed(step) if "seconds" in step.data else {}),
    )


def _timed(step: _Reader) -> dict[str, Any]:
    return {"seconds": step.number("seconds"), "waited": step.texts("waited")}


def _explained(step: _Reader) -> dict[str, Any]:
    routes = (
        _Reader(step.name, {"route": route}, f"{step.path}routes: ").texts("route") for route in step.all("routes")
    )
    return {"why": step.text("why"), "code": step.texts("code"), "routes": tuple(routes)}


def _change(change: _Reader) -> Change:
    return Change(
        slot=change.text("slot"),
        object=None if change.data.get("object") is None else change.inside("object").ref(),
        field=change.text("field"),
        before=freeze(change.data.get("before")),
        after=freeze(change.data.get("after")),
    )
