"""NodeVolumeLimits: a node attaches no more volumes of a CSI driver than the driver says it can.

Upstream: pkg/scheduler/framework/plugins/nodevolumelimits/csi.go (v1.32).
Left out on purpose: in-tree sources migrated to CSI, inline CSI volumes, and volumes attached for Pods that are gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from ....api.cache import Cache
from ....api.core import Pod
from ....api.meta import Ref
from ....api.storage import CSINode
from ...framework import FilterPlugin, NodeInfo, Prepared, Refusal, Snapshot
from .volume_claims import Claimed, claims, class_of, volume_of

NAME = "NodeVolumeLimits"
EXCEEDED = Refusal(NAME, ("node(s) exceed max volume count",))

Attached = immutabledict[str, str]
"""Volumes by a name that is theirs alone, each with its driver."""


@frozen
class Limited:
    """The volumes the Pod needs, and the cache to look others up in."""

    wanted: Attached
    cache: Cache


def attachments(pod: Pod, cache: Cache) -> Attached:
    """Name the CSI volumes a Pod needs attached."""
    found = (_attachment(claimed, cache) for claimed in claims(pod, cache))
    return immutabledict(disk for disk in found if disk is not None)


def _attachment(one: Claimed, cache: Cache) -> tuple[str, str] | None:
    """Name the volume of a claim; one without counts as one of its class's driver, by the claim's name."""
    if one.claim is None:
        return None
    volume = volume_of(one.claim, cache)
    if volume is not None:
        source: Any = volume.spec.extra.get("csi")
        return (f"{source['driver']}/{source['volumeHandle']}", source["driver"]) if source else None
    found = class_of(one.claim, cache)
    if found is None:
        return None
    return f"{found.provisioner}/{found.provisioner}-{one.namespace}/{one.name}", found.provisioner


def limits(node: str, cache: Cache) -> Mapping[str, int]:
    """Return how many volumes of each driver a node can attach; drivers without a limit are absent."""
    found = cache.get(CSINode, Ref("CSINode", "", node))
    drivers = () if found is None else found.spec.drivers
    counts = ((driver.name, driver.allocatable.count if driver.allocatable else None) for driver in drivers)
    return {name: count for name, count in counts if count is not None}


def pre_filter(snapshot: Snapshot, pod: Pod) -> Prepared[Limited] | None:
    """Skip a Pod that claims no volume."""
    return Prepared(Limited(attachments(pod, snapshot.cache), snapshot.cache)) if claims(pod, snapshot.cache) else None


def filter_node(state: Limited, _pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node on which the new volumes would be too many; one that is attached already is not new."""
    most = limits(info.name, state.cache) if state.wanted else {}
    if not most:
        return None
    there: dict[str, str] = {}
    for pod in info.pods:
        there.update(attachments(pod, state.cache))
    used = Counter(there.values())
    new = Counter(driver for name, driver in state.wanted.items() if name not in there)
    return (
        EXCEEDED
        if any(used[name] + count > most.get(name, used[name] + count) for name, count in new.items())
        else None
    )


PLUGIN = FilterPlugin(NAME, filter_node, pre_filter)
