"""Recorded histories as values: audit logs, watch streams, and runs with their actions, into changes in one order.

- An audit log: events of audit.k8s.io/v1, one a line, at level RequestResponse. Who asked is recorded.
- Watch streams: `kubectl get KIND -w -o json --output-watch-events`, one file for each kind. Who wrote is not.
- A recorded run: one document with `events` of a watch and the `actions` of whoever drove it.
- A list (`kubectl get nodes -o json`): what is there from the start.

etcd counts every write of a cluster, so that changes of several streams go by their resourceVersion.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.api.core import Node, Pod
from ...impl.api.kinds import BY_NAME, Kind, Object, Unstructured, ref_of
from ...impl.api.meta import Ref
from ...impl.api.reading.convert import BadObject, from_json, unstructured
from ...impl.api.reading.sources import BadInput, Problem, Text
from ...impl.api.values.timestamps import parse_time

OWNED = frozenset({"ConfigMap", "Secret", "ServiceAccount"})
"""Kinds without a class that own others, and are owned: the garbage collector looks at them."""
KINDS = {kind.plural: kind.name for kind in BY_NAME.values()}
AUDIT = "audit.k8s.io/"
DELETED = "DELETED"
WATCHED = ("ADDED", "MODIFIED", DELETED)
WRITES = ("create", "update", "patch", "delete")
RECORD = "kubectl get pods -w -o json --output-watch-events > pods.json"
USER, NOT_BY_HAND = "user", "a component"
"""Who has changed something in a recorded run, which tells what was done by hand."""
ASKED = "the audit policy has to ask for level RequestResponse"


@frozen
class Change:
    """An object before and after: None where it was not there, or is gone. `who` "": nobody has written down who."""

    place: str
    ref: Ref
    before: Object | None
    after: Object | None
    who: str = ""
    time: int = 0
    """The latest time that anything has told so far, in seconds since 1970."""

    def __str__(self) -> str:
        what = "is new" if self.before is None else "is gone" if self.after is None else "changes"
        return f"{self.place}: {self.ref} {what}{f' (by {self.who})' if self.who else ''}"


@frozen
class History:
    """What was there, and every change in order. `rests`: numbers of changes after which all was waited for."""

    start: tuple[Object, ...]
    changes: tuple[Change, ...]
    rests: frozenset[int] = frozenset()
    other: immutabledict[str, int] = field(factory=immutabledict)
    """Changes of kinds that have no class here, by kind."""
    release: str = ""
    begins: int = 0
    """So many changes were recorded before every kind was: nothing is said of these."""

    @property
    def nodes(self) -> frozenset[str]:
        """The nodes that were ever there."""
        there = (*self.start, *(change.after for change in self.changes if change.after is not None))
        return frozenset(obj.metadata.name for obj in there if ref_of(obj).kind == "Node")


@frozen
class _Raw:
    """A change as it was written: `order` is its resourceVersion, None where it has none."""

    place: str
    type: str
    value: Mapping[str, Any]
    who: str = ""
    order: int | None = None
    time: int = 0


def read(texts: Iterable[Text]) -> History:
    """Return the history of some recordings of one cluster. Raises BadInput."""
    raws: list[_Raw] = []
    problems: list[Problem] = []
    rests: list[int] = []
    release = ""
    start: list[Mapping[str, Any]] = []
    for text in texts:
        for line, value in _values(text, problems):
            if isinstance(value, Mapping) and isinstance(value.get("events"), list):
                raws += _run(text.file, value)
                rests += [action["afterEvents"] for action in value.get("actions", ()) if action.get("settled")]
                release = str(value.get("kubernetesVersion", "")).removeprefix("v").rpartition(".")[0]
            elif isinstance(value, Mapping) and isinstance(value.get("items"), list) and not _is_audit(value):
                start += [_with_kind(item, value) for item in value["items"]]
            else:
                raws += _one(text.file, line, value, problems)
    if not raws and not problems:
        problems.append(Problem("input", 0, "", "no changes are recorded", RECORD))
    if problems:
        raise BadInput(tuple(sorted(problems)))
    return _history([_object(written) for written in start], _in_order(raws), frozenset(rests), release)


def _values(text: Text, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    """Yield the JSON values of a text, one behind the other, with their lines."""
    decoder, at = json.JSONDecoder(), 0
    while (at := _past_space(text.text, at)) < len(text.text):
        line = text.text.count("\n", 0, at) + 1
        try:
            value, at = decoder.raw_decode(text.text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            problems.append(Problem(text.file, line, "", f"is no JSON: {error}", RECORD))
            return
        yield line, value


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _run(file: str, value: Mapping[str, Any]) -> Iterator[_Raw]:
    """Yield the changes of a recorded run; what its actions delete by name, somebody has deleted by hand."""
    paths = (
        action["path"].partition("?")[0] for action in value.get("actions", ()) if action.get("method") == "DELETE"
    )
    deleted = {path.rpartition("/")[2] for path in paths}
    for number, event in enumerate(value["events"], 1):
        goes = event["type"] == DELETED or event["object"]["metadata"].get("deletionTimestamp")
        by_hand = goes and event["object"]["metadata"]["name"] in deleted
        yield _Raw(f"{file} event {number}", event["type"], event["object"], USER if by_hand else NOT_BY_HAND)


def _is_audit(value: Mapping[str, Any]) -> bool:
    return str(value.get("apiVersion", "")).startswith(AUDIT)


def _with_kind(one: Mapping[str, Any], of: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an item of a list with what lists of one kind leave out."""
    kind = str(of.get("kind", "")).removesuffix("List")
    return {"apiVersion": of.get("apiVersion"), "kind": kind, **one} if kind else one


