"""Nodes for who gives none: as a kubelet of a fresh cluster reports them, with the storage class such a cluster has."""

from __future__ import annotations

from collections.abc import Mapping

from immutabledict import immutabledict

from ...impl.api.core import Node, NodeCondition, NodeStatus, Resources
from ...impl.api.meta import ObjectMeta
from ...impl.api.reading.nearest import did_you_mean
from ...impl.api.storage import StorageClass
from ...impl.api.values.frozen import strings
from ...impl.api.values.quantity import QuantityError, parse_quantity
from ...impl.api.well_known import DEFAULT_CLASS, HOSTNAME
from .files.manifests import READY

CAPACITY: Mapping[str, str] = {
    "cpu": "4",
    "ephemeral-storage": "100Gi",
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "0",
    "memory": "8Gi",
    "pods": "110",
}
"""What a plain node has unless told otherwise."""
PREFIXES = ("hugepages-", "attachable-volumes-")
"""How other names begin that stand without a domain."""
CONDITIONS = (
    NodeCondition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
    NodeCondition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    NodeCondition("PIDPressure", "False", "KubeletHasSufficientPID"),
    READY,
)
"""What the kubelet of a node in good order reports, in its order."""
NETWORK_STORAGE = "network-storage.example.com"
"""Who makes the volumes of a class that is not in the input."""
ASSUMED_DEFAULT = "default"
"""What the default class is called that is taken to exist."""
SYSTEM = {"os": "linux", "arch": "amd64"}


class CapacityError(ValueError):
    """A text that is no capacity of a node."""


def capacity_of(given: Mapping[str, str]) -> Resources:
    """Return the capacity of a plain node, with some of it given. Raises CapacityError."""
    for name in sorted(given):
        if "/" not in name and name not in CAPACITY and not name.startswith(PREFIXES):
            meant = did_you_mean(name, CAPACITY, f"known are {', '.join(CAPACITY)}, DOMAIN/NAME")
            raise CapacityError(f"a node has no {name}; {meant}")
    try:
        return immutabledict(
            (name, parse_quantity(str(amount))) for name, amount in sorted({**CAPACITY, **given}.items())
        )
    except QuantityError:
        wrong = next(f"{name}={amount}" for name, amount in sorted(given.items()) if not _is_quantity(str(amount)))
        raise CapacityError(f"expected amounts like cpu=8,memory=32Gi,pods=110, got {wrong}") from None


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except QuantityError:
        return False
    return True


def plain_nodes(count: int, capacity: Resources | None = None) -> tuple[Node, ...]:
    """Return plain nodes: node-1, node-2, ... with 4 cpu, 8Gi and room for 110 Pods, or what is given."""
    has = capacity_of({}) if capacity is None else capacity
    return tuple(_node(f"node-{number}", has) for number in range(1, count + 1))


def _node(name: str, capacity: Resources) -> Node:
    labels = {HOSTNAME: name}
    for key, value in SYSTEM.items():
        labels |= {f"kubernetes.io/{key}": value, f"beta.kubernetes.io/{key}": value}
    status = NodeStatus(capacity=capacity, allocatable=capacity, conditions=CONDITIONS)
    return Node(ObjectMeta(name=name, labels=strings(labels)), status=status)


def storage_class(name: str = "standard", *, default: bool = True) -> StorageClass:
    """Return a storage class whose volumes all nodes reach, made once a Pod that claims one is to have a node.

    They may grow. `default`: it is the class of claims that name none, as in a fresh cluster.
    """
    meta = ObjectMeta(name=name, annotations=strings({DEFAULT_CLASS: "true"} if default else {}))
    growing = immutabledict({"allowVolumeExpansion": True})
    return StorageClass(meta, NETWORK_STORAGE, "WaitForFirstConsumer", reclaim_policy="Delete", extra=growing)
