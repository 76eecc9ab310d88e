"""`check --from-cluster`: a dump is the state it was taken of, nothing is made twice, and what is under way goes on.

`examples/live-drain` has a cluster at rest, as `kubectl get -A -o json` prints it: two nodes, the second revision of a
Deployment (the hashes are not those that would be worked out here), its Service, slice and budget, a DaemonSet's Pods,
a mirror Pod, Events, Leases.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubeproof import check, drain
from kubeproof.harness.check.results import Claim
from kubeproof.harness.cli import main
from kubeproof.harness.face import Cluster, Result, replay_check
from kubeproof.harness.input.files.dump import live, read_dump
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import build
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.apps import Deployment, ReplicaSet
from kubeproof.impl.api.core import Pod, Service
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.kubelet.runtime import PodRuntime, Stage
from kubeproof.model.checker.semantics import initial_states, moves
from kubeproof.traces.replay import Replayed
from places import EXAMPLES

WEB = EXAMPLES / "live-drain" / "dump.json"
FIRST, SECOND = "web-7d9c5b8f6c-x2k9p", "web-7d9c5b8f6c-q8wzr"
Items = list[dict[str, Any]]
Change = Callable[[Items], None]


def item(items: Items, kind: str, name: str) -> dict[str, Any]:
    return next(one for one in items if one["kind"] == kind and one["metadata"]["name"] == name)


def text(*changes: Change) -> str:
    """Return the dump as it would be after some changes."""
    whole = json.loads(WEB.read_text())
    for change in changes:
        change(whole["items"])
    return json.dumps(whole)


@pytest.fixture
def dump(tmp_path: Path) -> Callable[..., str]:
    def write(*changes: Change) -> str:
        path = tmp_path / "dump.json"
        path.write_text(text(*changes))
        return str(path)

    return write


def first_steps(path: str) -> set[str]:
    """Name what can be done first."""
    scenario = Cluster.from_manifests(from_cluster=path).load().scenario
    whole = build(scenario, Parts.everything(), *prepare(scenario).starts)
    (start,) = initial_states(whole.machine, urgent=True)
    return {move.step.action for move in moves(whole.machine, start, urgent=True)}


def claim(result: Result, name: str) -> Claim:
    return next(one for one in result.outcome.claims if one.name == name)


# --- at rest ----------------------------------------------------------------------------------------------------------


def test_in_a_cluster_at_rest_nobody_has_anything_to_do() -> None:
    assert first_steps(str(WEB)) == set()


def test_a_cluster_at_rest_converges_in_one_state_and_nothing_hinders_the_verdict() -> None:
    result = check(Cluster.from_manifests(from_cluster=WEB))
    assert (claim(result, "convergence").status.value, result.outcome.states) == ("HOLDS", 1)
    assert claim(result, "budget").vacuous
    assert "start: the cluster as the dump shows it" in result.outcome.bounds
    assert not any("DaemonSet" in line for line in result.not_modelled)
    assert not any("Event" in line or "Lease" in line for line in result.not_modelled)


def test_what_is_wrong_in_the_dump_is_found(dump: Callable[..., str]) -> None:
    """The other half of the test above: each of these differences gives somebody something to do."""

    def one_more(items: Items) -> None:
        item(items, "ReplicaSet", "web-7d9c5b8f6c")["spec"]["replicas"] = 3

    def foreign(items: Items) -> None:
        item(items, "Pod", FIRST)["metadata"]["ownerReferences"][0]["uid"] = "0b8b0000-0000-4000-9000-000000000000"

    def stale(items: Items) -> None:
        item(items, "EndpointSlice", "web-b7kfs")["endpoints"].pop()

    def unlabelled(items: Items) -> None:
        del item(items, "EndpointSlice", "web-b7kfs")["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"]

    def other_template(items: Items) -> None:
        spec = item(items, "ReplicaSet", "web-7d9c5b8f6c")["spec"]["template"]["spec"]
        spec["terminationGracePeriodSeconds"] = 31

    def uncounted(items: Items) -> None:
        item(items, "PodDisruptionBudget", "web")["status"]["currentHealthy"] = 1

    for change, who in (
        (one_more, "replicaset-controller"),
        (foreign, "replicaset-controller"),
        (stale, "endpointslice-controller"),
        (unlabelled, "endpointslice-controller"),
        (other_template, "deployment-controller"),
        (uncounted, "disruption-controller"),
    ):
        assert any(action.startswith(who) for action in first_steps(dump(change))), change.__name__


# --- what happens to it -----------------------------------------------------------------------------------------------


def test_a_drain_moves_the_pods_of_the_replicaset_and_leaves_the_others() -> None:
    result = check(
        Cluster.from_manifests(from_cluster=WEB), script=[drain("worker-1", ignore_daemonsets=True)], propagation="5s"
    )
    assert result.holds
    assert not claim(result, "budget").vacuous


def test_a_drain_that_the_budget_forbids_is_found_and_its_trace_replays(dump: Callable[..., str]) -> None:
    def strict(items: Items) -> None:
        budget = item(items, "PodDisruptionBudget", "web")
        budget["spec"]["minAvailable"] = 2
        budget["status"] |= {"disruptionsAllowed": 0, "desiredHealthy": 2}

    result = check(
        Cluster.from_manifests(from_cluster=dump(strict)),
        script=["drain worker-1 --ignore-daemonsets"],
        propagation="5s",
    )
    assert claim(result, "convergence").status.value == "VIOLATED"
    assert isinstance(replay_check(result.documents["convergence"]), Replayed)


def test_a_rollout_that_has_just_begun_goes_on(dump: Callable[..., str]) -> None:
    """The image is new, and the controller has not yet looked: it makes one ReplicaSet and none of the old ones."""

    def new_image(items: Items) -> None:
        web = item(items, "Deployment", "web")
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.29"
        web["metadata"]["generation"] = 3

    path = dump(new_image)
    assert any(action.startswith("deployment-controller") for action in first_steps(path))
    result = check(Cluster.from_manifests(from_cluster=path), propagation="5s", bounds={"mixedViews": False})
    assert claim(result, "convergence").status.value == "HOLDS"
    assert result.outcome.states > 100


def test_a_rollout_back_takes_the_old_replicaset_and_makes_none(dump: Callable[..., str]) -> None:
    def old_image(items: Items) -> None:
        web = item(items, "Deployment", "web")
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.27"
        web["metadata"]["generation"] = 3

    scenario = Cluster.from_manifests(from_cluster=dump(old_image)).load().scenario
    assert {one.metadata.name for one in prepare(scenario).replicasets} == {"web-5f6b9c7d84", "web-7d9c5b8f6c"}


def test_readiness_gates_of_a_cluster_are_taken_to_be_open(dump: Callable[..., str]) -> None:
    def gated(items: Items) -> None:
        web = item(items, "Deployment", "web")
        web["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": "example.com/up"}]

    loaded = Cluster.from_manifests(from_cluster=dump(gated)).load()
    (said,) = loaded.assumptions
    assert (said.subject, said.field) == ("Deployment default/web", "spec.template.spec.readinessGates[0]")
    assert not [note for note in loaded.notes if "readinessGates" in note.field]


def test_manifests_beside_a_dump_are_applied_to_it(tmp_path: Path) -> None:
    spec = json.loads(WEB.read_text())["items"]
    web = item(spec, "Deployment", "web")
    manifest = json.loads(web["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"])
    manifest["spec"]["replicas"] = 5
    path = tmp_path / "web.json"
    path.write_text(json.dumps(manifest))
    cluster = Cluster.from_manifests(path, from_cluster=WEB)
    scenario = cluster.load().scenario
    assert [type(step).__name__ for step in scenario.script] == ["Apply"]
    (web_now,) = (one for one in scenario.objects if isinstance(one, Deployment))
    assert web_now.spec.replicas == 2
    assert {one.spec.replicas for one in prepare(scenario).replicasets} == {0, 5}


CONTROLLER = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: db}
spec:
  selector: {app: db}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}
"""


