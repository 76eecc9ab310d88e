"""Files and options become a scenario, or one clear list of what is wrong with them and where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check.bounds import bounds_of
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.files.inputs import gather
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.plain_nodes import plain_nodes
from kubeproof.harness.input.scenario import Bounds, Consistency, Expected, Faults, Mixed, Scenario, Start
from kubeproof.impl.api.apps import Deployment
from kubeproof.impl.api.core import Node, Service
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.releases import RELEASES
from kubeproof.impl.kubectl import script
from places import EXAMPLES

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: app
          image: nginx:1.28
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
"""
NODE = """\
apiVersion: v1
kind: Node
metadata: {name: node-1}
status:
  capacity: {cpu: "2", memory: 4Gi, pods: "110"}
"""
GOOD = {"web.yaml": DEPLOYMENT, "service.yaml": SERVICE, "node.yaml": NODE}
SCENARIO = """\
title: A new image
start: settled
script:
  - setImage: {kind: Deployment, name: web, image: "nginx:1.29"}
  - drain: {node: node-1}
waitBetweenSteps: true
faults: {crash: 1, nodeCrash: 2, lostResponse: 3, containerCrash: 4}
consistency: resettable
release: "1.32"
bounds: {propagation: 1m5s, pods: 7, mixedViews: false, healthChecks: 24s, requests: 9s}
images: byName
namespace: shop
expect: {reachability: VIOLATED, convergence: HOLDS}
"""


def load(files: dict[str, str], **options: Any) -> Scenario:
    """Make the scenario of some texts."""
    return load_scenario("it", files, immutabledict(options)).scenario


def wrong(files: dict[str, str], **options: Any) -> list[str]:
    """Return what is said of texts that are not right."""
    with pytest.raises(BadInput) as caught:
        load(files, **options)
    return str(caught.value).splitlines()


def test_every_field_of_a_scenario_file_is_read() -> None:
    scenario = load({**GOOD, "scenario.yaml": SCENARIO})
    assert scenario == Scenario(
        name="it",
        objects=scenario.objects,
        script=(script.SetImage("Deployment", "web", "nginx:1.29"), script.Drain("node-1")),
        wait_between_steps=True,
        faults=Faults(1, 2, 3, 4),
        consistency=Consistency.RESETTABLE,
        start=Start.SETTLED,
        release=RELEASES["1.32"],
        image_behaviour=True,
        bounds=Bounds(65, 7, mixed_views=Mixed.NOBODY, check_seconds=24, request_seconds=9),
        expected=(("convergence", Expected.HOLDS), ("reachability", Expected.VIOLATED)),
        namespace="shop",
        title="A new image",
    )
    assert [(type(one).__name__, one.metadata.namespace) for one in scenario.objects] == [
        ("Deployment", "shop"),
        ("Service", "shop"),
        ("Node", ""),
    ]


def test_without_a_scenario_file_the_manifests_are_applied_to_the_empty_nodes() -> None:
    scenario = load(GOOD)
    assert (scenario.start, scenario.script, scenario.faults) == (Start.EMPTY, (), Faults())


def test_an_empty_scenario_file_says_no_more_than_none() -> None:
    assert load({**GOOD, "scenario.yaml": "# nothing yet\n"}) == load(GOOD)


def test_one_input_is_one_scenario() -> None:
    with pytest.raises(
        BadInput, match=r"^b/scenario.yaml: 2 scenarios in one input, which takes one \(check one folder"
    ):
        load({"a/scenario.yaml": "nodes: 1\n", "b/scenario.yaml": "nodes: 2\n"})


def test_with_a_script_the_cluster_has_settled_first() -> None:
    assert load(GOOD, script=[{"drain": {"node": "node-1"}}]).start is Start.SETTLED


def test_options_go_over_the_file_field_by_field() -> None:
    scenario = load(
        {**GOOD, "scenario.yaml": SCENARIO}, faults={"crash": 9}, bounds={"pods": 8}, consistency="session", script=[]
    )
    assert scenario.faults == Faults(9, 2, 3, 4)
    assert scenario.bounds == Bounds(65, 8, mixed_views=Mixed.NOBODY, check_seconds=24, request_seconds=9)
    assert (scenario.consistency, scenario.script) == (Consistency.SESSION, ())


