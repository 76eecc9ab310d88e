"""The same fates by other means: a node's Services as one nftables table.

A design of its own, not the text of Kubernetes' nftables proxy: addresses are looked up in maps, so that a packet meets
a handful of rules however many Services there are; the cluster IP has a chain of its own that marks; endpoints are
drawn with one number. That it does to every packet what the iptables rules do is proved, not meant
(properties/reachability/equivalence); of two Services with the same address and port the first by name gets it.
Upstream for what must become of packets: pkg/proxy/iptables (v1.32). Left out on purpose: as in iptables mode here, and
single updates: each text is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen
from immutabledict import immutabledict

from ..api.core import Service
from ..api.policy import EndpointSlice
from .chains import ProxyConfig
from .endpoints import Address, Choice, by_service, endpoints_for
from .family import IPV4, LOOPBACK, contains
from .services import Port, ports

REFUSE, SILENCE, TAKE = "refuse", "silence", "take"
"""Chains that end a packet's way: with an answer, without one, or by letting it in."""

Key = tuple[str, str, int]
"""Address ("" for any of the node's own), protocol, port."""


@frozen
class Clause:
    """One rule of a chain: what must hold, every field that is set, and what is done then.

    `verdict` is an nftables verdict or statement: jump (to `target`), lookup (in the map `target`), spread (`among`
    chains), mark, unmark, masquerade, remember, dnat (to `target`), drop, reject, accept or return.
    """

    verdict: str
    target: str = ""
    among: tuple[str, ...] = ()
    protocol: str = ""
    source: str = ""
    not_source: str = ""
    source_local: bool = False
    not_destination: str = ""
    marked: bool | None = None
    state: str = ""
    """"new", "known" (established or related), "invalid", or "martian": to loopback from elsewhere, untranslated."""
    remembered: str = ""


@frozen
class NftTable:
    """All of it: chains and maps by name, and seconds of each set of remembered clients."""

    chains: immutabledict[str, tuple[Clause, ...]]
    maps: immutabledict[str, immutabledict[Key, str]]
    sets: immutabledict[str, int]
    local: frozenset[str]
    family: str = IPV4


MAPS = ("services", "node-ports", "firewall", "health-checks", "refused", "refused-outside", "refused-node-ports")
AT_NODE = frozenset({"node-ports", "health-checks", "refused-node-ports"})
"""Maps asked only about the node's own addresses: their keys have none. (Health checks are, whatever the address.)"""
HOOKS = {
    "prerouting": ("nat", "prerouting", "dstnat"),
    "nat-output": ("nat", "output", "-100"),
    "postrouting": ("nat", "postrouting", "srcnat"),
    "filter-input": ("filter", "input", "filter"),
    "filter-forward": ("filter", "forward", "filter"),
    "filter-output": ("filter", "output", "filter"),
}
_KNOWN = "{ established, related }"
_STATES = {
    "": "",
    "new": "ct state new",
    "known": f"ct state {_KNOWN}",
    "invalid": "ct state invalid",
    "martian": f"ip daddr 127.0.0.0/8 ip saddr != 127.0.0.0/8 ct state != {_KNOWN} ct status & dnat == 0",
}

_COMMON = {
    "prerouting": (Clause("jump", "find-service"),),
    "nat-output": (Clause("jump", "find-service"),),
    "postrouting": (Clause("return", marked=False), Clause("unmark"), Clause("masquerade")),
    "filter-input": (
        Clause("lookup", "firewall", state="new"),
        Clause("lookup", "health-checks"),
        Clause("lookup", "refused-outside", state="new"),
        Clause("lookup", "refused-node-ports", state="new"),
    ),
    "filter-forward": (
        Clause("lookup", "firewall", state="new"),
        Clause("drop", state="invalid"),
        Clause("accept", marked=True),
        Clause("accept", state="known"),
        Clause("lookup", "refused", state="new"),
        Clause("lookup", "refused-outside", state="new"),
        Clause("lookup", "refused-node-ports", state="new"),
    ),
    "filter-output": (
        Clause("lookup", "firewall", state="new"),
        Clause("lookup", "refused", state="new"),
    ),
    REFUSE: (Clause("reject"),),
    SILENCE: (Clause("drop"),),
    TAKE: (Clause("accept"),),
}

Piece = tuple[str, tuple[Clause, ...]] | tuple[str, Key, str]
"""A chain with its clauses, or an element of a map."""


