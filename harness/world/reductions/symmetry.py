"""What can be exchanged in a cluster: nodes that are alike, and the places of Pods.

Components treat the names of nodes and of generated Pods as names: they compare them, and they go through objects in
the order of their names, which decides in which order alternatives are listed, but not which there are. So renaming
them everywhere (objects, caches, requests on their way, what runs) commutes with every step. What would break that is
looked for and makes the group smaller: a node that a manifest or the script names, labels that a selector asks for,
names of the user's that look like generated ones.

Nodes are alike if they differ in their names and in labels that name the one place they are in (hostname, zone,
region), each value borne by one of them only and asked for by nobody. Places of Pods are alike as they are: which free
one a new Pod gets is the first, and all free ones look the same. A name that a cache or a request still bears when its
Pod is gone keeps its place from being given to the same name again; it is renumbered by itself, for no request on it
can do anything, whatever its number (`model.checker.symmetry.orbits`, names left over).

Left out on purpose: places of Pods that have names of their own (a StatefulSet's, which are not alike), and those of
other kinds, which are few and filled in order; clusters with EndpointSlices or several
namespaces, whose values mix names and addresses.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import permutations
from typing import Any, cast

from attrs import AttrsInstance, evolve, fields, frozen, has

from ....impl.api.batch import UncountedTerminatedPods
from ....impl.api.core import Node, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.well_known import HOSTNAME, REGION, ZONE
from ....impl.kubelet.status import pod_ip
from ....model.machine import Fact, Mention, Symmetry
from ....model.world.turn import Requests, Together, sent
from ....model.world.world import STALLED, Process
from ...input.scenario import Scenario
from ..cluster import Cluster
from ..controllers.node_controllers import marking
from ..controllers.taint_eviction import slot as outlived_slot
from ..controllers.volumes import tied
from ..nodes.kubelets import runtime_slot
from ..nodes.node_state import slots_of
from ..script.script_slots import LISTED

PLACE = "place"
OUTLIVED = f"outlives/{PLACE}"
"""The template of the slots with the Pods that others outlive."""
GENERATED = re.compile(r"(?:.*/)?([^/]+)-p(\d+)\Z", re.ASCII)
WHERE = (HOSTNAME, ZONE, REGION)
"""Labels that say where a node is."""


@frozen
class Names:
    """The names of what can be exchanged: of nodes by string, of generated Pods by their form."""

    nodes: Mapping[str, Mention]
    spelt: Mapping[Mention, str]
    """Names of nodes by member."""
    labels: Mapping[tuple[str, str, int], str]
    """Labels that say where a node is: by key, sort and number."""
    places: int
    """How many places can be exchanged; 0: none."""

    def mention(self, text: str) -> Mention | None:
        """Return whom a string names."""
        bare = text.removeprefix("Node//")
        if bare in self.nodes:
            return self.nodes[bare]
        found = GENERATED.match(text) if self.places else None
        return Mention(PLACE, int(found[2]), found[1]) if found else None

    def spell(self, text: str, mention: Mention, number: int) -> str:
        """Return a string that names one member as one that names another."""
        if mention.sort == PLACE:
            return f"{text[: text.rindex('-p')]}-p{number}"
        prefix = "Node//" if text.startswith("Node//") else ""
        return prefix + self.spelt[Mention(mention.sort, number)]


class Parts:
    """Takes values apart and gives them other names; what was worked out for a value is kept as long as it is."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.kept: dict[int, tuple[object, Fact, dict[tuple[int, ...], Any]]] = {}

    def fact(self, value: Any) -> Fact:
        """Return what a value says, and of whom."""
        known = self.kept.get(id(value))
        if known is None:
            mentions = tuple(dict.fromkeys(self._mentions(value)))
            formal: dict[Mention, int] = {}
            for mention in mentions:
                formal[mention] = sum(other.sort == mention.sort for other in formal)
            known = self.kept[id(value)] = (value, (self._with(value, formal), mentions), {})
        return known[1]

    def renamed(self, value: Any, numbers: Mapping[Mention, int]) -> Any:
        """Return a value with other numbers."""
        mentions = self.fact(value)[1]
        if not mentions:
            return value
        made = self.kept[id(value)][2]
        key = tuple(numbers[mention] for mention in mentions)
        if key not in made:
            made[key] = self._with(value, numbers)
        return made[key]

    def _mentions(self, value: Any) -> Iterator[Mention]:
        if isinstance(value, str):
            if (mention := self.names.mention(value)) is not None:
                yield mention
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                yield from self._mentions(key)
                yield from self._mentions(inner)
        elif isinstance(value, tuple | frozenset):
            for inner in value:
                yield from self._mentions(inner)
        elif has(type(value)):
            for field in fields(cast("type[AttrsInstance]", type(value))):
                yield from self._mentions(getattr(value, field.name))

    def _with(self, value: Any, numbers: Mapping[Mention, int]) -> Any:
        if isinstance(value, str):
            mention = self.names.mention(value)
            return value if mention is None else self.names.spell(value, mention, numbers[mention])
        if isinstance(value, Mapping):
            return type(value)({self._with(key, numbers): self._with(inner, numbers) for key, inner in value.items()})  # type: ignore[call-arg]
        if isinstance(value, tuple):
            return tuple(self._with(inner, numbers) for inner in value)
        if isinstance(value, frozenset):
            return frozenset(self._with(inner, numbers) for inner in value)
        return self._record(value, numbers) if has(type(value)) else value

    def _record(self, value: Any, numbers: Mapping[Mention, int]) -> Any:
        changed = {}
        for field in fields(type(value)):
            inner = getattr(value, field.name)
            other = self._with(inner, numbers)
            if other is not inner and other != inner:
                changed[field.alias] = other
        found = evolve(value, **changed) if changed else value
        if isinstance(value, Pod) and value.status.pod_ip and value.status.pod_ip == pod_ip(value):
            return evolve(found, status=evolve(found.status, pod_ip=pod_ip(found)))
        if isinstance(found, UncountedTerminatedPods):
            return evolve(found, succeeded=tuple(sorted(found.succeeded)), failed=tuple(sorted(found.failed)))
        return self._moved(value, found, numbers) if isinstance(value, Node) else found

    def _moved(self, old: Node, new: Node, numbers: Mapping[Mention, int]) -> Node:
        """Return a node with the labels that say where the other one is."""
        mention = self.names.nodes.get(old.metadata.name)
        if mention is None:
            return new
        there = {
            key: self.names.labels[key, mention.sort, numbers[mention]]
            for key in new.metadata.labels
            if (key, mention.sort, numbers[mention]) in self.names.labels
        }
        labels = type(new.metadata.labels)({**new.metadata.labels, **there})
        return evolve(new, metadata=evolve(new.metadata, labels=labels))


