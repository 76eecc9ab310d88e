"""`kubeproof place`: each Pod alone, all together, after losses and on the smallest pool, in words and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeproof.harness.cli import main
from kubeproof.harness.place import place as placing
from kubeproof.harness.place import pool as place_pool
from kubeproof.harness.place.losses import losses
from kubeproof.harness.place.place import solve, wanted
from kubeproof.harness.place.pool import Smallest, pool, smallest
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.properties.placement.groups import Fits, Groups, Misfit, Undecided
from kubeproof.properties.placement.packing import Stuck

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - labelSelector: {matchLabels: {app: web}}
              topologyKey: kubernetes.io/hostname
      containers:
        - name: app
          image: nginx
          resources: {requests: {cpu: 500m, memory: 1Gi}}
"""
NODE = """\
---
apiVersion: v1
kind: Node
metadata: {name: NAME, labels: {kubernetes.io/hostname: NAME}}
spec: {taints: TAINTS}
status: {capacity: {cpu: "2", memory: 4Gi, pods: "10"}}
"""
TAINTED = "[{key: gpu, effect: NoSchedule}]"


def node(name: str, taints: str = "[]") -> str:
    return NODE.replace("NAME", name).replace("TAINTS", taints)


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """Two open nodes and a tainted one, in a file beside the manifests' folder."""
    path = tmp_path / "nodes.yaml"
    path.write_text(node("a") + node("b") + node("c", TAINTED))
    return path


def folder(tmp_path: Path, replicas: int = 2, more: str = "") -> str:
    made = tmp_path / "deploy"
    made.mkdir(exist_ok=True)
    (made / "web.yaml").write_text(WEB.replace("REPLICAS", str(replicas)) + more)
    return str(made)


def place(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["place", *arguments])
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed.out, printed.err


