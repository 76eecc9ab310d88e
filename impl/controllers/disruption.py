"""The disruption controller: how many Pods of a budget may be evicted now.

Upstream: pkg/controller/disruption/disruption.go (v1.32).
Left out on purpose: Events; the DisruptionAllowed condition; the scale subresource of custom controllers, and with it
kinds without a class here. Their Pods, like those of a DaemonSet, have no controller whose scale can be found, and the
sync fails.
The recheck when a disrupted Pod's two minutes are over is a timer.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen
from immutabledict import immutabledict

from ..api.apps import Sized
from ..api.cache import Cache
from ..api.core import Pod
from ..api.kinds import Object
from ..api.meta import OwnerReference, Ref, Time
from ..api.policy import PodDisruptionBudget, PodDisruptionBudgetStatus
from ..api.requests import Request, Update
from ..api.values.int_or_percent import scaled_value
from ..api.values.selectors import selects
from ..api.workloads import SCALED, only_size
from .common import Keep, Transform, slim_metadata, slim_pod, whole

DELETION_TIMEOUT = 120
"""Seconds after which an evicted Pod that is still there counts again."""


@frozen
class NoController:
    """A Pod's controller cannot be found, so the budget cannot be computed."""

    pod: str


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Pod", "PodDisruptionBudget", *SCALED)


def reconcile(cache: Cache, key: Ref, *, now: Time = 0, resubmits: bool = False) -> tuple[Request, ...]:
    """Return the status update of one sync of a budget, if it is needed.

    A Pod without a known controller makes the sync fail safe: no disruption is allowed, nothing else changes.
    `resubmits` is the controller before 1.16: where the budget had changed it read it anew and wrote the status that it
    had counted before, so that nothing was a conflict (k/k#82149).
    """
    pdb = cache.get(PodDisruptionBudget, key)
    if pdb is None:
        return ()
    pods = tuple(
        pod for pod in cache.list(Pod, pdb.metadata.namespace) if selects(pdb.spec.selector, pod.metadata.labels)
    )
    counts = expected_and_desired(cache, pdb, pods)
    if isinstance(counts, NoController):
        return _write(pdb, evolve(pdb.status, disruptions_allowed=0), resubmits=resubmits)
    expected, desired = counts
    disrupted = disrupted_pods(pdb.status.disrupted_pods, pods, now)
    healthy = count_healthy(pods, disrupted, now)
    return _write(
        pdb,
        evolve(
            pdb.status,
            observed_generation=pdb.metadata.generation,
            current_healthy=healthy,
            desired_healthy=desired,
            expected_pods=expected,
            # A budget that selects no Pod yet must not let the first ones go unseen.
            disruptions_allowed=max(0, healthy - desired) if expected > 0 else 0,
            disrupted_pods=disrupted,
        ),
        resubmits=resubmits,
    )


def _write(pdb: PodDisruptionBudget, status: PodDisruptionBudgetStatus, *, resubmits: bool) -> tuple[Request, ...]:
    base = None if resubmits else pdb
    return () if status == pdb.status else (Update(evolve(pdb, status=status), base, "status"),)


def expected_and_desired(
    cache: Cache, pdb: PodDisruptionBudget, pods: tuple[Pod, ...]
) -> tuple[int, int] | NoController:
    """Return how many Pods there should be, and how many of them must be healthy; percentages are rounded up."""
    minimum, maximum = pdb.spec.min_available, pdb.spec.max_unavailable
    if maximum is None and isinstance(minimum, int):
        return len(pods), minimum
    expected = expected_scale(cache, pods)
    if isinstance(expected, NoController):
        return expected
    if maximum is not None:
        return expected, max(0, expected - scaled_value(maximum, expected, round_up=True))
    return (0, 0) if minimum is None else (expected, scaled_value(minimum, expected, round_up=True))


def expected_scale(cache: Cache, pods: tuple[Pod, ...]) -> int | NoController:
    """Sum the wanted replicas of the controllers of the Pods, each once; Pods without a controller add nothing."""
    scales: dict[str, int] = {}
    for pod in pods:
        controller = pod.metadata.controller
        if controller is None or controller.uid in scales:
            continue
        found = _scale(cache, controller, pod.metadata.namespace) if controller.kind in SCALED else None
        if found is None:
            return NoController(pod.metadata.name)
        uid, replicas = found
        scales[uid] = replicas
    return sum(scales.values())


def _scale(cache: Cache, controller: OwnerReference, namespace: str) -> tuple[str, int] | None:
    """Find a controller's uid and wanted replicas: those of a workload that controls it in turn, else its own."""
    found = cache.objects.get(Ref(controller.kind, namespace, controller.name))
    if not isinstance(found, Sized) or found.metadata.uid != controller.uid:
        return None
    above = found.metadata.controller
    if above is not None and above.kind in SCALED:
        return _scale(cache, above, namespace)
    return found.metadata.uid, found.spec.wanted


def disrupted_pods(noted: Mapping[str, Time], pods: tuple[Pod, ...], now: Time) -> immutabledict[str, Time]:
    """Keep of the evicted Pods those that are still there, not terminating, and within their two minutes."""
    return immutabledict(
        (pod.metadata.name, noted[pod.metadata.name])
        for pod in pods
        if pod.metadata.name in noted
        and not pod.metadata.terminating
        and noted[pod.metadata.name] + DELETION_TIMEOUT >= now
    )


def count_healthy(pods: tuple[Pod, ...], disrupted: Mapping[str, Time], now: Time) -> int:
    """Count the ready Pods that are neither terminating nor about to be."""
    return sum(
        pod.ready
        and not pod.metadata.terminating
        and not (pod.metadata.name in disrupted and disrupted[pod.metadata.name] + DELETION_TIMEOUT > now)
        for pod in pods
    )


# --- what it looks at -----------------------------------------------------------------------------------------------


def _slim(obj: Object) -> Object | None:
    """Keep labels, owner and readiness of Pods, and the size and the owner of what controls them."""
    if isinstance(obj, Pod):
        slim = slim_pod(obj, Keep(labels=True, owners=True))
        return evolve(slim, status=evolve(slim.status, phase=""))
    return only_size(obj, slim_metadata(obj.metadata, Keep(owners=True))) if isinstance(obj, Sized) else None


TRANSFORM: Transform = immutabledict({"Pod": _slim, "PodDisruptionBudget": whole, **dict.fromkeys(SCALED, _slim)})