# --- the group of a cluster -------------------------------------------------------------------------------------------


def symmetry_of(cluster: Cluster) -> Symmetry | None:
    """Return what can be exchanged in a cluster; None where that is nothing."""
    if cluster.parts.endpoints:
        return None
    names = names_of(cluster)
    sizes: dict[str, int] = {PLACE: names.places} if names.places else {}
    for mention in names.spelt:
        sizes[mention.sort] = sizes.get(mention.sort, 0) + 1
    if not sizes:
        return None
    shape = Shape(cluster, names)
    return Symmetry(sizes, shape.slots, shape.facts, shape.rename)


class Shape:
    """Which slots belong to whom, and how their values are made up."""

    def __init__(self, cluster: Cluster, names: Names) -> None:
        self.parts = Parts(names)
        self.columns: dict[str, tuple[Mention | None, ...]] = {}
        """Slots whose values are tuples, one entry per place: whose each entry is."""
        self.decisions = {LISTED, OUTLIVED, *(process.decided for process in cluster.processes)}
        self.turns = {process.turn for process in cluster.processes}
        layout = cluster.world.layout
        self.owners: dict[str, Mention] = {}
        for number, slot in enumerate(layout.pools["Pod"][: names.places]):
            self.owners[slot] = self.owners[runtime_slot(slot)] = Mention(PLACE, number)
            self.owners[outlived_slot(slot)] = Mention(PLACE, number)
        for slot in layout.pools.get("Node", ()):
            node = cluster.machine.initial[0][slot]
            if isinstance(node, Node) and node.metadata.name in names.nodes:
                self.owners[slot] = self.owners[marking(slot)] = names.nodes[node.metadata.name]
        self.slots: dict[str, tuple[str, tuple[Mention, ...]]] = {}
        for slot, owner in self.owners.items():
            self.slots[slot] = (f"{slot.partition('/')[0]}/{owner.sort}", (owner,))
        for mention, name in names.spelt.items():
            for slot in slots_of(name):
                self.owners[slot] = mention
                self.slots[slot] = (f"{slot.rpartition('/')[2]}/{mention.sort}", (mention,))
        for process in cluster.processes:
            self._process(process)
        self.columns[STALLED] = tuple(self.owners.get(slot) for slot in layout.slots())

    def _process(self, process: Process) -> None:
        owner = self.owners.get(process.key) if isinstance(process.key, str) else None
        for slot, watch in (
            (process.turn, None),
            (process.decided, None),
            *((process.seen(w), w) for w in process.watches),
        ):
            template = slot
            if owner is not None:
                template = f"{slot.replace(process.name, process.name.translate(NO_DIGITS))}/{owner.sort}"
                self.slots[slot] = (template, (owner,))
            if slot == process.decided:
                self.decisions.add(template)
            if slot == process.turn:
                self.turns.add(template)
            if watch is not None:
                self.columns[template] = tuple(self.owners.get(place) for place in watch.slots)

    def facts(self, template: str, value: Any) -> Iterable[Fact]:
        """Take a value apart."""
        if value is None:
            return
        if template in self.columns:
            for number, (owner, entry) in enumerate(zip(self.columns[template], value, strict=True)):
                if entry is not None:
                    yield self._entry(number, owner, entry)
        elif template in self.decisions:
            for alternative in value:
                yield from self._asked(alternative)
        elif template in self.turns:
            yield from self._asked(value)
        elif isinstance(value, frozenset):
            yield (frozenset(), ())
            yield from map(self.parts.fact, value)
        else:
            yield self.parts.fact(value)

    def _asked(self, turn: Requests) -> Iterator[Fact]:
        """Take a turn apart: of requests sent side by side each says something by itself, in no order.

        Where there are several ties, every two of one say so, too.
        """
        if not any(isinstance(part, Together) for part in turn):
            yield self.parts.fact(turn)
            return
        for number, part in enumerate(turn):
            choice = part if isinstance(part, Together) else NO_CHOICE
            for request in sent(part):
                shape, mentions = self.parts.fact(request)
                tie = choice.tie(request)
                yield (number, len(turn), None if tie is None else tie[1], shape), mentions
            for tie in choice.ties if len(choice.ties) > 1 else ():
                for (shape, mentions), (other, theirs) in permutations(map(self.parts.fact, tie[0]), 2):
                    yield (number, shape, other), (*mentions, *theirs)

    def _entry(self, number: int, owner: Mention | None, entry: Any) -> Fact:
        """Return what an entry of a cache says. Of a generated Pod, its name says which place it is in."""
        shape, mentions = self.parts.fact(entry)
        if owner is None:
            return (number, shape), mentions
        if any(mention.sort == owner.sort for mention in _own(self.parts.names, entry)):
            return (owner.sort, shape), mentions
        return (owner.sort, shape), (owner, *mentions)

    def rename(self, template: str, value: Any, numbers: Mapping[Mention, int]) -> Hashable:
        """Return a value with other numbers."""
        if value is None:
            return None
        if template in self.columns:
            return self._entries(self.columns[template], value, numbers)
        found = self.parts.renamed(value, numbers)
        return tuple(sorted(found, key=_in_order)) if template in self.decisions else cast("Hashable", found)

    def _entries(
        self, owners: tuple[Mention | None, ...], value: tuple[Any, ...], numbers: Mapping[Mention, int]
    ) -> tuple[Any, ...]:
        """Move the entries of a cache; one of a place that is none goes to a free one."""
        positions = {owner: number for number, owner in enumerate(owners) if owner is not None}
        found: list[Any] = [
            None if owner else self.parts.renamed(entry, numbers) for owner, entry in zip(owners, value, strict=True)
        ]
        homeless = []
        for owner, entry in zip(owners, value, strict=True):
            if owner is None or entry is None:
                continue
            named = next((mention for mention in _own(self.parts.names, entry) if mention.sort == owner.sort), owner)
            at = positions.get(Mention(owner.sort, numbers[named]))
            if at is None:
                homeless.append((owner.sort, numbers[named], self.parts.renamed(entry, numbers)))
            else:
                found[at] = self.parts.renamed(entry, numbers)
        for sort, _, entry in sorted(homeless, key=lambda one: one[:2]):
            at = next(at for at, owner in enumerate(owners) if owner and owner.sort == sort and found[at] is None)
            found[at] = entry
        return tuple(found)


