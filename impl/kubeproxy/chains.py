"""The rules of one Service port.

Upstream: syncProxyRules of pkg/proxy/iptables/proxier.go (v1.32). A port's packets are captured in KUBE-SERVICES and
KUBE-NODEPORTS, pass KUBE-FW (source ranges) and KUBE-EXT (external traffic), are spread by KUBE-SVC (all endpoints) or
KUBE-SVL (this node's), and rewritten by one KUBE-SEP per endpoint. What has no endpoint is refused in the filter table.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from ..api.releases import NEWEST, Release
from .endpoints import Address, Choice
from .family import IPV4, LOOPBACK, contains
from .rule import Rule
from .services import Port

MARK_MASQ = "KUBE-MARK-MASQ"
SERVICES = "KUBE-SERVICES"
EXTERNAL_SERVICES = "KUBE-EXTERNAL-SERVICES"
NODE_PORTS = "KUBE-NODEPORTS"
PROXY_FIREWALL = "KUBE-PROXY-FIREWALL"


@frozen
class ProxyConfig:
    """How one proxier of a node was set up; all addresses are of its family.

    `cluster_cidr` "" means it cannot tell Pods' addresses from others. IPv6 never has node ports at localhost.
    """

    node_ips: tuple[str, ...] = ("192.168.0.1",)
    cluster_cidr: str = "10.0.0.0/8"
    masquerade_all: bool = False
    localhost_node_ports: bool = True
    family: str = IPV4
    counters: bool = True
    """Whether the kernel has nfacct, which counts packets to localhost's node ports and invalid ones."""
    release: Release = NEWEST

    @property
    def serves_localhost(self) -> bool:
        """Whether node ports are served at loopback addresses."""
        return self.localhost_node_ports and self.family == IPV4


def port_rules(port: Port, choice: Choice, config: ProxyConfig) -> Iterator[Rule]:
    """Yield the rules of a port, chain by chain."""
    internal = bool(choice.local) if port.internal_local else choice.any
    external = bool(choice.local) if port.external_local else choice.any
    refusal = _refusal(port, choice)
    yield from _cluster_ip(port, refusal, config, usable=internal)
    if port.externally_accessible:
        yield from _captures(port, choice, config)
        if not external:
            yield from _refused(port, refusal)
    if port.health_check_node_port:
        yield _health_check(port)
    if choice.any and port.externally_accessible:
        yield from _external(port, config, usable=external)
    if choice.any and _has_firewall(port):
        yield from _firewall(port, config)
    yield from _spread(port, port.chain("KUBE-SVC"), choice.cluster)
    yield from _spread(port, port.chain("KUBE-SVL"), choice.local)
    for address in choice.reachable:
        yield from _endpoint(port, address)


def _refusal(port: Port, choice: Choice) -> tuple[str, str]:
    """Return target and comment for packets nobody takes: nobody at all (say so), or only nobody here (be silent)."""
    if choice.any:
        return "DROP", f"{port} has no local endpoints"
    return "REJECT", f"{port} has no endpoints"


def _has_firewall(port: Port) -> bool:
    return bool(port.load_balancer_ips and port.source_ranges)


# --- where packets are caught -------------------------------------------------------------------------------------


def _cluster_ip(port: Port, refusal: tuple[str, str], config: ProxyConfig, *, usable: bool) -> Iterator[Rule]:
    if not usable:
        yield _at(port, SERVICES, refusal[0], refusal[1], port.cluster_ip, table="filter")
        return
    chain = port.chain("KUBE-SVL" if port.internal_local else "KUBE-SVC")
    comment = f"{port} cluster IP"
    yield _at(port, SERVICES, chain, comment, port.cluster_ip)
    if config.masquerade_all or config.cluster_cidr:
        mark = _at(port, chain, MARK_MASQ, comment, port.cluster_ip)
        yield evolve(mark, not_source="" if config.masquerade_all else config.cluster_cidr)


def _captures(port: Port, choice: Choice, config: ProxyConfig) -> Iterator[Rule]:
    """Catch packets for the port's addresses besides its cluster IP, if anybody anywhere can take them."""
    if not choice.any:
        return
    external = port.chain("KUBE-EXT")
    for address in port.external_ips:
        yield _at(port, SERVICES, external, f"{port} external IP", address)
    balanced = port.chain("KUBE-FW") if _has_firewall(port) else external
    for address in port.load_balancer_ips:
        yield _at(port, SERVICES, balanced, f"{port} loadbalancer IP", address)
        if _has_firewall(port):
            comment = f"{port} traffic not accepted by {balanced}"
            yield _at(port, PROXY_FIREWALL, "DROP", comment, address, table="filter")
    if port.node_port:
        yield from _node_port(port, external, config)