@pytest.mark.parametrize("spelled", ["dump.json", "./dump.json", "sub/../dump.json"])
def test_a_dump_among_the_manifests_is_no_manifest(
    spelled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "dump.json").write_text(WEB.read_text())
    (tmp_path / "late.yaml").write_text('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "late"}}')
    monkeypatch.chdir(tmp_path)
    scenario = Cluster.from_manifests(".", from_cluster=spelled).load().scenario
    assert [str(step) for step in scenario.script] == ["apply Namespace late"]


def test_what_is_not_modelled_beside_a_dump_is_told_as_without_it(tmp_path: Path) -> None:
    path = tmp_path / "db.yaml"
    path.write_text(CONTROLLER)
    alone, beside = (
        Cluster.from_manifests(path, nodes=1).load(),
        Cluster.from_manifests(path, from_cluster=WEB).load(),
    )
    assert {str(ref) for ref in beside.scenario.served_elsewhere} == {"Service default/db"}
    assert beside.scenario.served_elsewhere == alone.scenario.served_elsewhere
    for claim_name, subjects in alone.scenario.unmodelled.items():
        assert set(subjects) <= set(beside.scenario.unmodelled[claim_name]), claim_name
    assert any("its Pods come from Rollout default/db" in str(note) for note in beside.notes)


