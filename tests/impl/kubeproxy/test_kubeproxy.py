"""The proxy against recordings of the real one, and what a packet may meet on its way."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.kubeproxy.packet import Fate, Packet, Verdict
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations, route
from oracles.kubeproxy import judge
from places import VECTORS

RECORDED = VECTORS / "proxy" / "iptables.jsonl.xz"


def records() -> list[dict[str, Any]]:
    with lzma.open(RECORDED, "rt") as lines:
        return [json.loads(line) for line in lines]


def test_every_recorded_rule_and_packet_is_ours_too() -> None:
    known = records()
    assert len(known) == 212
    assert {str(one["id"]): judge(one)[:1] for one in known if judge(one)} == {}


def test_a_changed_recording_is_noticed() -> None:
    record = records()[0]
    outcome = record["outcomes"][0]
    outcome["tablesAfter"] = outcome["tablesAfter"].replace("0.2000000000", "0.2500000000")
    outcome["packetFlows"][0]["output"] = "10.180.0.2:80"
    assert {(one.step, one.about.split()[0]) for one in judge(record)} == {(0, "nat"), (0, "order"), (0, "packet")}


def partial() -> tuple[dict[str, Any], int]:
    """Return a record with a partial sync that deletes chains, and the number of that step."""
    for record in records():
        for step, outcome in enumerate(record["outcomes"]):
            if not outcome["fullSync"] and "-X" in outcome["restoreInput"] and outcome["localReadyEndpoints"]:
                return record, step
    raise AssertionError


@pytest.mark.parametrize(
    ("field", "change", "about"),
    [
        ("restoreInput", lambda text: text.replace("-X KUBE", "-F KUBE", 1), "sync"),
        ("restoreInput", lambda text: text.replace(":KUBE-SEP", ":KUBE-PES", 1), "sync"),
        ("fullSync", lambda full: not full, "full"),
        ("tablesAfter", lambda text: text.replace(":KUBE-SEP", ":KUBE-OLD-SEP", 1), "chain"),
        ("localReadyEndpoints", lambda known: {name: count + 1 for name, count in known.items()}, "local"),
        ("healthCheckNodePorts", lambda known: {**known, "d/x": 31000}, "health"),
    ],
    ids=["a deletion", "a chain that is emptied", "full or not", "a chain that stays", "a local endpoint", "a port"],
)
def test_a_changed_synchronisation_is_noticed(field: str, change: Any, about: str) -> None:
    record, step = partial()
    record["outcomes"][step][field] = change(record["outcomes"][step][field])
    found = {(one.step, one.about.split()[0]) for one in judge(record)}
    assert (step, about) in found
    assert {where for where, _ in found} == {step}


def service(**spec: object) -> Service:
    ports = (ServicePort(port=80, name="http", node_port=30080),)
    return Service(ObjectMeta(name="web", namespace="d"), ServiceSpec(cluster_ip="172.30.0.1", ports=ports, **spec))


@pytest.mark.parametrize(
    ("packet", "fate"),
    [
        (Packet("10.1.0.1", "172.30.0.1", 80), Fate.REJECT),
        (Packet("10.1.0.1", "172.30.0.1", 81), Fate.UNCHANGED),
        (Packet("10.1.0.1", "172.30.0.1", 80, "UDP"), Fate.UNCHANGED),
        (Packet("203.0.113.1", "192.168.0.1", 30080), Fate.REJECT),
        (Packet("203.0.113.1", "127.0.0.1", 22), Fate.DROP),
    ],
    ids=["its port", "another port", "another protocol", "its node port", "loopback from outside"],
)
def test_a_service_without_endpoints_refuses(packet: Packet, fate: Fate) -> None:
    assert route(rules([service(type="NodePort")], [], "n1"), packet) == Verdict(fate)


def test_headless_and_external_services_have_no_rules() -> None:
    bare = rules([], [], "n1")
    headless = Service(ObjectMeta(name="h"), ServiceSpec(cluster_ip="None", ports=(ServicePort(port=80),)))
    assert rules([headless, service(type="ExternalName")], [], "n1") == bare
    assert destinations(bare, Packet("10.1.0.1", "172.30.0.1", 80)) == {Verdict()}
