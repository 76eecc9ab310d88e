"""Where a settled scenario starts: every state of rest that the first apply can lead to, as the full search has it."""

from __future__ import annotations

from itertools import permutations

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof import check
from kubeproof.harness.check.check import machine_of
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.face import Cluster, Result, replay_check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Consistency, Scenario
from kubeproof.harness.world.applied import applied
from kubeproof.harness.world.at_rest import starts
from kubeproof.harness.world.at_rest.prepare import Prepared, prepare
from kubeproof.harness.world.at_rest.settle import RESTS, at_rest, contents, resting, settle
from kubeproof.harness.world.cluster import Cluster as Built
from kubeproof.harness.world.cluster import Initial, build
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.world.reductions.roomy import all_the_same
from kubeproof.impl.api.core import Node, Pod
from kubeproof.model.checker import explore
from kubeproof.model.checker.results import Limits, Status
from kubeproof.model.machine import State
from kubeproof.traces.replay import Replayed

NODE = """
apiVersion: v1
kind: Node
metadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}}}}}
status: {{capacity: {{cpu: "{cpu}", memory: 8Gi, pods: "30"}}}}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {size}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{{pod} containers: [{{name: app, image: "nginx:1", resources: {{requests: {{cpu: "{cpu}"}}}}}}]}}
"""
NEAR, APART = (
    f"affinity: {{{term}: {{requiredDuringSchedulingIgnoredDuringExecution: [{{topologyKey: kubernetes.io/hostname, "
    "labelSelector: {matchLabels: {app: a}}}]}},"
    for term in ("podAffinity", "podAntiAffinity")
)
DRAIN = [{"drain": {"node": "n0"}}]
IMAGE = [{"setImage": {"kind": "Deployment", "name": "a", "image": "nginx:2"}}]
Where = frozenset[tuple[tuple[str, str], ...]]


def nodes(*cpus: str) -> str:
    return "---".join(NODE.format(name=f"n{number}", cpu=cpu) for number, cpu in enumerate(cpus))


def deployment(name: str, size: int, cpu: str, pod: str = "") -> str:
    return DEPLOYMENT.format(name=name, size=size, cpu=cpu, pod=pod)


def scenario_of(*texts: str, **options: object) -> Scenario:
    files = {"all.yaml": "---".join(texts)}
    return load_scenario("starts", files, {"script": DRAIN, **options}).scenario


