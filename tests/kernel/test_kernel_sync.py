"""The real iptables-restore takes partial synchronisations, and what it makes of them is what a full one makes.

A story of changes is loaded step by step without flushing. After each step the kernel's chains and rules are those the
text model foretells, the same as after one full synchronisation in fresh tables, and connections go where they should.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.packet import Packet
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.impl.kubeproxy.sync import Settings, jumps_text, sync
from oracles.tables import EMPTY, Tables, restored

sys.path.insert(0, str(Path(__file__).parent))
pytest_plugins = ["kernel_lab"]
from kernel_lab import six  # noqa: E402 - found by the path that was just set

POD, NODE = "10.0.1.10", "192.168.0.1"
READY = EndpointConditions(ready=True, serving=True)
ELSEWHERE = "10.0.2.1"
ENDS = ("10.0.1.1", "10.0.1.2", ELSEWHERE)
NAMES = ("api", "web")


def service(name: str, policy: str) -> Service:
    number = NAMES.index(name) + 1
    ports = (ServicePort(port=80, name="http", node_port=30080 + number),)
    spec = ServiceSpec(
        type="NodePort",
        ports=ports,
        cluster_ip=f"172.30.0.{number}",
        cluster_ips=(f"172.30.0.{number}", six(f"172.30.0.{number}")),
        ip_families=("IPv4", "IPv6"),
        external_traffic_policy=policy,
    )
    return Service(ObjectMeta(name=name, namespace="d"), spec)


def listed(name: str, addresses: list[str], family: str) -> EndpointSlice:
    meta = ObjectMeta(name=f"{name}-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": name}))
    twin = six if family == "IPv6" else str
    found = tuple(Endpoint((twin(one),), READY, node_name="n2" if one == ELSEWHERE else "n1") for one in addresses)
    return EndpointSlice(meta, address_type=family, endpoints=found, ports=(EndpointPort("http", 8080),))


def world(dice: random.Random, family: str) -> tuple[list[Service], list[EndpointSlice]]:
    there = [name for name in NAMES if dice.random() < 0.8]
    services = [service(name, dice.choice(["Cluster", "Local"])) for name in there]
    return services, [listed(name, dice.sample(ENDS, dice.randrange(4)), family) for name in there]


def kept(lab: Any, family: str) -> str:
    """Return what the kernel has, without counters and dates; chains in order of their names."""
    save = "iptables-save" if family == "IPv4" else "ip6tables-save"
    lines = [line for table in ("filter", "nat") for line in lab.node.run(save, "-t", table).splitlines()]
    chains = sorted({line.split()[1] for line in lines if line.startswith("-A")})
    rules = [line for chain in chains for line in lines if line.startswith(f"-A {chain} ")]
    return "\n".join([*sorted(line.partition(" ")[0] for line in lines if line.startswith(":")), *rules])


def shape(text: str) -> dict[str, int]:
    """Count the rules of each chain of Kubernetes; names of both tables are counted together."""
    lines = text.splitlines()
    names = {line.lstrip(":") for line in lines if line.startswith(":KUBE-")}
    return {name: sum(line.startswith(f"-A {name} ") for line in lines) for name in names}


def foretold(tables: Tables) -> dict[str, int]:
    found: dict[str, int] = {}
    for (_, chain), rules in tables.items():
        if chain.startswith("KUBE-"):
            found[chain] = found.get(chain, 0) + len(rules)
    return found


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
@pytest.mark.parametrize("seed", range(3))
def test_the_kernel_has_after_partial_texts_what_a_full_one_makes(lab: Any, seed: int, family: str) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seeded choice of steps
    node, pod = (NODE, POD) if family == "IPv4" else (six(NODE), six(POD))
    networks = {"IPv4": "10.0.0.0/8", "IPv6": six("10.0.0.0/8")}
    config = ProxyConfig((node,), networks[family], family=family, counters=False)
    lab.program(jumps_text(config), family=family, flush=False)
    tables, synced, steps = restored(EMPTY, jumps_text(config)), None, []
    for _ in range(5):
        now = world(dice, family)
        done = sync(synced, *now, Settings("n1", config))
        synced, tables = done.synced, restored(tables, done.text)
        lab.program(done.text, family=family, flush=False)
        assert shape(kept(lab, family)) == foretold(tables)
        steps.append((now, kept(lab, family)))
        for one in now[0]:
            packet = Packet(pod, one.spec.cluster_ips[family == "IPv6"], 80)
            may = {f"{way.destination} saw {pod}" for way in destinations(synced.rules, packet) if way.destination}
            if may:
                assert lab.ask(pod, (packet.destination, 80), "TCP", 5) in may
    for now, found in steps:
        lab.program("*filter\nCOMMIT\n*nat\nCOMMIT\n", family=family)
        lab.program(jumps_text(config), family=family, flush=False)
        lab.program(sync(None, *now, Settings("n1", config)).text, family=family, flush=False)
        assert kept(lab, family) == found


def test_a_partial_text_is_refused_where_somebody_flushed_the_tables(lab: Any) -> None:
    config = Settings("n1", ProxyConfig(counters=False))
    now = ([service("web", "Cluster")], [listed("web", list(ENDS), "IPv4")])
    first = sync(None, *now, config)
    for text in (jumps_text(config.config), first.text):
        lab.program(text, flush=False)
    lab.nft("flush ruleset\n")
    with pytest.raises(Exception, match="non-zero exit status"):
        lab.program(sync(first.synced, *now, config).text, flush=False)
    lab.program(sync(first.synced, *now, config, full=True).text, flush=False)
    assert shape(kept(lab, "IPv4")) == foretold(restored(EMPTY, first.text))
