"""Services without a selector lead where the slices say that somebody wrote for them, port by port."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import EndpointSlice
from kubeproof.impl.kubeproxy.packet import Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations
from planted import planted

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{name: sql, port: 5432}]%s}
"""


def slices(ends: str = "[{addresses: [10.1.2.3]}]", ports: str = "[{name: sql, port: 5432}]", more: str = "") -> str:
    return f"""\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: db-1, labels: {{kubernetes.io/service-name: db}}}}
addressType: IPv4
endpoints: {ends}
ports: {ports}
{more}"""


def reached(*manifests: str, **wish: Any) -> Claim:
    given = {"nodes": 1, "start": "settled"} | wish
    report = check(load_scenario("it", {"all.yaml": "---\n".join(manifests)}, given).scenario)
    (claim,) = (claim for claim in report.claims if claim.name == "reachability")
    return claim


@pytest.mark.parametrize(
    ("ends", "ports", "field", "why"),
    [
        ("[{addresses: [10.1.2.3]}]", "[{name: sql, port: 15432}]", "", ""),
        ("[{addresses: [10.1.2.3], conditions: {ready: true}}]", "[{name: sql, port: 5432}]", "", ""),
        (
            "[{addresses: [10.1.2.3], conditions: {ready: false, serving: true, terminating: true}}]",
            "[{name: sql, port: 5432}]",
            "",
            "",
        ),
        (
            "[{addresses: [10.1.2.3]}]",
            "[{port: 5432}]",
            "ports",
            "the slices of it have ports that are TCP and without a name, and none that is TCP and called sql",
        ),
        (
            "[{addresses: [10.1.2.3]}]",
            "[{name: sql, port: 5432, protocol: UDP}]",
            "ports",
            "the slices of it have ports that are UDP and called sql, and none that is TCP and called sql",
        ),
        ("[{addresses: [10.1.2.3]}]", "[]", "ports", "the slices of it have no ports, and none that is"),
        (
            "[{addresses: [10.1.2.3], conditions: {ready: false}}]",
            "[{name: sql, port: 5432}]",
            "endpoints",
            "no endpoint of its slices is ready",
        ),
        ("[]", "[{name: sql, port: 5432}]", "endpoints", "no endpoint of its slices is ready"),
    ],
)
def test_a_port_to_which_no_slice_leads_is_answered_by_nobody(ends: str, ports: str, field: str, why: str) -> None:
    claim = reached(SERVICE % "", slices(ends, ports))
    if not why:
        assert claim.status.value == "HOLDS"
        return
    assert claim.status.value == "VIOLATED"
    (line,) = claim.lines
    assert line.startswith("Service db, port 5432: nobody answers: ")
    assert why in line
    (blame,) = claim.blame
    assert (str(blame.ref), blame.field) == ("EndpointSlice default/db-1", field)


def test_addresses_of_another_family_lead_nowhere() -> None:
    six = slices("[{addresses: ['fd00::3']}]").replace("IPv4", "IPv6")
    assert "addresses of type IPv6" in reached(SERVICE % "", six).lines[0]
    assert "nobody answers" not in reached(SERVICE % ", ipFamilies: [IPv6]", six).lines[0]


@pytest.mark.parametrize("more", [", clusterIP: None", ", type: ExternalName, externalName: db.example.com"])
def test_who_looks_up_a_name_asks_no_port_of_a_slice(more: str) -> None:
    assert reached(SERVICE % more, slices(ports="[{port: 5432}]")).status.value == "HOLDS"


def test_what_counts_is_the_slice_that_is_there_in_the_end() -> None:
    wrong, right = slices(ports="[{port: 5432}]"), slices()

    def after(first: str, then: str) -> str:
        return reached(SERVICE % "", first, script=[{"apply": {"object": yaml.safe_load(then)}}]).status.value

    assert after(right, wrong) == "VIOLATED"
    assert after(wrong, right) == "HOLDS"


