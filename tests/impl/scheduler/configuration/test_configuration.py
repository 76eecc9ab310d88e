"""A KubeSchedulerConfiguration gives the profiles that kube-scheduler v1.32 would run, or says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness.zoo.scheduler import node, pod
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Affinity,
    Node,
    Pod,
    PodAffinity,
    PodAffinityTerm,
    Service,
    ServiceSpec,
    WeightedPodAffinityTerm,
)
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.scheduler.configuration.configuration import Configuration, read_configuration
from kubeproof.impl.scheduler.plugins.resource_scoring import round_half_up
from kubeproof.impl.scheduler.profile import DEFAULT, Profile
from kubeproof.impl.scheduler.schedule import Decision, schedule

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


def configured(**profile: Any) -> Profile:
    (made,) = read_configuration(HEAD | {"profiles": [profile]}).profiles.values()
    return made


def with_args(plugin: str, **args: Any) -> Profile:
    return configured(pluginConfig=[{"name": plugin, "args": args}])


def test_what_scores_a_node_by_itself_does_so_with_arguments_too() -> None:
    shape = [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}]
    ratio = {"type": "RequestedToCapacityRatio", "requestedToCapacityRatio": {"shape": shape}}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("NodeResourcesFit", {"scoringStrategy": {"type": "MostAllocated"}}),
        ("NodeResourcesFit", {"scoringStrategy": ratio}),
        ("NodeResourcesBalancedAllocation", {"resources": [{"name": "cpu", "weight": 1}]}),
    ]
    usual = {one.name: one.alone for one in DEFAULT.scores}
    for name, args in asked:
        assert {one.name: one.alone for one in with_args(name, **args).scores} == usual


def decided(one: Pod, profile: Profile, *objects: Any) -> Decision:
    return schedule(one, Cache.of(objects), profile)


def sized(name: str, cpu: int, memory: str = "10Gi", **labels: str) -> Node:
    plain = node(name, cpu)
    allocatable = plain.status.allocatable.set("memory", parse_quantity(memory))
    status = evolve(plain.status, allocatable=allocatable)
    return evolve(plain, status=status, metadata=evolve(plain.metadata, labels=strings(labels)))


def labelled(one: Pod, **labels: str) -> Pod:
    return evolve(one, metadata=evolve(one.metadata, labels=strings(labels)))


def scores(decision: Decision, plugin: str) -> dict[str, int]:
    return {name: given[plugin] for name, given in decision.scores.items()}


# --- which plugins run ------------------------------------------------------------------------------------------------


def test_a_configuration_that_says_nothing_is_the_default() -> None:
    assert read_configuration(HEAD) == Configuration()
    assert configured() == DEFAULT


def test_profiles_are_found_by_their_names_and_have_shares_of_their_own() -> None:
    profiles = [{"schedulerName": "one"}, {"schedulerName": "two", "percentageOfNodesToScore": 20}]
    found = read_configuration(HEAD | {"percentageOfNodesToScore": 50, "profiles": profiles}).profiles
    assert {name: one.percentage_of_nodes_to_score for name, one in found.items()} == {"one": 50, "two": 20}


def names(profile: Profile) -> tuple[str, ...]:
    return tuple(one.name for one in profile.filters)


def weights(profile: Profile) -> dict[str, int]:
    return {one.name: one.weight for one in profile.scores}


def test_a_plugin_disabled_at_one_point_runs_at_the_others() -> None:
    profile = configured(plugins={"score": {"disabled": [{"name": "TaintToleration"}]}})
    assert "TaintToleration" not in weights(profile)
    assert names(profile) == names(DEFAULT)


def test_a_plugin_disabled_everywhere_runs_nowhere_and_waits_for_nothing() -> None:
    plugins = {"multiPoint": {"disabled": [{"name": "NodeResourcesFit"}]}}
    found = read_configuration(HEAD | {"profiles": [{"plugins": plugins}]})
    (profile,) = found.profiles.values()
    assert "NodeResourcesFit" not in {*names(profile), *weights(profile)}
    (table,) = found.queue_settings().registrations.values()
    assert "NodeResourcesFit" not in {one.plugin for one in table}
    assert "NodeAffinity" in {one.plugin for one in table}
    assert decided(pod("a", 5), profile, node("n", 1)).feasible == ("n",)


def test_all_can_be_disabled_and_some_enabled_again_in_their_order() -> None:
    enabled = [{"name": "ImageLocality", "weight": 7}, {"name": "NodeResourcesFit"}]
    profile = configured(plugins={"score": {"disabled": [{"name": "*"}], "enabled": enabled}})
    assert list(weights(profile).items()) == [("ImageLocality", 7), ("NodeResourcesFit", 1)]


def test_a_plugin_that_a_point_names_itself_comes_first_there_with_the_weight_given() -> None:
    profile = configured(plugins={"score": {"enabled": [{"name": "ImageLocality", "weight": 9}]}})
    assert list(weights(profile).items())[:2] == [("ImageLocality", 9), ("TaintToleration", 3)]


def test_weights_can_be_given_for_all_points_at_once() -> None:
    profile = configured(plugins={"multiPoint": {"enabled": [{"name": "NodeAffinity", "weight": 5}]}})
    assert weights(profile) == weights(DEFAULT) | {"NodeAffinity": 5}
    assert names(profile) == names(DEFAULT)


def test_without_default_preemption_nobody_is_evicted() -> None:
    profile = configured(plugins={"postFilter": {"disabled": [{"name": "*"}]}})
    objects = node("n", 1), pod("v", 1, on="n")
    assert decided(pod("h", 1, 9), DEFAULT, *objects).preemptable == ("n",)
    refused = decided(pod("h", 1, 9), profile, *objects)
    assert refused.preemptable == ()
    assert "preemption" not in refused.message


def test_back_offs_reach_the_queue() -> None:
    found = read_configuration(HEAD | {"podInitialBackoffSeconds": 3, "podMaxBackoffSeconds": 7})
    settings = found.queue_settings(queueing_hints=True)
    assert (settings.pod_initial_backoff, settings.pod_max_backoff, settings.queueing_hints) == (3, 7, True)


# --- arguments --------------------------------------------------------------------------------------------------------


def strategy(kind: str, **more: Any) -> Profile:
    return with_args("NodeResourcesFit", scoringStrategy={"type": kind, **more})


CPU = [{"name": "cpu", "weight": 1}]
SHAPE = {"shape": [{"utilization": 0, "score": 0}, {"utilization": 50, "score": 10}, {"utilization": 100, "score": 2}]}

BY_SHAPE = strategy("RequestedToCapacityRatio", resources=CPU, requestedToCapacityRatio=SHAPE)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (strategy("LeastAllocated", resources=CPU), {"big": 75, "small": 50}),
        (strategy("MostAllocated", resources=CPU), {"big": 25, "small": 50}),
        (
            strategy("RequestedToCapacityRatio", resources=CPU, requestedToCapacityRatio=SHAPE),
            {"big": 50, "small": 100},
        ),
    ],
    ids=["least", "most", "by shape"],
)
def test_nodes_are_ranked_by_the_strategy(profile: Profile, expected: dict[str, int]) -> None:
    decision = decided(pod("a", 1), profile, sized("big", 4), sized("small", 2))
    assert scores(decision, "NodeResourcesFit") == expected


def test_the_resources_of_a_strategy_count_by_weight() -> None:
    resources = [{"name": "cpu", "weight": 3}, {"name": "memory", "weight": 1}]
    objects = sized("n", 2, "400Mi")
    heavy = decided(pod("a", 1), strategy("MostAllocated", resources=resources), objects)
    plain = decided(pod("a", 1), strategy("MostAllocated"), objects)
    assert scores(heavy, "NodeResourcesFit") == {"n": (3 * 50 + 50) // 4}
    assert scores(plain, "NodeResourcesFit") == {"n": 50}
    (light,) = scores(decided(pod("a", 1), strategy("MostAllocated", resources=resources), sized("n", 2, "800Mi")),
                      "NodeResourcesFit").values()  # fmt: skip
    assert light == (3 * 50 + 25) // 4


@pytest.mark.parametrize(("total", "weights_", "expected"), [(5, 2, 3), (4, 3, 1), (0, 4, 0)])
def test_a_shape_rounds_halves_up(total: int, weights_: int, expected: int) -> None:
    assert round_half_up(total, weights_) == expected


def test_a_full_node_gets_what_the_shape_says_of_full() -> None:
    assert scores(decided(pod("a", 3), BY_SHAPE, sized("n", 4)), "NodeResourcesFit") == {"n": 60}


def test_ignored_resources_refuse_no_node() -> None:
    wants = pod("a", 1)
    container = wants.spec.containers[0]
    requests = container.resources.requests.set("example.com/gpu", parse_quantity("1"))
    container = evolve(container, resources=evolve(container.resources, requests=requests))
    wants = evolve(wants, spec=evolve(wants.spec, containers=(container,)))
    assert decided(wants, DEFAULT, node("n", 1)).feasible == ()
    assert decided(wants, with_args("NodeResourcesFit", ignoredResources=["example.com/gpu"]), node("n", 1)).feasible
    assert decided(wants, with_args("NodeResourcesFit", ignoredResourceGroups=["example.com"]), node("n", 1)).feasible
    assert not decided(wants, with_args("NodeResourcesFit", ignoredResources=["cpu"]), node("n", 1)).feasible


def test_balance_is_of_the_resources_given() -> None:
    one = with_args("NodeResourcesBalancedAllocation", resources=[{"name": "cpu"}])
    assert scores(decided(pod("a", 1), one, sized("n", 2)), "NodeResourcesBalancedAllocation") == {"n": 75}
    assert scores(decided(pod("a", 1), DEFAULT, sized("n", 2)), "NodeResourcesBalancedAllocation") == {"n": 62}


ZONES = sized("n", 4, zone="a"), sized("m", 4, zone="b"), sized("o", 4)
SERVICE = Service(ObjectMeta(name="s", namespace="default"), ServiceSpec(selector=strings({"app": "w"})))
THERE = labelled(pod("v", 1, on="n"), app="w")


def test_constraints_are_given_to_pods_that_have_none() -> None:
    hard = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    profile = with_args("PodTopologySpread", defaultingType="List", defaultConstraints=[hard])
    new = labelled(pod("a", 1), app="w")
    assert decided(new, profile, *ZONES, SERVICE, THERE).feasible == ("m",)
    assert decided(new, profile, *ZONES, THERE).feasible == ("m", "n", "o")
    assert decided(new, DEFAULT, *ZONES, SERVICE, THERE).feasible == ("m", "n", "o")


def test_soft_constraints_from_the_configuration_rank_only_nodes_with_the_key() -> None:
    soft = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    profile = with_args("PodTopologySpread", defaultingType="List", defaultConstraints=[soft])
    others = labelled(pod("u", 1, on="n"), app="w"), labelled(pod("t", 1, on="m"), app="w")
    objects = (*ZONES, SERVICE, THERE, *others)
    found = scores(decided(labelled(pod("a", 1), app="w"), profile, *objects), "PodTopologySpread")
    one, two = 1, 3  # One and two Pods, each times ln(2 zones + 2), rounded.
    assert found == {"m": 200, "n": 2 * (100 * (two + one - two) // two), "o": 0}


def test_affinity_can_be_added_to_every_pod() -> None:
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    decision = decided(pod("a", 1), with_args("NodeAffinity", addedAffinity=required), *ZONES)
    assert decision.feasible == ("n",)
    assert decision.refusals["m"].reasons == ("node(s) didn't match scheduler-enforced node affinity",)
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}]}
    found = decided(pod("a", 1), with_args("NodeAffinity", addedAffinity=preferred), *ZONES)
    assert scores(found, "NodeAffinity") == {"n": 200, "m": 0, "o": 0}


def wishing(one: Pod, *, hard: bool) -> Pod:
    term = PodAffinityTerm(LabelSelector(strings({"app": "w"})), topology_key="zone")
    wish = PodAffinity((term,)) if hard else PodAffinity((), (WeightedPodAffinityTerm(1, term),))
    return evolve(one, spec=evolve(one.spec, affinity=Affinity(pod_affinity=wish)))


def test_what_existing_pods_require_counts_by_the_weight_given() -> None:
    new, there = labelled(pod("a", 1), app="w"), wishing(THERE, hard=True)
    assert scores(decided(new, DEFAULT, *ZONES, there), "InterPodAffinity")["n"] == 200
    none = decided(new, with_args("InterPodAffinity", hardPodAffinityWeight=0), *ZONES, there)
    assert "InterPodAffinity" not in none.scores["n"]


def test_what_existing_pods_prefer_can_be_ignored() -> None:
    new, there = labelled(pod("a", 1), app="w"), wishing(THERE, hard=False)
    assert scores(decided(new, DEFAULT, *ZONES, there), "InterPodAffinity")["n"] == 200
    ignoring = with_args("InterPodAffinity", ignorePreferredTermsOfExistingPods=True)
    assert "InterPodAffinity" not in decided(new, ignoring, *ZONES, there).scores["n"]
    assert "InterPodAffinity" in decided(wishing(new, hard=False), ignoring, *ZONES, there).scores["n"]


# --- what is wrong ----------------------------------------------------------------------------------------------------


def fit(**args: Any) -> dict[str, Any]:
    return {"profiles": [{"pluginConfig": [{"name": "NodeResourcesFit", "args": args}]}]}


def spread(**args: Any) -> dict[str, Any]:
    return {"profiles": [{"pluginConfig": [{"name": "PodTopologySpread", "args": args}]}]}


def plugins(point: str, **lists: Any) -> dict[str, Any]:
    return {"profiles": [{"plugins": {point: lists}}]}


BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"apiVersion": "v1"}, "apiVersion", "expected kubescheduler.config.k8s.io/v1, got 'v1'"),
    ({"kind": "Pod"}, "kind", "expected KubeSchedulerConfiguration"),
    ({"profile": []}, "profile", "did you mean profiles?"),
    ({"extenders": [{}]}, "extenders", "remove them"),
    ({"profiles": {}}, "profiles", "expected a list"),
    ({"profiles": ["x"]}, "profiles[0]", "expected a map"),
    ({"profiles": [{"schedulerName": "a"}, {"schedulerName": "a"}]}, "profiles[1].schedulerName", "give each its own"),
    ({"profiles": [{"schedulerName": ""}]}, "profiles[0].schedulerName", "expected a text"),
    ({"percentageOfNodesToScore": 101}, "percentageOfNodesToScore", "from 0 to 100, got 101"),
    ({"podInitialBackoffSeconds": 0}, "podInitialBackoffSeconds", "of at least 1, got 0"),
    ({"podInitialBackoffSeconds": 20}, "podMaxBackoffSeconds", "expected at least podInitialBackoffSeconds (20)"),
    (plugins("filters"), "profiles[0].plugins.filters", "did you mean filter?"),
    (plugins("score", enabled=[{"name": "ImageLocalty"}]), "profiles[0].plugins.score.enabled[0].name",
     "did you mean ImageLocality?"),
    (plugins("score", enabled=[{"name": "ImageLocality", "weight": -1}]), "profiles[0].plugins.score.enabled[0].weight",
     "from 0 to 21474836, got -1"),
    (plugins("score", enabled=[{"name": "ImageLocality", "weight": True}]),
     "profiles[0].plugins.score.enabled[0].weight", "got True"),
    (plugins("score", enabled=[{"name": "ImageLocality"}] * 2), "profiles[0].plugins.score.enabled[1].name",
     "enabled twice"),
    (plugins("queueSort", disabled=[{"name": "*"}]), "profiles[0].plugins.queueSort", "no queueSort plugin is enabled"),
    (plugins("bind", disabled=[{"name": "DefaultBinder"}]), "profiles[0].plugins.bind", "no Pod is ever bound"),
    (plugins("preEnqueue", disabled=[{"name": "*"}]), "profiles[0].plugins.preEnqueue", "not modelled"),
    (fit(kind="FitArgs"), "profiles[0].pluginConfig[0].args.kind", "expected NodeResourcesFitArgs"),
    (fit(scoringStrategy={"type": "Best"}), "profiles[0].pluginConfig[0].args.scoringStrategy.type", "unknown 'Best'"),
    (fit(scoringStrategy={"type": "RequestedToCapacityRatio"}),
     "profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio.shape", "expected a shape"),
    (fit(scoringStrategy={"requestedToCapacityRatio": {"shape": [{"utilization": 5}, {"utilization": 5}]}}),
     "profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio.shape[1].utilization",
     "expected more than 5"),
    (fit(scoringStrategy={"resources": [{"name": "cpu", "weight": 0}]}),
     "profiles[0].pluginConfig[0].args.scoringStrategy.resources[0].weight", "from 1 to 100"),
    (spread(defaultConstraints=[{"maxSkew": 1}]), "profiles[0].pluginConfig[0].args.defaultConstraints",
     "set it to List"),
    (spread(defaultingType="List", defaultConstraints=[{"labelSelector": {}}]),
     "profiles[0].pluginConfig[0].args.defaultConstraints", "cannot have a labelSelector"),
    (spread(defaultingType="List", defaultConstraints=[{"maxSkew": "x"}]),
     "profiles[0].pluginConfig[0].args.defaultConstraints.maxSkew", ""),
    (spread(defaultingType="List", defaultConstraints=[{"skew": 1}]),
     "profiles[0].pluginConfig[0].args.defaultConstraints.skew", "unknown field"),
    ({"profiles": [{"pluginConfig": [{"name": "NodeName", "args": {"x": 1}}]}]}, "profiles[0].pluginConfig[0].args",
     "arguments of NodeName are not modelled"),
    ({"profiles": [{"pluginConfig": [{"name": "NodeAffinity"}] * 2}]}, "profiles[0].pluginConfig[1].name", "twice"),
    ({"profiles": [{"pluginConfig": [{"name": "InterPodAffinity",
                                      "args": {"ignorePreferredTermsOfExistingPods": "yes"}}]}]},
     "profiles[0].pluginConfig[0].args.ignorePreferredTermsOfExistingPods", "expected true or false"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "at", "said"), BROKEN, ids=[f"{at}: {said}" for _, at, said in BROKEN])
def test_a_mistake_is_told_with_its_field_what_was_expected_and_a_way_out(
    data: dict[str, Any], at: str, said: str
) -> None:
    with pytest.raises(BadInput) as raised:
        read_configuration(HEAD | data, "scheduler.yaml")
    (problem,) = [one for one in raised.value.problems if one.field == at]
    assert said in f"{problem.message} {problem.hint}"
    assert problem.hint
    assert str(problem).startswith("scheduler.yaml: ")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BadInput) as raised:
        read_configuration({"kind": "Pod", "more": 1})
    assert {one.field for one in raised.value.problems} == {"apiVersion", "kind", "more"}
    with pytest.raises(BadInput, match="expected a map"):
        read_configuration([])
