"""The arguments of plugins in a KubeSchedulerConfiguration: pluginConfig.

Upstream: pkg/scheduler/apis/config/types_pluginargs.go and apis/config/validation/validation_pluginargs.go (v1.32).
Left out on purpose: the arguments of DefaultPreemption (only a tenth of many nodes is not modelled) and VolumeBinding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve

from ...api.core import NodeAffinity, TopologySpreadConstraint
from ...api.reading.convert import BadObject, structure
from ..plugins.resource_scoring import Point, ScoringStrategy
from ..profile import Args
from .reader import Reader

API_VERSION = "kubescheduler.config.k8s.io/v1"
STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")
MOST = 100
Fields = Mapping[str, Any]


def read_args(reader: Reader, entries: Iterable[Any], at: str, plugins: Iterable[str]) -> Args:
    """Read the arguments of all plugins of a profile."""
    args, seen = Args(), set[str]()
    for number, item in enumerate(entries):
        place = f"{at}[{number}]"
        entry = reader.map(item, place, ("name", "args"))
        name = reader.known(entry, "name", place, plugins)
        if name and name in seen:
            reader.blame(f"{place}.name", f"{name!r} has arguments twice", "put them into one entry")
        seen.add(name)
        read = READERS.get(name)
        if read is not None:
            args = read(reader, entry.get("args") or {}, f"{place}.args", args)
        elif name and entry.get("args"):
            takers = ", ".join(sorted(READERS))
            reader.blame(f"{place}.args", f"arguments of {name} are not modelled", f"modelled are those of {takers}")
    return args


def _fields(reader: Reader, data: Any, at: str, plugin: str, *known: str) -> Fields:
    fields = reader.map(data, at, ("apiVersion", "kind", *known))
    for name, wanted in (("apiVersion", API_VERSION), ("kind", f"{plugin}Args")):
        if fields.get(name, wanted) != wanted:
            reader.blame(f"{at}.{name}", f"expected {wanted}, got {fields[name]!r}", "correct it or leave it out")
    return fields


def _fit(reader: Reader, data: Any, at: str, args: Args) -> Args:
    fields = _fields(
        reader, data, at, "NodeResourcesFit", "scoringStrategy", "ignoredResources", "ignoredResourceGroups"
    )
    return evolve(
        args,
        scoring_strategy=_strategy(reader, fields.get("scoringStrategy") or {}, f"{at}.scoringStrategy"),
        ignored_resources=_words(reader, fields, "ignoredResources", at),
        ignored_resource_groups=_words(reader, fields, "ignoredResourceGroups", at),
    )


def _words(reader: Reader, fields: Fields, name: str, at: str) -> frozenset[str]:
    found = reader.items(fields, name, at)
    return frozenset(reader.text({name: item}, name, at) for item in found)


def _strategy(reader: Reader, data: Any, at: str) -> ScoringStrategy:
    fields = reader.map(data, at, ("type", "resources", "requestedToCapacityRatio"))
    kind = reader.known({"type": "LeastAllocated"} | dict(fields), "type", at, STRATEGIES) or "LeastAllocated"
    given = _resources(reader, fields, at)
    ratio = reader.map(fields.get("requestedToCapacityRatio") or {}, f"{at}.requestedToCapacityRatio", ("shape",))
    shape = _shape(reader, ratio, f"{at}.requestedToCapacityRatio")
    if kind == "RequestedToCapacityRatio" and not shape:
        hint = "give at least one point with utilization and score"
        reader.blame(f"{at}.requestedToCapacityRatio.shape", "expected a shape, got none", hint)
        shape = ((0, 0),)
    return ScoringStrategy(kind, given or ScoringStrategy().resources, shape if kind == STRATEGIES[2] else ())


def _resources(reader: Reader, fields: Fields, at: str) -> tuple[tuple[str, int], ...]:
    found = []
    for number, item in enumerate(reader.items(fields, "resources", at)):
        place = f"{at}.resources[{number}]"
        entry = reader.map(item, place, ("name", "weight"))
        weight = reader.integer(entry, "weight", place, 1, least=1, most=MOST)
        found.append((reader.text(entry, "name", place), weight))
    return tuple(found)


def _shape(reader: Reader, fields: Fields, at: str) -> tuple[Point, ...]:
    points: list[Point] = []
    for number, item in enumerate(reader.items(fields, "shape", at)):
        place = f"{at}.shape[{number}]"
        entry = reader.map(item, place, ("utilization", "score"))
        here = reader.integer(entry, "utilization", place, 0, least=0, most=100)
        if points and here <= points[-1][0]:
            reader.blame(f"{place}.utilization", f"expected more than {points[-1][0]}, got {here}", "sort the points")
        points.append((here, reader.integer(entry, "score", place, 0, least=0, most=10)))
    return tuple(points)


def _balanced(reader: Reader, data: Any, at: str, args: Args) -> Args:
    fields = _fields(reader, data, at, "NodeResourcesBalancedAllocation", "resources")
    named = tuple(name for name, _ in _resources(reader, fields, at))
    return evolve(args, balanced_resources=named or args.balanced_resources)


def _spread(reader: Reader, data: Any, at: str, args: Args) -> Args:
    fields = _fields(reader, data, at, "PodTopologySpread", "defaultConstraints", "defaultingType")
    kind = reader.known({"defaultingType": "System"} | dict(fields), "defaultingType", at, ("System", "List"))
    given = reader.items(fields, "defaultConstraints", at)
    if kind == "System" and given:
        reader.blame(f"{at}.defaultConstraints", "are given though defaultingType is System", "set it to List")
    read = [_structured(reader, item, TopologySpreadConstraint, f"{at}.defaultConstraints") for item in given]
    constraints = tuple(constraint for constraint in read if constraint is not None)
    for constraint in constraints:
        if constraint.label_selector is not None:
            hint = "leave it out: it is worked out for each Pod"
            reader.blame(f"{at}.defaultConstraints", "a default constraint cannot have a labelSelector", hint)
    return evolve(args, default_constraints=constraints if kind == "List" else None)


def _structured(reader: Reader, data: Any, cls: type[Any], at: str) -> Any:
    try:
        made = structure(data, cls)
    except BadObject as error:
        for wrong in error.errors:
            reader.blame(f"{at}.{wrong.path}" if wrong.path else at, wrong.message, wrong.hint or "see the API of Pods")
        return None
    for name in made.extra:
        reader.blame(f"{at}.{name}", "unknown field", "see the API of Pods")
    return made


def _affinity(reader: Reader, data: Any, at: str, args: Args) -> Args:
    fields = _fields(reader, data, at, "NodeAffinity", "addedAffinity")
    added = _structured(reader, fields.get("addedAffinity") or {}, NodeAffinity, f"{at}.addedAffinity")
    return evolve(args, added_affinity=added or NodeAffinity())


def _neighbours(reader: Reader, data: Any, at: str, args: Args) -> Args:
    names = ("hardPodAffinityWeight", "ignorePreferredTermsOfExistingPods")
    fields = _fields(reader, data, at, "InterPodAffinity", *names)
    return evolve(
        args,
        hard_pod_affinity_weight=reader.integer(fields, names[0], at, 1, least=0, most=100),
        ignore_preferred_terms_of_existing_pods=reader.flag(fields, names[1], at),
    )


READERS: Mapping[str, Callable[[Reader, Any, str, Args], Args]] = {
    "NodeResourcesFit": _fit,
    "NodeResourcesBalancedAllocation": _balanced,
    "PodTopologySpread": _spread,
    "NodeAffinity": _affinity,
    "InterPodAffinity": _neighbours,
}