def test_the_least_number_is_still_allowed() -> None:
    scenario = load(GOOD, faults={"crash": 0}, bounds={"pods": 1, "propagation": "0s"}, nodes=1)
    assert (scenario.faults, scenario.bounds) == (Faults(), Bounds(0, 1))


def test_nodes_of_the_option_are_added_to_those_of_the_manifests() -> None:
    names = [one.metadata.name for one in load(GOOD, nodes=2).objects if isinstance(one, Node)]
    assert names == ["node-1", "node-2"]
    assert [(str(node.status.allocatable["cpu"]), str(node.status.allocatable["pods"])) for node in plain_nodes(1)] == [
        ("4", "110")
    ]


def test_a_node_that_gives_only_its_capacity_can_allocate_all_of_it_and_is_ready() -> None:
    (node,) = (one for one in load(GOOD).objects if isinstance(one, Node))
    assert node.status.allocatable == node.status.capacity != {}
    ready = node.status.condition("Ready")
    assert ready is not None
    assert ready.status == "True"


def test_a_manifest_that_the_script_applies_from_a_file_is_not_there_at_first(tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    for name, text in GOOD.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "later" / "web.yaml").write_text(DEPLOYMENT.replace("1.28", "1.30"))
    (tmp_path / "scenario.yaml").write_text("script: [{apply: {file: later/web.yaml}}]\n")
    gathered = gather([tmp_path])
    scenario = load(dict(gathered.files))
    (step,) = scenario.script
    assert isinstance(step, script.Apply)
    assert isinstance(step.object, Deployment)
    assert step.object.spec.template.spec.containers[0].image == "nginx:1.30"
    assert step.object.metadata.namespace == "default"
    assert [one.metadata.name for one in scenario.objects if isinstance(one, Deployment)] == ["web"]


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {KEY: b}\n"
ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app}]}}}
"""
LATER = """\
script:
- cordon node-1
- apply: {file: later/all.yaml}
- scale deployment/web --replicas=1
"""


def test_each_document_of_a_file_that_is_applied_is_a_step() -> None:
    """A ConfigMap is none: it counts as one of the manifests."""
    newer = f"{DEPLOYMENT.replace('1.28', '1.30')}---\n{CONFIG}---\n{DEPLOYMENT.replace('1.28', '1.31')}"
    scenario = load({**GOOD, "scenario.yaml": LATER, "later/all.yaml": newer})
    assert list(map(type, scenario.script)) == [script.Cordon, script.Apply, script.Apply, script.Scale]
    images = [step.object.spec.template.spec.containers[0].image for step in scenario.script[1:3]]
    assert images == ["nginx:1.30", "nginx:1.31"]


def test_a_mistake_in_a_later_document_is_told_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"later/all.yaml:\d+: spec.replicas"):
        load({**GOOD, "scenario.yaml": LATER, "later/all.yaml": f"{CONFIG}---\n{DEPLOYMENT.replace(': 2', ': -2')}"})


def test_a_configmap_that_comes_later_is_not_missing_of_what_is_complete() -> None:
    asks = DEPLOYMENT.replace("- name: app", "- envFrom: [{configMapRef: {name: conf}}]\n          name: app")
    files = {**GOOD, "web.yaml": asks, "scenario.yaml": f"complete: true\n{LATER}"}
    assert load({**files, "later/all.yaml": CONFIG}).absent == frozenset()
    another = CONFIG.replace("conf", "another")
    assert Ref("ConfigMap", "default", "conf") in load({**files, "later/all.yaml": another}).absent


@pytest.mark.parametrize("text", [CONFIG.replace("KEY", "OTHER"), ROLLOUT], ids=["other keys", "claims hang on it"])
def test_what_would_change_a_claim_cannot_be_applied(text: str) -> None:
    with pytest.raises(BadInput, match="expected one object of a kind that is modelled"):
        load({**GOOD, "conf.yaml": CONFIG, "scenario.yaml": LATER, "later/all.yaml": text})
    load({**GOOD, "conf.yaml": CONFIG, "scenario.yaml": LATER, "later/all.yaml": CONFIG.replace("b}", "c}")})


def test_an_immutable_configmap_cannot_be_given_other_data() -> None:
    """Upstream: ValidateConfigMapUpdate in pkg/apis/core/validation/validation.go (v1.32)."""
    fixed = f"{CONFIG}immutable: true\n"
    load({**GOOD, "conf.yaml": fixed, "scenario.yaml": LATER, "later/all.yaml": fixed})
    with pytest.raises(BadInput, match=r"later/all.yaml:1: ConfigMap default/conf is immutable: .* refuses other data"):
        load({**GOOD, "conf.yaml": fixed, "scenario.yaml": LATER, "later/all.yaml": fixed.replace("b}", "c}")})


def test_what_an_immutable_secret_says_in_plain_words_is_data_as_well() -> None:
    sealed = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nimmutable: true\n"
    encoded, plain = f"{sealed}data: {{k: Yg==}}\n", f"{sealed}stringData: {{k: b}}\n"
    load({**GOOD, "s.yaml": encoded, "scenario.yaml": LATER, "later/all.yaml": plain})
    with pytest.raises(BadInput, match="Secret default/s is immutable: the API server refuses other data"):
        load({**GOOD, "s.yaml": encoded, "scenario.yaml": LATER, "later/all.yaml": plain.replace(" b}", " c}")})


ALONE = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {serviceAccountName: bot, containers: [{name: a, image: b}]}
"""
OF_A_CONTROLLER = DEPLOYMENT.replace("containers:", "serviceAccountName: bot\n      containers:")
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: bot}\n"