def nft_table(
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    node_name: str,
    config: ProxyConfig,
    *,
    node_labels: Mapping[str, str] | None = None,
) -> NftTable:
    """Return a node's table; arguments as for `proxy.rules`."""
    known = by_service(slices)
    chains = _common(config)
    maps: dict[str, dict[Key, str]] = {name: {} for name in MAPS}
    sets: dict[str, int] = {}
    for port in ports(services, config.family, config.release):
        mine = known.get((port.namespace, port.service), ())
        choice = endpoints_for(port, mine, node_name, node_labels, config.release)
        for piece in _port(port, choice, config):
            if len(piece) == 2:
                chains[piece[0]] = piece[1]
            else:
                maps[piece[0]].setdefault(piece[1], piece[2])
        if port.affinity_seconds:
            sets |= {port.endpoint_chain(address.target): port.affinity_seconds for address in choice.reachable}
    frozen_maps = immutabledict((name, immutabledict(found)) for name, found in maps.items())
    return NftTable(immutabledict(chains), frozen_maps, immutabledict(sets), frozenset(config.node_ips), config.family)


def _common(config: ProxyConfig) -> dict[str, tuple[Clause, ...]]:
    """Return the chains that are there whatever the Services; where loopback has node ports, nobody else may ask it."""
    chains = dict(_COMMON)
    loopback = "" if config.serves_localhost else LOOPBACK[config.family]
    chains["find-service"] = (Clause("lookup", "services"), Clause("lookup", "node-ports", not_destination=loopback))
    if config.serves_localhost:
        for hook in ("filter-input", "filter-output"):
            chains[hook] = (Clause("drop", state="martian"), *chains[hook])
    return chains


# --- one port -------------------------------------------------------------------------------------------------------


def _port(port: Port, choice: Choice, config: ProxyConfig) -> Iterator[Piece]:
    internal = bool(choice.local) if port.internal_local else choice.any
    external = bool(choice.local) if port.external_local else choice.any
    nobody = SILENCE if choice.any else REFUSE
    cluster = (port.cluster_ip, port.protocol, port.port)
    doors = [(ip, port.protocol, port.port) for ip in (*port.external_ips, *port.load_balancer_ips)]
    if internal:
        yield "services", cluster, _named("ip", port)
        yield _named("ip", port), tuple(_internal(port, config))
    else:
        yield "refused", cluster, nobody
    if port.externally_accessible and choice.any:
        yield from _captured(port)
        yield _named("outside", port), tuple(_external(port, config, usable=external))
    if port.externally_accessible and not external:
        yield from (("refused-outside", door, nobody) for door in doors)
        if port.node_port:
            yield "refused-node-ports", ("", port.protocol, port.node_port), nobody
    if port.health_check_node_port:
        yield "health-checks", ("", "TCP", port.health_check_node_port), TAKE
    if choice.any and _guarded(port):
        yield _named("guard", port), tuple(_guard(port, config))
        yield from (("firewall", (ip, port.protocol, port.port), SILENCE) for ip in port.load_balancer_ips)
    yield _named("all", port), tuple(_spread(port, choice.cluster))
    yield _named("here", port), tuple(_spread(port, choice.local))
    yield from ((port.endpoint_chain(address.target), tuple(_endpoint(port, address))) for address in choice.reachable)


def _named(what: str, port: Port) -> str:
    return port.chain(what)


def _guarded(port: Port) -> bool:
    return bool(port.load_balancer_ips and port.source_ranges)


def _captured(port: Port) -> Iterator[Piece]:
    outside = _named("outside", port)
    yield from (("services", (ip, port.protocol, port.port), outside) for ip in port.external_ips)
    balanced = _named("guard", port) if _guarded(port) else outside
    yield from (("services", (ip, port.protocol, port.port), balanced) for ip in port.load_balancer_ips)
    if port.node_port:
        yield "node-ports", ("", port.protocol, port.node_port), outside


def _internal(port: Port, config: ProxyConfig) -> Iterator[Clause]:
    if config.masquerade_all or config.cluster_cidr:
        yield Clause("mark", not_source="" if config.masquerade_all else config.cluster_cidr)
    yield Clause("jump", _named("here" if port.internal_local else "all", port))


def _external(port: Port, config: ProxyConfig, *, usable: bool) -> Iterator[Clause]:
    everywhere = _named("all", port)
    if not port.external_local:
        yield Clause("mark")
        yield Clause("jump", everywhere)
        return
    if config.cluster_cidr:
        yield Clause("jump", everywhere, source=config.cluster_cidr)
    yield Clause("mark", source_local=True)
    yield Clause("jump", everywhere, source_local=True)
    if usable:
        yield Clause("jump", _named("here", port))


