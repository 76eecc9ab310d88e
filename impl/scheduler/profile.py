"""Profiles: which plugins run, in which order, with which weights and arguments; and the default one.

Upstream: pkg/scheduler/apis/config/v1/{default_plugins,defaults}.go and apis/config/types_pluginargs.go (v1.32, v1.36).
Profiles are read from a KubeSchedulerConfiguration in configuration.py.
Left out on purpose: dynamic resources, and what binds volumes once a node is chosen.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from attrs import evolve, frozen

from ..api.core import NodeAffinity
from ..api.releases import NEWEST, Change, Release
from .framework import FilterPlugin, ScorePlugin
from .plugins import (
    balanced_allocation,
    dynamic_resources,
    image_locality,
    inter_pod_affinity,
    inter_pod_affinity_score,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    pod_topology_spread,
    pod_topology_spread_score,
    resource_scoring,
    taint_toleration,
)
from .plugins.pod_topology_spread import Constraints
from .plugins.resource_scoring import ScoringStrategy
from .plugins.volumes import node_volume_limits, volume_binding, volume_restrictions, volume_zone


@frozen
class Profile:
    """Filters in the order in which the first that refuses wins, and rankings with their weights.

    `percentage_of_nodes_to_score`: when so many of the nodes are feasible, no more are looked at; 0 is fewer the more
    nodes there are. At least a hundred are always looked for. `gives_back`: DynamicResources comes before preemption.
    """

    filters: tuple[FilterPlugin[Any], ...]
    scores: tuple[ScorePlugin[Any], ...]
    percentage_of_nodes_to_score: int = 0
    preempts: bool = True
    gives_back: bool = False
    release: Release = NEWEST


@cache
def default_profile(release: Release) -> Profile:
    """Return the profile that a release's scheduler has unless it is told otherwise; the same value each time."""
    return Profile(
        filters=(
            node_unschedulable.PLUGIN,
            node_name.PLUGIN,
            taint_toleration.plugin(release),
            node_affinity.PLUGIN,
            node_ports.PLUGIN,
            node_resources_fit.plugin_with(release),
            volume_restrictions.plugin(release),
            node_volume_limits.PLUGIN,
            volume_binding.plugin(release),
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
            *((dynamic_resources.SCORE,) if Change.DYNAMIC_RESOURCES in release else ()),
            balanced_allocation.score_with(release, balanced_allocation.SCORED, 1),
            image_locality.SCORE,
        ),
        gives_back=Change.DYNAMIC_RESOURCES in release,
        release=release,
    )


DEFAULT = default_profile(NEWEST)


@frozen
class Args:
    """The arguments of the plugins that have some. `default_constraints` None are the system's own."""

    scoring_strategy: ScoringStrategy = ScoringStrategy()
    ignored_resources: frozenset[str] = frozenset()
    ignored_resource_groups: frozenset[str] = frozenset()
    balanced_resources: tuple[str, ...] = balanced_allocation.SCORED
    default_constraints: Constraints | None = None
    hard_pod_affinity_weight: int = inter_pod_affinity_score.HARD_POD_AFFINITY_WEIGHT
    ignore_preferred_terms_of_existing_pods: bool = False
    added_affinity: NodeAffinity = NodeAffinity()


def filter_plugin(name: str, args: Args, release: Release = NEWEST) -> FilterPlugin[Any] | None:
    """Return a release's plugin that refuses nodes, with its arguments; None if there is none of that name."""
    if name == node_resources_fit.NAME and (args.ignored_resources or args.ignored_resource_groups):
        return node_resources_fit.plugin_with(release, args.ignored_resources, args.ignored_resource_groups)
    if name == pod_topology_spread.NAME and args.default_constraints is not None:
        constraints = partial(pod_topology_spread_score.hard_defaults, args.default_constraints)
        return pod_topology_spread.plugin_with(constraints)
    if name == node_affinity.NAME and args.added_affinity != NodeAffinity():
        return node_affinity.plugin_with(args.added_affinity)
    return next((plugin for plugin in default_profile(release).filters if plugin.name == name), None)


def score_plugin(name: str, weight: int, args: Args, release: Release = NEWEST) -> ScorePlugin[Any] | None:
    """Return a release's plugin that ranks nodes, with its weight and arguments; None if there is none of that name."""
    if name == node_resources_fit.NAME:
        return resource_scoring.score_with(args.scoring_strategy, weight)
    if name == balanced_allocation.NAME:
        return balanced_allocation.score_with(release, args.balanced_resources, weight)
    if name == pod_topology_spread.NAME:
        return pod_topology_spread_score.score_with(args.default_constraints, weight)
    if name == inter_pod_affinity.NAME:
        ignore = args.ignore_preferred_terms_of_existing_pods
        hard = args.hard_pod_affinity_weight
        return inter_pod_affinity_score.score_with(hard, weight, ignore_preferred_terms_of_existing_pods=ignore)
    if name == node_affinity.NAME and args.added_affinity != NodeAffinity():
        return node_affinity.score_with(args.added_affinity, weight)
    plain = next((score for score in default_profile(release).scores if score.name == name), None)
    return None if plain is None else evolve(plain, weight=weight)
