"""Workloads that only a Service joins, each an island with the Service to itself.

**Why.** A Service is only looked at: its EndpointSlices and the rules of the nodes follow from its Pods, and nobody who
makes, places or ends Pods reads them. Where the scheduler spreads the Pods of a Service by itself it counts those that
the workload's own selector selects, too, so no others (`default_selector` in impl/scheduler/plugins). So what is seen
of a run from one workload is a run of its own machine, as with islands (`split`), and what the claims say of its Pods
by themselves they say of them in the whole.

What is said of the Service follows, where all of it holds of each and each converges (else a step might never come,
`held`). Packets go to the Pods that are ready, or where none is to those that are ready while they end
(`properties.reachability.answers`). That is a part of where they would go if each workload had the Service to itself:
so who is asked and refuses in the whole is asked and refuses there. And if somebody answers in one workload by itself,
somebody does in the whole: the same Pod, or it is one that ends and another workload has a ready one. That one accepts:
it would have been seen to stop, unless a container ends by itself before the Pod is said to be ready. Where
reachability does not hold of one, all who stand behind the Service are looked at together, for that claim alone.

It is not done where containers may end so, where a Service prefers what is near or remembers clients, where it shows
Pods that are not ready or has slices written by hand, where a step changes it, where somebody's own controllers act,
where a container does not listen where it is asked (what is said of that hangs on whether others answer), where a step
deletes what has Pods (nobody's Pods are spread among all of the Service), nor where anything but Pods of Deployments,
ReplicaSets and StatefulSets stands behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.core import Service
from ...impl.api.meta import Ref
from ...impl.kubectl import script as kubectl
from ...properties.reachability.answers import lost
from ...properties.reachability.network_policy import Walls
from ..input.given import touched
from ..input.scenario import Scenario, placed
from ..input.workloads import pod_like
from ..world.applied import applied
from ..world.reductions.roomy import is_near
from .influence import Bond, Maker, makers_of
from .split import Island, islands_of

BEHIND = frozenset({"Deployment", "ReplicaSet", "StatefulSet"})
"""Whose Pods the scheduler spreads by the selector of who makes them, and that keep running."""


def pieces_of(scenario: Scenario, sizes: Mapping[str, int] = immutabledict()) -> tuple[Island, ...]:
    """Return the islands of a scenario, Services that are only looked at joining nobody; `sizes` as of `islands_of`."""
    return islands_of(scenario, sizes, apart=lambda bonds: frozenset(_only_looked_at(scenario, bonds)))


def together(
    scenario: Scenario, pieces: tuple[Island, ...], pods: Mapping[str, int] = immutabledict()
) -> tuple[tuple[Island, tuple[Island, ...]], ...]:
    """Return the islands that Services join, each with its pieces, whose names it bears.

    It has the places for Pods that all of them have, or as many as `pods` says by its name.
    """
    there, sizes = applied(scenario), {}
    for island in islands_of(scenario, there=there):
        its = _within(island, pieces)
        sizes[island.name] = pods.get(_named(its), sum(piece.scenario.pods for piece in its))
    found = ((island, _within(island, pieces)) for island in islands_of(scenario, sizes, there))
    return tuple((evolve(island, name=island.name and _named(its)), its) for island, its in found)


def _named(pieces: tuple[Island, ...]) -> str:
    return " and ".join(piece.name for piece in pieces)


def _within(island: Island, pieces: tuple[Island, ...]) -> tuple[Island, ...]:
    """Return the pieces of an island; all of them, if it is the whole."""
    return tuple(piece for piece in pieces if not island.name or piece.refs <= island.refs)


def _only_looked_at(scenario: Scenario, bonds: Iterable[Bond]) -> Iterator[Ref]:
    """Yield the Services that have to do with nobody but the workloads behind them."""
    deletes = any(isinstance(step, kubectl.DeleteObject) for step in scenario.script)
    unsteady = scenario.faults.container_crash or scenario.faults.probe_failure
    if scenario.image_behaviour or unsteady or scenario.own or deletes:
        return
    makers = tuple(makers_of(scenario.everything))
    about: dict[Ref, list[Bond]] = defaultdict(list)
    for bond in bonds:
        about[bond.one].append(bond)
        about[bond.other].append(bond)
    changed = {touched(step, scenario) for step in scenario.script}
    for service in scenario.objects:
        ref = placed(service, scenario.namespace)
        if not isinstance(service, Service) or ref in changed or not _is_plain(service):
            continue
        behind = {bond.other for bond in about[ref]}
        alone = all(bond.one == ref and bond.other.kind in BEHIND for bond in about[ref])
        whole = not any(_loses(service, maker, scenario.walls) for maker in makers if maker.ref in behind)
        if alone and len(behind) > 1 and whole:
            yield ref


def _is_plain(service: Service) -> bool:
    spec = service.spec
    return not (is_near(service) or spec.publish_not_ready_addresses or spec.session_affinity not in {"", "None"})


def _loses(service: Service, maker: Maker, walls: Walls) -> bool:
    pod = pod_like(maker.ref.namespace, maker.labels, maker.spec)
    return any(lost(pod, port, walls) for port in service.spec.ports)
