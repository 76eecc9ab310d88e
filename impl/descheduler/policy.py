"""A DeschedulerPolicy: which strategies are on, and what they are told.

Upstream: kubernetes-sigs/descheduler, pkg/api/v1alpha2/types.go (profiles) and the older v1alpha1 (strategies), v0.32.
Strategies and arguments that are not known here are named, for whoever reads a policy to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from ..api.values.frozen import as_map

DUPLICATES = "RemoveDuplicates"
SPREAD = "RemovePodsViolatingTopologySpreadConstraint"
TAINTS = "RemovePodsViolatingNodeTaints"
EVICTOR = "DefaultEvictor"
HARD, SOFT = "DoNotSchedule", "ScheduleAnyway"
POINTS = ("balance", "deschedule", "filter", "preEvictionFilter")
ARGUMENTS: Mapping[str, frozenset[str]] = {
    DUPLICATES: frozenset(),
    SPREAD: frozenset({"constraints", "includeSoftConstraints", "topologyBalanceNodeFit"}),
    TAINTS: frozenset(),
    EVICTOR: frozenset({"nodeFit", "evictLocalStoragePods", "evictSystemCriticalPods"}),
}
"""What each strategy may be told."""


@frozen
class Policy:
    """What a descheduler does in every cycle."""

    duplicates: bool = False
    """Pods of one owner are evicted from nodes that have more than their share."""
    spread: frozenset[str] = frozenset()
    """Of topology spread constraints, those with one of these words for `whenUnsatisfiable` are balanced."""
    taints: bool = False
    """Pods are evicted from nodes whose NoSchedule taints they do not tolerate."""
    node_fit: bool = False
    """Nobody is evicted who fits on no other node."""
    balance_fits: bool = True
    """The same, of those that are evicted for the sake of a constraint."""
    local_storage: bool = False
    """Pods that use an emptyDir or a path of the node may be evicted, too."""
    system_critical: bool = False
    """Pods of the classes that the system cannot do without may be evicted, too."""
    unknown: tuple[str, ...] = ()
    """Strategies and arguments that are not known here."""


def read_policy(json: Mapping[str, Any]) -> Policy:
    """Read a policy in either version."""
    enabled = dict(_profiles(json) if "profiles" in json else _strategies(json))
    evictor, spread = enabled.get(EVICTOR, {}), enabled.get(SPREAD)
    return Policy(
        duplicates=DUPLICATES in enabled,
        spread=frozenset() if spread is None else _constraints(spread),
        taints=TAINTS in enabled,
        node_fit=bool(evictor.get("nodeFit")),
        balance_fits=spread is None or spread.get("topologyBalanceNodeFit") is not False,
        local_storage=bool(evictor.get("evictLocalStoragePods")),
        system_critical=bool(evictor.get("evictSystemCriticalPods")),
        unknown=tuple(dict.fromkeys(_unknown(enabled))),
    )


def _constraints(arguments: Mapping[str, Any]) -> frozenset[str]:
    given = arguments.get("constraints")
    if given:
        return frozenset(map(str, given))
    return frozenset({HARD, SOFT} if arguments.get("includeSoftConstraints") else {HARD})


def _unknown(enabled: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, arguments in enabled.items():
        known = ARGUMENTS.get(name)
        yield from (name,) if known is None else (f"{name}.{key}" for key in arguments if key not in known)


def _profiles(json: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what a policy of v1alpha2 turns on, with its arguments; the evictor is always on."""
    for profile in map(as_map, json.get("profiles") or ()):
        told = {
            str(entry.get("name")): as_map(entry.get("args"))
            for entry in map(as_map, profile.get("pluginConfig") or ())
        }
        points = as_map(profile.get("plugins"))
        names = (name for point in POINTS for name in as_map(points.get(point)).get("enabled") or ())
        yield from ((str(name), told.get(str(name), {})) for name in (EVICTOR, *names))


def _strategies(json: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what a policy of v1alpha1 turns on; what it says of evictions counts for all."""
    for name, strategy in as_map(json.get("strategies")).items():
        if as_map(strategy).get("enabled"):
            yield str(name), as_map(as_map(strategy).get("params"))
    yield EVICTOR, {key: json[key] for key in ARGUMENTS[EVICTOR] if key in json}
