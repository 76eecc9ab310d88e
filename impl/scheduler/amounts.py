"""How much of each resource a Pod asks for and a node offers, as whole numbers: cpu in thousandths, all else in units.

Upstream: framework.Resource and calculateResource in pkg/scheduler/framework/types.go (v1.32).
Left out on purpose: in-place resizing (a Pod's status does not change what it asks for).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from attrs import evolve
from immutabledict import immutabledict

from ..api.core import Container, Pod, Resources
from ..api.values.qos import pod_requests
from ..api.values.quantity import Quantity, parse_quantity
from .framework import NodeInfo

Amounts = immutabledict[str, int]

ASSUMED: Resources = immutabledict({"cpu": parse_quantity("100m"), "memory": parse_quantity("200Mi")})
"""What a container that says nothing is taken to use when nodes are ranked, so that idle-looking Pods spread."""


def amount(resource: str, quantity: Quantity) -> int:
    """Return a quantity in the unit the scheduler counts the resource in."""
    return quantity.milli_value() if resource == "cpu" else quantity.value()


@lru_cache(maxsize=4096)
def requested(pod: Pod) -> Amounts:
    """Return what a Pod asks for."""
    return _amounts(pod_requests(pod.spec))


@lru_cache(maxsize=4096)
def presumed(pod: Pod) -> Amounts:
    """Return what a Pod asks for when every container that does not mention cpu or memory is presumed to use some."""
    spec = pod.spec
    containers = tuple(_presuming(container) for container in spec.containers)
    init_containers = tuple(_presuming(container) for container in spec.init_containers)
    return _amounts(pod_requests(evolve(spec, containers=containers, init_containers=init_containers)))


def _presuming(container: Container) -> Container:
    resources = container.resources
    return evolve(container, resources=evolve(resources, requests=ASSUMED | resources.requests))


def _amounts(resources: Mapping[str, Quantity]) -> Amounts:
    return immutabledict((name, amount(name, resources[name])) for name in sorted(resources))


def in_use(info: NodeInfo) -> Mapping[str, int]:
    """Add up what the Pods of a node ask for."""
    total: Counter[str] = Counter()
    for pod in info.pods:
        total.update(requested(pod))
    return total


def presumed_in_use(info: NodeInfo) -> Mapping[str, int]:
    """Add up what the Pods of a node are presumed to use."""
    total: Counter[str] = Counter()
    for pod in info.pods:
        total.update(presumed(pod))
    return total


def allocatable(info: NodeInfo) -> Amounts:
    """Return what a node has for Pods."""
    return _amounts(info.node.status.allocatable)