@pytest.mark.parametrize(
    ("first", "steps", "refused"),
    [
        ("", f"{ALONE}---\n{ACCOUNT}", True),
        ("", f"{ACCOUNT}---\n{ALONE}", False),
        (ACCOUNT, f"{ALONE}---\n{ACCOUNT}", False),
        ("", f"{ALONE}---\n{ACCOUNT.replace('bot', 'another')}", False),
        ("", f"{ALONE.replace('bot', 'default')}---\n{ACCOUNT.replace('bot', 'default')}", False),
        ("", f"{OF_A_CONTROLLER}---\n{ACCOUNT}", False),
    ],
    ids=["before it", "after it", "it is there", "of another", "the account of every namespace", "of a controller"],
)
def test_a_pod_by_itself_that_a_step_applies_before_its_account_is_refused(
    first: str, steps: str, *, refused: bool
) -> None:
    files = {**GOOD, "scenario.yaml": LATER, "later/all.yaml": steps, **({"first.yaml": first} if first else {})}
    if not refused:
        load(files)
        return
    with pytest.raises(BadInput, match=r'later/all.yaml:1: pods "p" is forbidden: .*serviceaccount "bot" not found'):
        load(files)


@pytest.mark.parametrize("name", ["web", "dropped", "deadlock"])
def test_the_examples_load_and_leave_nothing_unsaid(name: str) -> None:
    loaded = Cluster.from_manifests(EXAMPLES / name).load()
    assert loaded.not_modelled == ()
    assert loaded.scenario.title
    assert {claim for claim, _ in loaded.scenario.expected} >= {"convergence", "placement", "reachability"}
    assert sum(isinstance(one, Node) for one in loaded.scenario.objects) == 3
    assert any(isinstance(one, Service) for one in loaded.scenario.objects)


