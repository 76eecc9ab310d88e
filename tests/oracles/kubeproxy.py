"""Does our kube-proxy do what the real one did? One recorded run of the iptables proxier at a time.

A record has steps (Services and EndpointSlices that come, change and go) and, after each, the text of the
synchronisation (the first is full, the others partial), the tables, what became of sample packets, the health check
node ports and the number of ready endpoints of this node. Texts and tables are compared as sets of lines, and in the
chains of single ports as sequences (among Services the real proxy has no order), packets by the set of destinations
and by masquerading.
The recorder fed the proxier directly, past the informers that leave out other proxies' Services, and sent each packet
through all three filter hooks; so does `judge`.
The recorder translated only the address of a packet, not its port, before the filter hooks; `_outputs` undoes that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service
from kubeproof.impl.api.policy import EndpointSlice
from kubeproof.impl.api.reading import convert
from kubeproof.impl.api.releases import OLDEST, Release
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.health import HealthCheck, health_checks, local_ready
from kubeproof.impl.kubeproxy.packet import Fate, Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.impl.kubeproxy.rule import RuleSet
from kubeproof.impl.kubeproxy.services import OTHER_PROXY
from kubeproof.impl.kubeproxy.sync import OWN, Settings, Sync, sync

from .tables import EMPTY, Tables, restored

Record = Mapping[str, Any]


@frozen
class Disagreement:
    """One difference: after which step, on what, and what each side says ("" for nothing)."""

    step: int
    about: str
    real: str
    ours: str


def judge(record: Record, release: Release = OLDEST) -> tuple[Disagreement, ...]:
    """Return every difference between the recorded outcomes of a record and ours."""
    return tuple(_differences(record, release))


Difference = tuple[str, str, str]
"""On what, what the real one has, what we have."""


@frozen
class Ours:
    """What we make of one step: our synchronisation, rules, tables, health checks and local ready endpoints."""

    sync: Sync
    rules: RuleSet
    tables: Tables
    checks: tuple[HealthCheck, ...]
    local: Mapping[tuple[str, str], int]


def _differences(record: Record, release: Release) -> Iterator[Disagreement]:
    for step, (ours, outcome) in enumerate(zip(replayed(record, release), record["outcomes"], strict=True)):
        found = (
            *_line_differences(ours.rules, outcome["tablesAfter"]),
            *_sync_differences(ours.sync, outcome),
            *_chain_differences(ours.tables, outcome["tablesAfter"]),
            *_health_differences(ours, outcome),
            *(one for flow in outcome["packetFlows"] or () for one in _flow_difference(ours.rules, flow)),
        )
        yield from (Disagreement(step, *one) for one in found)


def replayed(record: Record, release: Release = OLDEST) -> Iterator[Ours]:
    """Yield what we make of each step of a record."""
    environment = record["environment"]
    host = environment["hostname"]
    config = ProxyConfig(
        node_ips=tuple(environment["nodeIPs"].split(",")),
        cluster_cidr=environment["podCIDR"] if record["localDetector"] else "",
        masquerade_all=record["masqueradeAll"],
        release=release,
    )
    services: dict[str, Service] = {}
    slices: dict[str, EndpointSlice] = {}
    labels = record.get("nodeLabels")
    settings, synced, tables = Settings(host, config, immutabledict(labels or {})), None, EMPTY
    for step in record["steps"]:
        _apply(step, "Services", services)
        _apply(step, "EndpointSlices", slices)
        now = (tuple(services.values()), tuple(slices.values()))
        done = sync(synced, *now, settings)
        synced, tables = done.synced, restored(tables, done.text)
        checks, local = health_checks(*now, host, release=release), local_ready(now[1], host, release=release)
        yield Ours(done, rules(*now, host, config, node_labels=labels), tables, checks, local)


def _apply(step: Record, kind: str, known: dict[str, Any]) -> None:
    for json in (*step.get(f"add{kind}", ()), *step.get(f"update{kind}", ())):
        known[_key(json)] = convert.from_json(_with_conditions(_for_any_proxy(json)))
    for json in step.get(f"delete{kind}", ()):
        del known[_key(json)]


def _key(json: Record | str) -> str:
    return json if isinstance(json, str) else f"{json['metadata']['namespace']}/{json['metadata']['name']}"


def _for_any_proxy(json: Record) -> Record:
    meta = json["metadata"]
    labels = {key: value for key, value in meta.get("labels", {}).items() if key != OTHER_PROXY}
    return {**json, "metadata": {**meta, "labels": labels}}


def _with_conditions(json: Record) -> Record:
    """Write out what kube-proxy takes absent conditions for: ready and serving, not terminating."""
    if "endpoints" not in json:
        return json
    assumed = {"ready": True, "serving": True, "terminating": False}
    endpoints = [{**one, "conditions": {**assumed, **one.get("conditions", {})}} for one in json["endpoints"]]
    return {**json, "endpoints": endpoints}


def _lines(text: str, table: str) -> list[str]:
    return text.partition(f"*{table}\n")[2].partition("COMMIT")[0].splitlines()


def _line_differences(ours: RuleSet, tables: str) -> Iterator[Difference]:
    for table in ("nat", "filter"):
        real = {line for line in _lines(tables, table) if line.startswith("-A")}
        mine = ours.lines(table)
        yield from ((f"{table} rule", line, "") for line in sorted(real - mine))
        yield from ((f"{table} rule", "", line) for line in sorted(mine - real))


def _sync_differences(ours: Sync, outcome: Record) -> Iterator[Difference]:
    if ours.full != outcome["fullSync"]:
        yield ("full sync", str(outcome["fullSync"]), str(ours.full))
    for table in ("nat", "filter"):
        real, mine = set(_lines(outcome["restoreInput"], table)), set(_lines(ours.text, table))
        yield from (("sync text", line, "") for line in sorted(real - mine))
        yield from (("sync text", "", line) for line in sorted(mine - real))


def _chain_differences(ours: Tables, tables: str) -> Iterator[Difference]:
    """Compare the chains there are, and the order of rules in those of single ports."""
    for table in ("nat", "filter"):
        lines = _lines(tables, table)
        names = [line[1:].partition(" ")[0] for line in lines if line.startswith(":KUBE-")]
        real = {name: tuple(_rule(line) for line in lines if line.startswith(f"-A {name} ")) for name in names}
        mine = {name: rules for (where, name), rules in ours.items() if where == table}
        yield from (("chain", name, "") for name in sorted(real.keys() - mine.keys()))
        yield from (("chain", "", name) for name in sorted(mine.keys() - real.keys()))
        for name in sorted(real.keys() & mine.keys()):
            if name.startswith(OWN) and real[name] != mine[name]:
                yield (f"order in {name}", "\n".join(real[name]), "\n".join(mine[name]))


def _rule(line: str) -> str:
    return line.split(" ", 2)[2]


def _health_differences(ours: Ours, outcome: Record) -> Iterator[Difference]:
    ports = {f"{one.namespace}/{one.service}": one.node_port for one in ours.checks}
    if ports != outcome["healthCheckNodePorts"]:
        yield ("health check node ports", str(outcome["healthCheckNodePorts"]), str(ports))
    local = {"/".join(name): number for name, number in sorted(ours.local.items())}
    if local != outcome["localReadyEndpoints"]:
        yield ("local ready endpoints", str(outcome["localReadyEndpoints"]), str(local))


def _flow_difference(ours: RuleSet, flow: Record) -> Iterator[Difference]:
    packet = Packet(flow["sourceIP"], flow["destIP"], flow["destPort"], flow["protocol"])
    verdicts = destinations(ours, packet, ("INPUT", "FORWARD", "OUTPUT"))
    where = {one.destination if one.fate is Fate.DNAT else one.fate.value for one in verdicts}
    mine = (", ".join(sorted(where)), any(one.masquerade for one in verdicts))
    real = (", ".join(sorted(_outputs(flow))), flow["masquerade"])
    if mine != real:
        yield (f"packet {packet.source} -> {packet.destination}:{packet.port}/{packet.protocol}", str(real), str(mine))


def _outputs(flow: Record) -> frozenset[str]:
    """Return where a recorded packet went; a DROP beside an endpoint was a match on the port it no longer had."""
    outputs = frozenset(flow["output"].split(", "))
    return outputs - {"DROP"} if any(":" in one for one in outputs) else outputs
