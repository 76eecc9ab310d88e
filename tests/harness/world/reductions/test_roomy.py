"""One node for all: what can happen is the same but for where Pods are, and no verdict hangs on it."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from attrs import evolve

from kubeproof.harness.check import check as checking
from kubeproof.harness.check.check import check, machine_of
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster
from kubeproof.harness.world.reductions.roomy import nowhere_else, on_one_node
from kubeproof.impl.api.core import Node, Pod
from kubeproof.model.checker import explore
from kubeproof.model.machine import State
from kubeproof.model.world.world import Form

WEB = """
apiVersion: apps/v1
kind: {kind}
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{{pod} containers: [{{name: app, image: "nginx:1", {container}}}]}}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: web{annotations}}}
spec: {{selector: {{app: {whom}}}, ports: [{{port: 80}}]{spec}}}
"""
IMAGE = [{"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}]


def web(kind: str = "Deployment", pod: str = "", container: str = "ports: [{containerPort: 80}]") -> str:
    return WEB.format(kind=kind, pod=pod, container=container)


def service(whom: str = "web", spec: str = "", annotations: str = "") -> str:
    return SERVICE.format(whom=whom, spec=spec, annotations=annotations)


def scenario_of(*texts: str, **options: object) -> Scenario:
    usual = {"script": IMAGE, "nodes": 2, "bounds": {"pods": 5}, "nodeCapacity": {"cpu": "40", "pods": "40"}}
    return load_scenario("roomy", {"all.yaml": "---".join(texts)}, {**usual, **options}).scenario


def homeless(world: Cluster, state: State) -> Hashable:
    """Return what is stored, without where Pods are and who they are."""
    stored = [state[slot] for kind in ("Deployment", "ReplicaSet") for slot in world.world.layout.pools[kind]]
    pods = [one for slot in world.world.layout.pools["Pod"] if isinstance(one := state[slot], Pod)]
    bare = [
        evolve(
            one,
            metadata=evolve(one.metadata, name="", uid=""),
            spec=evolve(one.spec, node_name="bound" if one.spec.node_name else ""),
            status=evolve(one.status, pod_ip="", host_ip=""),
        )
        for one in pods
    ]
    return tuple(stored), tuple(sorted(bare, key=repr))


def stores(scenario: Scenario) -> set[Hashable]:
    world, met = machine_of(scenario, prepare(scenario)), list[State]()
    assert explore(world.machine, claims.of(world), collect=met.append).complete
    return {homeless(world, one) for one in met}


@pytest.mark.parametrize("views", ["session", "linearizable"])
def test_what_can_happen_is_the_same_but_for_where_pods_are(views: str) -> None:
    scenario = scenario_of(web(), consistency=views, bounds={"pods": 4, "mixedViews": False})
    alone = on_one_node(scenario)
    assert alone is not None
    assert sum(isinstance(one, Node) for one in alone.objects) == 1
    found = stores(scenario)
    assert len(found) > 20
    assert stores(alone) == found


ASKED = {
    "a rollout": scenario_of(web(), service()),
    "a rollout with a crash": scenario_of(web(), bounds={"pods": 4, "mixedViews": False}, faults={"crash": 1}),
    "a container crashes behind a Service": scenario_of(web(), service(), script=[], faults={"containerCrash": 1}),
    "the first apply": scenario_of(web(), service(), start="empty", script=[]),
    "nobody is selected": scenario_of(web(), service(whom="nobody")),
    "a paused Deployment": scenario_of(web().replace("replicas: 2", "replicas: 2\n  paused: true")),
    "ordered Pods": scenario_of(
        web("StatefulSet"), script=[{"setImage": {"kind": "StatefulSet", "name": "web", "image": "nginx:2"}}]
    ),
}
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {{name: seed}}
spec: {{{spec} template: {{spec: {{restartPolicy: Never, containers: [{{name: app, image: "{image}:1"}}]}}}}}}
"""


def job(spec: str = "", image: str = "seed") -> str:
    return JOB.format(spec=spec, image=image)


