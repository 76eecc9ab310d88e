"""Where real runs of a scenario's folder ended, and whether the search that `check` makes reaches such an end.

An end is a state in which nothing more happens: what every Pod runs, where and how it is, what Deployments say, who is
behind each Service, and which nodes are cordoned. Pods go by image and node, not by name, and of nodes that nothing
tells apart any may be any. Observers are brought to rest on top of it, as for the claims. Where a run is recorded with
a fault (a node that crashed), the scenario allows it, and the ends with it are among those of the search.

Left out on purpose: conditions, revisions, messages, and the ports of slices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import fields, frozen

from kubeproof.harness.check.check import machine_of
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.at_rest.settle import Looking, contents
from kubeproof.harness.world.cluster import Cluster
from kubeproof.harness.world.reductions.symmetry import names_of
from kubeproof.impl.api.apps import Deployment
from kubeproof.impl.api.core import Node, Pod
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.policy import EndpointSlice
from kubeproof.impl.api.well_known import SERVICE_NAME
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.results import Limits
from kubeproof.model.machine import Fairness, State
from kubeproof.model.world.world import OVERFLOW
from kubeproof.properties.at_rest import Restless, settled

from .search import renamings

Line = tuple[str | int | bool, ...]
Json = Mapping[str, Any]


@frozen
class End:
    """What is there when nothing more happens. All lines are sorted."""

    pods: tuple[Line, ...]
    """Node, image, phase, ready, terminating."""
    deployments: tuple[Line, ...]
    """Name, wanted, replicas, updated, ready, available, terminating."""
    endpoints: tuple[Line, ...]
    """Service, node, ready: one an address."""
    nodes: tuple[Line, ...]
    """Name, unschedulable."""

    def renamed(self, names: Mapping[str, str]) -> End:
        """Return the same with nodes called differently."""

        def lines(many: tuple[Line, ...], place: int) -> tuple[Line, ...]:
            return _sorted((*one[:place], names.get(str(one[place]), one[place]), *one[place + 1 :]) for one in many)

        return End(lines(self.pods, 0), self.deployments, lines(self.endpoints, 1), lines(self.nodes, 0))

    def differences(self, other: End) -> tuple[str, ...]:
        """Say in what another one differs, field by field: this one first."""
        names = (field.name for field in fields(End))
        return tuple(
            f"{name}: {getattr(self, name)} / {getattr(other, name)}"
            for name in names
            if getattr(self, name) != getattr(other, name)
        )


@frozen
class Ends:
    """The ends a search reached; `why`: what kept it from all of them; `names`: the renamings that change nothing."""

    found: frozenset[End]
    why: str = ""
    names: tuple[Mapping[str, str], ...] = ({},)

    def reach(self, wanted: End) -> bool:
        """Tell whether a recorded end is among them."""
        return any(wanted.renamed(names) in self.found for names in self.names)

    def nearest(self, wanted: End) -> tuple[str, ...]:
        """Say in what the nearest end differs from a recorded one; nothing where it is among them."""
        named = [wanted.renamed(names) for names in self.names]
        options = (one.differences(end) for one in named for end in sorted(self.found, key=str))
        return min(options, key=lambda lines: (len(lines), lines), default=("no end was reached",))


def ends(scenario: Scenario, limits: Limits) -> Ends:
    """Search a scenario as `check` does, without symmetry, and give every end."""
    prepared = prepare(scenario, limits)
    core = machine_of(scenario, prepared)
    states: list[State] = []
    search = explore(core.machine, limits=limits, collect=states.append)
    found = {one for state in states if _rests(core, state) and (one := _end(core, state)) is not None}
    return Ends(frozenset(found), prepared.why or search.why_incomplete, tuple(renamings(_alike(core))))


def _alike(core: Cluster) -> tuple[tuple[str, ...], ...]:
    """Group the nodes that nothing tells apart: the states to start from are given up to an exchange of them."""
    spelt = names_of(core).spelt
    sorts = sorted({one.sort for one in spelt})
    return tuple(tuple(sorted(name for one, name in spelt.items() if one.sort == sort)) for sort in sorts)


def _rests(core: Cluster, state: State) -> bool:
    fair = [one for one in core.machine.actions if one.fairness is not Fairness.NONE]
    return not state[OVERFLOW] and Looking(fair).step(state) is None


def _end(core: Cluster, state: State) -> End | None:
    rest = settled(contents(core, state).objects)
    return None if isinstance(rest, Restless) else observed_end(rest.objects.values())


def observed_end(objects: Iterable[Object]) -> End:
    """Read the objects of a cluster at rest."""
    every = tuple(objects)
    return End(
        pods=_sorted(_pod(one) for one in every if isinstance(one, Pod)),
        deployments=_sorted(_deployment(one) for one in every if isinstance(one, Deployment)),
        endpoints=_sorted(line for one in every if isinstance(one, EndpointSlice) for line in _addresses(one)),
        nodes=_sorted((one.metadata.name, one.spec.unschedulable) for one in every if isinstance(one, Node)),
    )


def _sorted(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines))


def _pod(one: Pod) -> Line:
    image = one.spec.containers[0].image
    return (one.spec.node_name, image, one.status.phase or "Pending", one.ready, one.metadata.terminating)


def _deployment(one: Deployment) -> Line:
    status, wanted = one.status, one.spec.wanted
    counts = (status.replicas, status.updated_replicas, status.ready_replicas, status.available_replicas)
    return (one.metadata.name, wanted, *counts, one.metadata.terminating)


def _addresses(one: EndpointSlice) -> Iterable[Line]:
    service = one.metadata.labels.get(SERVICE_NAME, "")
    return ((service, address.node_name or "", address.conditions.ready) for address in one.endpoints)


def recorded_end(final: Json) -> End:
    """Read the end of a recorded run."""
    return End(
        pods=_sorted(
            (one["node"] or "", one["image"], one["phase"], one["ready"], bool(one.get("terminating")))
            for one in final["pods"]
        ),
        deployments=_sorted(_recorded_deployment(one) for one in final["deployments"]),
        endpoints=_sorted(
            (service, address["node"] or "", address["ready"])
            for service, slices in final["endpoints"].items()
            for piece in slices
            for address in piece["addresses"]
        ),
        nodes=_sorted((one["name"], bool(one["unschedulable"])) for one in final["nodes"]),
    )


def _recorded_deployment(one: Json) -> Line:
    counts = (one.get(name) or 0 for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"))
    return (one["name"], one["wanted"], *counts, bool(one["terminating"]))
