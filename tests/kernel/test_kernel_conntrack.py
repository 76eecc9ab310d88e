"""The real kernel agrees on what it remembers: after every step, table and answers are those of `conntrack`.

A UDP sender keeps one socket, so that all its packets are one connection. What the model says a release clears is
cleared with the real `conntrack -D`; nothing else is.
"""

from __future__ import annotations

import random
import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.conntrack import Cleanup, Entry, Table, answered, clean, send, served
from kubeproof.impl.kubeproxy.packet import Fate, Packet, Verdict
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import journeys
from oracles.restore import restore_text, without_counters

sys.path.insert(0, str(Path(__file__).parent))
pytest_plugins = ["kernel_lab"]

NODE, POD, OUTSIDE, CLUSTER_IP = "192.168.0.1", "10.0.1.10", "198.51.100.7", "172.30.0.1"
HERE, ELSEWHERE, MUTE = "10.0.1.1:8080", "10.0.2.1:8080", "10.0.2.1:9090"
READY = EndpointConditions(ready=True, serving=True)
PATIENCE = 0.02


def service(protocol: str = "UDP") -> Service:
    ports = (ServicePort(port=80, name="x", node_port=30080, protocol=protocol),)
    spec = ServiceSpec(cluster_ip=CLUSTER_IP, type="NodePort", ports=ports)
    return Service(ObjectMeta(name="web", namespace="d"), spec)


def listed(target: str, protocol: str = "UDP") -> EndpointSlice:
    address, _, port = target.partition(":")
    meta = ObjectMeta(name=f"web-{target}", namespace="d", labels=immutabledict({"kubernetes.io/service-name": "web"}))
    return EndpointSlice(
        meta, endpoints=(Endpoint((address,), READY),), ports=(EndpointPort("x", int(port), protocol),)
    )


class Both:
    """The kernel and the model, side by side."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self.table: Table = frozenset()
        self.senders: dict[Packet, socket.socket] = {}
        self.served: Any = ()
        self.before: Any = ()
        self.program(None)

    def program(self, endpoints: tuple[str, ...] | None) -> None:
        """Return the Service these endpoints; None: there is no Service."""
        services = [] if endpoints is None else [service()]
        slices = [listed(one) for one in endpoints or ()]
        self.rules = without_counters(rules(services, slices, "n1"))
        self.before, self.served = self.served, served(services, slices, "n1")
        self.lab.program(restore_text(self.rules))

    def send(self, packet: Packet) -> str:
        """Send one more packet of a sender and give what became of it, which is what the model says may."""
        if packet not in self.senders:
            self.senders[packet] = self.lab.client(packet.source, socket.SOCK_DGRAM)
        opened = self.senders[packet]
        number = opened.getsockname()[1]
        ways = {send(self.table, self.rules, packet, number, way.choice) for way in journeys(self.rules, packet)}
        opened.settimeout(PATIENCE if {seen(packet, one) for one, _ in ways} == {"silence"} else 5)
        opened.connect((packet.destination, packet.port))
        heard = self.lab.again(opened, opened.gettimeout())
        fitting = [table for verdict, table in ways if seen(packet, verdict) == heard]
        assert fitting, (heard, ways)
        self.table = answered(fitting[0], packet, number) if "saw" in heard else fitting[0]
        return heard

    def clean(self, cleanup: Cleanup) -> None:
        """Clear what a release clears after the last change of rules."""
        left = clean(self.table, self.before, self.served, cleanup)
        for entry in self.table - left:
            address, _, port = entry.endpoint.partition(":")
            who = ("--orig-src", entry.source, "--sport", str(entry.source_port), "--orig-dst", entry.destination)
            where = ("--dport", str(entry.port), "--reply-src", address, "--reply-port-src", port)
            self.lab.conntrack("-D", "-p", "udp", *who, *where)
        self.table = left

    def agree(self) -> bool:
        """Compare the two tables."""
        return entries(self.lab) == visible(self.table)


def seen(packet: Packet, verdict: Verdict) -> str:
    if verdict.fate is Fate.REJECT or (verdict.fate is Fate.UNCHANGED and packet.destination == NODE):
        return "refused"  # by a rule, or by the node itself, on which no program listens
    if verdict.fate is not Fate.DNAT or verdict.destination == MUTE:
        return "silence"
    return f"{verdict.destination} saw {NODE if verdict.masquerade else packet.source}"


def visible(table: Table) -> Table:
    """Return a table as it can be read: that the node's own packet got the node's address leaves no mark."""
    return frozenset(evolve(one, masquerade=False) if one.source == NODE else one for one in table)


def entries(lab: Any) -> Table:
    """Read the kernel's table of UDP connections."""
    found = set()
    for line in lab.conntrack("-L", "-p", "udp").splitlines():
        source, destination, *numbers = re.findall(r"(?:src|dst|sport|dport)=(\S+)", line)
        sport, dport, server, client, answers, _ = numbers
        who = ("UDP", source, int(sport), destination, int(dport), f"{server}:{answers}")
        found.add(Entry(*who, masquerade=client != source, replied="[UNREPLIED]" not in line))
    return frozenset(found)