def test_a_live_object_that_was_once_a_hook_of_helm_is_there(dump: Callable[..., str]) -> None:
    def hooked(items: Items) -> None:
        item(items, "Service", "web")["metadata"]["annotations"] = {"helm.sh/hook": "pre-install"}

    scenario = Cluster.from_manifests(from_cluster=dump(hooked)).load().scenario
    assert [one.metadata.name for one in scenario.objects if isinstance(one, Service)].count("web") == 1


def test_the_dump_may_stand_in_scenario_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dump.json").write_text(WEB.read_text())
    (tmp_path / "scenario.yaml").write_text("fromCluster: dump.json\nbounds: {propagation: 5s}\n")
    with pytest.raises(SystemExit) as end:
        main(["check", str(tmp_path), "--quiet"])
    assert end.value.code == 0
    assert "convergence    HOLDS" in capsys.readouterr().out


def test_a_dump_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WEB.read_bytes())))
    script = ["--propagation", "5s", "--script", "drain worker-2 --ignore-daemonsets", "--quiet"]
    with pytest.raises(SystemExit) as end:
        main(["check", "--from-cluster", "-", *script])
    assert end.value.code == 0
    assert "budget         HOLDS" in capsys.readouterr().out


# --- what runs --------------------------------------------------------------------------------------------------------


def state(*changes: Change) -> tuple[dict[str, Pod], dict[str, PodRuntime]]:
    """Return the Pods of a changed dump and what runs for them, by name."""
    whole = json.loads(WEB.read_text())
    for change in changes:
        change(whole["items"])
    start = live(read_dump("dump", json.dumps(whole))).start
    pods = {one.metadata.name: one for one in start.objects if isinstance(one, Pod)}
    named = ((name, start.runtimes.get(pod.metadata.uid)) for name, pod in pods.items())
    return pods, {name: one for name, one in named if isinstance(one, PodRuntime)}


def container(items: Items, name: str) -> dict[str, Any]:
    found: dict[str, Any] = item(items, "Pod", name)["status"]["containerStatuses"][0]
    return found


