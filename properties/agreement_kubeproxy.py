"""Does our kube-proxy do what the real one did? One recorded run of the iptables proxier at a time.

A record has steps (Services and EndpointSlices that come, change and go) and, after each, the tables and what became of
sample packets. Rules are compared as sets of lines, packets by the set of destinations and by masquerading.
The recorder fed the proxier directly, past the informers that leave out other proxies' Services, and sent each packet
through all three filter hooks; so does `judge`.
The recorder translated only the address of a packet, not its port, before the filter hooks; `_outputs` undoes that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from ..impl.api import convert
from ..impl.api.core import Service
from ..impl.api.policy import EndpointSlice
from ..impl.kubeproxy.chains import ProxyConfig
from ..impl.kubeproxy.packet import Fate, Packet
from ..impl.kubeproxy.proxy import rules
from ..impl.kubeproxy.route import ALL_HOOKS, destinations
from ..impl.kubeproxy.rule import RuleSet
from ..impl.kubeproxy.services import OTHER_PROXY

Record = Mapping[str, Any]


@frozen
class Disagreement:
    """One difference: after which step, on what, and what each side says ("" for nothing)."""

    step: int
    about: str
    real: str
    ours: str


def judge(record: Record) -> tuple[Disagreement, ...]:
    """Give every difference between the recorded outcomes of a record and ours."""
    return tuple(_differences(record))


def _differences(record: Record) -> Iterator[Disagreement]:
    for step, (ours, outcome) in enumerate(zip(rule_sets(record), record["outcomes"], strict=True)):
        yield from (Disagreement(step, *one) for one in _line_differences(ours, outcome["tablesAfter"]))
        yield from (
            Disagreement(step, *one) for flow in outcome["packetFlows"] or () for one in _flow_difference(ours, flow)
        )


def rule_sets(record: Record) -> Iterator[RuleSet]:
    """Give our rules after each step of a record."""
    environment = record["environment"]
    config = ProxyConfig(
        node_ips=tuple(environment["nodeIPs"].split(",")),
        cluster_cidr=environment["podCIDR"] if record["localDetector"] else "",
        masquerade_all=record["masqueradeAll"],
    )
    services: dict[str, Service] = {}
    slices: dict[str, EndpointSlice] = {}
    for step in record["steps"]:
        _apply(step, "Services", services)
        _apply(step, "EndpointSlices", slices)
        yield rules(
            services.values(), slices.values(), environment["hostname"], config, node_labels=record.get("nodeLabels")
        )


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


def _line_differences(ours: RuleSet, tables: str) -> Iterator[tuple[str, str, str]]:
    for table in ("nat", "filter"):
        text = tables.partition(f"*{table}\n")[2].partition("COMMIT")[0]
        real = {line for line in text.splitlines() if line.startswith("-A")}
        mine = ours.lines(table)
        yield from ((f"{table} rule", line, "") for line in sorted(real - mine))
        yield from ((f"{table} rule", "", line) for line in sorted(mine - real))


def _flow_difference(ours: RuleSet, flow: Record) -> Iterator[tuple[str, str, str]]:
    packet = Packet(flow["sourceIP"], flow["destIP"], flow["destPort"], flow["protocol"])
    verdicts = destinations(ours, packet, ALL_HOOKS)
    where = {one.destination if one.fate is Fate.DNAT else one.fate.value for one in verdicts}
    mine = (", ".join(sorted(where)), any(one.masquerade for one in verdicts))
    real = (", ".join(sorted(_outputs(flow))), flow["masquerade"])
    if mine != real:
        yield (f"packet {packet.source} -> {packet.destination}:{packet.port}/{packet.protocol}", str(real), str(mine))


def _outputs(flow: Record) -> frozenset[str]:
    """Give where a recorded packet went; a DROP beside an endpoint was a match on the port it no longer had."""
    outputs = frozenset(flow["output"].split(", "))
    return outputs - {"DROP"} if any(":" in one for one in outputs) else outputs
