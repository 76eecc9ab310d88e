"""The matrix says who reaches a Service and why nobody does; its text is what a user reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.cli import main
from kubeproof.harness.reach.matrix import Cell, matrix, text
from kubeproof.harness.reach.scene import Scene
from kubeproof.impl.api.core import Node, NodeStatus, ObjectReference, Pod, Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.releases import RELEASES
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.properties.reachability.reachability import Counterexample, Reached
from places import EXAMPLES

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
    assert {type(proof) for proof in (one.proof for one in found.proofs)} == {Counterexample}
    assert "VIOLATED: d/web:http external IPs" in text(found)


def test_an_unknown_service_is_named_with_the_nearest_there_is() -> None:
    with pytest.raises(BadInput, match="no Service wob in namespace d \\(there is web\\)"):
        matrix([service()], "wob", "d")


# --- both families, health checks, what is odd ----------------------------------------------------------------------

DUAL = {"ip_families": ("IPv4", "IPv6"), "cluster_ips": ("172.30.0.1", "fd00:172::1")}


def test_a_range_of_all_addresses_is_a_firewall_before_1_34_alone() -> None:
    status = immutabledict({"status": freeze({"loadBalancer": {"ingress": [{"ip": "5.5.5.5"}]}})})
    open_to_all = service(type="LoadBalancer", load_balancer_source_ranges=("0.0.0.0/0",))
    objects = (*NODES, evolve(open_to_all, extra=status), endpoints("a"))
    rules = {name: Scene(objects, release).ipv4[0].rules.rules for name, release in RELEASES.items()}
    walled = {name for name, found in rules.items() if any(rule.chain.startswith("KUBE-FW") for rule in found)}
    assert walled == {"1.32", "1.33"}


def test_a_service_with_both_families_has_a_matrix_in_each() -> None:
    found = matrix(
        [*NODES, service(**DUAL, external_ips=("192.0.2.9", "2001:db8::9")), endpoints("a", "b")], "web", "d"
    )
    assert len(found.cells) == 2 * 2 * 3 * 3  # families, nodes, clients, addresses
    assert {one.answered_by for one in found.cells} == {("a", "b")}
    assert {(one.node, one.family, type(one.proof)) for one in found.proofs} == {
        (node, family, Reached) for node in ("n1", "n2") for family in ("IPv4", "IPv6")
    }
    assert "no Pod has an IPv6 address here: fd00:10::/32 stands in" in found.remarks
    printed = text(found)
    assert "cluster IP (IPv6)    [fd00:172::1]:80/TCP" in printed
    assert "on every node over IPv6: proved for all packets (3 claims)" in printed
    assert set(found.to_json()["proofs"]) == {"n1", "n2", "n1 over IPv6", "n2 over IPv6"}


def test_written_endpoints_of_ipv6_need_no_stand_in() -> None:
    ends = endpoints("a")
    six = evolve(
        ends,
        metadata=evolve(ends.metadata, name="web-2"),
        address_type="IPv6",
        endpoints=(evolve(ends.endpoints[0], addresses=("fd00:10::77",), target_ref=None),),
    )
    found = matrix([*NODES, service(**DUAL), ends, six], "web", "d")
    asked = [one for one in found.cells if one.family == "IPv6"]
    assert {one.answered_by for one in asked} == {("[fd00:10::77]:8080",)}
    assert not any("stands in" in one for one in found.remarks)


@pytest.mark.parametrize(
    ("spec", "addresses"),
    [
        ({"ip_families": ("IPv4", "IPv6")}, {"172.30.0.1:80/TCP", "[fd00:10:96::1]:80/TCP"}),
        (
            {"ip_families": ("IPv4",), "ip_family_policy": "RequireDualStack"},
            {"172.30.0.1:80/TCP", "[fd00:10:96::1]:80/TCP"},
        ),
        ({"ip_families": ("IPv4",), "ip_family_policy": "PreferDualStack"}, {"172.30.0.1:80/TCP"}),
        ({"cluster_ip": "fd00::5", "ip_families": ("IPv6",), "cluster_ips": ("fd00::5",)}, {"[fd00::5]:80/TCP"}),
    ],
    ids=["both families", "both required", "both preferred", "IPv6 alone"],
)
def test_a_cluster_ip_that_is_missing_is_made_up_where_it_must_be_there(
    spec: dict[str, Any], addresses: set[str]
) -> None:
    found = matrix([*NODES, service(**spec), endpoints("a")], "web", "d")
    assert {one.address for one in found.cells if one.door == "cluster IP"} == addresses
    preferred = spec.get("ip_family_policy") == "PreferDualStack"
    assert any("would give it IPv6, too" in one for one in found.remarks) == preferred


def test_a_node_keeps_traffic_in_its_zone_and_the_proof_knows() -> None:
    nodes = [
        evolve(one, metadata=evolve(one.metadata, labels=immutabledict({"topology.kubernetes.io/zone": zone})))
        for one, zone in zip(NODES, "ab", strict=True)
    ]
    ends = endpoints("a", "b")
    hinted = tuple(
        evolve(one, hints={"forZones": ({"name": zone},)}) for one, zone in zip(ends.endpoints, "ab", strict=True)
    )
    found = matrix([*nodes, service(), evolve(ends, endpoints=hinted)], "web", "d")
    assert {(one.node, one.answered_by) for one in found.cells} == {("n1", ("a",)), ("n2", ("b",))}
    assert {type(one.proof) for one in found.proofs} == {Reached}


def test_the_health_check_says_which_node_a_balancer_uses() -> None:
    spec = {
        "type": "LoadBalancer",
        "external_traffic_policy": "Local",
        "extra": immutabledict(healthCheckNodePort=30999),
    }
    found = matrix([*NODES, service(**spec), endpoints("a", "b")], "web", "d")
    assert {(node, one.answer().status) for node, one in found.checks} == {("n1", 200), ("n2", 503)}
    assert "a load balancer that asks n1, port 30999, is told: 200, 2 ready endpoints here" in text(found)
    assert found.to_json()["healthChecks"]["n2"] == {"port": 30999, "status": 503, "localEndpoints": 0}


def test_what_is_odd_is_noted() -> None:
    stray = evolve(endpoints("a").endpoints[0], addresses=("203.0.113.7",), node_name="n9")
    ends = endpoints("a")
    odd = evolve(ends, endpoints=(*ends.endpoints, stray))
    other = evolve(service(), metadata=ObjectMeta(name="aaa", namespace="d"))
    found = matrix([*NODES, service(external_ips=("2001:db8::9",)), other, odd], "web", "d")
    assert {one.partition(":")[0] for one in found.remarks} >= {
        "external IP 2001",
        "EndpointSlice web-1",
        "172.30.0.1 port 80/TCP is also claimed by d/aaa, which gets the packets",
        "node port 30080/TCP is also claimed by d/aaa, which gets the packets",
    }
    assert any("which is not there" in one for one in found.remarks)


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
    assert lines[-1] == "  on every node: proved for all packets (1 claim)"


def test_without_a_service_named_the_command_says_that_nothing_else_is_reached(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ran(str(EXAMPLES / "web")) == 0
    printed = capsys.readouterr().out
    assert "All other packets\n  proved: to no other address does any node send a packet to an endpoint" in printed


SERVED = """apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
"""


@pytest.mark.parametrize(
    ("families", "addresses"),
    [
        ("ipFamilies: [IPv4, IPv6]\n  ipFamilyPolicy: PreferDualStack", ("10.96.0.2", "fd00:10:96::1")),
        ("ipFamilyPolicy: RequireDualStack", ("10.96.0.2", "fd00:10:96::1")),
        ("ipFamilies: [IPv6, IPv4]\n  ipFamilyPolicy: RequireDualStack", ("10.96.0.2", "fd00:10:96::1")),
        (
            "clusterIP: 10.96.0.9\n  clusterIPs: [10.96.0.9, 'fd00::9']\n  ipFamilies: [IPv4, IPv6]",
            ("10.96.0.9", "fd00::9"),
        ),
    ],
    ids=["preferred", "required", "IPv6 first", "both given"],
)
def test_manifests_of_both_families_are_settled_and_told_in_both(
    families: str, addresses: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment = (EXAMPLES / "web" / "deployment.yaml").read_text(encoding="utf-8")
    (tmp_path / "deployment.yaml").write_text(deployment, encoding="utf-8")
    (tmp_path / "service.yaml").write_text(f"{SERVED}  {families}\n", encoding="utf-8")
    assert ran(str(tmp_path), "--nodes", "1", "--service", "web", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["services"]
    four, six = addresses
    assert {one["address"] for one in found["cells"]} == {f"{four}:80/TCP", f"[{six}]:80/TCP"}
    assert all(len(one["endpoints"]) == 3 for one in found["cells"])
    assert set(found["proofs"]) == {"node-1", "node-1 over IPv6"}


POLICY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: guard}
spec:
  podSelector: {matchLabels: {app: wep}}
  ingress:
  - from:
    - podSelector: {matchLabels: {app: front}}
"""