def _one(file: str, line: int, value: Any, problems: list[Problem]) -> Iterator[_Raw]:
    place = f"{file}:{line}"
    if not isinstance(value, Mapping):
        problems.append(Problem(file, line, "", "is neither an audit event nor an event of a watch", RECORD))
    elif _is_audit(value):
        for item in value.get("items", (value,)):
            yield from _audited(file, line, item, problems)
    elif value.get("type") in WATCHED and isinstance(value.get("object"), Mapping):
        yield _Raw(place, value["type"], value["object"], order=_version(value["object"]))
    elif value.get("type") == "BOOKMARK":
        return
    else:
        told = "is an object and not an event" if "kind" in value else "is neither an audit event nor one of a watch"
        problems.append(Problem(file, line, "", told, RECORD))


def _version(value: Mapping[str, Any]) -> int | None:
    version = str(value.get("metadata", {}).get("resourceVersion", ""))
    return int(version) if version.isdigit() else None


# --- audit logs -----------------------------------------------------------------------------------------------------


def _audited(file: str, line: int, one: Mapping[str, Any], problems: list[Problem]) -> Iterator[_Raw]:
    """Yield what a request has changed, if it has changed anything."""
    if one.get("stage") != "ResponseComplete" or one.get("verb") not in WRITES:
        return
    if int(one.get("responseStatus", {}).get("code", 0)) >= 300 or "dryRun" in one.get("requestURI", ""):
        return
    answer, about = one.get("responseObject"), one.get("objectRef", {})
    if not isinstance(answer, Mapping):
        problems.append(Problem(file, line, "", "tells no response object", ASKED))
        return
    time = parse_time(str(one.get("stageTimestamp", ""))) or 0
    who, place = _user(str(one.get("user", {}).get("username", ""))), f"{file}:{line}"
    meta = {"name": about.get("name"), "namespace": about.get("namespace", "")}
    if about.get("subresource") == "binding":
        node = one.get("requestObject", {}).get("target", {}).get("name", "")
        yield _Raw(place, "BOUND", {"kind": "Pod", "metadata": meta, "node": node}, who, time=time)
    elif about.get("subresource") == "eviction":
        yield _Raw(place, "EVICTED", {"kind": "Pod", "metadata": meta}, who, time=time)
    elif one["verb"] == "delete":
        kept = "deletionTimestamp" in answer.get("metadata", {}) and not _is_over(answer)
        gone = {"kind": KINDS.get(about.get("resource"), ""), "metadata": meta}
        yield _Raw(place, "MODIFIED" if kept else DELETED, answer if kept else gone, who, _version(answer), time)
    elif answer.get("kind") != "Status":
        yield _Raw(place, "MODIFIED", answer, who, _version(answer), time)


def _is_over(answer: Mapping[str, Any]) -> bool:
    """Tell whether a deletion has taken an object away at once."""
    meta = answer["metadata"]
    return meta.get("deletionGracePeriodSeconds") == 0 and not meta.get("finalizers")


def _user(name: str) -> str:
    """Return who asked by the name that reports use: a controller by its own."""
    if name.startswith("system:node:"):
        return "kubelet"
    return name.removeprefix("system:serviceaccount:kube-system:").replace("system:kube-scheduler", "scheduler")


# --- in one order ---------------------------------------------------------------------------------------------------


def _in_order(raws: list[_Raw]) -> list[_Raw]:
    """Return the changes by their resourceVersions; one without stays behind the one it was written behind."""
    last, keyed = 0, []
    for number, raw in enumerate(raws):
        last = last if raw.order is None else raw.order
        keyed.append((last, number, raw))
    numbered = any(raw.order is not None for raw in raws)
    return [raw for _, _, raw in (sorted(keyed, key=lambda one: one[:2]) if numbered else keyed)]


