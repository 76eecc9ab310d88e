"""What a Pod asks for as a whole, and the quality of service class that follows.

Upstream: staging/src/k8s.io/component-helpers/resource/helpers.go (PodRequests, PodLimits) and
pkg/apis/core/v1/helper/qos/qos.go (ComputePodQOS), v1.32.
Left out on purpose: pod-level resources (alpha in 1.32) and in-place resize.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from immutabledict import immutabledict

from ..core import Container, PodSpec, Resources
from .quantity import ZERO, Quantity

GUARANTEED = "Guaranteed"
BURSTABLE = "Burstable"
BEST_EFFORT = "BestEffort"
COUNTED = ("cpu", "memory")
"""The resources that decide the class."""


def pod_requests(spec: PodSpec) -> Resources:
    """Return what a Pod asks for at its peak, overhead included: its containers together, or what starts them.

    A sidecar (an init container that restarts Always) counts with the containers and with later init containers.
    """
    effective = _effective(spec, lambda container: container.resources.requests)
    return _frozen(_plus(effective, spec.overhead))


def pod_limits(spec: PodSpec) -> Resources:
    """Return the same of the limits; overhead counts only where there is a limit."""
    effective = _effective(spec, lambda container: container.resources.limits)
    return _frozen(_plus(effective, {name: extra for name, extra in spec.overhead.items() if name in effective}))


def qos_class(spec: PodSpec) -> str:
    """Return Guaranteed, Burstable or BestEffort, by the cpu and memory of all containers, init containers included."""
    everyone = (*spec.containers, *spec.init_containers)
    requests = _counted(container.resources.requests for container in everyone)
    limits = _counted(container.resources.limits for container in everyone)
    if not requests and not limits:
        return BEST_EFFORT
    both_limited = all(_positive(container.resources.limits).keys() == set(COUNTED) for container in everyone)
    same = requests.keys() == limits.keys() and all(requests[name].same_amount(limits[name]) for name in requests)
    return GUARANTEED if both_limited and same else BURSTABLE


def _effective(spec: PodSpec, part: Callable[[Container], Resources]) -> dict[str, Quantity]:
    total: dict[str, Quantity] = {}
    for container in spec.containers:
        total = _plus(total, part(container))
    sidecars: dict[str, Quantity] = {}
    peak: dict[str, Quantity] = {}
    for container in spec.init_containers:
        if container.restart_policy == "Always":
            total = _plus(total, part(container))
            sidecars = _plus(sidecars, part(container))
            peak = _larger(peak, sidecars)
        else:
            peak = _larger(peak, _plus(part(container), sidecars))
    return _larger(total, peak)


def _plus(one: Mapping[str, Quantity], other: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Add by name; a name only one has keeps its spelling."""
    return {**one, **{name: one[name] + extra if name in one else extra for name, extra in other.items()}}


def _larger(one: Mapping[str, Quantity], other: Mapping[str, Quantity]) -> dict[str, Quantity]:
    return {**one, **{name: extra for name, extra in other.items() if name not in one or extra > one[name]}}


def _positive(resources: Resources) -> dict[str, Quantity]:
    return {name: resources[name] for name in COUNTED if name in resources and resources[name] > ZERO}


def _counted(resources: Iterable[Resources]) -> dict[str, Quantity]:
    total: dict[str, Quantity] = {}
    for resource in resources:
        total = _plus(total, _positive(resource))
    return total


def _frozen(resources: Mapping[str, Quantity]) -> Resources:
    return immutabledict((name, resources[name]) for name in sorted(resources))