MANIFEST_MISTAKES = [
    ("malformed YAML", {"web.yaml": "a: [1\nb: 2\n"}, "web.yaml:2: malformed YAML"),
    ("an unknown kind", {"web.yaml": DEPLOYMENT.replace("Deployment", "Deploymnet")},
     'web.yaml:2: kind: unknown kind "Deploymnet" (did you mean Deployment?)'),
    ("a wrong type", {"web.yaml": DEPLOYMENT.replace("replicas: 2", "replicas: two")},
     'web.yaml:6: spec.replicas: expected an integer, got "two"'),
    ("a misspelt field", {"web.yaml": DEPLOYMENT.replace("replicas:", "replica:")},
     "web.yaml:6: spec.replica: Kubernetes 1.36 has no such field (did you mean replicas?)"),
    ("negative replicas", {"web.yaml": DEPLOYMENT.replace("replicas: 2", "replicas: -1")},
     "web.yaml:6: spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    ("cpu: fast", {"node.yaml": NODE.replace('cpu: "2"', "cpu: fast")},
     'node.yaml:5: status.capacity[cpu]: expected a quantity such as 500m or 64Mi, got "fast"'),
    ("a name that is to be made", {"web.yaml": DEPLOYMENT.replace("name: web", "generateName: web-", 1)},
     "web.yaml:4: metadata.generateName: kubectl apply cannot use it (kubectl create does)"),
    ("a key given twice", {"web.yaml": DEPLOYMENT.replace("  replicas: 2", "  replicas: 2\n  replicas: 3")},
     "web.yaml:7: spec.replicas: the key is already set in line 6"),
    ("an object given twice, and otherwise", {"copy.yaml": SERVICE.replace("port: 80", "port: 81")},
     "copy.yaml:1: metadata.name: Service default/web is already"),
    ("a node without capacity", {"node.yaml": NODE.partition("status:")[0]},
     "node.yaml:1: status.allocatable: node node-1 has no allocatable cpu, memory, pods"),
    ("a node without memory", {"node.yaml": NODE.replace(" memory: 4Gi,", "")},
     "node.yaml:4: status.allocatable: node node-1 has no allocatable memory"),
    ("no nodes", {"node.yaml": SERVICE.replace("name: web", "name: other")}, "input: there are no nodes (add Node"),
    ("an empty file", {"web.yaml": ""}, "web.yaml: the file is empty"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "said"), [row[1:] for row in MANIFEST_MISTAKES], ids=[row[0] for row in MANIFEST_MISTAKES]
)
def test_a_mistake_in_a_manifest_is_told_with_file_line_and_field(files: dict[str, str], said: str) -> None:
    assert any(line.startswith(said) for line in wrong({**GOOD, **files})), wrong({**GOOD, **files})


SCENARIO_MISTAKES = [
    ("malformed", "a: [1\nb: 2\n", "scenario.yaml:2: malformed YAML"),
    ("a list", "- a\n", "scenario.yaml:1: expected a map, got a list"),
    ("a list for a text", "title: [a]\n", "scenario.yaml:1: title: expected a text, got a list"),
    ("nothing for a choice", "start:\n",
     "scenario.yaml:1: start: expected one of empty, settled, cluster, got nothing"),
    ("two documents", "title: a\n---\ntitle: b\n", "scenario.yaml:3: expected one document, got several"),
    ("an unknown field", "a: 1\nscrpt: []\n", "scenario.yaml:2: scrpt: unknown field 'scrpt' (did you mean script?)"),
    ("an unknown start", "start: setled\n",
     'scenario.yaml:1: start: expected one of empty, settled, cluster, got "setled" (did you mean settled?)'),
    ("a fault by another name", "faults:\n  node-crash: 1\n",
     "scenario.yaml:2: faults.node-crash: unknown field 'node-crash' (did you mean nodeCrash?)"),
    ("a fault that is no number", "faults: {crash: often}\n",
     'scenario.yaml:1: faults.crash: expected an integer, got "often"'),
    ("a fault less than never", "faults: {crash: -1}\n", "scenario.yaml:1: faults.crash: expected at least 0, got -1"),
    ("a truth value for a number", "faults: {crash: yes}\n",
     "scenario.yaml:1: faults.crash: expected an integer, got true"),
    ("a release that is a number", "release: 1.32\n",
     "scenario.yaml:1: release: expected a text, got 1.32 (put it in quotes)"),
    ("a release nobody modelled", 'release: "1.12"\n', "scenario.yaml:1: release: release '1.12' is not modelled"),
    ("a duration with a fraction", "bounds: {propagation: 500ms}\n",
     "scenario.yaml:1: bounds.propagation: expected a duration in whole seconds like 5s or 1m30s, got '500ms'"),
    ("no places for Pods", "bounds: {pods: 0}\n", "scenario.yaml:1: bounds.pods: expected at least 1, got 0"),
    ("a text for a truth value", "waitBetweenSteps: maybe\n",
     'scenario.yaml:1: waitBetweenSteps: expected true or false, got "maybe"'),
    ("an unknown claim", "expect: {reachable: HOLDS}\n",
     "scenario.yaml:1: expect.reachable: unknown field 'reachable' (did you mean reachability?)"),
    ("an unknown verdict", "expect: {budget: OK}\n",
     'scenario.yaml:1: expect.budget: expected one of HOLDS, VIOLATED, UNKNOWN, got "OK"'),
    ("a script that is no list", "script: 3\n", "scenario.yaml:1: script: expected a list, got 3"),
    ("no file to apply", "script:\n  - apply: {file: gone.yaml}\n",
     "scenario.yaml:2: script[0].apply.file: there is no file 'gone.yaml'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"), [row[1:] for row in SCENARIO_MISTAKES], ids=[row[0] for row in SCENARIO_MISTAKES]
)
def test_a_mistake_in_the_scenario_is_told_with_file_line_and_field(text: str, said: str) -> None:
    lines = wrong({**GOOD, "scenario.yaml": text})
    assert any(line.startswith(said) for line in lines), lines


