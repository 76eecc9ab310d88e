"""Which kinds of objects have places in a world, and how many."""

from __future__ import annotations

from immutabledict import immutabledict

from ...impl.api.apps import StatefulSet
from ...impl.api.core import Service
from ...impl.api.kinds import Object, Unstructured, ref_of
from ...impl.api.meta import Ref
from ...impl.api.quota import ResourceQuota
from ...impl.api.workloads import NAMES, WORKLOAD_KINDS
from ...impl.kubectl import script as kubectl
from ...model.world.store import Layout, pool
from ..input.priorities import pod_specs
from ..input.scenario import Scenario, Switch
from .controllers import (
    node_controllers,
    quotas,
    volumes,
    workloads,
)
from .faults import registry as faults
from .nodes import kubelets, pressure
from .parts import Parts


def layout_for(scenario: Scenario, objects: tuple[Object, ...], parts: Parts) -> Layout:
    """Decide which kinds get places, and how many."""
    live = _live_kinds(scenario, objects, parts)
    counts = {kind: sum(ref_of(obj).kind == kind for obj in objects) + _growth(scenario, kind) for kind in live}
    for kind in volumes.kinds(scenario, objects):
        counts[kind] = counts.get(kind, 0) + volumes.growth(scenario, objects, kind)
    counts["Pod"] = scenario.pods
    pools = immutabledict((kind, pool(kind, counts[kind])) for kind in sorted(counts) if counts[kind])
    constants = immutabledict((ref_of(obj), obj) for obj in objects if ref_of(obj).kind not in pools)
    busy = immutabledict((slot, kubelets.runtime_slot(slot)) for slot in pools["Pod"])
    runs = volumes.last_places(tuple(map(ref_of, scenario.runs)), pools.get("Job", ()))
    homes = immutabledict({**_homes(scenario, pools["Pod"]), **volumes.homes(scenario, dict(pools)), **runs})
    return Layout(constants, pools, (), busy, homes)


def _homes(scenario: Scenario, places: tuple[str, ...]) -> immutabledict[Ref, str]:
    """Keep the last places for the Pods that have names of their own, if others are left."""
    names = [
        Ref(
            "Pod",
            statefulset.metadata.namespace or scenario.namespace,
            f"{statefulset.metadata.name}-{statefulset.spec.first + number}",
        )
        for statefulset in workloads.distinct(scenario.everything, StatefulSet)
        for number in range(scenario.most_of(statefulset))
    ]
    distinct = tuple(dict.fromkeys(names))
    kept = distinct if len(distinct) < len(places) else ()
    return immutabledict(zip(kept, places[len(places) - len(kept) :], strict=True))


def _live_kinds(scenario: Scenario, objects: tuple[Object, ...], parts: Parts) -> set[str]:
    """Return the kinds whose objects may change: somebody who takes part may write one of them."""
    live = {"Pod", "ControllerRevision", "CronJob", *NAMES}
    live |= {ref_of(obj).kind for obj in objects if obj.metadata.owner_references or obj.metadata.terminating}
    if any(isinstance(step, kubectl.DeleteObject) and step.kind == "Namespace" for step in scenario.script):
        live |= {ref_of(obj).kind for obj in objects if obj.metadata.namespace}
    if faults.strike_nodes(scenario) or node_controllers.acted_on(scenario, objects) or pressure.possible(scenario):
        live.add("Node")
    if parts.endpoints:
        live.add("EndpointSlice")
    if parts.budgets:
        live.add("PodDisruptionBudget")
    if any(isinstance(obj, ResourceQuota) and ref_of(obj) not in quotas.roomy(scenario) for obj in objects):
        live.add("ResourceQuota")
    live |= {kind.name for kind in scenario.own.kinds if kind.cls is Unstructured}
    live |= {kind.name for own in scenario.own.controllers for kind in (own.kind, *own.owns)}
    live.update(*(step.changes for step in scenario.script))
    return live | volumes.kinds(scenario, objects)


def _growth(scenario: Scenario, kind: str) -> int:
    """Bound how many objects of a kind can be added."""
    keepers = frozenset(known.cls.__name__ for known in WORKLOAD_KINDS if known.remembers == kind)
    makers = sum(scenario.own.places(keeper) for keeper in keepers) if scenario.own else 0
    return _usual_growth(scenario, kind) + scenario.own.places(kind) + makers


def _usual_growth(scenario: Scenario, kind: str) -> int:
    added = sum(isinstance(step, kubectl.Apply) and ref_of(step.object).kind == kind for step in scenario.script)
    match kind:
        case "Node":
            return added + sum(isinstance(step, kubectl.AddNode) for step in scenario.script)
        case "ReplicaSet" | "ControllerRevision":
            templates = sum(step.new_template for step in scenario.script)
            keepers = tuple(known.cls for known in WORKLOAD_KINDS if known.remembers == kind)
            there = sum(isinstance(obj, keepers) for obj in scenario.objects)
            copies = 2 if kind == "ControllerRevision" and Switch.DOUBLED_REVISIONS in scenario.switches else 1
            places = copies * (there + templates)
            return places if any(isinstance(obj, keepers) for obj in scenario.everything) else added
        case "Job":
            return added + len(scenario.runs)
        case "EndpointSlice":
            services = (obj for obj in scenario.everything if isinstance(obj, Service))
            ports = {tuple(container.ports for container in spec.containers) for spec in pod_specs(scenario)}
            copies = 1 if scenario.tracks_slices else 2
            return added + copies * sum(max(1, len(service.spec.ip_families)) for service in services) * (
                1 + len(ports)
            )
    return added
