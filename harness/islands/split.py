"""A scenario taken apart into islands: groups of objects no one of which may influence another group's.

**Why that is enough.** Look at a run of the whole from one island: at what its objects, its components' memories and
its Pods' containers do. Everything there is decided by what that island has (`influence`), by nodes, commands and
faults, of which it has all, and by which nodes the scheduler finds feasible and best. The first is as the island's own
scheduler finds it, where there is room (`room`); the second is one of those that some part of the others makes best
(`world.crowd`). A command waits for the whole to be quiet, and a drain for all Pods of its node: then the island is
quiet, too, and its own Pods are gone. So what is seen is a run of the island's own machine, and what holds of every run
of that holds of the whole. Claims are about objects one by one, so the whole is what all islands are.

The scheduler is fair to Pods, not to islands: where every island needs it finitely often, each is served in the end.
Where one goes round in circles that is a breach by itself.

A scenario is left whole where a view of all objects at once could be told apart (`consistency: resettable`), where it
starts from a live cluster, where a closer look is asked for, where webhooks must be asked, where a descheduler runs,
where nodes may run out of memory, where several schedulers act, where nodes have room for so many volumes (CSINode),
where a step names what no manifest does, and where there is too little room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, OwnerReference, Ref
from ...impl.api.storage import CSINode
from ...impl.api.values.selector_text import TextSelector, parse_label_selector
from ...impl.api.well_known import LEGACY_NAME, LEGACY_UID, REVISION_HASH, TEMPLATE_HASH
from ...impl.apiserver.storage import with_meta
from ...impl.kubectl import script as kubectl
from ...impl.scheduler.plugins.node_affinity import allows
from ..input.given import touched, versions
from ..input.scenario import Consistency, Crowd, Scenario, Start, placed
from ..world.applied import applied
from ..world.nodes.pressure import possible
from ..world.reductions.roomy import is_open
from .influence import SHARED, Bond, Maker, bonds, makers_of
from .room import Room, most_of, room_for, together


@frozen
class Island:
    """A group of objects that hang together: its name, the scenario of it alone, the steps it has, and why they do."""

    name: str
    scenario: Scenario
    steps: tuple[int, ...]
    """Where the steps of its script are in the script of the whole."""
    why: tuple[str, ...] = ()
    refs: frozenset[Ref] = frozenset()
    """The objects that hang together."""
    shares: tuple[Ref, ...] = ()
    """The Services that it has to itself here, and shares with others in the whole (`pieces`)."""


def islands_of(
    scenario: Scenario,
    sizes: Mapping[str, int] = immutabledict(),
    there: tuple[Object, ...] | None = None,
    *,
    apart: Callable[[tuple[Bond, ...]], frozenset[Ref]] = lambda _bonds: frozenset(),
) -> tuple[Island, ...]:
    """Return the islands of a scenario, the smallest first; one that is the whole where it cannot be taken apart.

    `sizes` are how many Pods some islands may have at one time, by name, where that is more than was thought; `there`
    is what applying the manifests leaves, where that is known. `apart` says of the bonds there are which Services join
    nobody: each island that such a one selects from has it, to itself (`pieces`), if there is room.

    Raises `Refused` (cluster) for an object that the API server does not accept.
    """
    whole = (Island("", scenario, tuple(range(len(scenario.script)))),)
    if not _separable(scenario):
        return whole
    asked = (with_meta(obj, namespace=placed(obj, scenario.namespace).namespace) for obj in scenario.applied)
    made = applied(scenario) if there is None else there
    objects = (*versions(scenario, made), *asked, *scenario.runs)  # Also what is refused is asked for.
    makers = tuple(dict.fromkeys(makers_of(objects)))
    about = tuple(touched(step, scenario) for step in scenario.script)
    members = {ref_of(obj): None for obj in objects if ref_of(obj).kind not in SHARED}
    if any(ref is not None and ref not in members for ref in about):
        return whole
    found = [bond for bond in bonds(objects) if bond.one in members and bond.other in members]
    for shared in dict.fromkeys((apart(tuple(found)), frozenset[Ref]())):
        groups = _grouped(members, found, shared, frozenset(maker.ref for maker in makers))
        if len(groups) < 2:
            continue
        sorting = _Sorting.of(scenario, groups, makers, found)
        islands = [_island(scenario, sorting, number, about, sizes) for number in range(len(groups))]
        apart_here = {ref for ref in shared if sum(ref in refs for refs in groups) > 1}
        islands = [evolve(island, shares=tuple(sorted(island.refs & apart_here))) for island in islands]
        crowded = _crowded(scenario, islands, makers, groups)
        if crowded is not None:
            return tuple(sorted(crowded, key=_size))
    return whole


def _grouped(
    members: Iterable[Ref], found: list[Bond], shared: frozenset[Ref], making: frozenset[Ref]
) -> list[frozenset[Ref]]:
    """Return the groups of an island each; those `shared` join nobody, and what has to do with no Pods is one group."""
    joining = [bond for bond in found if bond.one not in shared]
    groups = [
        refs | {bond.one for bond in found if bond.one in shared and bond.other in refs}
        for refs in _groups({ref: None for ref in members if ref not in shared}, joining)
    ]
    bare = [refs for refs in groups if not refs & making]
    groups = [refs for refs in groups if refs & making]
    return [*groups, frozenset().union(*bare)] if bare and groups else groups


def _separable(scenario: Scenario) -> bool:
    deletes = (step for step in scenario.script if isinstance(step, kubectl.DeleteObject))
    return (
        scenario.consistency is not Consistency.RESETTABLE
        and scenario.start is not Start.CLUSTER
        and not (scenario.detail or scenario.webhooks or scenario.descheduler or possible(scenario))
        and scenario.deadline is None
        and len(scenario.schedulers.names) == 1
        and not any(isinstance(obj, CSINode) for obj in scenario.everything)
        and not any(obj.metadata.terminating for obj in scenario.objects if isinstance(obj, Namespace))
        and not any(delete.kind in SHARED for delete in deletes)
        and not any(ref_of(obj).kind in SHARED for obj in scenario.applied)
    )


def _size(island: Island) -> tuple[int, int, str]:
    return island.scenario.pods, len(island.steps), island.name


def _groups(members: Mapping[Ref, None], found: Iterable[Bond]) -> list[frozenset[Ref]]:
    """Return the members that bonds join, each group once, in the order of their first members."""
    parent = {ref: ref for ref in members}

    def root(ref: Ref) -> Ref:
        while parent[ref] != ref:
            parent[ref] = parent[parent[ref]]
            ref = parent[ref]
        return ref

    for bond in found:
        parent[root(bond.one)] = root(bond.other)
    groups: dict[Ref, list[Ref]] = defaultdict(list)
    for ref in sorted(members):
        groups[root(ref)].append(ref)
    return [frozenset(refs) for refs in groups.values()]


# --- one island -------------------------------------------------------------------------------------------------------


@frozen
class _Sorting:
    """What is in which group: each object, who makes Pods, and the bonds are looked at once, not once for each."""

    groups: list[frozenset[Ref]]
    objects: list[tuple[Object, ...]]
    """Those of each group and those that every island has, in the order of the manifests."""
    makers: list[frozenset[Ref]]
    whys: list[tuple[str, ...]]

    @classmethod
    def of(
        cls, scenario: Scenario, groups: list[frozenset[Ref]], makers: Iterable[Maker], found: Iterable[Bond]
    ) -> _Sorting:
        """Sort everything into its group."""
        groups_of: dict[Ref, list[int]] = defaultdict(list)
        for number, refs in enumerate(groups):
            for ref in refs:
                groups_of[ref].append(number)
        named = [(placed(obj, scenario.namespace), obj) for obj in scenario.objects]
        shared = [(place, obj) for place, (ref, obj) in enumerate(named) if ref.kind in SHARED]
        objects: list[list[tuple[int, Object]]] = [list(shared) for _ in groups]
        for place, (ref, obj) in enumerate(named):
            for number in groups_of[ref] if ref.kind not in SHARED else ():
                objects[number].append((place, obj))
        making: list[set[Ref]] = [set() for _ in groups]
        for maker in makers:
            for number in groups_of[maker.ref]:
                making[number].add(maker.ref)
        whys: list[dict[str, None]] = [{} for _ in groups]
        for bond in found:
            for number in groups_of[bond.other]:
                whys[number][bond.why] = None
        in_order = [tuple(obj for _, obj in sorted(some, key=lambda pair: pair[0])) for some in objects]
        return cls(groups, in_order, [frozenset(some) for some in making], [tuple(some) for some in whys])


def _island(
    scenario: Scenario,
    sorting: _Sorting,
    number: int,
    about: tuple[Ref | None, ...],
    sizes: Mapping[str, int],
) -> Island:
    refs = sorting.groups[number]
    steps = tuple(step for step, ref in enumerate(about) if ref is None or ref in refs)
    alone = evolve(scenario, objects=sorting.objects[number], script=tuple(scenario.script[step] for step in steps))
    mine = sorted(sorting.makers[number] or refs)
    name = f"{mine[0].kind} {mine[0].name}" if mine[0].namespace == scenario.namespace else str(mine[0])
    if scenario.bounds.pods is None:
        pods = sizes.get(name) or min(alone.pods, _enough(alone))
        alone = evolve(alone, bounds=evolve(scenario.bounds, pods=pods))
    return Island(name, alone, steps, sorting.whys[number], refs)


def _enough(alone: Scenario) -> int:
    """Return how many places for Pods should do: for all that replaces some another set; one more in a rollout."""
    steps = sum(not isinstance(step, kubectl.Cordon | kubectl.Uncordon | kubectl.Untaint) for step in alone.script)
    faults = alone.faults
    events = steps + faults.node_crash + faults.node_reboot + faults.crash + faults.partition + faults.leader_change
    return max(1, alone.replicas) * (1 + events) + any(step.new_template for step in alone.script)


# --- the others -------------------------------------------------------------------------------------------------------


def _crowded(
    scenario: Scenario, islands: list[Island], makers: tuple[Maker, ...], groups: list[frozenset[Ref]]
) -> list[Island] | None:
    """Return the islands with what the others may be to each; None where there is too little room for all."""
    group_of = {ref: number for number, refs in enumerate(groups) for ref in refs}
    mine: list[list[Maker]] = [[] for _ in groups]
    for maker in makers:
        mine[group_of[maker.ref]].append(maker)
    most = [
        most_of((maker.spec for maker in own), _on_a_node(island.scenario, own))
        for own, island in zip(mine, islands, strict=True)
    ]
    total = together(need.requested for need in most)
    room = room_for(scenario, tuple(maker.spec for maker in makers), total)
    if room is Room.SHORT:
        return None
    stopping = [island.name for island, own in zip(islands, mine, strict=True) if stops_drains(scenario, own)]
    presumed = together(need.presumed for need in most)
    found = []
    for island, own, its in zip(islands, most, mine, strict=True):
        others = _without(total, own.requested)
        crowd = Crowd(
            others,
            _without(presumed, own.presumed),
            fills=room is Room.SOMEWHERE and any(others.values()),
            stops_drains=any(name != island.name for name in stopping),
            on=_may_be_on(scenario, [maker for other in mine if other is not its for maker in other]),
        )
        found.append(evolve(island, scenario=evolve(island.scenario, crowd=crowd)))
    return found


def _on_a_node(scenario: Scenario, own: list[Maker]) -> int:
    """Return how many of an island's Pods may be on one node at one time: all of them, or, of DaemonSets, a share.

    None of one that never has any: nothing there ever asks for a Pod.
    A Pod of a DaemonSet is bound to the node that it is made for. There is a second one only while the first is on its
    way out or surges, and one more for whatever happens to them, as the places have it (`_enough`).
    """
    if not scenario.own and not any(map(scenario.most_of, scenario.everything)):
        return 0
    pods, nodes = scenario.pods, max(1, scenario.nodes)
    daemons = all(maker.ref.kind == "DaemonSet" for maker in own)
    return min(pods, -(-pods // nodes) + 1) if daemons else pods


def _may_be_on(scenario: Scenario, others: list[Maker]) -> frozenset[str]:
    """Name the nodes that Pods of these may be on: one that is closed from the start only to some of them."""
    relabelled = any(isinstance(step, kubectl.LabelNode | kubectl.AddNode) for step in scenario.script)
    opened = relabelled or any(isinstance(step, kubectl.Uncordon | kubectl.Untaint) for step in scenario.script)

    def fits(maker: Maker, node: Node) -> bool:
        if maker.spec.node_name:
            return maker.spec.node_name == node.metadata.name
        entered = opened or is_open(node) or maker.ref.kind == "DaemonSet" or bool(maker.spec.tolerations)
        return entered and (relabelled or allows(Pod(spec=maker.spec), node))

    joining = (step.object for step in scenario.script if isinstance(step, kubectl.AddNode))
    nodes = (obj for obj in (*scenario.everything, *joining) if isinstance(obj, Node))
    return frozenset(node.metadata.name for node in nodes if any(fits(maker, node) for maker in others))


def _without(total: Mapping[str, int], own: Mapping[str, int]) -> immutabledict[str, int]:
    return immutabledict({name: number - own.get(name, 0) for name, number in total.items()})


def stops_drains(scenario: Scenario, own: Iterable[Maker]) -> bool:
    """Tell whether a drain may be refused because of a Pod of these; one that is orphaned declares no controller."""
    own = tuple(own)
    mine = {(maker.ref.kind, maker.ref.name) for maker in own}
    orphans = any(
        isinstance(step, kubectl.DeleteObject) and step.cascade == "orphan" and (step.kind, step.name) in mine
        for step in scenario.script
    )
    return any(_stops(step, own, orphans=orphans) for step in scenario.script)


def _stops(step: kubectl.Step, own: Iterable[Maker], *, orphans: bool) -> bool:
    """Tell whether a step is a drain that is refused where some Pod of these is."""
    if not isinstance(step, kubectl.Drain):
        return False
    pods = [_pod_on(step.node, number, maker) for number, maker in enumerate(own)]
    if orphans:
        pods += [
            evolve(pod, metadata=evolve(pod.metadata, name=f"orphan-{pod.metadata.name}", owner_references=()))
            for pod in pods
        ]
    return bool(kubectl.drain_errors(evolve(step, pod_selector=_of_templates(step.pod_selector)), Cache.of(pods)))


def _of_templates(selector: str) -> str:
    """Return what a selector asks of the labels that templates give; controllers give Pods some more."""
    asked = parse_label_selector(selector).requirements
    kept = (asking for asking in asked if asking.key not in GIVEN and "kubernetes.io/" not in asking.key)
    return str(TextSelector(tuple(kept)))


GIVEN = frozenset({LEGACY_NAME, LEGACY_UID, REVISION_HASH, TEMPLATE_HASH})
"""Labels that controllers give to Pods, beside those whose names have `kubernetes.io/` in them."""


def _pod_on(node: str, number: int, maker: Maker) -> Pod:
    """Return a Pod as a maker makes it, on a node."""
    owner = OwnerReference(kind=maker.ref.kind, name=maker.ref.name, controller=True)
    owners = () if maker.ref.kind == "Pod" else (owner,)
    meta = ObjectMeta(f"pod-{number}", namespace=maker.ref.namespace, labels=maker.labels, owner_references=owners)
    return Pod(meta, evolve(maker.spec, node_name=node))