NO_CHOICE = Together(frozenset())
NO_DIGITS = str.maketrans("", "", "0123456789")


def _own(names: Names, entry: Object) -> tuple[Mention, ...]:
    """Return whom an object itself is, as its name says."""
    found = names.mention(entry.metadata.name)
    return () if found is None else (found,)


def _in_order(turn: Requests) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Order decisions as the components do: by Pods, then by their order, then by node."""
    requests = [request for part in turn for request in sent(part)]
    asked = [
        (str(getattr(request, "pod", None) or getattr(request, "ref", "")), getattr(request, "node", ""))
        for request in requests
    ]
    return sorted(asked), asked


# --- which names are names --------------------------------------------------------------------------------------------


def names_of(cluster: Cluster) -> Names:
    """Find the nodes that are alike, and whether places of Pods can be exchanged."""
    scenario, initial = cluster.scenario, cluster.machine.initial[0]  # Nodes are the same in all.
    nodes = [
        value for value in (*cluster.world.layout.constants.values(), *initial.values()) if isinstance(value, Node)
    ]
    said = names_said(scenario) | places_said(scenario)
    unnamed = [node for node in nodes if not {node.metadata.name, f"Node//{node.metadata.name}"} & said]
    alike: dict[Node, list[Node]] = {}
    for node in unnamed:
        alike.setdefault(_anonymous(node, nodes, said), []).append(node)
    classes = [sorted(group, key=ref_of) for group in alike.values() if len(group) > 1]
    spelt = {
        Mention(f"node {group[0].metadata.name}", number): node.metadata.name
        for group in classes
        for number, node in enumerate(group)
    }
    labels = {
        (key, f"node {group[0].metadata.name}", number): node.metadata.labels[key]
        for group in classes
        for number, node in enumerate(group)
        for key in WHERE
        if key in node.metadata.labels
    }
    return Names({name: mention for mention, name in spelt.items()}, spelt, labels, _places(cluster, said))


def names_said(scenario: Scenario) -> frozenset[str]:
    """Return every text that the manifests (but those of nodes), the script and a crowd say: what may be a name."""
    return frozenset(
        _strings((*(obj for obj in scenario.objects if not isinstance(obj, Node)), scenario.script, scenario.crowd))
    )


def places_said(scenario: Scenario) -> frozenset[str]:
    """Return what a volume may come to say of where it is: the zones and host names of nodes, but not their names."""
    if not tied(scenario):
        return frozenset()
    labels = ((obj.metadata.name, obj.metadata.labels) for obj in scenario.everything if isinstance(obj, Node))
    return frozenset(found[key] for name, found in labels for key in (HOSTNAME, ZONE) if found.get(key, name) != name)


def _anonymous(node: Node, nodes: list[Node], said: frozenset[str]) -> Node:
    """Return a node without its name, and without labels that only say that it is this one."""
    others = [other for other in nodes if other.metadata.name != node.metadata.name]
    labels = node.metadata.labels
    own = {
        key
        for key in WHERE
        if key in labels
        and labels[key] not in said
        and all(other.metadata.labels.get(key) != labels[key] for other in others)
    }
    kept = type(labels)({key: "" if key in own else value for key, value in labels.items()})
    return evolve(node, metadata=evolve(node.metadata, name="", uid="", labels=kept))


def _places(cluster: Cluster, said: frozenset[str]) -> int:
    """Return the number of places that can be exchanged, 0 where names might be taken for generated ones."""
    kept = frozenset(cluster.world.layout.homes.values())  # The last ones.
    pool = tuple(slot for slot in cluster.world.layout.pools["Pod"] if slot not in kept)
    spaces = {obj.metadata.namespace for obj in cluster.scenario.objects if obj.metadata.namespace}
    if len(spaces) > 1 or any(GENERATED.match(text) for text in said):
        return 0
    for number, slot in enumerate(pool):
        pods = [pod for start in cluster.machine.initial if isinstance(pod := start[slot], Pod)]
        if any(found and int(found[2]) != number for pod in pods for found in [GENERATED.match(pod.metadata.name)]):
            return 0
    return len(pool)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings(key)
            yield from _strings(inner)
    elif isinstance(value, tuple | frozenset | list):
        for inner in value:
            yield from _strings(inner)
    elif has(type(value)):
        for field in fields(cast("type[AttrsInstance]", type(value))):
            yield from _strings(getattr(value, field.name))