def test_what_runs_is_told_from_the_status() -> None:
    def changed(items: Items) -> None:
        container(items, FIRST)["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
        container(items, FIRST)["restartCount"] = 7
        container(items, SECOND)["state"] = {"waiting": {"reason": "ErrImagePull"}}
        container(items, "kube-proxy-4dkzt")["ready"] = False

    _, runs = state(changed)
    assert (runs[FIRST].reason, runs[FIRST].restarts, runs[FIRST].ready) == ("CrashLoopBackOff", 7, False)
    assert (runs[SECOND].stage, runs[SECOND].reason) == (Stage.STARTING, "ImagePullBackOff")
    assert (runs["kube-proxy-4dkzt"].stage, runs["kube-proxy-4dkzt"].ready) == (Stage.RUNNING, False)
    assert runs["kube-proxy-lm7xw"].ready


def test_containers_that_have_ended_start_again_unless_their_pod_goes_or_may_not_start_them() -> None:
    def ended(items: Items) -> None:
        for name in (FIRST, SECOND, "kube-proxy-4dkzt"):
            container(items, name).update(state={"terminated": {"exitCode": 3}}, ready=False)
        item(items, "Pod", SECOND)["spec"]["restartPolicy"] = "Never"
        going = item(items, "Pod", "kube-proxy-4dkzt")["metadata"]
        going |= {"deletionTimestamp": "2026-11-28T08:00:30Z", "deletionGracePeriodSeconds": 30}

    _, runs = state(ended)
    assert (runs[FIRST].stage, runs[FIRST].ready) == (Stage.RUNNING, False)
    assert (runs[SECOND].stage, runs[SECOND].exit_code) == (Stage.STOPPED, 3)
    assert runs["kube-proxy-4dkzt"].stage is Stage.STOPPED


def test_a_pod_that_cannot_run_is_not_taken_to_run_in_the_end(dump: Callable[..., str]) -> None:
    def loops(items: Items) -> None:
        container(items, FIRST)["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
        container(items, FIRST)["ready"] = False

    result = check(Cluster.from_manifests(from_cluster=dump(loops)))
    assert claim(result, "convergence").status.value == "VIOLATED"
    assert any(f"{FIRST} runs, is not ready, and stays so (CrashLoopBackOff)" in one for one in result.not_modelled)


def test_a_pod_that_waits_for_a_node_waits_and_one_that_ends_ends(dump: Callable[..., str]) -> None:
    def changed(items: Items) -> None:
        waiting = item(items, "Pod", FIRST)
        del waiting["spec"]["nodeName"]
        refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
        waiting["status"] = {"phase": "Pending", "conditions": [refused]}
        going = item(items, "Pod", SECOND)["metadata"]
        going |= {"deletionTimestamp": "2026-11-28T08:00:30Z", "deletionGracePeriodSeconds": 30}

    pods, runs = state(changed)
    assert FIRST not in runs
    assert pods[FIRST].status.conditions == ()
    assert pods[SECOND].metadata.terminating
    assert runs[SECOND].stage is Stage.RUNNING
    acting = first_steps(dump(changed))
    assert "scheduler: sends" in acting
    assert any(action.startswith("kubelet") for action in acting)
    assert claim(check(Cluster.from_manifests(from_cluster=dump(changed))), "convergence").status.value == "HOLDS"


# --- who is who -------------------------------------------------------------------------------------------------------


def test_an_owner_that_was_made_anew_under_its_name_is_another_one() -> None:
    def anew(items: Items) -> None:
        item(items, "ReplicaSet", "web-7d9c5b8f6c")["metadata"]["uid"] = "f0000000-0000-4000-9000-000000000000"

    pods, _ = state()
    owner = pods[FIRST].metadata.controller
    assert owner is not None
    assert owner.uid == "ReplicaSet/default/web-7d9c5b8f6c"
    pods, _ = state(anew)
    owner = pods[FIRST].metadata.controller
    assert owner is not None
    assert owner.uid != "ReplicaSet/default/web-7d9c5b8f6c"


def test_owners_of_a_kind_that_was_not_dumped_are_there_all_the_same() -> None:
    def no_workloads(items: Items) -> None:
        items[:] = [one for one in items if one["kind"] not in {"ReplicaSet", "Deployment"}]

    whole = json.loads(WEB.read_text())
    no_workloads(whole["items"])
    found = live(read_dump("dump", json.dumps(whole)))
    assert not any(isinstance(one, ReplicaSet) for one in found.start.objects)
    pods, _ = state(no_workloads)
    assert pods[FIRST].metadata.owner_references == ()
    assert any("2 of a ReplicaSet" in note.message for note in found.notes)


def test_a_field_or_kind_of_another_release_is_no_mistake() -> None:
    def newer(items: Items) -> None:
        item(items, "Deployment", "web")["status"]["terminatingReplicas"] = 0
        item(items, "Node", "worker-1")["status"]["declaredFeatures"] = ["a"]
        items.append({"apiVersion": "resource.k8s.io/v9", "kind": "Nothing", "metadata": {"name": "x"}})

    pods, _ = state(newer)
    assert FIRST in pods


# --- what is no dump --------------------------------------------------------------------------------------------------


def test_other_workloads_make_holds_unknown(dump: Callable[..., str]) -> None:
    """A Rollout makes Pods again, and here nobody does."""

    def strange(items: Items) -> None:
        item(items, "DaemonSet", "kube-proxy").update(kind="Rollout", apiVersion="argoproj.io/v1alpha1")

    result = check(Cluster.from_manifests(from_cluster=dump(strange)))
    assert claim(result, "convergence").status.value == "UNKNOWN"


def test_the_revision_of_a_daemonset_that_the_dump_lacks_is_as_its_pods_say(
    dump: Callable[..., str],
) -> None:
    def unlabelled(items: Items) -> None:
        for one in items:
            one["metadata"].get("labels", {}).pop("controller-revision-hash", None)

    def restarted(items: Items) -> None:
        daemons = item(items, "DaemonSet", "kube-proxy")
        daemons["spec"]["template"]["metadata"]["annotations"] = {"restarted": "yes"}
        daemons["metadata"]["annotations"]["deprecated.daemonset.template.generation"] = "2"

    script = ["rollout restart daemonset/kube-proxy -n kube-system"]
    assert claim(check(Cluster.from_manifests(from_cluster=WEB), script=script), "convergence").status.value == "HOLDS"
    found = check(Cluster.from_manifests(from_cluster=dump(unlabelled)))
    assert claim(found, "convergence").status.value == "UNKNOWN"
    assert any("DaemonSet kube-system/kube-proxy has Pods of a revision" in line for line in found.not_modelled)
    assert check(Cluster.from_manifests(from_cluster=dump(restarted))).outcome.states > 1


def test_what_is_no_dump_is_told(dump: Callable[..., str], tmp_path: Path) -> None:
    def without_nodes(items: Items) -> None:
        items[:] = [one for one in items if one["kind"] != "Node"]

    with pytest.raises(BadInput, match="the dump has no nodes"):
        Cluster.from_manifests(from_cluster=dump(without_nodes)).load()
    with pytest.raises(BadInput, match="no such file"):
        Cluster.from_manifests(from_cluster=tmp_path / "none.json")
    with pytest.raises(BadInput, match="one file, not a folder"):
        Cluster.from_manifests(from_cluster=WEB.parent)
    with pytest.raises(BadInput, match="standard input cannot be"):
        Cluster.from_manifests("-", from_cluster="-")
    with pytest.raises(BadInput, match="is not empty"):
        Cluster.from_manifests(from_cluster=WEB).given({"start": "empty"}).load()
    with pytest.raises(BadInput, match="needs a dump"):
        Cluster.from_manifests(WEB).given({"start": "cluster"}).load()
    with pytest.raises(BadInput, match="there is no Node 'worker-9'"):
        Cluster.from_manifests(from_cluster=WEB).given({"script": [{"drain": {"node": "worker-9"}}]}).load()
