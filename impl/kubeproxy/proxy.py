"""All rules of a node: those every node has, and those of every Service port.

Upstream: iptablesJumpChains and syncProxyRules of pkg/proxy/iptables/proxier.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve

from ..api.core import Service
from ..api.policy import EndpointSlice
from ..api.releases import Release
from .chains import EXTERNAL_SERVICES, MARK_MASQ, NODE_PORTS, PROXY_FIREWALL, SERVICES, ProxyConfig, port_rules
from .endpoints import Choice, by_service, endpoints_for
from .family import IPV4, LOOPBACK
from .rule import Rule, RuleSet
from .services import Port, ports

DEFAULTS = ProxyConfig()
LARGE = 1000
"""With more endpoints than this, counted port by port, comments on them are left out."""
ENDPOINT = "KUBE-SEP-"


def rules(
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    node_name: str,
    config: ProxyConfig = DEFAULTS,
    *,
    node_labels: Mapping[str, str] | None = None,
) -> RuleSet:
    """Return what the proxier of one family programs on a node; `node_labels` matter for zone hints only."""
    mine = by_service(slices)
    chosen = [
        pair
        for port in ports(services, config.family, config.release)
        for pair in port_choices(
            (port,), mine.get((port.namespace, port.service), ()), node_name, node_labels, config.release
        )
    ]
    large = sum(choice.known for _, choice in chosen) > LARGE
    return ruled(rules_of(chosen, config, large=large), config)


def port_choices(
    some: Iterable[Port],
    slices: Iterable[EndpointSlice],
    node_name: str,
    node_labels: Mapping[str, str] | None,
    release: Release,
) -> list[tuple[Port, Choice]]:
    """Return ports of one Service with the endpoints chosen for them; `slices` are those of the Service."""
    known = tuple(slices)
    return [(port, endpoints_for(port, known, node_name, node_labels, release)) for port in some]


def rules_of(chosen: Iterable[tuple[Port, Choice]], config: ProxyConfig, *, large: bool) -> Iterator[Rule]:
    """Yield the rules of ports in the order they come; `large` leaves out the comments on endpoints."""
    for port, choice in chosen:
        for rule in port_rules(port, choice, config):
            bare = large and (rule.chain.startswith(ENDPOINT) or rule.target.startswith(ENDPOINT))
            yield evolve(rule, comment="") if bare else rule


def ruled(own: Iterable[Rule], config: ProxyConfig) -> RuleSet:
    """Put the rules of the ports between those that every node has."""
    every = (*before(config), *own, *after(config))
    return RuleSet(every, frozenset(config.node_ips), config.family, config.node_ips[0])


def _jump(table: str, chain: str, target: str, comment: str = "", conntrack: str = "") -> Rule:
    return Rule(table, chain, target, comment, conntrack=conntrack, quoted=False)


_BEFORE = (
    _jump("nat", "PREROUTING", SERVICES, "kubernetes service portals"),
    _jump("nat", "OUTPUT", SERVICES, "kubernetes service portals"),
    _jump("nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"),
    Rule("nat", "KUBE-POSTROUTING", "RETURN", mark=False),
    Rule("nat", "KUBE-POSTROUTING", "MARK --xor-mark 0x4000"),
    Rule("nat", "KUBE-POSTROUTING", "MASQUERADE", "kubernetes service traffic requiring SNAT"),
    Rule("nat", MARK_MASQ, "MARK --or-mark 0x4000"),
    _jump("filter", "INPUT", "KUBE-FIREWALL"),
    _jump("filter", "INPUT", PROXY_FIREWALL, "kubernetes load balancer firewall", "NEW"),
    _jump("filter", "INPUT", NODE_PORTS, "kubernetes health check service ports"),
    _jump("filter", "INPUT", EXTERNAL_SERVICES, "kubernetes externally-visible service portals", "NEW"),
    _jump("filter", "FORWARD", PROXY_FIREWALL, "kubernetes load balancer firewall", "NEW"),
    _jump("filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules"),
    _jump("filter", "FORWARD", SERVICES, "kubernetes service portals", "NEW"),
    _jump("filter", "FORWARD", EXTERNAL_SERVICES, "kubernetes externally-visible service portals", "NEW"),
    _jump("filter", "OUTPUT", "KUBE-FIREWALL"),
    _jump("filter", "OUTPUT", PROXY_FIREWALL, "kubernetes load balancer firewall", "NEW"),
    _jump("filter", "OUTPUT", SERVICES, "kubernetes service portals", "NEW"),
    Rule("filter", "KUBE-FORWARD", "DROP", conntrack="INVALID", nfacct="ct_state_invalid_dropped_pkts"),
    Rule("filter", "KUBE-FORWARD", "ACCEPT", "kubernetes forwarding rules", mark=True),
    Rule("filter", "KUBE-FORWARD", "ACCEPT", "kubernetes forwarding conntrack rule", conntrack="RELATED,ESTABLISHED"),
)

_FIREWALL = Rule(
    "filter",
    "KUBE-FIREWALL",
    "DROP",
    "block incoming localnet connections",
    destination=LOOPBACK[IPV4],
    not_source=LOOPBACK[IPV4],
    conntrack="! RELATED,ESTABLISHED,DNAT",
)


def before(config: ProxyConfig) -> tuple[Rule, ...]:
    """Return the rules that every node has whatever its Services, as they stand before those of the ports."""
    fixed = (*_BEFORE, _FIREWALL) if config.serves_localhost else _BEFORE
    return fixed if config.counters else tuple(evolve(rule, nfacct="") for rule in fixed)


def after(config: ProxyConfig) -> tuple[Rule, ...]:
    """Return the jump to the node ports, behind the rules of the ports."""
    comment = "kubernetes service nodeports; NOTE: this must be the last rule in this chain"
    loopback = "" if config.serves_localhost else LOOPBACK[config.family]
    return (Rule("nat", SERVICES, NODE_PORTS, comment, destination_local=True, not_destination=loopback),)