def test_each_refused_node_has_its_reason_and_a_place_for_all_is_shown(
    tmp_path: Path, nodes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = place(capsys, folder(tmp_path), "--nodes", str(nodes))
    assert code == 0
    assert said.splitlines() == [
        f"Deployment web ({tmp_path}/deploy/web.yaml:1): 2 Pods",
        "  can go to 2 of 3 nodes: a, b",
        "  not to c: node(s) had untolerated taint {gpu: } (TaintToleration)",
        "",
        "HOLDS: 2 Pods on 3 nodes: there is a place for all",
        "  a, b: 1 x web",
    ]


def test_two_workloads_of_one_name_are_told_apart(
    tmp_path: Path, nodes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = """---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: old}}
  template:
    metadata: {labels: {app: old}}
    spec: {containers: [{name: c, image: "web:0"}]}
"""
    code, said, _ = place(capsys, folder(tmp_path, 1, more), "--nodes", str(nodes))
    assert code == 0
    assert "HOLDS: 2 Pods on 3 nodes" in said
    placed = said.partition("HOLDS")[2]
    assert placed.count("x web (2)") == 1
    assert placed.count("x web") == 2


def test_a_core_names_object_field_and_line(tmp_path: Path, nodes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = place(capsys, folder(tmp_path, 3), "--nodes", str(nodes))
    assert code == 1
    heading, core = "VIOLATED: 3 Pods on 3 nodes: there is no place for all; ", said.partition("there would be\n")[2]
    assert heading in said
    web = f"{tmp_path}/deploy/web.yaml"
    affinity = "spec.template.spec.affinity.podAntiAffinity"
    assert [line.strip().rpartition("; ")[0] for line in core.splitlines()] == [
        f"{web}:5: Deployment web spec.replicas: web: 3 Pods have to run somewhere",
        f"{nodes}:17: Node c spec.taints: web cannot go to c: c has the taint gpu:NoSchedule",
        (
            f"{web}:11: Deployment web {affinity}: at most one Pod of web fits within one kubernetes.io/hostname, "
            "by its required anti-affinity; there are 3"
        ),
    ]


def test_a_loss_that_is_not_survived_is_the_witness(
    tmp_path: Path, nodes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = place(capsys, folder(tmp_path), "--nodes", str(nodes), "--survive", "1")
    assert code == 1
    assert "HOLDS: 2 Pods on 3 nodes" in said
    assert "VIOLATED: without a there is no place for all" in said
    code, said, _ = place(capsys, folder(tmp_path, 1), "--nodes", str(nodes), "--survive", "1")
    assert code == 0
    assert "after the loss of any 1 node there is a place for all (2 kinds of loss)" in said
    code, said, _ = place(capsys, folder(tmp_path, 1), "--nodes", str(nodes), "--survive", "3")
    assert code == 1
    assert "VIOLATED: the loss of 3 nodes leaves none" in said


def test_losses_that_differ_by_names_only_are_answered_once(tmp_path: Path, nodes: Path) -> None:
    found = wanted([folder(tmp_path)], nodes)
    assert [loss.names for loss in losses(found, 1)] == [("a",), ("c",)]
    assert [loss.names for loss in losses(found, 2)] == [("a", "b"), ("a", "c")]
    assert [type(loss.answer) for loss in losses(found, 1)] == [Misfit, Fits]


def test_a_pod_of_a_lost_node_comes_back_if_somebody_makes_it_anew(tmp_path: Path, nodes: Path) -> None:
    owned = """\
---
apiVersion: v1
kind: Pod
metadata:
  name: old
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: old, uid: "1", controller: true}]
spec:
  nodeName: a
  containers: [{name: c, image: i, resources: {requests: {cpu: CPU}}}]
"""
    small = wanted([folder(tmp_path, 1, owned.replace("CPU", "1"))], nodes)
    assert [type(loss.answer) for loss in losses(small, 1)] == [Fits, Fits, Fits]
    large = wanted([folder(tmp_path, 1, owned.replace("CPU", "1700m"))], nodes)
    assert [type(loss.answer) for loss in losses(large, 1)] == [Misfit, Misfit, Fits]
    bare = wanted([folder(tmp_path, 1, owned.replace("CPU", "1700m").replace("controller: true", ""))], nodes)
    assert [type(loss.answer) for loss in losses(bare, 1)] == [Fits, Misfit, Fits]


@pytest.mark.parametrize(
    ("replicas", "size", "count"),
    [
        pytest.param(3, "cpu:2,memory:8Gi", 3, id="one a node, by anti-affinity"),
        pytest.param(0, "cpu:2", 0, id="nothing needs no node"),
    ],
)
def test_the_smallest_pool(tmp_path: Path, replicas: int, size: str, count: int) -> None:
    found = smallest(wanted([folder(tmp_path, replicas)]), dict([pool(f"m5={size}")]))
    assert (found.counts, found.proved) == ({"m5": count}, True)  # type: ignore[union-attr]


@pytest.mark.parametrize("sizes", [["3", "2", "2", "1"], ["1500m"] * 5, ["4"], ["4", "1", "1", "1", "1", "500m"]])
def test_cp_sat_and_z3_find_the_same_number_of_nodes(
    tmp_path: Path, sizes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ortools")
    made = tmp_path / "pods.yaml"
    made.write_text(
        "".join(
            f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\n"
            f"spec: {{containers: [{{name: c, image: i, resources: {{requests: {{cpu: {cpu}}}}}}}]}}\n"
            for number, cpu in enumerate(sizes)
        )
    )
    found, pools = wanted([made]), dict([pool("m5=cpu:4")])
    with_cpsat = smallest(found, pools)
    monkeypatch.setattr(place_pool, "installed", lambda: False)
    with_z3 = smallest(found, pools)
    assert isinstance(with_cpsat, Smallest)
    assert isinstance(with_z3, Smallest)
    assert (with_cpsat.counts, with_cpsat.proved) == (with_z3.counts, with_z3.proved)
    assert with_z3.proved


@pytest.mark.parametrize("unknown", [0, 1, 2])
def test_a_number_is_not_proved_to_be_the_least_while_a_smaller_one_is_undecided(
    tmp_path: Path, unknown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_pool, "installed", lambda: False)
    honest = place_pool.solve

    def forgetful(groups: Groups, *others: Any, **limits: int) -> Fits | Misfit | Undecided:
        return Undecided() if len(groups.nodes) == unknown else honest(groups, *others, **limits)

    monkeypatch.setattr(place_pool, "solve", forgetful)
    found = smallest(wanted([folder(tmp_path, 3)]), dict([pool("m5=cpu:2,memory:8Gi")]))
    assert isinstance(found, Smallest)
    assert (found.counts, found.proved) == ({"m5": 3}, False)


def test_nodes_that_are_there_cost_nothing(tmp_path: Path) -> None:
    made = tmp_path / "pods.yaml"
    pods = (
        f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{cpu}{number}}}\n"
        f"spec: {{containers: [{{name: c, image: i, resources: {{requests: {{cpu: {cpu}}}}}}}]}}\n"
        for number, cpu in enumerate(["2", "2", "4", "4", "4"])
    )
    made.write_text("".join(pods))
    nodes = tmp_path / "nodes.yaml"
    nodes.write_text(node("a") + node("b"))
    answer = smallest(wanted([made], nodes), dict([pool("m5=cpu:4")]))
    assert isinstance(answer, Smallest)
    assert (answer.counts, answer.proved) == ({"m5": 3}, True)


def test_cp_sat_is_asked_where_z3_gives_up(tmp_path: Path, nodes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ortools")
    groups = wanted([folder(tmp_path, 2)], nodes).groups
    monkeypatch.setattr(placing, "pack", lambda *_, **__: Stuck(0, "web", ""))
    monkeypatch.setattr(placing, "place", lambda *_, **__: Undecided())
    answer = solve(groups)
    assert isinstance(answer, Fits)
    assert answer.nodes == ("a", "b")
    monkeypatch.setattr(placing, "installed", lambda: False)
    assert isinstance(solve(groups), Undecided)


def test_the_smallest_pool_of_two_kinds_and_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pods = "".join(
        f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\n"
        f"spec: {{containers: [{{name: c, image: i, resources: {{requests: {{cpu: {cpu}}}}}}}]}}\n"
        for number, cpu in enumerate(["3", "3", "500m", "500m"])
    )
    made = tmp_path / "pods.yaml"
    made.write_text(pods)
    large, small = ("--pool", "large=cpu:4,memory:8Gi"), ("--pool", "small=cpu:1,memory:8Gi")
    code, said, _ = place(capsys, str(made), "--minimise", "nodes", *large, *small)
    assert code == 0
    assert "HOLDS: 2 nodes are enough: 2 x large, 0 x small; fewer nodes are proved to be too few" in said
    code, said, _ = place(capsys, str(made), "--minimise", "nodes", *small)
    assert code == 1
    assert "VIOLATED: no number of nodes of small is enough" in said


def test_a_workload_that_is_not_modelled_leaves_the_answer_open(
    tmp_path: Path, nodes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = (
        "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: rc}\nspec: {template: {metadata: {\
labels: {app: rc}}, spec: {containers: [{name: c, image: i}]}}}\n"
    )
    code, said, _ = place(capsys, folder(tmp_path, 1, strange), "--nodes", str(nodes))
    assert code == 3
    assert "Rollout default/rc: this custom resource is not modelled" in said


def test_a_job_asks_for_as_many_pods_as_run_at_once(
    tmp_path: Path, nodes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec: {completions: 9, parallelism: 2, \
template: {spec: {containers: [{name: c, image: i}], restartPolicy: Never}}}\n"
    code, said, _ = place(capsys, folder(tmp_path, 1, job), "--nodes", str(nodes))
    assert code == 0
    assert "once" in said


def test_json_says_the_same(tmp_path: Path, nodes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = place(capsys, folder(tmp_path), "--nodes", str(nodes), "--json")
    answer: dict[str, Any] = json.loads(said)
    assert code == 0
    assert answer["status"] == "HOLDS"
    assert [section["question"] for section in answer["sections"]] == ["together"]
    assert answer["sections"][0]["lines"] == ["a, b: 1 x web"]


def test_a_pod_that_has_no_place_is_named_where_it_is_written(
    tmp_path: Path, nodes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lone = tmp_path / "pod.yaml"
    lone.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec: {nodeName: d, containers: [{name: c, image: i}]}\n"
    )
    code, said, _ = place(capsys, str(lone), "--nodes", str(nodes))
    assert code == 1
    assert f"{lone}:4: Pod p metadata.name: p: 1 Pod has to run somewhere" in said
    assert f"{lone}:5: Pod p spec.nodeName: p cannot go to a: it asks for node d by name" in said


def test_without_nodes_nothing_has_a_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = place(capsys, folder(tmp_path))
    assert code == 1
    assert "VIOLATED: 2 Pods on 0 nodes: there is no place for all" in said


@pytest.mark.parametrize("text", ["", "m5", "m5=", "m5=cpu", "=cpu:2", "m5=cpu:two", "m5=cpu:2,"])
def test_a_pool_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--pool"):
        pool(text)


def test_a_pool_without_the_wish_to_minimise_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, complaint = place(capsys, folder(tmp_path), "--pool", "m5=cpu:2")
    assert code == 2
    assert "--minimise nodes and --pool go together" in complaint


def test_a_dump_counts_the_pods_that_exist_against_the_replicas(tmp_path: Path, nodes: Path) -> None:
    existing = """\
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-1
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: "1", controller: true}]
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-1-x
  labels: {app: web}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: "2", controller: true}]
spec: {nodeName: a, containers: [{name: c, image: i}]}
"""
    found = wanted([folder(tmp_path, 2, existing)], nodes)
    assert [(one.pod.metadata.name, one.count) for one in found.groups.groups] == [("web-1", 1)]
    assert [one.metadata.name for one in found.groups.bound] == ["web-1-x"]
    assert isinstance(solve(found.groups), Fits)
