"""The matrix says who reaches a Service and why nobody does; its text is what a user reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.cli import main
from kubeproof.harness.reach_matrix import Cell, matrix, text
from kubeproof.impl.api.core import Node, NodeStatus, ObjectReference, Pod, Service, ServicePort, ServiceSpec
from kubeproof.impl.api.load import BadInput
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.properties.reachability import Counterexample

EXAMPLES = Path(__file__).parent.parent / "examples"
APP = immutabledict(app="web")
NODES = (
    Node(
        ObjectMeta(name="n1"),
        status=NodeStatus(extra=immutabledict(addresses=({"type": "InternalIP", "address": "192.168.7.7"},))),
    ),
    Node(ObjectMeta(name="n2")),
)


def service(**spec: object) -> Service:
    ports = (ServicePort(port=80, name="http", node_port=30080),)
    wanted = {"cluster_ip": "172.30.0.1", "type": "NodePort", "external_ips": ("192.0.2.9",), "selector": APP, **spec}
    return Service(ObjectMeta(name="web", namespace="d"), ServiceSpec(ports=ports, **wanted))


def endpoints(*names: str) -> EndpointSlice:
    meta = ObjectMeta(name="web-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": "web"}))
    ready = EndpointConditions(ready=True, serving=True)
    found = tuple(
        Endpoint((f"10.0.1.{place}",), ready, ObjectReference("Pod", "d", name=name), node_name="n1")
        for place, name in enumerate(names, 1)
    )
    return EndpointSlice(meta, endpoints=found, ports=(EndpointPort("http", 8080),))


def cell(found: tuple[Cell, ...], client: str, node: str, door: str) -> Cell:
    return next(one for one in found if (one.client, one.node, one.door) == (client, node, door))


def test_every_client_meets_every_address_on_every_node() -> None:
    found = matrix([*NODES, service(), endpoints("a", "b")], "web", "d")
    assert len(found.cells) == 2 * 3 * 3  # nodes, clients, addresses
    assert {one.answered_by for one in found.cells} == {("a", "b")}
    assert cell(found.cells, "outside", "n1", "node port").address == "192.168.7.7:30080/TCP"
    assert cell(found.cells, "outside", "n2", "node port").address == "192.168.0.2:30080/TCP"
    assert {(one.client, one.door) for one in found.cells if not one.masquerade} == {("a Pod", "cluster IP")}
    assert not found.astray


def test_a_policy_of_local_shows_where_nobody_answers_and_by_which_rule() -> None:
    found = matrix([*NODES, service(external_traffic_policy="Local"), endpoints("a")], "web", "d")
    nobody = {(one.client, one.node, one.door): one.why for one in found.cells if not one.answered_by}
    why = "dropped: d/web:http has no local endpoints"
    assert nobody == {("outside", "n2", "node port"): why, ("outside", "n2", "external IP"): why}
    assert "outside, through n2" in text(found)
    assert not found.astray


def test_a_service_nobody_serves_is_refused_and_the_selector_is_blamed() -> None:
    found = matrix([*NODES, service()], "web", "d")
    assert {one.why for one in found.cells if one.door == "cluster IP"} == {"refused: d/web:http has no endpoints"}
    assert found.remarks == ("no Pod has the labels it selects by (app=web)",)
    assert found.astray


def test_a_pod_that_is_not_ready_is_named() -> None:
    pods = [Pod(ObjectMeta(name=name, namespace="d", labels=APP)) for name in ("a", "late")]
    other = Pod(ObjectMeta(name="other", namespace="elsewhere", labels=APP))
    found = matrix([*NODES, service(), endpoints("a"), *pods, other], "web", "d")
    assert found.remarks == ("late is no ready endpoint (Pending)",)


def test_an_external_ip_that_two_services_claim_goes_astray() -> None:
    thief = evolve(service(), metadata=ObjectMeta(name="aaa", namespace="d"))
    thief = evolve(thief, spec=evolve(thief.spec, cluster_ip="172.30.0.2", type="ClusterIP"))
    stolen = evolve(endpoints("x"), metadata=evolve(endpoints("x").metadata, name="aaa-1"))
    labels = immutabledict({"kubernetes.io/service-name": "aaa"})
    stolen = evolve(stolen, metadata=evolve(stolen.metadata, labels=labels))
    stolen = evolve(stolen, endpoints=(evolve(stolen.endpoints[0], addresses=("10.0.1.77",)),))
    found = matrix([*NODES, service(), endpoints("a"), thief, stolen], "web", "d")
    assert found.astray
    assert {type(proof) for _, proof in found.proofs} == {Counterexample}
    assert "VIOLATED: d/web:http external IPs" in text(found)


def test_an_unknown_service_is_named_with_the_nearest_there_is() -> None:
    with pytest.raises(BadInput, match="no Service wob in namespace d \\(there is web\\)"):
        matrix([service()], "wob", "d")


# --- the command ----------------------------------------------------------------------------------------------------


def ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["reach", *arguments])
    return int(str(ended.value.code))


def test_the_command_prints_the_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(str(EXAMPLES / "web"), "--service", "web") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Service default/web"
    assert lines[2].split()[:5] == ["every", "node", "cluster", "IP", "10.96.0.2:80/TCP"]
    assert lines[-1] == "  on every node: proved for all packets (1 claims)"


def test_without_ready_pods_the_command_says_so_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in ("nodes", "service", "deployment"):
        manifest = (EXAMPLES / "web" / f"{file}.yaml").read_text(encoding="utf-8")
        (tmp_path / f"{file}.yaml").write_text(manifest.replace("replicas: 3", "replicas: 0"), encoding="utf-8")
    assert ran(str(tmp_path), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "VIOLATED"
    assert {one["why"] for one in found["services"][0]["cells"]} == {"refused: default/web:http has no endpoints"}


@pytest.mark.parametrize(
    ("example", "propagation", "code", "said"),
    [
        ("dropped", ("--propagation", "2s"), 1, "the smallest preStop delay that is long enough is 2 s"),
        ("web", ("--propagation", "2s"), 0, "web: a preStop delay of 2 s is enough and no less; it has 10 s"),
    ],
    ids=["without a preStop hook", "with one"],
)
def test_a_rollout_is_told_with_the_prestop_delay_it_needs(
    example: str, propagation: tuple[str, ...], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / example
    folder.mkdir()
    for file in ("service", "deployment"):
        manifest = (EXAMPLES / example / f"{file}.yaml").read_text(encoding="utf-8")
        (folder / f"{file}.yaml").write_text(manifest.replace("replicas: 3", "replicas: 1"), encoding="utf-8")
    during = ("--during", "set-image web nginx:1.30", *propagation, "--trace-dir", str(tmp_path))
    assert ran(str(folder), "--nodes", "1", "--service", "web", *during) == code
    printed = capsys.readouterr().out
    assert f"During set-image web nginx:1.30: {'VIOLATED' if code else 'HOLDS'}" in printed
    assert printed.count("preStop delay") == 1
    assert said in printed
    assert (tmp_path / f"{example}-reachability.json").exists() == bool(code)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--service", "wob"), "no Service wob in namespace default (there is web)"),
        (("--namespace", "nowhere"), "no Service in namespace nowhere"),
        (("--during", "set-imge"), "did you mean set-image?"),
    ],
)
def test_bad_input_is_told(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(str(EXAMPLES / "web"), *arguments) == 2
    assert said in capsys.readouterr().err