def _object(value: Mapping[str, Any]) -> Object | None:
    """Return an object; None of a kind without a class, unless it is one that owns and is owned."""
    name = str(value.get("kind", ""))
    kind = BY_NAME.get(name)
    try:
        if name in OWNED and value.get("apiVersion") == "v1":
            return unstructured(value, Kind(name, "v1", f"{name.lower()}s", namespaced=True, cls=Unstructured))
        if kind is None or value.get("apiVersion") != kind.api_version:
            return None
        return from_json(value)
    except BadObject:
        return None


def _history(start: list[Object | None], raws: list[_Raw], rests: frozenset[int], release: str) -> History:
    there: dict[Ref, Object] = {ref_of(obj): obj for obj in start if obj is not None}
    begun = tuple(there.values())
    found: list[Change] = []
    other: dict[str, int] = {}
    settled: set[int] = set()
    now = 0
    for number, raw in enumerate(raws, 1):
        after, ref = _after(raw, there)
        if ref is None:
            kind = str(raw.value.get("kind", ""))
            other[kind] = other.get(kind, 0) + 1
        elif not _is_old(there.get(ref), after):
            now = max(now, raw.time, *(_times(raw.value)))
            found.append(Change(raw.place, ref, there.pop(ref, None), after, raw.who, now))
            there |= {} if after is None else {ref: after}
        if number in rests:
            settled.add(len(found))
    whole = tuple(found)
    return History(begun, whole, frozenset(settled), immutabledict(sorted(other.items())), release, _begins(whole))


def _begins(changes: tuple[Change, ...]) -> int:
    """Return how many changes there are before the last object is told that somebody has referred to earlier.

    A stream that was begun late tells what is there as it is then, and not how it was when others saw it.
    """
    named: set[str] = set()
    late = 0
    known: set[Ref] = set()
    for number, change in enumerate(changes, 1):
        if change.ref not in known and change.after is not None:
            known.add(change.ref)
            late = number if _names(change.after) & named else late
        named |= _referred(change.after) if change.after is not None else set()
    return late


def _names(one: Object) -> set[str]:
    """Return what others may call an object: its uid, and of a node its name."""
    return {one.metadata.uid, f"node {one.metadata.name}" if isinstance(one, Node) else ""} - {""}


def _referred(one: Object) -> set[str]:
    """Return what an object calls others."""
    node = f"node {one.spec.node_name}" if isinstance(one, Pod) and one.spec.node_name else ""
    return {*(owner.uid for owner in one.metadata.owner_references), node} - {""}


def _after(raw: _Raw, there: Mapping[Ref, Object]) -> tuple[Object | None, Ref | None]:
    """Return what a change leaves, and of what; no reference where it cannot be said."""
    meta = raw.value.get("metadata", {})
    ref = Ref(str(raw.value.get("kind", "")), str(meta.get("namespace", "")), str(meta.get("name", "")))
    if raw.type in CHANGED:
        before = there.get(ref)
        return (CHANGED[raw.type](before, raw), ref) if isinstance(before, Pod) else (None, None)
    if raw.type == DELETED:
        return None, ref if ref in there else None
    found = _object(raw.value)
    return found, None if found is None else ref_of(found)


def _bound(pod: Pod, raw: _Raw) -> Pod:
    return evolve(pod, spec=evolve(pod.spec, node_name=str(raw.value["node"])))


def _evicted(pod: Pod, raw: _Raw) -> Pod:
    return pod if pod.metadata.terminating else evolve(pod, metadata=evolve(pod.metadata, deletion_timestamp=raw.time))


CHANGED: dict[str, Callable[[Pod, _Raw], Pod]] = {"BOUND": _bound, "EVICTED": _evicted}
"""What requests do that are answered without the object."""


def _is_old(before: Object | None, after: Object | None) -> bool:
    """Tell whether a change is one that is known: streams of a watch overlap."""
    if before is None or after is None:
        return before is after
    versions = (before.metadata.resource_version, after.metadata.resource_version)
    old, new = (int(version) if version.isdigit() else 0 for version in versions)
    return (bool(old and new) and new < old) or before == after


def _times(value: Mapping[str, Any]) -> Iterator[int]:
    """Yield the times that an object tells of itself."""
    meta = value.get("metadata", {})
    told = [meta.get("creationTimestamp"), *(entry.get("time") for entry in meta.get("managedFields") or ())]
    conditions = (value.get("status") or {}).get("conditions") or ()
    told += [condition.get("lastTransitionTime") for condition in conditions if isinstance(condition, Mapping)]
    yield 0
    yield from (time for stamp in told if isinstance(stamp, str) and (time := parse_time(stamp)) is not None)