IN_CLUSTER, AT_NODE = Packet(POD, CLUSTER_IP, 80, "UDP"), Packet(OUTSIDE, NODE, 30080, "UDP")


SENDERS = (IN_CLUSTER, AT_NODE, Packet(POD, NODE, 30080, "UDP"), Packet(NODE, CLUSTER_IP, 80, "UDP"))


@pytest.fixture
def both(lab: Any) -> Any:
    pair = Both(lab)
    yield pair
    for opened in pair.senders.values():
        opened.close()


@pytest.mark.parametrize("packet", [IN_CLUSTER, AT_NODE], ids=["cluster IP", "node port"])
@pytest.mark.parametrize("cleanup", Cleanup)
def test_a_sender_stays_with_an_endpoint_that_is_gone_until_it_is_cleared(
    both: Both, packet: Packet, cleanup: Cleanup
) -> None:
    both.program((HERE,))
    first = both.send(packet)
    both.program((ELSEWHERE,))
    assert both.send(packet) == first
    assert both.agree()
    both.clean(cleanup)
    assert both.send(packet).startswith(ELSEWHERE)
    assert both.agree()


@pytest.mark.parametrize(
    ("cleanup", "then"),
    [
        (Cleanup.EVENTS, "refused"),
        (Cleanup.RECONCILED, "silence"),
        (Cleanup.RECONCILED_EMPTY, "refused"),
        (Cleanup.RECONCILED_DELETED, "refused"),
    ],
)
def test_scaled_to_zero_a_sender_is_refused_except_in_one_release(both: Both, cleanup: Cleanup, then: str) -> None:
    both.program((MUTE,))
    assert both.send(IN_CLUSTER) == "silence"
    both.program(())
    both.clean(cleanup)
    assert both.send(IN_CLUSTER) == then
    assert both.agree()
    assert bool(both.table) == (then == "silence")


def test_a_sender_before_the_rules_is_lost_until_it_is_cleared(both: Both) -> None:
    assert both.send(IN_CLUSTER) == "silence"
    both.program((HERE,))
    assert both.send(IN_CLUSTER) == "silence"
    assert both.agree()
    both.clean(Cleanup.RECONCILED)
    assert both.send(IN_CLUSTER).startswith(HERE)


def test_a_sender_before_the_rules_is_refused_once_there_are_some_but_no_endpoint(both: Both) -> None:
    both.send(IN_CLUSTER)
    both.program(())
    assert both.send(IN_CLUSTER) == "refused"
    assert both.agree()
    assert len(both.table) == 1


@pytest.mark.parametrize("cleanup", Cleanup)
def test_a_sender_whose_endpoint_stays_is_left_alone(both: Both, cleanup: Cleanup) -> None:
    both.program((HERE, ELSEWHERE))
    first = both.send(IN_CLUSTER)
    both.program((first.partition(" ")[0],))
    both.clean(cleanup)
    assert len(both.table) == 1
    assert both.agree()


@pytest.mark.parametrize(
    ("cleanup", "left"),
    [(Cleanup.EVENTS, 0), (Cleanup.RECONCILED_EMPTY, 1), (Cleanup.RECONCILED_DELETED, 0)],
)
def test_a_deleted_service_is_forgotten_or_not(both: Both, cleanup: Cleanup, left: int) -> None:
    both.program((HERE,))
    both.send(IN_CLUSTER)
    both.program(None)
    both.clean(cleanup)
    assert len(entries(both.lab)) == len(both.table) == left


@pytest.mark.parametrize("seed", range(3))
def test_any_story_is_told_alike(both: Both, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seeded choice of steps
    for _ in range(25):
        step = dice.randrange(4)
        if step == 0:
            both.program(dice.choice([None, (), (HERE,), (ELSEWHERE,), (HERE, ELSEWHERE), (MUTE,)]))
        elif step == 1:
            both.clean(dice.choice(list(Cleanup)))
        else:
            both.send(dice.choice(SENDERS))
        assert entries(both.lab) == visible(both.table)


def test_a_tcp_connection_outlives_the_rules_that_made_it(lab: Any) -> None:
    for target, asked in ((HERE, HERE), (ELSEWHERE, HERE)):
        ruled = without_counters(rules([service("TCP")], [listed(target, "TCP")], "n1"))
        lab.program(restore_text(ruled))
        if target == HERE:
            opened = lab.client(POD, socket.SOCK_STREAM)
            opened.settimeout(5)
            opened.connect((CLUSTER_IP, 80))
        assert lab.again(opened, 5) == f"{asked} saw {POD}"
        assert lab.ask(POD, (CLUSTER_IP, 80), "TCP", 5) == f"{target} saw {POD}"
    opened.close()