def _node_port(port: Port, external: str, config: ProxyConfig) -> Iterator[Rule]:
    rule = Rule("nat", NODE_PORTS, external, str(port), port.protocol, port=port.node_port)
    if config.serves_localhost and config.counters:  # for counting only: the next rule does the same
        yield Rule(
            "nat",
            NODE_PORTS,
            external,
            str(port),
            port.protocol,
            destination=LOOPBACK[IPV4],
            port=port.node_port,
            nfacct="localhost_nps_accepted_pkts",
        )
    yield rule


def _refused(port: Port, refusal: tuple[str, str]) -> Iterator[Rule]:
    target, comment = refusal
    for address in (*port.external_ips, *port.load_balancer_ips):
        yield _at(port, EXTERNAL_SERVICES, target, comment, address, table="filter")
    if port.node_port:
        yield Rule(
            "filter",
            EXTERNAL_SERVICES,
            target,
            comment,
            port.protocol,
            port=port.node_port,
            destination_local=True,
        )


def _health_check(port: Port) -> Rule:
    comment = f"{port} health check node port"
    return Rule("filter", NODE_PORTS, "ACCEPT", comment, "TCP", port=port.health_check_node_port)


def _at(port: Port, chain: str, target: str, comment: str, address: str, *, table: str = "nat") -> Rule:
    """Make a rule for packets to the port at one of its addresses."""
    return Rule(table, chain, target, comment, port.protocol, destination=address, port=port.port)


# --- where they go ------------------------------------------------------------------------------------------------


def _external(port: Port, config: ProxyConfig, *, usable: bool) -> Iterator[Rule]:
    """Treat traffic to external addresses: under Local it keeps its source; what comes from inside goes anywhere."""
    chain, everywhere = port.chain("KUBE-EXT"), port.chain("KUBE-SVC")
    about = f"{port} external destinations"
    if not port.external_local:
        yield Rule("nat", chain, MARK_MASQ, f"masquerade traffic for {about}")
    else:
        if config.cluster_cidr:
            yield Rule("nat", chain, everywhere, f"pod traffic for {about}", source=config.cluster_cidr)
        yield Rule("nat", chain, MARK_MASQ, f"masquerade LOCAL traffic for {about}", source_local=True)
        yield Rule("nat", chain, everywhere, f"route LOCAL traffic for {about}", source_local=True)
    if usable:
        yield Rule("nat", chain, port.chain("KUBE-SVL") if port.external_local else everywhere)


def _firewall(port: Port, config: ProxyConfig) -> Iterator[Rule]:
    """Let only the source ranges on; a node within them may come with the balancer's address as its source."""
    chain, external = port.chain("KUBE-FW"), port.chain("KUBE-EXT")
    comment = f"{port} loadbalancer IP"
    sources = list(port.source_ranges)
    if any(contains(source, config.node_ips[0]) for source in port.source_ranges):
        sources += port.load_balancer_ips
    for source in sources:
        yield Rule("nat", chain, external, comment, source=source)
    yield Rule("nat", chain, "", f"other traffic to {port} will be dropped by {PROXY_FIREWALL}")


def _spread(port: Port, chain: str, addresses: tuple[Address, ...]) -> Iterator[Rule]:
    """Go where the client went before, else to each endpoint with equal chance: 1/n, then 1/(n-1) of the rest, ..."""
    named = [(f"{port} -> {address.target}", port.endpoint_chain(address.target)) for address in addresses]
    if port.affinity_seconds:
        for comment, target in named:
            yield Rule("nat", chain, target, comment, remembered=target, seconds=port.affinity_seconds)
    for left, (comment, target) in zip(range(len(named), 0, -1), named, strict=True):
        yield Rule("nat", chain, target, comment, probability=1 / left if left > 1 else None)


def _endpoint(port: Port, address: Address) -> Iterator[Rule]:
    """Rewrite the destination; a Pod that reaches itself by its Service needs another source, too."""
    chain = port.endpoint_chain(address.target)
    yield Rule("nat", chain, MARK_MASQ, str(port), source=address.ip)
    remember = chain if port.affinity_seconds else ""
    yield Rule("nat", chain, "DNAT", str(port), port.protocol, remember=remember, to_destination=address.target)
