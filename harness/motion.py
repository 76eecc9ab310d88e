"""Reachability while things change, judged: every Pod by itself, and a suspicion confirmed in a run of the cluster.

The machines are in `reach`, with the argument why one Pod is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from attrs import evolve

from ..impl.api.apps import ReplicaSet, ReplicaSetSpec
from ..impl.api.core import Pod, PodSpec, PodTemplateSpec, Service
from ..impl.api.kinds import Object
from ..impl.api.meta import ObjectMeta
from ..impl.apiserver.defaulting import default
from ..impl.kubectl.script import Apply
from ..impl.kubelet.timings import DEFAULT_GRACE_SECONDS, pre_stop_seconds
from ..model.checker.explore import explore
from ..model.checker.results import Limits, Progress, Status, Verdict
from ..model.machine import Invariant
from ..properties.reachability_prestop import Bounds, Impossible, Sufficient, bad_run, smallest_prestop
from ..properties.reachability_prestop_relation import Goal, weakest
from . import reach
from .claims import REACHABILITY
from .cluster import Cluster, Parts, build
from .prepare import Prepared
from .results import Claim
from .scenario import Scenario

IN_MOTION = "in motion"
"""The kind of a breach of reachability while things change."""
LIVES = 2
"""How often the one Pod is made when the question is whether it is dropped in the end."""
SEARCH = Limits(max_states=400_000)
"""How far a suspicion is followed up unless the caller sets tighter limits."""


def judge(
    scenario: Scenario,
    prepared: Prepared,
    at_rest: Claim,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
    *,
    bare: bool,
) -> Claim:
    """Judge the claim about connections, given its verdict at rest.

    `bare`: some Service may be without a ready Pod, so that kube-proxy falls back to terminating ones.
    """
    objects = _objects(scenario, prepared)
    suspicion = False
    premise = False
    for service, owner in reach.pairs(objects):
        one = reach.one_pod(scenario, objects, service, owner, fallback=bare)
        mortal = reach.one_pod(scenario, objects, service, owner, fallback=bare, lives=LIVES)
        dropped = explore(mortal.machine, [mortal.dropped])[mortal.dropped.name]
        if dropped.status is not Status.HOLDS:
            return _never_dropped(at_rest, dropped)
        verdict = explore(one.machine, [one.claim])[one.claim.name]
        suspicion = suspicion or verdict.status is not Status.HOLDS
        premise = premise or not verdict.vacuous
    if not premise:
        return evolve(at_rest, vacuous=True)
    return at_rest if not suspicion else _confirm(scenario, prepared, at_rest, limits, progress)


def _objects(scenario: Scenario, prepared: Prepared) -> tuple[Object, ...]:
    """Give everything a connection may have to do with: also Services that the script brings, and who makes Pods."""
    others = [one for one in prepared.objects if not isinstance(one, ReplicaSet)]
    applied = [default(one.object) for one in scenario.script if isinstance(one, Apply)]
    services = [one for one in applied if isinstance(one, Service)]
    return (*others, *(one for one in services if one not in others), *_owners(prepared, applied))


def _owners(prepared: Prepared, applied: Sequence[Object]) -> Iterator[ReplicaSet]:
    """Give every ReplicaSet and, for each Pod that nobody owns, one that would make the like of it."""
    yield from prepared.replicasets
    for pod in (*prepared.objects, *applied):
        if isinstance(pod, Pod) and pod.metadata.controller is None:
            template = PodTemplateSpec(ObjectMeta(labels=pod.metadata.labels), evolve(pod.spec, node_name=""))
            meta = ObjectMeta(name=pod.metadata.name, namespace=pod.metadata.namespace)
            yield ReplicaSet(meta, ReplicaSetSpec(template=template))


def _never_dropped(at_rest: Claim, verdict: Verdict) -> Claim:
    """Report an endpoint that is never removed: then no propagation bound is true."""
    lines = ("one Pod by itself, created and deleted by anybody:", *verdict.evidence)
    if verdict.trace is not None:
        lines = (*lines, *verdict.trace.lines())
    return evolve(at_rest, status=Status.VIOLATED, kind=IN_MOTION, lines=lines)


def moving(scenario: Scenario, prepared: Prepared) -> tuple[Cluster, Invariant]:
    """Give the machine in which connections matter: every kubelet step, the slices and a proxy; no faults, one view."""
    bounds = evolve(scenario.bounds, mixed_views=False)
    plain = evolve(reach.without_crash(scenario), bounds=bounds)
    shape = build(plain, Parts(endpoints=True, fine_kubelets=True, one_proxy=True), *prepared.starts)
    layout = shape.world.layout
    watched = (*layout.memories, *layout.pools.get("EndpointSlice", ()))
    guard = partial(reach.may_stop, scenario.bounds.propagation_seconds, watched)
    parts = evolve(shape.parts, may_stop=guard)
    cluster = build(plain, parts, *prepared.starts)
    proxies = tuple(slot for slot in cluster.machine.initial[0] if slot.startswith("proxy/"))
    check = partial(reach.breaches, layout.pools["Pod"], proxies, reach.chosen)
    return cluster, Invariant(IN_MOTION, REACHABILITY, check)


def _confirm(
    scenario: Scenario,
    prepared: Prepared,
    at_rest: Claim,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
) -> Claim:
    """Look for the breach in runs of the cluster itself."""
    cluster, claim = moving(scenario, prepared)
    tighter = evolve(limits, max_states=min(limits.max_states or SEARCH.max_states or 0, SEARCH.max_states or 0))
    search = explore(cluster.machine, [claim], limits=tighter, stop_at_first=True, progress=progress)
    verdict = search[claim.name]
    advice = tuple(_advice(scenario, prepared))
    if verdict.status is Status.VIOLATED:
        lines = (*verdict.evidence, *advice)
        return evolve(at_rest, status=Status.VIOLATED, kind=IN_MOTION, lines=lines, trace=verdict.trace)
    why = "a breach is possible for a Pod by itself and was not found in a run of the cluster"
    return evolve(at_rest, status=Status.UNKNOWN, kind=IN_MOTION, lines=(why, *advice))


def _advice(scenario: Scenario, prepared: Prepared) -> Iterator[str]:
    """Say, with z3, which timing makes the breach possible and which preStop delay would do."""
    bound = scenario.bounds.propagation_seconds
    if bound is None:
        yield "no propagation bound is stated (bounds.propagation): without one no preStop delay is long enough"
        return
    times = Bounds(kubelet=(0, 0), endpoints=(0, bound), proxies=(0, 0))
    for owner in prepared.replicasets:
        spec = owner.spec.template.spec
        hook, grace = int(pre_stop_seconds(spec)), spec.termination_grace_period_seconds or DEFAULT_GRACE_SECONDS
        run = bad_run(times, hook, grace)
        if run is not None:
            timing = f"SIGTERM {run.sigterm} s after the deletion, the last proxy follows after {run.removed} s"
            yield f"a timing that allows it: {timing}"
            yield from _repair(smallest_prestop(times, grace), hook, spec)
            yield _relation(bound, hook, grace)
            return


def _relation(bound: int, hook: int, grace: int) -> str:
    """Say exactly which hooks and grace periods are long enough, whatever else happens."""
    safe = weakest(Goal.NEW).given({"notice": 0, "endpoints": bound, "proxies": 0})
    return f"{Goal.NEW.value} if and only if {safe} (seconds; now preStop {hook}, grace {grace})"


def _repair(answer: Sufficient | Impossible, hook: int, spec: PodSpec) -> Iterator[str]:
    field = f"spec.template.spec.containers[{spec.containers[0].name}].lifecycle.preStop"
    if isinstance(answer, Impossible):
        yield f"no preStop delay is long enough: the grace period of the Pod is shorter than the bound ({field})"
    else:
        yield f"the smallest preStop delay that is long enough is {answer.seconds} s (now {hook} s): {field}"
