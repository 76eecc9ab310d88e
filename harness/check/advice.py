"""What to change where connections are lost: the field of the object whose Pods are hit."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping

from ...impl.api.apps import DaemonSet, Deployment, ReplicaSet, Workload
from ...impl.api.core import Node, Pod, PodSpec, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.workloads import BY_KIND, SIZE, without_hash
from ...impl.controllers.daemonset.nodes import wish
from ...impl.kubelet.starting import STARTS_IN, starts_in
from ...impl.kubelet.timings import DEFAULT_GRACE_SECONDS, before_sigterm, first_to_stop, pre_stop_seconds
from ...model.checker.results import Trace, Verdict
from ...properties.reachability.answers import selects_pod
from ...properties.reachability.prestop import Bounds, Impossible, bad_run, smallest_prestop
from ...properties.reachability.prestop_relation import Goal, weakest
from .blame.blame import below, written
from .results import Blame

CROWD = 3
"""So many Pods that failed are no accident: somebody makes another for each."""
NO_PODS = "a step asks for no Pods at all, and so nobody is left to answer"


def gap_blame(pod: Pod, objects: Iterable[Object]) -> Blame:
    """Say what keeps somebody answering when a Pod like this goes."""
    known = {ref_of(obj): obj for obj in objects}
    ref = written(pod, known.values())
    owner = known.get(ref, pod)
    if not isinstance(owner, Workload) and ref.kind in BY_KIND:
        return Blame(ref, "", "it is gone, and its Pods go with it: a step deletes what made them")
    if not isinstance(owner, Workload):
        return Blame(ref, "", "nobody replaces it: a Deployment with two replicas would go on answering")
    if isinstance(owner, DaemonSet):
        if (node := known.get(Ref("Node", "", pod.spec.node_name))) and not _may_stay(owner, node):
            told = f"its selectors and tolerations leave no Pod of it on {node.metadata.name} by then"
            return Blame(ref, "spec.template.spec", told)
        field = "spec.updateStrategy.rollingUpdate"
        return Blame(ref, field, "with maxSurge and maxUnavailable 0 a new Pod is ready before an old one goes")
    if owner.spec.wanted == 0:
        return Blame(ref, SIZE, NO_PODS)
    rolls = isinstance(owner, Deployment) and _is_former(pod, owner, known)
    if rolls and isinstance(owner, Deployment) and owner.spec.strategy.type == "Recreate":
        return Blame(ref, "spec.strategy.type", "RollingUpdate lets new Pods answer before the old ones go")
    if owner.spec.wanted == 1:
        why = "a Pod that is alone leaves a gap; two, and a PodDisruptionBudget that selects them, leave none"
        return Blame(ref, SIZE, why)
    if rolls:
        field = "spec.strategy.rollingUpdate.maxUnavailable"
        return Blame(ref, field, "with 0 a new Pod is ready before an old one goes")
    if isinstance(owner, Deployment):
        return Blame(ref, "", "a PodDisruptionBudget that selects its Pods keeps evictions from taking the last one")
    return Blame(ref, SIZE, "with more Pods some go on answering")


def _is_former(pod: Pod, owner: Deployment, known: Mapping[Ref, Object]) -> bool:
    """Tell whether a Deployment's Pod is of another template than its present one: a rollout takes it, not a drain."""
    maker = pod.metadata.controller
    made_by = None if maker is None else known.get(Ref("ReplicaSet", pod.metadata.namespace, maker.name))
    if not isinstance(made_by, ReplicaSet):
        return True
    return without_hash(made_by.spec.template) != without_hash(owner.spec.template)


def _may_stay(owner: DaemonSet, node: Object) -> bool:
    return isinstance(node, Node) and wish(owner, node).keeps


def publishes_unready(service: Service, pod: Pod) -> bool:
    """Tell whether a Service leads to a Pod whether it is ready or not, and so until it is gone."""
    return service.spec.publish_not_ready_addresses and selects_pod(service, pod)


def published_blame(service: Service) -> Blame:
    """Name the field by which a Service leads to Pods that end."""
    why = "it leads to a Pod until that is gone, however long its programs have ended"
    return Blame(ref_of(service), "spec.publishNotReadyAddresses", why)


def probe_blame(pod: Pod, objects: Iterable[Object]) -> Blame:
    """Name the readiness probe that a Pod lacks whose programs take a while to start up."""
    ref = written(pod, objects)
    why = f"without one the Pod counts as ready {starts_in(pod)} s before its program answers ({STARTS_IN})"
    return Blame(ref, below(ref, "containers[0].readinessProbe"), why)


