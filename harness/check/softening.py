"""What is not modelled softens a verdict: HOLDS where the claim may hang on it, VIOLATED where the breach does.

HOLDS becomes UNKNOWN if anything that may change the claim is not modelled. A breach that was found is a run of the
parts that are modelled, and stays one whatever the others do, unless one of the others would have mended it: a Pod
that waits only for a claim of which the input does not tell enough, a Service whose endpoints come from elsewhere, and
a Job that another controller runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from attrs import evolve

from ...impl.api.batch import Job
from ...impl.api.claim_names import CONVERGENCE, REACHABILITY
from ...impl.api.core import Node, Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.values.frozen import EMPTY
from ...model.checker.results import Status
from ...model.checker.traces import states
from ...model.machine import State
from ...properties.convergence import leaving, orphans, shortfalls
from ...properties.placement.placement import Infeasible, feasible
from ..claims.convergence import beside_workloads, dead_nodes, objects_of
from ..input.assumed.unmodelled import folded
from ..world.cluster import Cluster
from ..world.controllers.volumes import unknown_claims
from .results import Claim

AT_REST = frozenset({"stuck", "invariant", "at rest"})
"""Kinds of breaches that are one of the state a run ends in."""
ACCEPT = "acceptUnmodelled: true, --accept-unmodelled: take it not to matter"


def softened(core: Cluster, claim: Claim, things: tuple[str, ...]) -> Claim:
    """Return a claim as far as it can be said with `things` not modelled that it may hang on."""
    if claim.status is Status.HOLDS and things:
        why = f"what was explored holds; the whole is not known, for it may hang on {', '.join(folded(things))}"
        return evolve(claim, status=Status.UNKNOWN, lines=(f"{why} ({ACCEPT})",))
    if claim.status is Status.VIOLATED:
        why = "; ".join(_mended_elsewhere(core, claim))
        return evolve(claim, status=Status.UNKNOWN, lines=(why,), trace=None, blame=()) if why else claim
    return claim


def _mended_elsewhere(core: Cluster, claim: Claim) -> Iterator[str]:
    """Say what that is not modelled would mend the whole breach; nothing where any of it would remain."""
    blamed = [blame.ref for blame in claim.blame]
    if claim.name == REACHABILITY and blamed and core.scenario.served_elsewhere.issuperset(blamed):
        yield from (f"the endpoints of {ref} come from what is not modelled" for ref in blamed)
    elif claim.kind in AT_REST and claim.trace is not None:
        end = states(core.machine, claim.trace)[-1]
        yield from _waits_for_volumes(core, objects_of(core, end))
        if claim.name == CONVERGENCE:
            yield from _run_by_others(core, end)


def _run_by_others(core: Cluster, end: State) -> Iterator[str]:
    """Name the Jobs that another controller than Kubernetes' own runs, if all that is short at the end is theirs."""
    objects = objects_of(core, end)
    theirs = [obj for obj in objects if isinstance(obj, Job) and obj.spec.run_elsewhere]
    rest = tuple(obj for obj in objects if obj not in theirs)
    short = (shortfalls(rest, dead_nodes(core, end)), orphans(rest), leaving(objects), beside_workloads(core, end))
    if not any(chain.from_iterable(short)):
        for job in theirs:
            yield f"{ref_of(job)} is run by {job.spec.managed_by} (spec.managedBy), which is not modelled"


def _waits_for_volumes(core: Cluster, objects: tuple[Object, ...]) -> Iterator[str]:
    """Name the claims that Pods wait for, if all that is short at the end is that these Pods do not run.

    Each must have a place without its volumes; all others must run.
    """
    pods = [obj for obj in objects if isinstance(obj, Pod)]
    short = [pod for pod in pods if pod.metadata.terminating or not (pod.ready or pod.status.phase == "Succeeded")]
    bound = [pod for pod in pods if pod.spec.node_name]
    nodes = [obj for obj in objects if isinstance(obj, Node)]
    waiting = [pod for pod in short if any(True for _ in unknown_claims(core.scenario, pod))]
    if not short or waiting != short:
        return
    without = [evolve(pod, spec=evolve(pod.spec, extra=EMPTY)) for pod in waiting]
    if isinstance(feasible(without, nodes, bound), Infeasible):
        return
    for pod in waiting:
        names = ", ".join(unknown_claims(core.scenario, pod))
        yield f"Pod {pod.metadata.name} waits for PersistentVolumeClaim {names}: the input does not tell of its volume"
