"""`kubeproof place --from-cluster`, losses of zones, least changes, what the scheduler misses, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeproof.harness.cli import main
from kubeproof.harness.place.place import wanted

ZONE = "topology.kubernetes.io/zone"


def node(name: str, zone: str = "", cpu: str = "2", **spec: Any) -> dict[str, Any]:
    """Make a node as kubectl prints it."""
    labels = {"kubernetes.io/hostname": name, **({ZONE: zone} if zone else {})}
    managed = [{"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}]
    metadata = {"name": name, "uid": name, "resourceVersion": "5", "labels": labels, "managedFields": managed}
    has = {"cpu": cpu, "memory": "4Gi", "pods": "10", "ephemeral-storage": "99Gi"}
    info = {"kubeletVersion": "v1.32.0", "operatingSystem": "linux", "architecture": "amd64"}
    status = {"capacity": has, "allocatable": has, "nodeInfo": info, "addresses": []}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def pod(name: str, cpu: str = "1", *, on: str = "", phase: str = "", owner: str = "", **spec: Any) -> dict[str, Any]:
    """Make a Pod as kubectl prints it."""
    owners = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "controller": True}]
    metadata = {"name": name, "namespace": "default", "labels": {"app": name}, "ownerReferences": owners[: bool(owner)]}
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
    told = {"phase": phase or ("Running" if on else "Pending"), "qosClass": "Burstable"}
    where = {"nodeName": on} if on else {}
    body = {"containers": [container], **where, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body, "status": told}


@pytest.fixture
def dump(tmp_path: Path) -> Any:
    """Write a dump and give its path."""

    def write(*items: dict[str, Any]) -> str:
        path = tmp_path / "dump.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)}))
        return str(path)

    return write


def place(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["place", *arguments])
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    assert "Traceback" not in printed.err
    return ended.value.code, printed.out, printed.err


Capture = pytest.CaptureFixture[str]


# --- a dump -------------------------------------------------------------------------------------------------------


def test_pods_that_run_stay_and_those_that_wait_are_placed(dump: Any, capsys: Capture) -> None:
    path = dump(node("a"), node("b"), pod("old", on="a"), pod("done", "2", on="b", phase="Succeeded"), pod("new", "2"))
    code, said, _ = place(capsys, "--from-cluster", path)
    assert code == 0
    assert "can go to 1 of 2 nodes: b" in said
    assert "HOLDS: 1 Pod on 2 nodes: there is a place for all\n  b: 1 x new\n" in said


def test_manifests_come_on_top_of_a_dump(dump: Any, tmp_path: Path, capsys: Capture) -> None:
    path = dump(node("a"), pod("old", on="a"))
    more = tmp_path / "more.yaml"
    more.write_text(json.dumps(pod("new", "1500m")))
    code, said, _ = place(capsys, str(more), "--from-cluster", path)
    assert code == 1
    assert "not to a: Insufficient cpu (NodeResourcesFit)" in said
    grown = tmp_path / "node.yaml"
    grown.write_text(json.dumps(node("a", cpu="4")))
    assert place(capsys, str(more), str(grown), "--from-cluster", path)[0] == 0


def test_a_pod_on_a_node_that_is_not_there_leaves_the_answer_open(dump: Any, capsys: Capture) -> None:
    code, said, _ = place(capsys, "--from-cluster", dump(node("a"), pod("lost", on="gone"), pod("new")))
    assert code == 3
    assert "UNKNOWN: " in said
    assert "Pod lost runs on node gone, which the dump does not have" in said
    assert "HOLDS: 1 Pod on 1 node" in said


def test_what_does_not_change_the_answer_is_a_remark(dump: Any, capsys: Capture) -> None:
    old = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "d", "namespace": "default"}}
    path = dump(node("a"), pod("web-1", on="a", owner="web"), pod("new", priorityClassName="high"), old)
    code, said, _ = place(capsys, "--from-cluster", path)
    assert code == 0
    assert "1 Pods or workloads belong to 1 controllers (ReplicaSet) that the dump does not have" in said
    assert "not modelled: 1 Endpoints;" in said
    assert "Pod new: there is no PriorityClass high; priority 0 is assumed" in said


def test_labels_of_namespaces_that_are_missing_leave_the_answer_open(dump: Any, capsys: Capture) -> None:
    term = {"labelSelector": {}, "topologyKey": ZONE, "namespaceSelector": {"matchLabels": {"team": "x"}}}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    code, said, _ = place(capsys, "--from-cluster", dump(node("a"), pod("new", affinity=apart)))
    assert code == 3
    assert "Pod new selects namespaces by label, and the dump lacks the namespaces default" in said


def test_a_priority_class_gives_its_number(dump: Any) -> None:
    def ranked(name: str, value: int, *, everyone: bool = False) -> dict[str, Any]:
        version = "scheduling.k8s.io/v1"
        return {"apiVersion": version, "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
                "globalDefault": everyone}  # fmt: skip

    path = dump(
        node("a"),
        ranked("high", 1000),
        ranked("low", -5),
        ranked("usual", 7, everyone=True),
        pod("x", priorityClassName="high"),
        pod("y"),
        pod("z", priorityClassName="system-node-critical"),
    )
    found = {group.pod.metadata.name: group.pod.spec.priority for group in wanted([], from_cluster=path).groups.groups}
    assert found == {"x": 1000, "y": 7, "z": 2_000_001_000}


def test_a_claim_that_does_not_exist_is_the_reason(dump: Any, capsys: Capture) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    code, said, _ = place(capsys, "--from-cluster", dump(node("a"), pod("new", volumes=volumes)))
    assert code == 1
    assert "Pod new spec.volumes: new cannot go to a: the claim data does not exist; creating the claim data" in said


# --- losses, changes, capacity ------------------------------------------------------------------------------------


def test_the_loss_of_a_zone_takes_all_its_nodes(dump: Any, capsys: Capture) -> None:
    path = dump(node("a", "z1"), node("b", "z1"), node("c", "z2"), pod("p", "2"), pod("q", "2"))
    assert place(capsys, "--from-cluster", path, "--survive", "1")[0] == 0
    code, said, _ = place(capsys, "--from-cluster", path, "--survive-zones", "1")
    assert code == 1
    assert "VIOLATED: without z1 there is no place for all" in said
    wide = dump(node("a", "z1"), node("b", "z1"), node("c", "z2", "4"), pod("p", "2"), pod("q", "2"))
    code, said, _ = place(capsys, "--from-cluster", wide, "--survive-zones", "1")
    assert code == 0
    assert "HOLDS: after the loss of any 1 zone there is a place for all (2 kinds of loss)" in said
    code, said, _ = place(capsys, "--from-cluster", wide, "--survive-zones", "3")
    assert code == 3
    assert "fewer than 3" in said


def test_the_fewest_changes_are_named_with_their_place(dump: Any, capsys: Capture) -> None:
    tainted = node("b", taints=[{"key": "gpu", "effect": "NoSchedule"}])
    path = dump(node("a"), tainted, pod("p", "2"), pod("q", "2"))
    code, said, _ = place(capsys, "--from-cluster", path, "--minimise", "changes")
    assert code == 1
    changes = said.partition("HOLDS: after 1 change there is a place for all, and not after fewer\n")[2]
    assert "Node b spec.taints: remove the taint from b, or let the Pods tolerate it" in changes.splitlines()[0] or (
        "status.allocatable: raise what a has" in changes.splitlines()[0]
    )
    assert place(capsys, "--from-cluster", dump(node("a"), pod("p")), "--minimise", "changes")[0] == 0


def test_the_least_capacity_is_named_by_node(dump: Any, capsys: Capture) -> None:
    path = dump(node("a"), pod("p", "1500m"), pod("q", "1200m"))
    code, said, _ = place(capsys, "--from-cluster", path, "--minimise", "capacity")
    assert code == 1
    assert "  a: 700m more cpu\n" in said
    selected = pod("q", nodeSelector={"disk": "ssd"})
    code, said, _ = place(capsys, "--from-cluster", dump(node("a"), selected), "--minimise", "capacity")
    assert code == 1
    assert "VIOLATED: no capacity would make room for all" in said


def test_the_scheduler_left_to_itself_may_miss_a_place_for_all(dump: Any, capsys: Capture) -> None:
    path = dump(node("a", cpu="2"), node("b", cpu="3"), pod("x", "2"), pod("y", "1500m"), pod("z", "1500m"))
    code, said, _ = place(capsys, "--from-cluster", path)
    assert code == 0
    assert "HOLDS: 3 Pods on 2 nodes: there is a place for all" in said
    assert "left to itself the scheduler places 2 Pods and gets stuck at z: 0/2 nodes are available" in said
    assert "in this order its filters allow the placement: x to a" in said


def test_nothing_is_said_of_changes_where_a_claim_is_undecided(dump: Any, capsys: Capture) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": "data", "namespace": "default"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"},
            "provisioner": "disk.example.com", "volumeBindingMode": "WaitForFirstConsumer"}  # fmt: skip
    path = dump(node("a"), claim, made, pod("p", volumes=volumes), pod("q", volumes=volumes))
    for wish in ("changes", "capacity"):
        code, said, _ = place(capsys, "--from-cluster", path, "--minimise", wish)
        assert code == 3
        assert said.count("several Pods share the claim data") == 2


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "the file is empty", id="nothing"),
        pytest.param("{", "", id="half a JSON"),
        pytest.param('{"apiVersion": "v1", "kind": "List", "items": []}', "", id="an empty list"),
        pytest.param(json.dumps(pod("p")), "the dump has no nodes", id="no nodes"),
        pytest.param(json.dumps(node("a", cpu="two")), "expected a quantity such as 500m or 64Mi", id="a bad quantity"),
        pytest.param(json.dumps({"kind": "List", "items": [1]}), "", id="an item that is no object"),
        pytest.param("error: the server doesn't have a resource type", "", id="what kubectl says when it fails"),
    ],
)
def test_a_dump_that_cannot_be_used_is_refused_in_words(tmp_path: Path, capsys: Capture, text: str, words: str) -> None:
    path = tmp_path / "dump.json"
    path.write_text(text)
    code, _, complaint = place(capsys, "--from-cluster", str(path))
    assert code == 2
    assert words in complaint
    assert str(path) in complaint


def required(**term: Any) -> dict[str, Any]:
    terms = [{"matchExpressions": [term]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({"affinity": required(key="k", operator="Near", values=["x"])}, "operator", id="operator"),
        pytest.param({"affinity": required(key="k", operator="Gt", values=["x", "y"])}, "values", id="two bounds"),
        pytest.param({"tolerations": [{"key": "k", "operator": "Like"}]}, "operator", id="toleration"),
        pytest.param({"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "k", "whenUnsatisfiable":
                      "DoNotSchedule"}]}, "maxSkew", id="no skew at all"),
    ],
)  # fmt: skip
def test_what_the_api_server_would_refuse_is_refused(dump: Any, capsys: Capture, spec: Any, words: str) -> None:
    code, _, complaint = place(capsys, "--from-cluster", dump(node("a"), pod("p", **spec)))
    assert code == 2
    assert words in complaint


def near(app: str) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


CONTRADICTION = {"nodeSelector": {"disk": "ssd"}, "affinity": required(key="disk", operator="NotIn", values=["ssd"])}


@pytest.mark.parametrize(
    ("items", "words"),
    [
        pytest.param([node("a", cpu="0"), pod("p")], "a has no cpu", id="a node that has nothing"),
        pytest.param([node("a"), pod("p", **near("q")), pod("q", **near("p"))], "required affinity", id="a circle"),
        pytest.param([node("a"), pod("p", **near("nobody"))], "required affinity", id="company that never comes"),
        pytest.param([node("a"), pod("p", **CONTRADICTION)], "nodeSelector wants disk=ssd", id="a contradiction"),
        pytest.param([node("a"), pod("p", "1P")], "cpu left", id="more than there is anywhere"),
    ],
)
def test_the_impossible_is_a_verdict_with_a_reason(dump: Any, capsys: Capture, items: Any, words: str) -> None:
    code, said, _ = place(capsys, "--from-cluster", dump(*items))
    assert code == 1
    assert words in said.partition("VIOLATED")[2]


def test_thousands_of_taints_are_no_trouble(dump: Any, capsys: Capture) -> None:
    taints = [{"key": f"k{one}", "effect": "NoSchedule"} for one in range(2000)]
    code, said, _ = place(capsys, "--from-cluster", dump(node("a", taints=taints), node("b"), pod("p")))
    assert code == 0
    assert "can go to 1 of 2 nodes: b" in said
    code, said, _ = place(capsys, "--from-cluster", dump(node("a", taints=taints), pod("p")))
    assert code == 1
    assert said.count("has the taint") == 1


def test_something_has_to_be_given(capsys: Capture) -> None:
    code, _, complaint = place(capsys)
    assert code == 2
    assert "give manifests, or --from-cluster" in complaint