def hook_blame(bound: int | None, pod: Pod, asked: Collection[int], objects: Iterable[Object]) -> Blame:
    """Name the hook that is too short, and with z3 the preStop delay that would do; `asked` are the ports asked for."""
    hook, grace = _times(pod.spec, asked)
    ref = written(pod, objects)
    first = first_to_stop(pod.spec, asked, most=True)
    field = hook_field(ref, pod.spec, asked, most=True)
    if first is not None and not before_sigterm(pod.spec, first).exact:
        return unread_blame(bound, ref, pod.spec, asked)
    if bound is None:
        return Blame(ref, field, "a preStop delay as long as the propagation time is what it takes: now there is none")
    answer = smallest_prestop(_bounds(bound), grace)
    if isinstance(answer, Impossible):
        return Blame(ref, field, "no preStop delay is long enough: the grace period is shorter than the bound")
    what = f"a preStop delay of {answer.seconds} s is the smallest that is long enough (now {hook} s)"
    return Blame(ref, field, what)


def unread_blame(bound: int | None, ref: Ref, spec: PodSpec, asked: Collection[int]) -> Blame:
    """Name the hook whose length nobody can read off, and what to write so that everybody can."""
    first = first_to_stop(spec, asked)
    surely = 0 if first is None else before_sigterm(spec, first).seconds
    known = f"all that is sure is {surely:g} s" if surely else "nobody can read off how long it takes"
    wanted = f"of {bound} s" if bound is not None else "as long as the propagation time"
    what = f"{known}: a preStop.sleep {wanted}, or a command that begins with a sleep {wanted}, would do"
    return Blame(ref, hook_field(ref, spec, asked, most=False), what)


def hook_field(ref: Ref, spec: PodSpec, asked: Collection[int], *, most: bool) -> str:
    """Return the path of the hook that ends first; `most`: one of unknown length has no end."""
    container = first_to_stop(spec, asked, most=most)
    if container in spec.init_containers:
        return below(ref, f"initContainers[{spec.init_containers.index(container)}].lifecycle.preStop")
    number = spec.containers.index(container) if container in spec.containers else 0
    return below(ref, f"containers[{number}].lifecycle.preStop")


def hook_advice(bound: int | None, pod: Pod, asked: Collection[int]) -> Iterator[str]:
    """Say, with z3, which timing makes the breach possible, and exactly which hooks are long enough."""
    if bound is None:
        yield "it holds for no propagation time: there is no preStop delay"
        return
    hook, grace = _times(pod.spec, asked)
    run = bad_run(_bounds(bound), hook, grace)
    if run is not None:
        timing = f"SIGTERM {run.sigterm} s after the deletion, the last proxy follows after {run.removed} s"
        yield f"a timing that allows it: {timing}"
        safe = weakest(Goal.NEW).given({"notice": 0, "endpoints": bound, "proxies": 0})
        yield f"{Goal.NEW.value} if and only if {safe} (seconds; now preStop {hook}, grace {grace})"


def balanced_advice(seconds: int, spec: PodSpec, asked: Collection[int]) -> Iterator[str]:
    """Say, with z3, which hooks are long enough where a load balancer follows after so many seconds."""
    hook, grace = _times(spec, asked)
    safe = weakest(Goal.BALANCED).given({"notice": 0, "endpoints": seconds, "proxies": 0, "checks": 0})
    yield f"{Goal.BALANCED.value} if and only if {safe} (seconds; now preStop {hook}, grace {grace})"


def _times(spec: PodSpec, asked: Collection[int]) -> tuple[int, int]:
    given = spec.termination_grace_period_seconds
    grace = DEFAULT_GRACE_SECONDS if given is None else given
    hook = pre_stop_seconds(spec, asked, most=True)
    return grace if math.isinf(hook) else int(hook), grace


def _bounds(bound: int) -> Bounds:
    return Bounds(kubelet=(0, 0), endpoints=(0, bound), proxies=(0, 0))


def room_advice(room: Verdict, places: tuple[str, ...]) -> str:
    """Say that a world has too few places for Pods, and where it is full of Pods that failed, that more do not help."""
    trace = room.trace
    pods = [one for slot in places if trace is not None and isinstance(one := _at_the_end(trace, slot), Pod)]
    failed = [pod for pod in pods if pod.status.phase == "Failed"]
    told = f"the world {room.evidence[0]}: raise bounds.pods (now {len(places)})"
    if len(failed) < CROWD:
        return told
    why = ", ".join(sorted({pod.status.reason or "Failed" for pod in failed}))
    where = ", ".join(sorted({pod.spec.node_name for pod in failed}))
    return (
        f"{told}; {len(failed)} of {len(pods)} Pods have failed on {where} ({why}) and stay there, and what wants them "
        f"running makes another for each: if nothing changes for them, no number of places is enough"
    )


def _at_the_end(trace: Trace, slot: str) -> object:
    """Return what is in a slot where a run ends."""
    value: object = trace.initial[slot]
    for step in trace.steps:
        for taken in (step, *step.urgent):
            value = taken.outcome.updates.get(slot, value)
    return value
