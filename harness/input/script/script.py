"""Script steps of a scenario: from the JSON of scenario.yaml to values, and back for a trace to embed.

The names are those of docs/scenario-format.md: one key for the action, its arguments below.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import NOTHING, Attribute, evolve, fields, frozen

from ....impl.api.core import Node, Pod
from ....impl.api.kinds import Kind, Object
from ....impl.api.meta import Ref
from ....impl.api.reading.convert import unstructure
from ....impl.api.reading.json_fields import json_name
from ....impl.api.reading.load import BadInput, Loaded, Note, Other, Problem, Text, objects_in
from ....impl.api.references import references
from ....impl.api.releases import NEWEST, Release
from ....impl.api.values.frozen import EMPTY, as_map
from ....impl.api.values.selector_text import SelectorError, parse_label_selector
from ....impl.apiserver.admission.admission import missing_of
from ....impl.kubectl import script as steps
from ....impl.kubectl.script import Step
from ..contents import keys_of
from ..files.located import Located
from ..files.manifests import refusals, settled
from ..files.reader import Reader
from .commands import CommandError, parse

Fields = Mapping[str, Located]
DEFAULT = "default"
"""The account that a namespace has by itself."""


@frozen
class Surroundings:
    """What a step may refer to: the documents that `apply: {file: ...}` may name, and the namespace."""

    files: Mapping[str, tuple[Located, ...]] = EMPTY
    namespace: str = "default"
    kinds: tuple[Kind, ...] = ()
    """Kinds without a class that somebody acts on."""
    release: Release = NEWEST

    def kind(self, name: str) -> str:
        """Return a kind that is named as kubectl takes it: also in lower case, or in the plural."""
        found = (kind.name for kind in self.kinds if name.lower() in {kind.name.lower(), kind.plural})
        return next(found, name)


def spelled(reader: Reader, at: Located) -> Located:
    """Return a script with the steps that are in words (`drain node-1`) written out, each at the place of its words."""
    items = (at,) if isinstance(at.value, str) else reader.items(at)
    return evolve(at, value=tuple(step for item in items for step in _spelled(reader, item)))


def _spelled(reader: Reader, item: Located) -> Iterator[Located]:
    if not isinstance(item.value, str):
        yield item
        return
    for words in filter(None, map(str.strip, item.value.split(";"))):
        try:
            written = parse(words)
        except CommandError as error:
            reader.blame(item, str(error))
            continue
        there = evolve(item, path=f"{item.path} {words!r}")
        yield from (there.holding(step) for step in written)


def one_by_one(reader: Reader, at: Located, around: Surroundings, known: Iterable[Other]) -> Located:
    """Return a script in which each document of a file that is applied is a step of its own, in their order.

    One of a kind on which no claim hangs (a ConfigMap) is no step: it counts as one of the manifests, unless one of
    them, which are `known`, has other keys. Where the input is complete its Pods may start too early, which adds runs
    and takes none away: they may be late anyway.
    """
    there = {other.ref: other for other in known}
    steps: list[Located] = []
    for manifest in (document for item in reader.items(at) for document in _documents(item, around)):
        if (other := _goes_without(reader, manifest, around, there)) is None:
            steps.append(manifest)
        elif other.ref not in there:
            there[other.ref] = other
            for step in steps:
                _check_order(reader, step, around, other.ref)
    return evolve(at, value=tuple(steps))


def _check_order(reader: Reader, step: Located, around: Surroundings, made: Ref) -> None:
    """Blame a step that applies a Pod by itself which only a later step makes what it is refused without."""
    at = _manifest(step)
    found = () if at is None else _read(step, at, around).objects
    for pod in (obj.object for obj in found if isinstance(obj.object, Pod)):
        named = {reference.ref for reference in references(pod.spec, pod.metadata.namespace)}
        refusal = missing_of(pod, made) if made in named and made.name != DEFAULT else None
        if at is not None and refusal is not None:
            reader.blame(at, refusal.message, f"put the step that applies {made} before it")


def _documents(item: Located, around: Surroundings) -> Iterator[Located]:
    apply = item.value.get("apply") if isinstance(item.value, dict) else None
    fields = apply.value if apply is not None and isinstance(apply.value, dict) else {}
    file = fields["file"].value if "file" in fields and "object" not in fields else None
    if apply is None or not isinstance(file, str) or file not in around.files:
        yield item
        return
    rest = {key: value for key, value in fields.items() if key != "file"}
    for document in around.files[file]:
        yield evolve(item, value={**item.value, "apply": evolve(apply, value={**rest, "object": document})})


def _manifest(step: Located) -> Located | None:
    """Return the manifest that a step applies, None if it does something else."""
    apply = step.value.get("apply") if isinstance(step.value, dict) else None
    return apply.value.get("object") if apply is not None and isinstance(apply.value, dict) else None


def _read(step: Located, at: Located, around: Surroundings) -> Loaded:
    """Return what a manifest that a step applies says; nothing where it is wrong, for that is told elsewhere."""
    space = step.value["apply"].value.get("namespace")
    namespace = str(space.value) if space is not None else around.namespace
    try:
        return objects_in([Text(at.file, json.dumps(at.plain()))], namespace, kinds=around.kinds)
    except BadInput:
        return Loaded((), ())


def _goes_without(reader: Reader, item: Located, around: Surroundings, there: dict[Ref, Other]) -> Other | None:
    """Return what a step applies if no claim hangs on it, and note it, where it is not among those that are there."""
    at = _manifest(item)
    loaded = Loaded((), ()) if at is None else _read(item, at, around)
    if at is None or loaded.objects or not loaded.others or any(note.claims for note in loaded.unmodelled):
        return None
    (other,) = loaded.others
    before = there.get(other.ref, other)
    if _is_immutable(before) and _written(before) != _written(other):
        reader.blame(at, f"{other.ref} is immutable: the API server refuses other data", "give it another name")
    if keys_of(before) != keys_of(other):
        return None
    if other.ref not in there:
        reader.notes.extend(evolve(note, line=_place(note, at)[1]) for note in loaded.unmodelled)
        reader.others.append(other)
    return other


def _is_immutable(other: Other) -> bool:
    return _said(other, "immutable") is True


def _written(other: Other) -> Mapping[str, object]:
    """Return what a ConfigMap or Secret holds, as it is stored: what a Secret says in plain words is encoded there."""
    plain = as_map(_said(other, "stringData"))
    encoded = {key: b64encode(str(text).encode()).decode() for key, text in plain.items()}
    return {**as_map(_said(other, "binaryData")), **as_map(_said(other, "data")), **encoded}


def _said(other: Other, field: str) -> object:
    """Return what a manifest of a kind without a class says in a field."""
    return other.source.document.value.get(field)


def read_script(reader: Reader, at: Located, around: Surroundings) -> tuple[Step, ...]:
    """Read a list of steps."""
    read = (_read_step(reader, item, around) for item in reader.items(at))
    return tuple(step for step in read if step is not None)


def _read_step(reader: Reader, at: Located, around: Surroundings) -> Step | None:
    before = len(reader.problems)
    known = reader.fields(at, ACTIONS)
    if len(known) != 1 and len(reader.problems) == before:
        reader.blame(at, "expected one action", "write each step as - ACTION: {arguments}")
    if len(known) != 1:
        return None
    ((action, arguments),) = known.items()
    found = ACTIONS[action]
    given = reader.fields(arguments, (*found.needed, *found.optional))
    for missing in sorted(set(found.needed) - set(given)):
        reader.blame(arguments, f"{action} needs the field {missing!r}")
    if len(reader.problems) > before:
        return None
    step = found.make(_Arguments(reader, arguments, given, around))
    return step if len(reader.problems) == before else None


class _Arguments:
    """The arguments of one step, read by name."""

    def __init__(self, reader: Reader, at: Located, fields: Fields, around: Surroundings) -> None:
        self.reader, self.at, self.fields, self.around = reader, at, fields, around

    def text(self, name: str) -> str:
        return self.reader.text(self.fields[name]) if name in self.fields else ""

    def flag(self, name: str) -> bool:
        return name in self.fields and self.reader.flag(self.fields[name])

    def integer(self, name: str) -> int:
        return self.reader.integer(self.fields[name])

    def inside(self, name: str, known: tuple[str, ...]) -> _Arguments:
        """Return the fields below one of these, or these themselves where it is not given."""
        if name not in self.fields:
            return self
        return _Arguments(self.reader, self.at, self.reader.fields(self.fields[name], known), self.around)

    def labels(self, name: str) -> dict[str, str | None]:
        given = self.fields[name].value
        found = self.reader.fields(self.fields[name], given if isinstance(given, dict) else ())
        return {key: None if item.value is None else self.reader.text(item) for key, item in found.items()}

    def object(self, name: str) -> Object | None:
        namespace = self.text("namespace") or self.around.namespace
        return _structure(self.reader, self.fields[name], namespace, self.around)


def _structure(reader: Reader, at: Located, namespace: str, around: Surroundings) -> Object | None:
    """Make an object of a manifest inside the script; a mistake is blamed on the line of its field.

    What it says that is not modelled is noted, as of an object among the manifests.
    """
    try:
        loaded = objects_in([Text(at.file, json.dumps(at.plain()))], namespace, kinds=around.kinds)
        problems = tuple(problem for obj in loaded.objects for problem in refusals(obj, around.release))
    except BadInput as bad:
        problems = bad.problems
    if problems:
        reader.problems.extend(_moved(problem, at) for problem in problems)
        return None
    if len(loaded.objects) != 1:
        reader.blame(at, "expected one object of a kind that is modelled", "; ".join(map(str, loaded.unmodelled)))
        return None
    reader.notes.extend(evolve(note, line=_place(note, at)[1]) for note in loaded.unmodelled)
    return settled(loaded.objects[0].object)


def _moved(problem: Problem, at: Located) -> Problem:
    """Return a problem of a manifest that lies inside another document as a problem of that document."""
    path, line = _place(problem, at)
    return evolve(problem, line=line, field=path)


def _place(one: Problem | Note, at: Located) -> tuple[str, int]:
    """Return the path of a field in the document that a manifest lies in, and its line there."""
    path = ".".join(part for part in (at.path, one.field) if part)
    return path, next((inside.line for inside in at.walk() if inside.path == path), at.line)


@frozen
class _Action:
    """One action of scenario.yaml: the fields it needs, those it may have, and how it is made of them."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]
    make: Callable[[_Arguments], Step | None]