def place(objects: Initial, names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Say which workload's Pods are on which node."""
    pods = (one for one in objects.objects if isinstance(one, Pod))
    return tuple(
        sorted(
            (owner.name if (owner := pod.metadata.controller) else pod.metadata.name, names[pod.spec.node_name])
            for pod in pods
        )
    )


def places(found: tuple[Initial, ...], alike: tuple[str, ...] = ()) -> Where:
    """Say the same of all, nodes that are alike in the order that comes first."""
    every = {one.metadata.name for one in found[0].objects if isinstance(one, Node)} | {""}
    renamings = [{name: name for name in every} | dict(zip(alike, other, strict=True)) for other in permutations(alike)]
    return frozenset(min(place(one, names) for names in renamings) for one in found)


def in_full(scenario: Scenario) -> tuple[Initial, ...]:
    """Explore the first apply with every interleaving and every old view, and give all that is at rest."""
    still = evolve(scenario, script=())
    core = build(still, Parts.core(scenario), Initial(applied(still)))
    found: list[State] = []

    def collect(state: State) -> None:
        if at_rest(state):
            found.append(state)

    begun = (State.of(core.machine.initial[0]),)
    search = explore(resting(core, begun), [RESTS], limits=Limits(max_states=60_000), collect=collect)
    assert search.complete
    assert search[RESTS.name].status is Status.HOLDS
    return tuple(contents(core, one) for one in found)


# --- the same as in full ----------------------------------------------------------------------------------------------

PLAIN = {"bounds": {"pods": 6}}
EVEN = {"consistency": "linearizable", "bounds": {"pods": 6}}
"""For two workloads; with old views the full search of them takes minutes."""


@pytest.mark.parametrize(
    ("scenario", "alike", "count"),
    [
        pytest.param(scenario_of(nodes("2", "2"), deployment("a", 3, "100m"), **EVEN), (), 2, id="a tie"),
        pytest.param(
            scenario_of(nodes("2", "2", "2"), deployment("a", 2, "500m"), **PLAIN), ("n1", "n2"), 2, id="nodes alike"
        ),
        pytest.param(scenario_of(nodes("2", "2", "8"), deployment("a", 2, "500m"), **PLAIN), (), 3, id="old views"),
        pytest.param(
            scenario_of(nodes("2", "2", "8"), deployment("a", 2, "500m"), **EVEN), (), 2, id="no old views"
        ),
        pytest.param(
            scenario_of(nodes("2", "2"), deployment("a", 2, "1"), deployment("b", 1, "2"), **EVEN),
            (), 3, id="who comes first",
        ),
        pytest.param(
            scenario_of(nodes("2", "2"), deployment("a", 1, "1"), deployment("b", 2, "500m", NEAR), **EVEN),
            (), 2, id="near another",
        ),
        pytest.param(
            scenario_of(nodes("2", "2"), deployment("a", 1, "1"), deployment("b", 1, "1", APART), **EVEN),
            (), 2, id="apart",
        ),
    ],
)  # fmt: skip
def test_the_states_of_rest_are_those_of_the_full_search(
    scenario: Scenario, alike: tuple[str, ...], count: int
) -> None:
    prepared = prepare(scenario)
    assert prepared.why == ""
    assert places(prepared.starts, alike) == places(in_full(scenario), alike)
    assert len(prepared.starts) == count


LOCAL = """
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80}], internalTrafficPolicy: Local}
"""
CLUSTER_WIDE = LOCAL.replace(", internalTrafficPolicy: Local", "")
CLASSES = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 100
"""


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(
            scenario_of(
                CLASSES, nodes("1", "2"), deployment("a", 1, "1"), deployment("b", 1, "2", "priorityClassName: high,"),
                **EVEN,
            ),
            id="one makes room",
        ),
        pytest.param(
            scenario_of(
                nodes("2", "2"), deployment("a", 1, "1"), deployment("b", 1, "2", "schedulerName: other,"),
                schedulers=["default-scheduler", "other"], **EVEN,
            ),
            id="two schedulers",
        ),
    ],
)  # fmt: skip
def test_where_order_matters_everything_is_explored(scenario: Scenario) -> None:
    whole = build(evolve(scenario, script=()), Parts.everything(), Initial(applied(scenario)))
    assert starts.rests(whole, scenario) is None
    prepared = prepare(scenario)
    assert prepared.why == ""
    assert places(prepared.starts) == places(in_full(scenario))


def test_nodes_are_not_alike_where_a_service_answers_on_each_by_itself() -> None:
    three = nodes("2", "2", "2"), deployment("a", 1, "500m")
    assert len(prepare(scenario_of(*three)).starts) == 2  # On the drained node, and on another.
    assert len(prepare(scenario_of(*three, LOCAL)).starts) == 3


def test_states_of_rest_that_are_told_from_another_are_those_that_their_schedules_lead_to() -> None:
    """With Services, zones and a Pod that finds no room; each is brought to rest by itself, and compared as a whole."""
    zoned = nodes("2", "2").replace("labels: {", "labels: {topology.kubernetes.io/zone: z, ")
    texts = (zoned, nodes("2").replace("n0", "n2"), deployment("a", 2, "1"), deployment("b", 1, "2"), CLUSTER_WIDE)
    scenario = scenario_of(*texts)
    whole = build(evolve(scenario, script=()), Parts.everything(), Initial(applied(scenario)))
    growing = starts.Growing(whole, starts.Fold.of(whole, scenario), starts.MOST)
    leaves, why = growing.followed(settle(growing.others))
    assert why == ""
    assert len(leaves) > 2
    told = [frozenset(contents(whole, one).objects) for one in growing._settled(leaves)]
    assert told == [frozenset(contents(whole, settle(growing.others, leaf)).objects) for leaf in leaves]


# --- what it is good for ----------------------------------------------------------------------------------------------

WHO_COMES_FIRST = (nodes("2", "2"), deployment("a", 1, "2"), deployment("b", 2, "1"))
STILL = ["scale a 1"]


def checked(*texts: str, script: list[str], **options: object) -> Result:
    return check(Cluster("starts", immutabledict({"all.yaml": "---".join(texts)})), script=script, **options)


def status(result: Result, name: str = "convergence") -> Status:
    return next(one.status for one in result.outcome.claims if one.name == name)


def core_converges(scenario: Scenario, prepared: Prepared) -> Status:
    core: Built = machine_of(scenario, prepared)
    return explore(core.machine, claims.of(core))["convergence"].status


def test_a_first_apply_that_may_end_badly_is_a_breach_and_the_trace_says_where_it_starts() -> None:
    """One tie in two leaves a Pod without a node; the start that one schedule gives is not that one."""
    result = checked(*WHO_COMES_FIRST, script=STILL, bounds={"pods": 6, "mixedViews": False})
    assert status(result) is Status.VIOLATED
    (claim,) = (one for one in result.outcome.claims if one.name == "convergence")
    assert any(line.startswith("this run starts with a-") and "waiting" in line for line in claim.lines)
    assert any("every state of rest that this may lead to (2;" in line for line in result.outcome.bounds)
    assert isinstance(replay_check(result.documents["convergence"]), Replayed)


def test_one_schedule_alone_would_have_said_that_it_holds() -> None:
    scenario = scenario_of(*WHO_COMES_FIRST, script=STILL, bounds={"pods": 6, "mixedViews": False})
    prepared = prepare(scenario)
    assert core_converges(scenario, prepared) is Status.VIOLATED
    assert core_converges(scenario, evolve(prepared, starts=prepared.starts[:1])) is Status.HOLDS


def test_room_for_both_is_a_repair() -> None:
    roomy = (nodes("2", "4"), *WHO_COMES_FIRST[1:])
    assert status(checked(*roomy, script=STILL, bounds={"pods": 6, "mixedViews": False})) is Status.HOLDS


# --- when there are too many ------------------------------------------------------------------------------------------


def test_too_many_states_of_rest_hold_nothing_unless_some_are_said_to_be_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two = (nodes("2", "2"), deployment("a", 1, "500m"))
    bounds = {"pods": 4, "propagation": "9s"}
    assert status(checked(*two, script=["cordon n0"], bounds=bounds)) is Status.HOLDS
    monkeypatch.setattr(starts, "MOST", 1)
    few = checked(*two, script=["cordon n0"], bounds=bounds)
    assert status(few) is Status.UNKNOWN
    (claim,) = (one for one in few.outcome.claims if one.name == "convergence")
    assert any("1 of the states of rest" in line and "bounds.starts" in line for line in claim.lines)
    enough = checked(*two, script=["cordon n0"], bounds={**bounds, "starts": 1})
    assert status(enough) is Status.HOLDS
    assert any("in 1 of the states of rest that this may lead to, not all" in line for line in enough.outcome.bounds)


def test_situations_are_followed_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "SITUATIONS", 1)
    prepared = prepare(scenario_of(nodes("2", "2"), deployment("a", 3, "100m")))
    assert len(prepared.starts) == 1
    assert "1 of the states of rest" in prepared.why


# --- where nodes make no difference -----------------------------------------------------------------------------------

FULL_DISK = "{type: DiskPressure, status: 'True'}"
ROOMY = (nodes("20", "20", "40"), deployment("a", 2, "500m"))


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        pytest.param(ROOMY, {"script": DRAIN}, id="a node is drained"),
        pytest.param(ROOMY, {"faults": {"nodeCrash": 1}}, id="nodes die"),
        pytest.param(ROOMY, {"bounds": {"pods": 41}}, id="not room for all there may be"),
        pytest.param((nodes("20", "20"), deployment("a", 2, "500m", APART)), {}, id="Pods look at each other"),
        pytest.param((nodes("20"), deployment("a", 2, "500m", "nodeSelector: {a: b},")), {}, id="Pods ask for nodes"),
        pytest.param((nodes("20"), deployment("a", 2, "500m", "hostNetwork: true,")), {}, id="Pods take ports"),
        pytest.param(
            (*ROOMY, NODE.format(name="n9", cpu="20") + "spec: {taints: [{key: a, effect: NoSchedule}]}"),
            {}, id="a taint",
        ),
        pytest.param(
            (*ROOMY, NODE.format(name="n9", cpu="20") + "spec: {unschedulable: true}"), {}, id="a cordoned node"
        ),
        pytest.param(
            (nodes("20").replace("{capacity", "{conditions: [" + FULL_DISK + "], capacity"), ROOMY[1]),
            {}, id="a full disk",
        ),
        pytest.param((*ROOMY, LOCAL), {}, id="a Service asks nodes"),
    ],
)  # fmt: skip
def test_nodes_make_a_difference(texts: tuple[str, ...], options: dict[str, object]) -> None:
    assert all_the_same(scenario_of(*ROOMY, script=IMAGE))
    assert not all_the_same(scenario_of(*texts, **{"script": IMAGE, **options}))


def test_where_nodes_make_no_difference_one_start_gives_the_verdicts_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = {"pods": 5, "mixedViews": False, "propagation": "9s"}
    texts = (nodes("20", "20001m"), deployment("a", 1, "500m"))
    scenario = scenario_of(*texts, script=IMAGE, bounds=bounds)
    assert len(prepare(scenario).starts) == 1
    one = checked(*texts, script=["set-image a nginx:2"], bounds=bounds)
    monkeypatch.setattr(starts, "all_the_same", lambda _: False)
    assert len(prepare(scenario).starts) == 2
    other = checked(*texts, script=["set-image a nginx:2"], bounds=bounds)
    assert [(a.name, a.status) for a in one.outcome.claims] == [(b.name, b.status) for b in other.outcome.claims]


def test_the_consistency_of_a_scenario_decides_whether_selectors_may_be_unseen() -> None:
    """Two Pods on one large node: only a scheduler that has not seen their ReplicaSet leaves them unspread."""
    uneven = (nodes("2", "2", "8"), deployment("a", 2, "500m"))
    together = {one for one in places(prepare(scenario_of(*uneven)).starts) if len({node for _, node in one}) == 1}
    assert together
    linear = scenario_of(*uneven, consistency=Consistency.LINEARIZABLE.value)
    assert not {one for one in places(prepare(linear).starts) if len({node for _, node in one}) == 1}


# --- scores -----------------------------------------------------------------------------------------------------------

HAS_IMAGE = nodes("2").replace("{capacity", "{images: [{names: ['nginx:1'], sizeBytes: 900000000}], capacity")
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: a}
spec: {minAvailable: 1, selector: {matchLabels: {app: a}}}
"""
BARE_NODE = NODE.format(name="n1", cpu="2")


def test_scores_look_at_the_images_that_nodes_name_or_are_left_open() -> None:
    pod = deployment("a", 1, "500m")
    assert len(prepare(scenario_of(nodes("2", "2"), pod)).starts) == 2
    (there,) = prepare(scenario_of(HAS_IMAGE, BARE_NODE, pod)).starts
    assert {node for _, node in place(there, {"n0": "n0", "n1": "n1"})} == {"n0"}
    assert len(prepare(scenario_of(HAS_IMAGE, BARE_NODE, pod, bounds={"scores": False})).starts) == 2


def test_a_verdict_that_hangs_on_scores_says_so() -> None:
    """The Pod is on the node that has its image, so its budget hinders no drain of the other; on any node it may."""
    texts = (HAS_IMAGE, BARE_NODE, deployment("a", 1, "500m"), BUDGET)
    bounds = {"pods": 4, "propagation": "9s", "mixedViews": False}
    by_score = checked(*texts, script=["drain n1"], bounds=bounds)
    anywhere = checked(*texts, script=["drain n1"], bounds={**bounds, "scores": False})
    assert any("the images that the Node objects name" in line for line in by_score.outcome.bounds)
    assert any("scores are left open" in line for line in anywhere.outcome.bounds)
    assert status(by_score) is Status.HOLDS
    assert status(anywhere) is Status.VIOLATED
