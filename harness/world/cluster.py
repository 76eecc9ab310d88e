"""The cluster of implementations: a scenario becomes a machine for the checker.

Which components take part is decided by influence. A component whose writes nobody else reads (the EndpointSlice
controller, the kube-proxies, the disruption controller while nothing is evicted, the Deployment's own status) cannot
change what the others do: every run of all components, with the observers' steps left out, is a run of the rest, and
every run of the rest can be extended by the observers. So the rest, the `core`, is explored by itself, and the
observers are brought to rest on top of each state where the core is at rest (see `check`). `Parts.everything` explores
all together; a test compares the verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from functools import partial

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.api.apps import ReplicaSet
from ...impl.api.core import Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.policy import EndpointSlice
from ...impl.api.runtime import PodRuntime
from ...impl.controllers.endpointslice.slices import MANAGED_BY, MANAGER
from ...model.machine import Machine, MachineError
from ...model.world import component
from ...model.world.store import Layout, place
from ...model.world.verbs import Verb
from ...model.world.world import Process, Serve, World
from ..input.assumed.surroundings import config_of
from ..input.scenario import Scenario
from .api_server import describe, serve
from .controllers import (
    quotas,
    workloads,
)
from .faults import registry as faults
from .layout import layout_for
from .nodes import kubelets
from .participants import components_of, kubelets_for, processes_for, proxies_of
from .parts import Parts
from .reductions import unwatched
from .timers.registry import timers
from .timers.timing import Timing


@frozen
class Initial:
    """A state to start from: the objects in the store, and by Pod uid what runs for them."""

    objects: tuple[Object, ...]
    runtimes: Mapping[str, Hashable] = field(default=immutabledict(), converter=immutabledict)


@frozen
class Cluster:
    """A scenario made into a machine: the world, its processes and the machine itself."""

    scenario: Scenario
    parts: Parts
    world: World
    processes: tuple[Process, ...]
    machine: Machine
    struck: tuple[str, ...] = ()
    """The nodes that faults may strike."""
    proxies: tuple[str, ...] = ()
    """The nodes whose kube-proxies take part."""

    def actions(self, by: Hashable, *verbs: Verb) -> Callable[[str], bool]:
        """Return the test of whether an action, by its name, is one that somebody takes: who, and by which verbs."""
        acts = self.machine.actions
        return frozenset(action.name for action in acts if action.by == by and action.verb in verbs).__contains__

    def except_for(self, verbs: frozenset[Verb]) -> Callable[[str], bool]:
        """Return the test of whether an action, by its name, is by none of some verbs."""
        return frozenset(action.name for action in self.machine.actions if action.verb not in verbs).__contains__


def build(scenario: Scenario, parts: Parts, *starts: Initial) -> Cluster:
    """Make the machine of a scenario that starts in any of some states, which differ in what becomes of Pods.

    Raises `MachineError` where they differ in an object that nothing here changes.
    """
    parts = evolve(parts, budgets=parts.budgets or Parts.core(scenario).budgets)
    idle = quotas.roomy(scenario)
    handled = any("EndpointSlice" in step.changes for step in scenario.script)
    starts = tuple(_looked_at(parts, start, idle, handled=handled) for start in starts)
    kept = starts[0].objects
    layout = layout_for(scenario, kept, parts)
    _same_constants(layout, starts)
    processes = processes_for(scenario, kept, layout, parts)
    components = components_of(scenario, parts, kept, layout, processes)
    layout = component.remembered(layout, components)
    own = frozenset(kind.name for kind in scenario.own.kinds)
    answers: Serve = partial(serve, parts.deployment_status, config=config_of(scenario), own=own)
    world = World(layout, partial(unwatched.served, answers) if parts.unwatched else answers, describe)
    struck = faults.struck_nodes(scenario, kept)
    works = kubelets_for(scenario, parts, struck, world)
    silent = faults.silent_nodes(scenario)
    contents = partial(_contents, works, layout, silent)
    slots = tuple(component.start(world, components, contents(start)) for start in starts)
    machine = Machine(slots, component.actions(world, components), timers(_timing(scenario, works, processes)))
    return Cluster(scenario, parts, world, processes, machine, struck, proxies_of(parts, kept))


def _timing(scenario: Scenario, works: kubelets.Kubelets, processes: tuple[Process, ...]) -> Timing:
    crashes, exits = scenario.faults.crash > 0, scenario.faults.container_crash > 0
    return Timing(
        works.world,
        works.struck,
        works.behaviour,
        kubelets_crash=crashes,
        containers_crash=exits,
        elect=processes if scenario.faults.leader_change else (),
    )


def _looked_at(parts: Parts, start: Initial, idle: frozenset[Ref], *, handled: bool) -> Initial:
    """Return a start without what nobody who takes part reads: slices beside no proxy, statuses of Deployments.

    Nor what nobody writes: the counts of idle quotas, which refuse nothing then. Where a step may be about a slice
    (`handled`), those that no controller has made are there for it.
    """
    return evolve(
        start,
        objects=tuple(
            _kept(parts, obj)
            for obj in quotas.uncounted(start.objects, idle)
            if parts.endpoints or not isinstance(obj, EndpointSlice) or (handled and not _is_managed(obj))
        ),
    )


def _is_managed(piece: EndpointSlice) -> bool:
    """Tell whether the EndpointSlice controller looks after a slice."""
    return piece.metadata.labels.get(MANAGED_BY) == MANAGER


def _kept(parts: Parts, obj: Object) -> Object:
    if parts.unwatched and isinstance(obj, ReplicaSet):
        return unwatched.as_read(obj)
    return obj if parts.deployment_status else workloads.as_kept(obj)


_TELLING = frozenset({"PodDisruptionBudget"})
"""Kinds that only tell what Pods there are. Where they have no places nobody reads them: the first start's will do."""


def _same_constants(layout: Layout, starts: tuple[Initial, ...]) -> None:
    constants = {constant for ref, constant in layout.constants.items() if ref.kind not in _TELLING}
    for start in starts:
        given = {obj for obj in start.objects if ref_of(obj).kind not in (*layout.pools, *_TELLING)}
        if odd := sorted(str(ref_of(obj)) for obj in given ^ constants):
            raise MachineError(f"states to start from differ in what never changes: {odd[0]}")


def _contents(works: kubelets.Kubelets, layout: Layout, silent: Collection[str], start: Initial) -> dict[str, Hashable]:
    """Return what is in the store at a start, and what runs for its Pods: nothing on nodes that are silent."""
    slots: dict[str, Hashable] = {}
    slots |= place((obj for obj in start.objects if ref_of(obj).kind in layout.pools), layout.pools, layout.homes)
    for slot in layout.pools["Pod"]:
        pod = slots[slot]
        uid = pod.metadata.uid if isinstance(pod, Pod) and pod.spec.node_name not in silent else ""
        runtime = start.runtimes.get(uid)
        if isinstance(pod, Pod) and isinstance(runtime, PodRuntime):
            runtime = kubelets.on(works, pod.spec.node_name, runtime)
        slots[kubelets.runtime_slot(slot)] = runtime
    return slots