ASKED |= {
    "a Job": scenario_of(job(), script=[]),
    "a Job that is done twice": scenario_of(job("completions: 2, parallelism: 2,"), script=[], faults={"crash": 1}),
    "a Job that fails": scenario_of(job("backoffLimit: 0,", "crash"), script=[], images="byName"),
    "a Job whose Pod is deleted": scenario_of(job(), script=[{"deletePod": {"workload": "Job/seed"}}], start="empty"),
    "a Job that is deleted beside others": scenario_of(
        job(),
        web().replace("replicas: 2", "replicas: 1"),
        service(),
        script=[{"deleteObject": {"kind": "Job", "name": "seed"}}],
        start="empty",
        consistency="linearizable",
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_verdicts_are_those_of_all_nodes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = ASKED[name]
    assert on_one_node(scenario) is not None
    one = check(scenario)
    monkeypatch.setattr(checking, "on_one_node", lambda _: None)
    all_of_them = check(scenario)
    assert [(a.name, a.status, a.kind) for a in one.claims] == [(b.name, b.status, b.kind) for b in all_of_them.claims]
    assert one.states <= all_of_them.states


def test_there_are_places_for_as_many_as_each_node_has_room_for() -> None:
    six, five = (scenario_of(web(), bounds={"pods": 8}, nodeCapacity={"cpu": "40", "pods": room}) for room in "65")
    alone = on_one_node(six)
    assert alone is not None
    assert alone.pods == 6
    assert on_one_node(evolve(five, bounds=evolve(five.bounds, pods=12))) is not None
    small = scenario_of(web(), nodeCapacity={"cpu": "40", "pods": "3"})
    assert on_one_node(small) is None


def test_where_more_come_than_fit_all_nodes_are_looked_at() -> None:
    """Two fit: enough for one rollout of one, but not for another one on top of it."""
    two = [*IMAGE, {"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:3"}}]
    options = {"bounds": {"pods": 6, "mixedViews": False}, "nodeCapacity": {"cpu": "40", "pods": "2"}}
    for script, fits in ((IMAGE, True), (two, False)):
        scenario = scenario_of(web().replace("replicas: 2", "replicas: 1"), script=script, **options)
        assert on_one_node(scenario) is not None
        told = check(scenario)
        assert told.exploration is not None
        assert ("one node" in told.exploration.symmetry) == fits


def test_a_breach_is_shown_on_all_nodes() -> None:
    told = check(ASKED["nobody is selected"])
    assert told.exploration is not None
    assert "one node" not in told.exploration.symmetry
    assert any(claim.trace for claim in told.claims)


def test_the_report_says_that_one_node_stands_for_all() -> None:
    told = check(ASKED["a rollout"])
    assert told.exploration is not None
    assert "one node stands for all" in told.exploration.symmetry
    assert check(ASKED["a rollout"], symmetry=False).states > told.states


CLAIM = "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}],"


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario_of(web(), script=[{"drain": {"node": "node-1"}}]), id="a step names one"),
        pytest.param(scenario_of(web(), faults={"nodeCrash": 1}), id="one may crash"),
        pytest.param(scenario_of(web(container="ports: [{containerPort: 80, hostPort: 80}]")), id="a port of the node"),
        pytest.param(scenario_of(web(pod=CLAIM)), id="a volume"),
        pytest.param(scenario_of(web(), consistency="resettable"), id="views go back"),
        pytest.param(scenario_of(web(), service(spec=", trafficDistribution: PreferClose")), id="what is near"),
        pytest.param(
            scenario_of(web(), service(annotations=", annotations: {service.kubernetes.io/topology-mode: Auto}")),
            id="hints",
        ),
        pytest.param(scenario_of(web(), service(spec=", internalTrafficPolicy: Local")), id="what is on the node"),
        pytest.param(scenario_of(web(), detail={"scheduler": "queue"}), id="a closer look"),
        pytest.param(scenario_of(web(), nodeCapacity={"cpu": "40", "pods": "3"}), id="no room for all"),
    ],
)
def test_no_node_stands_for_all(scenario: Scenario) -> None:
    assert on_one_node(scenario) is None


def test_the_scheduler_has_a_view_where_it_has_a_choice() -> None:
    def form(scenario: Scenario) -> Form:
        world = machine_of(scenario, prepare(scenario))
        return next(one.form for one in world.processes if one.group == "scheduler")

    assert nowhere_else(scenario_of(web(), nodes=1))
    assert form(scenario_of(web(), nodes=1)) is Form.CURRENT
    assert form(scenario_of(web())) is Form.SNAPSHOT
    assert form(scenario_of(web(), nodes=1, nodeCapacity={"cpu": "40", "pods": "4"})) is Form.SNAPSHOT
