"""What controllers of a user make that controllers of Kubernetes take up: a Deployment, a Service, a budget.

Each of those has a process of its own in a world, so it must be known by its name before the search. One run of the
script shows most; where the search itself meets another, it begins anew with that one known, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from attrs import evolve

from ...impl.api.apps import DaemonSet, Deployment, StatefulSet
from ...impl.api.batch import Job
from ...impl.api.core import Service
from ...impl.api.kinds import BY_NAME, Object, Unstructured, ref_of
from ...impl.api.meta import Ref
from ...impl.api.policy import PodDisruptionBudget
from ...model.checker.results import Limits
from ...model.machine import Invariant, State, View
from ..input.scenario import Faults, Scenario
from ..world.applied import applied
from ..world.at_rest.prepare import run_of
from ..world.cluster import Cluster, Initial, build
from ..world.parts import Parts

TAKEN_UP = DaemonSet | Deployment | Job | PodDisruptionBudget | Service | StatefulSet
KINDS = ("DaemonSet", "Deployment", "Job", "PodDisruptionBudget", "Service", "StatefulSet")
KNOWN = "world/known"
MOST = 8
"""So often a search begins anew."""


def with_made(scenario: Scenario, limits: Limits) -> Scenario:
    """Return a scenario that knows what one run of its script makes."""
    if not any(scenario.own.places(kind) for kind in KINDS):
        return scenario
    for _ in range(MOST):
        calm = evolve(scenario, faults=Faults(), wait_between_steps=True)
        whole = build(calm, Parts.everything(), Initial(applied(calm)))
        found = {ref_of(obj): obj for state in run_of(whole, limits) for obj in _strangers(whole, state)}
        if not found:
            break
        scenario = _knowing(scenario, found)
    return scenario


def moves_services(scenario: Scenario) -> bool:
    """Tell whether there are Services, and controllers of the user write what decides who answers."""
    written = {kind for controller in scenario.own.controllers for kind in (controller.kind, *controller.owns)}
    serves = BY_NAME["Service"] in written or any(isinstance(obj, Service) for obj in scenario.everything)
    return serves and any(kind.cls is not Unstructured for kind in written - {BY_NAME["PersistentVolumeClaim"]})


def knows_all(cluster: Cluster) -> tuple[Invariant, ...]:
    """Return what a search must find to hold: every object has the processes that take it up."""
    if not any(cluster.scenario.own.places(kind) for kind in KINDS):
        return ()
    return (Invariant(KNOWN, "Whatever controllers make is known.", partial(_unknown, cluster)),)


def knowing_more(cluster: Cluster, state: State) -> Scenario:
    """Return a scenario that knows what is there in a state, too."""
    return _knowing(cluster.scenario, {ref_of(obj): obj for obj in _strangers(cluster, state)})


def _knowing(scenario: Scenario, found: Mapping[Ref, Object]) -> Scenario:
    kept = {ref_of(obj): obj for obj in scenario.own.made} | dict(found)
    return evolve(scenario, own=evolve(scenario.own, made=tuple(kept[ref] for ref in sorted(kept))))


def _unknown(cluster: Cluster, view: View) -> Iterator[str]:
    yield from (f"{ref_of(obj)} is one that no process takes up" for obj in _strangers(cluster, view))


def _strangers(cluster: Cluster, view: View) -> Iterator[Object]:
    """Yield what is there and not known: by its name, and by what it selects."""
    known = {ref_of(obj): selector_of(obj) for obj in cluster.scenario.everything}
    for kind in KINDS:
        for slot in cluster.world.layout.pools.get(kind, ()):
            one = view[slot]
            if one is not None and known.get(ref_of(one), one) != selector_of(one):
                yield one


def selector_of(one: Object) -> object:
    """Return what an object selects by, as far as a process of its depends on that; None for what selects nothing."""
    return one.spec.selector if isinstance(one, TAKEN_UP) and not isinstance(one, Service) else None