READ: dict[Any, Callable[[_Arguments, str], Any]] = {
    "str": _Arguments.text,
    "int": _Arguments.integer,
    "bool": _Arguments.flag,
}
"""How a field of a command is read, by its type."""


def _plain(command: type[Step], *ignored: str) -> _Action:
    """Make the action of a command whose fields are texts, numbers and flags; `ignored` are taken and mean nothing."""
    known = {json_name(field.name): field for field in fields(command) if field.name not in OWN}

    def make(given: _Arguments) -> Step:
        return command(
            **{argument.name: READ[argument.type](given, key) for key, argument in known.items() if key in given.fields}
        )

    needed = tuple(key for key, argument in known.items() if argument.default is NOTHING)
    return _Action(needed, (*(key for key in known if key not in needed), *ignored), make)


OWN = frozenset({"at"})
"""Fields that no scenario.yaml gives: the time of a restart is a number not used before."""


def _apply(given: _Arguments) -> Step | None:
    if ("file" in given.fields) == ("object" in given.fields):
        given.reader.blame(given.at, "apply needs either 'object' or 'file'")
        return None
    if "file" in given.fields:  # Those that are there have become objects (`one_by_one`).
        given.reader.blame(given.fields["file"], f"there is no file {given.text('file')!r}")
        return None
    found = given.object("object")
    return None if found is None else steps.Apply(found)


