"""The nine steps tell what the components really do, and a recorded walk replays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness import cli
from kubeproof.harness.run import steps as walk_steps
from kubeproof.harness.run.tour import Walk, given, record, replay_walk, text, walk
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.apiserver.access.authentication import User
from kubeproof.traces.document import BadTraceError, Inputs, from_text, to_text
from kubeproof.traces.replay import Differs, Impossible, Replayed
from planted import planted

NODES = """\
apiVersion: v1
kind: Node
metadata: {name: reserved}
spec: {taints: [{key: gpu, effect: NoSchedule}]}
status: {capacity: {cpu: "2", memory: 4Gi, pods: "110"}}
---
apiVersion: v1
kind: Node
metadata: {name: small}
status: {capacity: {cpu: "1", memory: 1Gi, pods: "ROOM"}}
"""


@pytest.fixture(scope="module")
def walked() -> Walk:
    return walk(given("nginx-pod", "nginx:latest", 80, None))


@pytest.fixture
def on_nodes(tmp_path: Path) -> Callable[[str], Walk]:
    """Walk with a reserved node and a small one that has room for so many Pods."""

    def walker(room: str) -> Walk:
        (tmp_path / "nodes.yaml").write_text(NODES.replace("ROOM", room))
        return walk(given("nginx-pod", "nginx:latest", 80, tmp_path / "nodes.yaml"))

    return walker


def lines(walked: Walk, number: int) -> tuple[str, ...]:
    return walked.scenes[number - 1].lines


def test_there_are_nine_steps_and_the_text_numbers_them(walked: Walk) -> None:
    assert len(walked.scenes) == 9
    numbered = [line for line in text(walked).splitlines() if line[:1].isdigit()]
    assert [line.partition(".")[0] for line in numbered] == [str(number) for number in range(1, 10)]


def test_the_first_shows_the_manifest(walked: Walk) -> None:
    assert lines(walked, 1)[0] == "kubectl run nginx-pod --image=nginx:latest"
    assert "    run: nginx-pod" in lines(walked, 1)
    assert "    image: nginx:latest" in lines(walked, 1)


def test_the_second_says_who_asks_and_what_for(walked: Walk) -> None:
    assert lines(walked, 2)[2] == "POST /api/v1/namespaces/default/pods?fieldManager=kubectl-run"
    assert "proves the user kubernetes-admin, groups system:masters" in lines(walked, 2)[-1]


def test_the_third_names_the_rule_that_allows_it(walked: Walk) -> None:
    assert lines(walked, 3)[1].startswith("yes: role cluster-admin")


def test_a_user_whom_no_rule_allows_is_refused_in_kubernetes_words() -> None:
    stranger = walk_steps.Given("a", "b", 80, (), User("jane"))
    _, told = walk_steps.authorisation(stranger, walk_steps.first_server(stranger))
    assert told[1] == 'no: User "jane" cannot create resource "pods" in API group "" in the namespace "default"'


def test_the_fourth_shows_what_was_filled_in(walked: Walk) -> None:
    added = lines(walked, 4)
    assert "+ spec.terminationGracePeriodSeconds: 30" in added
    assert "+ spec.containers[0].imagePullPolicy: Always" in added
    assert "+ spec.tolerations[0].key: node.kubernetes.io/not-ready" in added
    assert not any("spec.restartPolicy" in line for line in added)
    assert added[-1] == "validation: no error"


def test_the_fifth_writes_one_revision(walked: Walk) -> None:
    assert lines(walked, 5)[0] == "key /registry/pods/default/nginx-pod"
    before, after = lines(walked, 5)[-1].partition("revision ")[2].split(" -> ")
    assert int(after) == int(before) + 1


def test_in_the_sixth_the_scheduler_sees_it_and_no_kubelet_does(walked: Walk) -> None:
    told = lines(walked, 6)
    assert "kube-scheduler: ADDED Pod nginx-pod, spec.nodeName is empty: into its queue" in told
    kubelets = [line for line in told if line.startswith("kubelet ")]
    assert len(kubelets) == 3
    assert all("delivers nothing" in line for line in kubelets)


def test_the_seventh_gives_a_reason_for_every_node(walked: Walk, on_nodes: Callable[[str], Walk]) -> None:
    assert [line.partition(":")[0] for line in lines(walked, 7)[:3]] == ["node-1", "node-2", "node-3"]
    assert "chosen: node-1 (3 nodes are as good; one is drawn, here the first by name)" in lines(walked, 7)
    told = lines(on_nodes("110"), 7)
    assert told[0] == "reserved: refused by TaintToleration: node(s) had untolerated taint(s)"
    assert told[1].startswith("small: passes every filter, score ")
    assert told[3] == "chosen: small"
    assert told[4].startswith("POST nginx-pod/binding to small as system:kube-scheduler -> 201")


def test_the_eighth_ends_with_a_running_pod(walked: Walk) -> None:
    told = lines(walked, 8)
    assert told[0] == "kubelet node-1: ADDED Pod nginx-pod, now bound to it"
    assert told[1] == "start containers: on the node, now running"
    assert told[2].startswith("report status: PATCH status of Pod nginx-pod as system:node:node-1 -> 200")
    assert told[-1].startswith("the Pod is Running, ready, with the address 10.")


def test_the_kubelet_admits_by_its_own_node(tmp_path: Path) -> None:
    """The other node, which is first by name, has room for no Pod at all."""
    nodes = NODES.replace('{cpu: "2", memory: 4Gi, pods: "110"}', '{cpu: "2", memory: 4Gi, pods: "0"}')
    (tmp_path / "nodes.yaml").write_text(nodes.replace("ROOM", "110"))
    told = lines(walk(given("nginx-pod", "nginx:latest", 80, tmp_path / "nodes.yaml")), 8)
    assert told[0].startswith("kubelet small: ")
    assert told[-1].startswith("the Pod is Running, ready")


def test_the_ninth_delivers_a_packet_from_every_node_to_the_pod(walked: Walk) -> None:
    address = lines(walked, 8)[-1].rpartition(" ")[2]
    assert [line.partition(" becomes ")[2] for line in lines(walked, 9)[-3:]] == [f"DNAT {address}:80"] * 3
    assert any(f"-j DNAT --to-destination {address}:80" in line for line in lines(walked, 9))


def test_a_pod_that_fits_nowhere_stays_pending_and_its_service_rejects(on_nodes: Callable[[str], Walk]) -> None:
    walked = on_nodes("0")
    assert lines(walked, 7)[1] == "small: refused by NodeResourcesFit: Too many pods"
    assert lines(walked, 7)[3].startswith("0/2 nodes are available: 1 Too many pods, 1 node(s) had untolerated taint")
    assert lines(walked, 7)[-1] == "the Pod stays Pending"
    assert lines(walked, 8) == ("no kubelet sees the Pod: it is bound to no node",)
    assert lines(walked, 9)[-1].endswith("becomes REJECT")


def test_a_name_that_only_a_pod_may_have_gets_no_service() -> None:
    told = lines(walk(given("1pod", "nginx", 80, None)), 9)
    assert "-> 422 " in told[1]
    assert told[2:] == ("without a Service there is nothing to program",)


def test_another_start_is_noticed_before_the_first_step(walked: Walk) -> None:
    found = replay_walk(evolve(record(walked, "0.1.0"), start="0" * 64))
    assert isinstance(found, Differs)
    assert found.number == 0


def test_what_the_api_server_refuses_is_bad_input_in_its_words() -> None:
    with pytest.raises(BadInput, match="a lowercase RFC 1123 subdomain must consist of"):
        walk(given("Nginx", "nginx", 80, None))


def test_a_file_without_nodes_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "nodes.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    with pytest.raises(BadInput, match=r"nodes\.yaml: there are no Node objects in it"):
        walk(given("a", "b", 80, tmp_path / "nodes.yaml"))


def test_a_recorded_walk_replays_from_its_trace_alone(on_nodes: Callable[[str], Walk], tmp_path: Path) -> None:
    recorded = from_text(to_text(record(on_nodes("110"), "0.1.0")))
    (tmp_path / "nodes.yaml").unlink()
    assert replay_walk(recorded) == Replayed(9)


def test_a_component_that_decides_otherwise_is_noticed_at_its_step(walked: Walk) -> None:
    recorded = record(walked, "0.1.0")
    with planted("kubeproof.harness.run.steps", "chosen = decision.best[0]", "chosen = decision.best[-1]"):
        found = replay_walk(recorded)
    assert isinstance(found, Differs)
    assert (found.number, found.step) == (7, "The scheduler chooses a node and binds the Pod to it")


def test_a_step_that_is_called_otherwise_now_is_no_longer_possible(walked: Walk) -> None:
    recorded = record(walked, "0.1.0")
    renamed = evolve(recorded, steps=(*recorded.steps[:8], evolve(recorded.steps[8], label="Magic")))
    assert replay_walk(renamed) == Impossible(9, "Magic", (recorded.steps[8].label,))
    longer = evolve(recorded, steps=(*recorded.steps, recorded.steps[8]))
    assert replay_walk(longer) == Impossible(10, recorded.steps[8].label, ())


def test_a_trace_of_a_walk_without_its_command_is_refused(walked: Walk) -> None:
    recorded = evolve(record(walked, "0.1.0"), inputs=Inputs(options=immutabledict(name="a")))
    with pytest.raises(BadTraceError, match="needs name, image and port"):
        replay_walk(recorded)


def test_the_command_prints_the_walk_and_records_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, walked: Walk
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "nginx-pod", "--image=nginx:latest", "--trace", "walk.json"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(text(walked))
    assert out.endswith("trace written to walk.json, replay it with: kubeproof replay walk.json\n")
    with pytest.raises(SystemExit) as ended:
        cli.main(["replay", "walk.json"])
    assert (ended.value.code, capsys.readouterr().out) == (0, "walk.json: replayed, 9 steps, every state as recorded\n")