def _guard(port: Port, config: ProxyConfig) -> Iterator[Clause]:
    """Let the source ranges on, and with a node inside them the balancer's own addresses."""
    inside = any(contains(span, config.node_ips[0]) for span in port.source_ranges)
    for source in (*port.source_ranges, *(port.load_balancer_ips if inside else ())):
        yield Clause("jump", _named("outside", port), source=source)


def _spread(port: Port, addresses: tuple[Address, ...]) -> Iterator[Clause]:
    chains = tuple(port.endpoint_chain(address.target) for address in addresses)
    if port.affinity_seconds:
        yield from (Clause("jump", chain, remembered=chain) for chain in chains)
    if chains:
        yield Clause("spread", among=chains)


def _endpoint(port: Port, address: Address) -> Iterator[Clause]:
    yield Clause("mark", source=address.ip)
    if port.affinity_seconds:
        yield Clause("remember", port.endpoint_chain(address.target))
    yield Clause("dnat", address.target, protocol=port.protocol)


# --- text -----------------------------------------------------------------------------------------------------------


def nft_text(table: NftTable, name: str = "kubeproof") -> str:
    """Return what `nft -f` reads: the table in place of the one that was there."""
    ip, address = ("ip", "ipv4_addr") if table.family == IPV4 else ("ip6", "ipv6_addr")
    lines = [f"table {ip} {name}", f"delete table {ip} {name}", f"table {ip} {name} {{"]
    for set_name, seconds in sorted(table.sets.items()):
        lines.append(f"  set {set_name} {{ type {address}; flags dynamic,timeout; timeout {seconds}s; }}")
    # A chain must be there before something jumps to it.
    lines += [f"  chain {chain} {{ }}" for chain in sorted(table.chains) if chain not in HOOKS]
    for map_name in MAPS:
        key = "inet_proto . inet_service" if map_name in AT_NODE else f"{address} . inet_proto . inet_service"
        elements = ", ".join(f"{_key(at)} : jump {to}" for at, to in sorted(table.maps[map_name].items()))
        given = f" elements = {{ {elements} }};" if elements else ""
        lines.append(f"  map {map_name} {{ type {key} : verdict;{given} }}")
    for chain_name, clauses in sorted(table.chains.items()):
        lines.append(f"  chain {chain_name} {{")
        if chain_name in HOOKS:
            kind, hook, priority = HOOKS[chain_name]
            lines.append(f"    type {kind} hook {hook} priority {priority};")
        lines += [f"    {_spelt(clause, ip)}" for clause in clauses]
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def _key(key: Key) -> str:
    address, protocol, port = key
    return " . ".join((*([address] if address else []), protocol.lower(), str(port)))


def _spelt(clause: Clause, ip: str) -> str:
    parts = (
        (clause.source, f"{ip} saddr {clause.source}"),
        (clause.not_source, f"{ip} saddr != {clause.not_source}"),
        (clause.source_local, "fib saddr type local"),
        (clause.not_destination, f"{ip} daddr != {clause.not_destination}"),
        (clause.marked is not None, f"meta mark & 0x4000 {'==' if clause.marked else '!='} 0x4000"),
        (clause.state, _STATES[clause.state]),
        (clause.remembered, f"{ip} saddr @{clause.remembered}"),
        (True, _done(clause, ip)),
    )
    return " ".join(text for present, text in parts if present)


def _done(clause: Clause, ip: str) -> str:
    target = clause.target
    match clause.verdict:
        case "jump":
            return f"jump {target}"
        case "lookup" if target in AT_NODE:
            local = "" if target == "health-checks" else "fib daddr type local "
            return f"{local}meta l4proto . th dport vmap @{target}"
        case "lookup":
            return f"{ip} daddr . meta l4proto . th dport vmap @{target}"
        case "spread":
            drawn = ", ".join(f"{place} : jump {chain}" for place, chain in enumerate(clause.among))
            return f"numgen random mod {len(clause.among)} vmap {{ {drawn} }}"
        case "mark":
            return "meta mark set meta mark | 0x4000"
        case "unmark":
            return "meta mark set meta mark ^ 0x4000"
        case "remember":
            return f"update @{target} {{ {ip} saddr }}"
        case "dnat":
            return f"meta l4proto {clause.protocol.lower()} dnat to {target}"
        case verdict:
            return verdict
