"""A KubeSchedulerConfiguration: the profiles of a scheduler, by schedulerName, and how long Pods rest.

Upstream: pkg/scheduler/apis/config/{types,types_pluginargs}.go, apis/config/v1/default_plugins.go (mergePlugins),
apis/config/validation and expandMultiPointPlugins in pkg/scheduler/framework/runtime/framework.go (v1.36).
The arguments of plugins are read in configuration_args.py. Reading YAML is somebody else's business: this takes plain
maps and lists.
Left out on purpose: extenders, plugins that are not part of Kubernetes, and what has no part in a decision (addresses,
profiling, leader election), which is accepted and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...api.reading.load import BadInput
from ..profile import DEFAULT, Args, Profile, filter_plugin, score_plugin
from ..queue.entry import DEFAULT_SCHEDULER, QueueSettings
from ..queue.queueing_hint_map import registrations
from .args import read_args
from .reader import Reader

API_VERSION, KIND = "kubescheduler.config.k8s.io/v1", "KubeSchedulerConfiguration"
IGNORED = (
    "parallelism",
    "leaderElection",
    "clientConnection",
    "healthzBindAddress",
    "metricsBindAddress",
    "enableProfiling",
    "enableContentionProfiling",
    "delayCacheUntilActive",
)
FIELDS = (
    "apiVersion",
    "kind",
    "profiles",
    "extenders",
    "percentageOfNodesToScore",
    "podInitialBackoffSeconds",
    "podMaxBackoffSeconds",
    *IGNORED,
)
POINTS = (
    "preEnqueue",
    "queueSort",
    "preFilter",
    "filter",
    "postFilter",
    "preScore",
    "score",
    "reserve",
    "permit",
    "preBind",
    "bind",
    "postBind",
)
MULTI_POINT = "multiPoint"
ALL = "*"
PREEMPTION, SORT, GATES, BINDER = "DefaultPreemption", "PrioritySort", "SchedulingGates", "DefaultBinder"
DEVICES = "DynamicResources"
DEFAULT_ORDER = (
    GATES,
    SORT,
    "NodeUnschedulable",
    "NodeName",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeBinding",
    "VolumeZone",
    "PodTopologySpread",
    "InterPodAffinity",
    DEVICES,
    PREEMPTION,
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
    BINDER,
)
"""What multiPoint enables by default, in order, but for NodeDeclaredFeatures, which no Pod here depends on."""
WEIGHTS: Mapping[str, int] = {score.name: score.weight for score in DEFAULT.scores}
MOST_WEIGHT = (2**31 - 1) // 100
"""A total of scores must fit into what upstream counts in."""

Chosen = tuple[tuple[str, int], ...]
"""Plugins in order with the weights they were given; 0 is none."""


@frozen
class Configuration:
    """The profiles by schedulerName, and the back-off in seconds."""

    profiles: Mapping[str, Profile] = field(factory=lambda: immutabledict({DEFAULT_SCHEDULER: DEFAULT}))
    pod_initial_backoff: int = 1
    pod_max_backoff: int = 10

    def queue_settings(self, *, queueing_hints: bool = False) -> QueueSettings:
        """Return the settings of the queue in front of these profiles: plugins that are off wait for nothing."""
        tables = {
            name: tuple(
                registration
                for registration in registrations(queueing_hints=queueing_hints)
                if _waits(registration.plugin, profile)
            )
            for name, profile in self.profiles.items()
        }
        return QueueSettings(
            immutabledict(tables),
            queueing_hints,
            pod_initial_backoff=self.pod_initial_backoff,
            pod_max_backoff=self.pod_max_backoff,
        )


def _waits(plugin: str, profile: Profile) -> bool:
    return plugin == GATES or any(plugged.name == plugin for plugged in profile.filters)


def read_configuration(data: Any, file: str = "") -> Configuration:
    """Read a KubeSchedulerConfiguration from plain maps and lists. Raises BadInput naming everything that is wrong."""
    reader = Reader(file)
    top = reader.map(data, "", FIELDS)
    for name, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if top.get(name) != wanted:
            reader.blame(name, f"expected {wanted}, got {top.get(name)!r}", f"write {name}: {wanted}")
    if top.get("extenders"):
        reader.blame("extenders", "extenders are not modelled", "remove them to check the rest")
    percentage = reader.integer(top, "percentageOfNodesToScore", "", 0, least=0, most=100)
    initial = reader.integer(top, "podInitialBackoffSeconds", "", 1, least=1)
    most = reader.integer(top, "podMaxBackoffSeconds", "", 10, least=1)
    if most < initial:
        reader.blame(
            "podMaxBackoffSeconds",
            f"expected at least podInitialBackoffSeconds ({initial}), got {most}",
            "raise it, or lower podInitialBackoffSeconds",
        )
    profiles: dict[str, Profile] = {}
    for number, item in enumerate(reader.items(top, "profiles", "") or [{}]):
        at = f"profiles[{number}]"
        name, profile = _profile(reader, item, at, percentage)
        if name in profiles:
            reader.blame(f"{at}.schedulerName", f"{name!r} is the name of another profile", "give each its own")
        profiles[name] = profile
    if reader.problems:
        raise BadInput(tuple(reader.problems))
    return Configuration(immutabledict(profiles), initial, most)


def _profile(reader: Reader, data: Any, at: str, percentage: int) -> tuple[str, Profile]:
    fields = reader.map(data, at, ("schedulerName", "percentageOfNodesToScore", "plugins", "pluginConfig"))
    name = reader.text(fields, "schedulerName", at, DEFAULT_SCHEDULER)
    share = reader.integer(fields, "percentageOfNodesToScore", at, percentage, least=0, most=100)
    args = read_args(reader, reader.items(fields, "pluginConfig", at), f"{at}.pluginConfig", DEFAULT_ORDER)
    plugins = reader.map(fields.get("plugins") or {}, f"{at}.plugins", (MULTI_POINT, *POINTS))
    sets = {point: _set(reader, plugins.get(point), f"{at}.plugins.{point}") for point in (MULTI_POINT, *POINTS)}
    return name, _made(reader, sets, args, f"{at}.plugins", share)


@frozen
class PluginSet:
    """What one extension point enables, in order with weights, and disables."""

    enabled: Chosen = ()
    disabled: frozenset[str] = frozenset()

    def keeps(self, name: str) -> bool:
        """Tell whether a plugin that is enabled elsewhere stays enabled here."""
        return ALL not in self.disabled and name not in self.disabled


def _set(reader: Reader, data: Any, at: str) -> PluginSet:
    fields = reader.map(data or {}, at, ("enabled", "disabled"))
    enabled: dict[str, int] = {}
    for number, item in enumerate(reader.items(fields, "enabled", at)):
        place = f"{at}.enabled[{number}]"
        entry = reader.map(item, place, ("name", "weight"))
        name = reader.known(entry, "name", place, DEFAULT_ORDER)
        if name in enabled:
            reader.blame(f"{place}.name", f"{name!r} is enabled twice here", "keep one of them")
        enabled[name] = reader.integer(entry, "weight", place, 0, least=0, most=MOST_WEIGHT)
    disabled = {
        reader.known(
            reader.map(item, f"{at}.disabled[{number}]", ("name", "weight")), "name", at, (*DEFAULT_ORDER, ALL)
        )
        for number, item in enumerate(reader.items(fields, "disabled", at))
    }
    return PluginSet(tuple((name, weight) for name, weight in enabled.items() if name), frozenset(disabled))


def _everywhere(multi: PluginSet) -> Chosen:
    """Merge what multiPoint enables with the defaults: a default that is enabled again keeps its place."""
    again = dict(multi.enabled)
    kept = [(name, again.get(name, WEIGHTS.get(name, 0))) for name in DEFAULT_ORDER if multi.keeps(name)]
    names = {name for name, _ in kept}
    return (*kept, *(plugin for plugin in multi.enabled if plugin[0] not in names))


def _at(point: PluginSet, everywhere: Chosen) -> Chosen:
    """Return the plugins of one extension point: those of everywhere it names itself come first, its others last."""
    named = {name for name, _ in everywhere} if ALL not in point.disabled else set[str]()
    overriding = [plugin for plugin in point.enabled if plugin[0] in named]
    here = {name for name, _ in point.enabled}
    rest = [plugin for plugin in everywhere if point.keeps(plugin[0]) and plugin[0] not in here]
    return (*overriding, *rest, *(plugin for plugin in point.enabled if plugin[0] not in named))


def _made(reader: Reader, sets: Mapping[str, PluginSet], args: Args, at: str, percentage: int) -> Profile:
    everywhere = _everywhere(sets[MULTI_POINT])
    chosen = {point: dict(_at(sets[point], everywhere)) for point in POINTS}
    for point, name, hint in (
        ("queueSort", SORT, f"enable {SORT} there"),
        ("bind", BINDER, f"enable {BINDER} there: without, no Pod is ever bound"),
        ("preEnqueue", GATES, "a profile that tries gated Pods is not modelled"),
    ):
        if name not in chosen[point]:
            reader.blame(f"{at}.{point}", f"no {point} plugin is enabled, expected {name}", hint)
    filters = [filter_plugin(name, args) for name in chosen["filter"]]
    scores = [score_plugin(name, weight or 1, args) for name, weight in chosen["score"].items()]
    return evolve(
        DEFAULT,
        filters=tuple(plugin for plugin in filters if plugin is not None),
        scores=tuple(plugin for plugin in scores if plugin is not None),
        percentage_of_nodes_to_score=percentage,
        preempts=PREEMPTION in chosen["postFilter"],
        gives_back=DEVICES in chosen["postFilter"],
    )
