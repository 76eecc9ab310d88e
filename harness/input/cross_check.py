"""What is wrong only in combination: a script that names what is not there, no nodes, more Pods than may exist.

Each check stops a search that would answer another question than the one that was asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...impl.api.apps import Workload
from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.kinds import BY_NAME, Object, kind_of, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.reading.nearest import did_you_mean
from ...impl.kubectl import script
from ...impl.kubectl.script import Missing, Step
from .assumed.surroundings import namespaces_of
from .files.located import Located
from .files.manifests import Manifests
from .files.reader import Reader
from .scenario import Scenario

Wrong = tuple[str, str, str]
"""Field of the step, message, hint."""


def cross_check(reader: Reader, scenario: Scenario, manifests: Manifests, script_at: Located | None) -> None:
    """Note every contradiction between manifests, nodes and script."""
    _check_nodes(reader, manifests)
    check_script(reader, scenario, manifests, scenario.objects, script_at)


SHORT = {"cm": "configmap", "sa": "serviceaccount", "ing": "ingress"}
"""Kinds without a class here as kubectl abbreviates them."""


def check_script(
    reader: Reader,
    scenario: Scenario,
    manifests: Manifests,
    present: tuple[Object, ...],
    script_at: Located | None,
) -> None:
    """Note what the steps of a script name and do not find among what is there, assumed namespaces among it."""
    items = script_at.value if script_at is not None else ()
    present = (*present, *(Namespace(ObjectMeta(name)) for name in namespaces_of(scenario)))
    for step, at in zip(scenario.script, items, strict=True):
        namespace = getattr(step, "namespace", "") or scenario.namespace
        for field, message, hint in _wrong(step, present, namespace):
            ((_, arguments),) = at.value.items()
            told = _explained((field, message, hint), step, manifests, namespace)
            reader.blame(arguments.value.get(field, arguments), *told)
        present = _after(step, present, namespace)


def _explained(wrong: Wrong, step: Step, manifests: Manifests, namespace: str) -> tuple[str, str]:
    """Say of an object without a class here where it is, and that no step can act on it; else what is wrong."""
    field, message, hint = wrong
    workload = getattr(step, "workload", "") if field == "workload" else ""
    kind, _, name = workload.partition("/") if workload else (getattr(step, "kind", ""), "", getattr(step, "name", ""))
    words = {kind.lower(), kind.lower().removesuffix("s"), SHORT.get(kind.lower(), "")}
    for other in manifests.others:
        if other.ref.kind.lower() in words and (other.ref.namespace or namespace, other.ref.name) == (namespace, name):
            place = f"{other.source.file}:{other.source.line}"
            return f"{other.ref} ({place}) is not modelled, so that no step can act on it", ""
    names = sorted(other.ref.name for other in manifests.others if other.ref.kind.lower() in words)
    return message, f"there are {', '.join(names)}" if names else hint


def check_places(reader: Reader, scenario: Scenario, bounds_at: Located | None) -> None:
    """Blame a bound that has no place for the Pods that the manifests bring."""
    count = sum(isinstance(obj, Pod) for obj in scenario.objects)
    if bounds_at is not None and scenario.bounds.pods is not None and count > scenario.bounds.pods:
        at = bounds_at.value["pods"]
        reader.blame(at, f"there are {count} Pods among the manifests, and only {scenario.bounds.pods} may exist")


def _check_nodes(reader: Reader, manifests: Manifests) -> None:
    nodes = [obj for obj in manifests.objects if isinstance(obj, Node)]
    if not nodes:
        hint = "add Node objects to the manifests, or give --nodes 3"
        reader.problems.append(manifests.problem(None, "", "there are no nodes", hint))
    for node in nodes:
        missing = [name for name in ("cpu", "memory", "pods") if name not in node.status.allocatable]
        if missing:
            message = f"node {node.metadata.name} has no allocatable {', '.join(missing)}"
            hint = "a node without capacity can run nothing: give status.capacity {cpu, memory, pods}"
            reader.problems.append(manifests.problem(ref_of(node), "status.allocatable", message, hint))


def _wrong(step: Step, present: tuple[Object, ...], namespace: str) -> Iterator[Wrong]:
    """Say what a step needs and does not find; nothing for a step that can be done."""
    match step:
        case script.SetImage() | script.Scale():
            if not (found := list(_named(step.kind, step.name, present, namespace))):
                answer = script.requests(step, Cache.of(present), namespace)
                found = [_not_there(step, answer.what)] if isinstance(answer, Missing) else []
            yield from found
        case script.OfWorkload():
            yield from _named(step.kind, step.name, present, namespace)
        case script.DeletePod():
            yield from _pod(step, present, namespace)
        case script.DeleteNode(name):
            yield from (("node", message, hint) for _, message, hint in _named("Node", name, present, namespace))
        case script.AddNode(object=node):
            if ref_of(node) in {ref_of(obj) for obj in present}:
                yield "node", f"there is already a node {node.metadata.name!r}", ""
        case script.Apply():
            return
        case _:
            yield from (("node", message, hint) for _, message, hint in _named("Node", step.node, present, namespace))


def _named(kind: str, name: str, present: tuple[Object, ...], namespace: str) -> Iterator[Wrong]:
    known = BY_NAME.get(kind)
    home = namespace if known is None or known.namespaced else ""
    refs = [ref_of(obj) for obj in present if kind_of(obj).name == kind]
    if Ref(kind, home, name) in refs:
        return
    names = [ref.name for ref in refs if ref.namespace == home]
    elsewhere = sorted(ref.namespace for ref in refs if ref.name == name)
    if elsewhere:
        hint = f"there is one in namespace {', '.join(elsewhere)}: give the step a namespace"
    else:
        there = f"there are {', '.join(sorted(names))}" if names else f"there is no {kind} at all"
        hint = did_you_mean(name, names, there)
    yield "name", f"there is no {kind} {name!r}{f' in namespace {home}' if home else ''}", hint


def _not_there(step: script.SetImage | script.Scale, what: str) -> Wrong:
    container = isinstance(step, script.SetImage) and what.startswith("container")
    return ("container" if container else "kind"), f"there is no {what}", ""


def _pod(step: script.DeletePod, present: tuple[Object, ...], namespace: str) -> Iterator[Wrong]:
    """Judge deletePod: Pods that controllers will make have no names yet, but begin like their workload's."""
    if step.workload:
        kind, _, name = step.workload.partition("/")
        yield from (("workload", message, hint) for _, message, hint in _named(kind, name, present, namespace))
    else:
        owners = [
            obj.metadata.name for obj in present if isinstance(obj, Workload) and obj.metadata.namespace == namespace
        ]
        if not any(step.name.startswith(f"{owner}-") for owner in owners):
            yield from _named("Pod", step.name, present, namespace)
    if step.node:
        yield from (("node", message, hint) for _, message, hint in _named("Node", step.node, present, namespace))


def _after(step: Step, present: tuple[Object, ...], namespace: str) -> tuple[Object, ...]:
    """Return the objects there are after a step, as far as a later step can name them."""
    match step:
        case script.Apply(object=one) | script.AddNode(object=one):
            return (*(old for old in present if ref_of(old) != ref_of(one)), one)
        case script.DeleteObject(kind, name):
            gone = {Ref(kind, namespace, name), Ref(kind, "", name)}
            return tuple(old for old in present if ref_of(old) not in gone)
        case script.DeleteNode(name):
            return tuple(old for old in present if ref_of(old) != Ref("Node", "", name))
        case _:
            return present
