"""What to change where connections are lost: the field of the object whose Pods are hit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..impl.api.apps import Deployment, ReplicaSet
from ..impl.api.core import Pod
from ..impl.api.kinds import Object
from ..impl.kubelet.timings import DEFAULT_GRACE_SECONDS, first_to_stop, pre_stop_seconds
from ..properties.reachability_prestop import Bounds, Impossible, bad_run, smallest_prestop
from ..properties.reachability_prestop_relation import Goal, weakest


def owner_of(pod: Pod, objects: Iterable[Object]) -> Object:
    """Give what a user would change to change a Pod: its Deployment, its ReplicaSet, or itself."""
    found: Object = pod
    known = {one.metadata.uid: one for one in objects if isinstance(one, Deployment | ReplicaSet)}
    while (owner := found.metadata.controller) is not None and owner.uid in known:
        found = known[owner.uid]
    return found


def field_of(pod: Pod, objects: Iterable[Object], field: str) -> str:
    """Name a field of a Pod's spec where a user would change it."""
    owner = owner_of(pod, objects)
    within = "spec" if isinstance(owner, Pod) else "spec.template.spec"
    return f"{type(owner).__name__} {owner.metadata.name}: {within}.{field}"


def gap_advice(pod: Pod, objects: Iterable[Object]) -> str:
    """Say what keeps somebody answering when a Pod like this goes."""
    owner = owner_of(pod, objects)
    name = f"{type(owner).__name__} {owner.metadata.name}"
    if not isinstance(owner, Deployment | ReplicaSet):
        return f"{name} is replaced by nobody: a Deployment with two replicas would go on answering"
    if isinstance(owner, Deployment) and owner.spec.strategy.type == "Recreate":
        return f"{name}: spec.strategy.type: RollingUpdate lets new Pods answer before the old ones go"
    if owner.spec.replicas in {0, 1, None}:
        why = "a Pod that is alone leaves a gap; two, and a PodDisruptionBudget that selects them, leave none"
        return f"{name}: spec.replicas: {why}"
    if isinstance(owner, Deployment):
        return f"{name}: spec.strategy.rollingUpdate.maxUnavailable: with 0 a new Pod is ready before an old one goes"
    return f"{name}: spec.replicas: with more Pods some go on answering"


def hook_advice(bound: int | None, pod: Pod, objects: Iterable[Object]) -> Iterator[str]:
    """Say, with z3, which timing makes the breach possible and which preStop delay would do."""
    spec = pod.spec
    hook, grace = int(pre_stop_seconds(spec)), spec.termination_grace_period_seconds or DEFAULT_GRACE_SECONDS
    first = first_to_stop(spec)
    field = field_of(pod, objects, f"containers[{first.name if first else ''}].lifecycle.preStop")
    if bound is None:
        yield f"it holds for no propagation time: a preStop delay as long as the time is what it takes: {field}"
        return
    times = Bounds(kubelet=(0, 0), endpoints=(0, bound), proxies=(0, 0))
    run = bad_run(times, hook, grace)
    if run is None:
        return
    timing = f"SIGTERM {run.sigterm} s after the deletion, the last proxy follows after {run.removed} s"
    yield f"a timing that allows it: {timing}"
    answer = smallest_prestop(times, grace)
    if isinstance(answer, Impossible):
        yield f"no preStop delay is long enough: the grace period of the Pod is shorter than the bound ({field})"
    else:
        yield f"the smallest preStop delay that is long enough is {answer.seconds} s (now {hook} s): {field}"
    yield _relation(bound, hook, grace)


def _relation(bound: int, hook: int, grace: int) -> str:
    """Say exactly which hooks and grace periods are long enough, whatever else happens."""
    safe = weakest(Goal.NEW).given({"notice": 0, "endpoints": bound, "proxies": 0})
    return f"{Goal.NEW.value} if and only if {safe} (seconds; now preStop {hook}, grace {grace})"