def _add_node(given: _Arguments) -> Step | None:
    name = "object" if "object" in given.fields else "node"
    if name not in given.fields:
        given.reader.blame(given.at, "addNode needs the field 'node'")
        return None
    found = given.object(name)
    if found is not None and not isinstance(found, Node):
        given.reader.blame(given.fields[name], f"expected a Node, got a {type(found).__name__}")
        return None
    return None if found is None else steps.AddNode(found)


CASCADES = ("background", "foreground", "orphan")


def _delete_object(given: _Arguments) -> Step | None:
    how = given.text("cascade") or CASCADES[0]
    if how not in CASCADES:
        given.reader.blame(given.fields["cascade"], f"there is no cascade {how!r}", f"known are {', '.join(CASCADES)}")
        return None
    kind = given.around.kind(given.text("kind"))
    return steps.DeleteObject(kind, given.text("name"), how, given.text("namespace"))


def _delete_pod(given: _Arguments) -> Step | None:
    if ("name" in given.fields) == ("workload" in given.fields):
        given.reader.blame(given.at, "deletePod needs either 'name' or 'workload'")
        return None
    node = given.text("onNode") or given.text("node")
    force = given.flag("force")
    return steps.DeletePod(given.text("name"), given.text("workload"), node, given.text("namespace"), force)