def test_a_slice_that_a_step_deletes_was_there() -> None:
    """It is nobody's but the user's: no controller looks after it, and none of what runs reads it."""
    given = {"nodes": 1, "script": ["delete endpointslice/db-1"]}
    text = f"{SERVICE % ''}---\n{slices()}"
    claims = {claim.name: claim for claim in check(load_scenario("it", {"all.yaml": text}, given).scenario).claims}
    assert claims["convergence"].status.value == "HOLDS"
    (line,) = claims["reachability"].lines
    assert line.endswith(
        "no EndpointSlice has the label kubernetes.io/service-name: db (Service default/db spec.selector)"
    )
    with planted("kubeproof.harness.world.cluster", "(handled and not", "(not handled and not"):
        claims = {claim.name: claim for claim in check(load_scenario("it", {"all.yaml": text}, given).scenario).claims}
        assert claims["convergence"].status.value == "VIOLATED"


ENDPOINTS = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: db}\nsubsets: [{addresses: [{ip: 10.1.2.3}]}]\n"


def test_that_somebody_else_writes_endpoints_is_assumed_and_open_in_a_complete_input() -> None:
    def told(*more: str) -> list[str]:
        loaded = load_scenario("it", {"all.yaml": "---\n".join((SERVICE % "", *more))}, {"nodes": 1})
        return [str(assumption) for assumption in loaded.assumptions if "endpoints" in str(assumption)]

    why = "it has no selector, and the input no EndpointSlice of it: somebody else writes its endpoints"
    assert told() == [f"all.yaml:4: Service default/db spec.selector: {why}"]
    assert told(slices()) == told(ENDPOINTS) == []
    assert told(slices().replace("metadata: {", "metadata: {namespace: other, ")) != []
    assert reached(SERVICE % "").status.value == "HOLDS"
    claim = reached(SERVICE % "", complete=True)
    assert claim.status.value == "UNKNOWN"
    assert "Service default/db spec.selector" in claim.lines[0]
    assert reached(SERVICE % "", slices(), complete=True).status.value == "HOLDS"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('(own.name, own.protocol or "TCP")', '(port.name, own.protocol or "TCP")'),
        ('(own.name, own.protocol or "TCP")', '(own.name, port.protocol or "TCP")'),
    ],
)
def test_ports_that_are_told_apart_too_little_are_noticed(before: str, after: str) -> None:
    ports = "[{port: 5432}]" if "port.name" in after else "[{name: sql, port: 5432, protocol: UDP}]"
    with planted("kubeproof.properties.reachability.by_hand", before, after):
        assert reached(SERVICE % "", slices(ports=ports)).status.value == "HOLDS"


@pytest.mark.parametrize(("conditions", "led"), [("", True), (", conditions: {serving: true}", True),
                                                 (", conditions: {ready: false}", False)])  # fmt: skip
def test_an_endpoint_of_which_nothing_is_said_takes_connections(conditions: str, led: bool) -> None:  # noqa: FBT001
    """As kube-proxy takes it: addEndpoints in pkg/proxy/endpointslicecache.go (v1.32)."""
    spec = ServiceSpec(cluster_ip="10.96.0.9", ports=(ServicePort(port=80, name="sql"),))
    service = Service(ObjectMeta(name="db", namespace="default"), spec)
    written = slices(f"[{{addresses: [10.1.2.3]{conditions}}}]")
    objects = load_scenario("it", {"all.yaml": f"{SERVICE % ''}---\n{written}"}, {"nodes": 1}).scenario.objects
    (piece,) = (obj for obj in objects if isinstance(obj, EndpointSlice))
    verdicts = destinations(rules([service], [piece], "n1"), Packet("10.9.9.9", "10.96.0.9", 80))
    assert {verdict.destination for verdict in verdicts} == {"10.1.2.3:5432" if led else ""}
