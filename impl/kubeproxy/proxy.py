"""All rules of a node: those every node has, and those of every Service port.

Upstream: iptablesJumpChains and syncProxyRules of pkg/proxy/iptables/proxier.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..api.core import Service
from ..api.policy import EndpointSlice
from .chains import EXTERNAL_SERVICES, MARK_MASQ, NODE_PORTS, PROXY_FIREWALL, SERVICES, ProxyConfig, port_rules
from .endpoints import by_service, endpoints_for
from .rule import Rule, RuleSet
from .services import ports

DEFAULTS = ProxyConfig()


def rules(
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    node_name: str,
    config: ProxyConfig = DEFAULTS,
    *,
    node_labels: Mapping[str, str] | None = None,
) -> RuleSet:
    """Give what kube-proxy programs on a node; `node_labels` matter for zone hints only."""
    mine = by_service(slices)
    own = tuple(
        rule
        for port in ports(services)
        for rule in port_rules(
            port, endpoints_for(port, mine.get((port.namespace, port.service), ()), node_name, node_labels), config
        )
    )
    return RuleSet((*_BEFORE, *own, *_AFTER), frozenset(config.node_ips))


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
    Rule(
        "filter",
        "KUBE-FIREWALL",
        "DROP",
        "block incoming localnet connections",
        destination="127.0.0.0/8",
        not_source="127.0.0.0/8",
        conntrack="! RELATED,ESTABLISHED,DNAT",
    ),
)

_AFTER = (
    Rule(
        "nat",
        SERVICES,
        NODE_PORTS,
        "kubernetes service nodeports; NOTE: this must be the last rule in this chain",
        destination_local=True,
    ),
)