SCRIPT_MISTAKES = [
    ("set image of nothing", {"setImage": {"kind": "Deployment", "name": "wbe", "image": "a"}}, "setImage.name",
     "there is no Deployment 'wbe' in namespace default (did you mean web?)"),
    ("scale of another kind", {"scale": {"kind": "Service", "name": "web", "replicas": 1}}, "scale.kind",
     "there is no Service default/web"),
    ("a kind that is not there", {"scale": {"kind": "ReplicaSet", "name": "web", "replicas": 1}}, "scale.name",
     "there is no ReplicaSet 'web' in namespace default (there is no ReplicaSet at all)"),
    ("an unknown container",
     {"setImage": {"kind": "Deployment", "name": "web", "image": "a", "container": "main"}},
     "setImage.container", "there is no container main of Deployment default/web: app"),
    ("drain of no node", {"drain": {"node": "node-7"}}, "drain.node",
     "there is no Node 'node-7' (did you mean node-1?)"),
    ("delete of no node", {"deleteNode": {"node": "other"}}, "deleteNode.node",
     "there is no Node 'other' (there are node-1)"),
    ("delete of no object", {"deleteObject": {"kind": "Service", "name": "shop"}}, "deleteObject.name",
     "there is no Service 'shop' in namespace default (there are web)"),
    ("undo of nothing", {"rolloutUndo": {"kind": "Deployment", "name": "a"}}, "rolloutUndo.name",
     "there is no Deployment 'a' in namespace default (there are web)"),
    ("a Pod of nobody", {"deletePod": {"name": "shop-1"}}, "deletePod.name",
     "there is no Pod 'shop-1' in namespace default (there is no Pod at all)"),
    ("a Pod of no workload", {"deletePod": {"workload": "Deployment/a"}}, "deletePod.workload",
     "there is no Deployment 'a' in namespace default (there are web)"),
    ("a Pod on no node", {"deletePod": {"workload": "Deployment/web", "node": "x"}}, "deletePod.node",
     "there is no Node 'x' (there are node-1)"),
    ("a node that is there",
     {"addNode": {"node": {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}}},
     "addNode.node", "there is already a node 'node-1'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "field", "said"), [row[1:] for row in SCRIPT_MISTAKES], ids=[row[0] for row in SCRIPT_MISTAKES]
)
def test_a_script_step_that_cannot_work_is_told_before_anything_is_searched(
    step: dict[str, Any], field: str, said: str
) -> None:
    assert wrong(GOOD, script=[step]) == [f"options: script[0].{field}: {said}"]


def test_what_an_earlier_step_brings_a_later_one_may_name_and_what_it_takes_away_it_may_not() -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-2"}}
    steps = [{"addNode": {"node": node}}, {"drain": {"node": "node-2"}}, {"deleteNode": {"node": "node-2"}}]
    assert len(load(GOOD, script=steps).script) == 3
    assert wrong(GOOD, script=[*steps, {"drain": {"node": "node-2"}}]) == [
        "options: script[3].drain.node: there is no Node 'node-2' (did you mean node-1?)"
    ]
    gone = {"deleteObject": {"kind": "Deployment", "name": "web"}}
    assert "script[1]" in wrong(GOOD, script=[gone, {"scale": {"kind": "Deployment", "name": "web", "replicas": 1}}])[0]


def test_a_pod_that_a_controller_will_make_may_be_named() -> None:
    assert load(GOOD, script=[{"deletePod": {"name": "web-5d9c7b-x"}}]).script == (script.DeletePod("web-5d9c7b-x"),)


def test_all_mistakes_are_told_at_once() -> None:
    files = {**GOOD, "scenario.yaml": "start: now\nfaults: {crash: -1}\n", "web.yaml": DEPLOYMENT.replace("2", "two")}
    assert len(wrong(files)) >= 3


def gathering(path: Path) -> str:
    """Return what is said of a path that cannot be used."""
    with pytest.raises(BadInput) as caught:
        gather([path])
    return str(caught.value)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert gathering(tmp_path / "gone") == f"{tmp_path}/gone: no such file or folder"


def test_a_binary_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_bytes(b"\x7fELF\x00\x01\xff")
    assert gathering(tmp_path / "web.yaml").startswith(f"{tmp_path}/web.yaml: not a text file")


def test_a_folder_without_manifests_is_named(tmp_path: Path) -> None:
    assert gathering(tmp_path).startswith(f"{tmp_path}: the folder has no manifests")


def test_a_folder_with_nothing_but_a_scenario_is_named(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("title: a\n")
    assert gathering(tmp_path).startswith(f"{tmp_path}: no manifests, only a scenario")


@pytest.mark.parametrize("name", ["a folder", "a file"])
def test_what_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The refusal is played, for the superuser may read everything."""
    (tmp_path / "web.yaml").write_text(DEPLOYMENT)

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "iterdir" if name == "a folder" else "read_bytes", refuse)
    path = tmp_path if name == "a folder" else tmp_path / "web.yaml"
    assert gathering(path) == f"{path}: cannot be read: Permission denied"


SHOP = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n"
SHOP += "spec: {containers: [{name: app, image: i}]}\n"


def deleting(name: str) -> Scenario:
    step = {"deleteObject": {"kind": "Namespace", "name": name}}
    return load_scenario("it", {"web.yaml": SHOP}, {"nodes": 1, "script": [step]}).scenario


def test_a_namespace_that_is_assumed_to_exist_may_be_deleted() -> None:
    """That the API server keeps `default` is the business of the step, which fails."""
    assert [len(deleting(name).script) for name in ("shop", "default")] == [1, 1]
    with pytest.raises(BadInput, match=r"there is no Namespace 'shp' \(did you mean shop\?\)"):
        deleting("shp")


def grained(**options: Any) -> Scenario:
    return load_scenario("it", {"it.yaml": DEPLOYMENT}, {"nodes": 1, **options}).scenario


def test_behind_a_balancer_views_may_go_back_and_a_leader_change_loses_an_answer() -> None:
    plain, several, raft = grained(), grained(detail={"apiservers": 2}), grained(detail={"etcd": "raft"})
    assert (plain.consistency, several.consistency) == (Consistency.SESSION, Consistency.RESETTABLE)
    assert (several.faults.lost_response, raft.faults.lost_response) == (0, 1)
    assert grained(detail={"etcd": "raft"}, faults={"lostResponse": 3}).faults.lost_response == 3
    assert any("etcd as one copy" in line for line in bounds_of(raft))
    assert any("a request may be done and its answer lost" in line for line in bounds_of(raft))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"detail": {"apiservers": 3}}, "3 is not known of apiservers"),
        ({"detail": {"etcd": "paxos"}}, "'paxos' is not known of etcd"),
        ({"detail": {"apiservers": 2}, "consistency": "session"}, "behind several API servers views may go back"),
        ({"detail": {"apiservers": 2}, "consistency": "linearizable"}, "leave it out, or write resettable"),
    ],
)
def test_a_grain_that_is_not_there_or_contradicts_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as found:
        grained(**options)
    assert said in str(found.value)