def test_a_policy_that_selects_nothing_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in ("nodes", "service", "deployment"):
        (tmp_path / f"{file}.yaml").write_text((EXAMPLES / "web" / f"{file}.yaml").read_text(encoding="utf-8"))
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    assert ran(str(tmp_path), "--service", "web") == 0
    printed = capsys.readouterr().out
    assert "note: default/guard (" in printed
    assert "policy.yaml:1) selects no Pod there is: it isolates nobody" in printed
    assert "names a peer that no Pod there is: the peer lets nobody through" in printed
    (tmp_path / "policy.yaml").write_text(POLICY.replace("wep", "web").replace("front", "web"), encoding="utf-8")
    assert ran(str(tmp_path), "--service", "web") == 0
    assert "NetworkPolicies" not in capsys.readouterr().out


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
        ("dropped", ("--propagation", "2s"), 1, "dropped-reachability.json"),
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
    assert said in printed
    assert (tmp_path / f"{example}-reachability.json").exists() == bool(code)


def test_a_hook_of_unknown_length_is_told_with_what_is_sure_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in ("service", "deployment"):
        manifest = (EXAMPLES / "web" / f"{file}.yaml").read_text(encoding="utf-8").replace("replicas: 3", "replicas: 1")
        changed = manifest.replace('["sleep", "10"]', '["sh", "-c", "sleep 1; /drain.sh"]')
        (tmp_path / f"{file}.yaml").write_text(changed, encoding="utf-8")
    during = ("--during", "set-image web nginx:1.30", "--propagation", "2s", "--trace-dir", str(tmp_path))
    assert ran(str(tmp_path), "--nodes", "1", "--service", "web", *during) == 3
    assert "it has 1 s for sure, and nobody can read off how long its hook takes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--service", "wob"), "no Service wob in namespace default (there is web)"),
        (("--service", "nowhere/service/web"), "no Service web in namespace nowhere"),
        (("--during", "set-imge"), "did you mean set-image?"),
    ],
)
def test_bad_input_is_told(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(str(EXAMPLES / "web"), *arguments) == 2
    assert said in capsys.readouterr().err
