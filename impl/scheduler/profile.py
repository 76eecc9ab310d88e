"""The default profile: which plugins run, in which order, with which weights.

Upstream: pkg/scheduler/apis/config/v1/default_plugins.go (v1.32).
Left out on purpose: dynamic resources, and what binds volumes once a node is chosen.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from . import (
    balanced_allocation,
    image_locality,
    inter_pod_affinity,
    inter_pod_affinity_score,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    node_volume_limits,
    pod_topology_spread,
    pod_topology_spread_score,
    taint_toleration,
    volume_binding,
    volume_restrictions,
    volume_zone,
)
from .framework import FilterPlugin, ScorePlugin


@frozen
class Profile:
    """Filters in the order in which the first that refuses wins, and rankings with their weights.

    `percentage_of_nodes_to_score`: when so many of the nodes are feasible, no more are looked at; 0 is fewer the more
    nodes there are. At least a hundred are always looked for.
    """

    filters: tuple[FilterPlugin[Any], ...]
    scores: tuple[ScorePlugin[Any], ...]
    percentage_of_nodes_to_score: int = 0


DEFAULT = Profile(
    filters=(
        node_unschedulable.PLUGIN,
        node_name.PLUGIN,
        taint_toleration.PLUGIN,
        node_affinity.PLUGIN,
        node_ports.PLUGIN,
        node_resources_fit.PLUGIN,
        volume_restrictions.PLUGIN,
        node_volume_limits.PLUGIN,
        volume_binding.PLUGIN,
        volume_zone.PLUGIN,
        pod_topology_spread.PLUGIN,
        inter_pod_affinity.PLUGIN,
    ),
    scores=(
        taint_toleration.SCORE,
        node_affinity.SCORE,
        node_resources_fit.SCORE,
        pod_topology_spread_score.SCORE,
        inter_pod_affinity_score.SCORE,
        balanced_allocation.SCORE,
        image_locality.SCORE,
    ),
)
