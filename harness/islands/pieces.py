"""Workloads that only a Service joins, each looked at with the Service to itself.

**Why that is enough, where every claim holds of each.** A Service is only looked at: its EndpointSlices and the rules
of the nodes follow from its Pods, and nobody who makes, places or ends Pods reads them. Where the scheduler spreads the
Pods of a Service by itself it counts those that the workload's own selector selects, too, so no others
(`default_selector` in impl/scheduler/plugins). So what is seen of a run from one workload is a run of its own
machine, as with islands (`split`), and what the claims say of its Pods by themselves they say of them in the whole.

What is said of the Service follows. Packets go to the Pods that are ready, or where none is to those that are ready
while they end (`properties.reachability.answers`). That is a part of where they would go if each workload had the
Service to itself: so who is asked and refuses in the whole is asked and refuses there. And if somebody answers in one
workload by itself, somebody does in the whole: the same Pod, or it is one that ends and another workload has a ready
one. That one accepts: it would have been seen to stop, unless a container ends by itself before the Pod is said to be
ready.

It is not done where containers may end so, where a Service prefers what is near or remembers clients, where it shows
Pods that are not ready or has slices written by hand, where a step changes it, where anything but Pods of Deployments,
ReplicaSets and StatefulSets stands behind it, nor where there is too little room (`room`). Where one of them does not
converge nothing is said (a step might never come, `held`); where a claim does not hold of one, it is asked of all at
once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from attrs import evolve

from ...impl.api.claim_names import CONVERGENCE, SENTENCES
from ...impl.api.core import Service
from ...impl.api.meta import Ref
from ...model.checker.results import Status
from ..check.bounds import size_of
from ..check.results import Claim, Report, vacuous_in_all
from ..claims import registry as claims
from ..input.given import touched
from ..input.scenario import Scenario, placed
from ..world.reductions.roomy import is_near
from .influence import Bond
from .split import Island, islands_of

BEHIND = frozenset({"Deployment", "ReplicaSet", "StatefulSet"})
"""Whose Pods the scheduler spreads by the selector of who makes them, and that keep running."""


def pieces_of(scenario: Scenario) -> tuple[Island, ...]:
    """Return the pieces of an island that only Services join; none where there are not several.

    Together they have no more places for Pods than the island: on that others rely.
    """
    changed = {touched(step, scenario) for step in scenario.script}
    named = ((placed(obj, scenario.namespace), obj) for obj in scenario.objects if isinstance(obj, Service))
    services = {ref: service for ref, service in named if ref not in changed}
    if not services or scenario.image_behaviour or scenario.faults.container_crash or scenario.crowd.placed:
        return ()

    def apart(bonds: tuple[Bond, ...]) -> frozenset[Ref]:
        return frozenset(_only_looked_at(services, bonds))

    alone = evolve(scenario, bounds=evolve(scenario.bounds, pods=None))
    found = islands_of(alone, apart=apart)
    if len(found) < 2:
        return ()
    more = scenario.pods // sum(piece.scenario.pods for piece in found)
    if more == 0:
        return ()
    return islands_of(alone, {piece.name: more * piece.scenario.pods for piece in found}, apart=apart)


def _only_looked_at(services: dict[Ref, Service], bonds: Iterable[Bond]) -> Iterable[Ref]:
    """Yield the Services that have to do with nobody but the workloads behind them."""
    about: dict[Ref, list[Bond]] = defaultdict(list)
    for bond in bonds:
        about[bond.one].append(bond)
        about[bond.other].append(bond)
    for ref, service in services.items():
        behind = all(bond.one == ref and bond.other.kind in BEHIND for bond in about[ref])
        if len(about[ref]) > 1 and behind and _is_plain(service):
            yield ref


def _is_plain(service: Service) -> bool:
    spec = service.spec
    return not (is_near(service) or spec.publish_not_ready_addresses or spec.session_affinity not in {"", "None"})


# --- put together -----------------------------------------------------------------------------------------------------


def converges(report: Report) -> bool:
    """Tell whether a piece converges and keeps to its places for Pods: else nothing is said of the others."""
    found = None if report.exploration is None else report.exploration[claims.ROOM]
    roomy = found is not None and found.status is Status.HOLDS
    return roomy and all(claim.status is Status.HOLDS for claim in report.claims if claim.name == CONVERGENCE)


def joined(scenario: Scenario, reports: Sequence[Report]) -> Report:
    """Return what is found of an island whose pieces all converge: a claim that does not hold of one is UNKNOWN."""
    by_name: dict[str, list[Claim]] = defaultdict(list)
    for report in reports:
        for claim in report.claims:
            by_name[claim.name].append(claim)
    return Report(
        scenario=scenario,
        claims=tuple(_of_all(by_name[name]) for name in SENTENCES if name in by_name),
        bounds=tuple(dict.fromkeys(chain.from_iterable(_bounds(scenario, report) for report in reports))),
        not_modelled=tuple(dict.fromkeys(chain.from_iterable(report.not_modelled for report in reports))),
        states=sum(report.states for report in reports),
        transitions=sum(report.transitions for report in reports),
        depth=max(report.depth for report in reports),
        seconds=sum(report.seconds for report in reports),
        complete=all(report.complete for report in reports),
        exploration=reports[-1].exploration,
    )


def _bounds(scenario: Scenario, piece: Report) -> Iterator[str]:
    """Yield the bounds of a piece, with the places for Pods of all."""
    size = size_of(piece.scenario)
    yield from (size_of(scenario) if line == size else line for line in piece.bounds)


def _of_all(found: list[Claim]) -> Claim:
    """Return a claim that holds of every piece as one that holds."""
    if any(claim.status is not Status.HOLDS for claim in found):
        return evolve(found[0], status=Status.UNKNOWN, lines=(), trace=None, blame=(), vacuous=False)
    lines = dict.fromkeys(chain.from_iterable(claim.lines for claim in found))
    return evolve(found[0], lines=tuple(lines), vacuous=vacuous_in_all(found))


def with_known(report: Report, known: Report | None) -> Report:
    """Return what is found of an island in one, with what a limit left open there and its pieces have shown to hold."""
    if known is None:
        return report
    holds = {claim.name: claim for claim in known.claims if claim.status is Status.HOLDS}

    def better(claim: Claim) -> Claim:
        return holds.get(claim.name, claim) if claim.status is Status.UNKNOWN else claim

    return evolve(
        report,
        claims=tuple(map(better, report.claims)),
        states=report.states + known.states,
        transitions=report.transitions + known.transitions,
    )
