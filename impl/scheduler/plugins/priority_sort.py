"""PrioritySort: the order in which waiting Pods are tried.

Upstream: pkg/scheduler/framework/plugins/queuesort/priority_sort.go (v1.32).
Left out on purpose: the instant a Pod entered the queue; the creation time and then the name stand for it.
"""

from __future__ import annotations

from ...api.core import Pod


def priority(pod: Pod) -> int:
    """Return a Pod's priority; absent means 0."""
    return pod.spec.priority or 0


def sort_key(pod: Pod) -> tuple[int, int, str, str]:
    """Higher priority first, then older, then by namespace and name."""
    return -priority(pod), pod.metadata.creation_timestamp or 0, pod.metadata.namespace, pod.metadata.name