def _taint(given: _Arguments) -> Step | None:
    taint = given.inside("taint", ("key", "value", "effect"))
    key, effect = taint.text("key"), taint.text("effect")
    if effect not in EFFECTS:
        given.reader.blame(given.at, f"a taint needs an effect: {', '.join(EFFECTS)}")
    if not key:
        given.reader.blame(given.at, "a taint needs a key")
    return steps.Taint(given.text("node"), key, taint.text("value"), effect, given.flag("overwrite"))


def _untaint(given: _Arguments) -> Step | None:
    taint = given.inside("taint", ("key", "value", "effect"))
    if not taint.text("key"):
        given.reader.blame(given.at, "untaint needs the key of a taint")
    return steps.Untaint(given.text("node"), taint.text("key"), taint.text("effect"))


def _selecting(given: _Arguments, drain: Step | None) -> Step | None:
    """Blame the labels of a drain that are no selector."""
    try:
        parse_label_selector(drain.pod_selector if isinstance(drain, steps.Drain) else "")
    except SelectorError as error:
        given.reader.blame(given.fields["podSelector"], str(error))
        return None
    return drain


DRAIN = _plain(steps.Drain, "timeoutSeconds")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TAINT = ("taint", "key", "value", "effect")

ACTIONS: dict[str, _Action] = {
    "setImage": _plain(steps.SetImage),
    "scale": _plain(steps.Scale),
    "rolloutUndo": _plain(steps.RolloutUndo),
    "rolloutRestart": _plain(steps.RolloutRestart),
    "rolloutPause": _plain(steps.RolloutPause),
    "rolloutResume": _plain(steps.RolloutResume),
    "apply": _Action((), ("object", "file", "namespace"), _apply),
    "deleteObject": _Action(("kind", "name"), ("cascade", "namespace"), _delete_object),
    "deletePod": _Action((), ("name", "workload", "node", "onNode", "namespace", "force"), _delete_pod),
    "cordon": _plain(steps.Cordon),
    "uncordon": _plain(steps.Uncordon),
    "drain": evolve(DRAIN, make=lambda given: _selecting(given, DRAIN.make(given))),
    "taint": _Action(("node",), (*_TAINT, "overwrite"), _taint),
    "untaint": _Action(("node",), _TAINT, _untaint),
    "labelNode": _Action(
        ("node", "labels"),
        ("overwrite",),
        lambda given: steps.LabelNode(given.text("node"), given.labels("labels"), given.flag("overwrite")),
    ),
    "addNode": _Action((), ("node", "object"), _add_node),
    "deleteNode": _Action(("node",), (), lambda given: steps.DeleteNode(given.text("node"))),
}
"""Each action by its name."""


def to_json(step: Step) -> dict[str, Any]:
    """Write a step as `read_script` reads it."""
    match step:
        case steps.Apply(object=manifest):
            return {"apply": {"object": unstructure(manifest)}}
        case steps.AddNode(object=node):
            return {"addNode": {"node": unstructure(node)}}
        case steps.Taint(node, key, value, effect):
            return {"taint": {"node": node, "key": key, "value": value, "effect": effect, **_overwrite(step)}}
        case steps.LabelNode(node, labels):
            return {"labelNode": {"node": node, "labels": dict(labels), **_overwrite(step)}}
        case steps.DeleteNode(name):
            return {"deleteNode": {"node": name}}
        case _:
            action = type(step).__name__
            given = {
                json_name(field.name): getattr(step, field.name)
                for field in fields(type(step))
                if _is_given(step, field)
            }
            return {action[0].lower() + action[1:]: given}


def _is_given(step: Step, field: Attribute[Any]) -> bool:
    return field.name not in OWN and getattr(step, field.name) != field.default


def _overwrite(step: steps.Taint | steps.LabelNode) -> dict[str, bool]:
    return {"overwrite": True} if step.overwrite else {}
