"""Validation of NetworkPolicies.

Upstream: pkg/apis/networking/validation/validation.go (v1.32).
Left out on purpose: that a CIDR which was there before an update may stay as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from ...api.networking import IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort
from .container import validate_port
from .field_error import FieldError, forbidden, invalid, invalid_list, not_supported, required
from .meta import validate_selector
from .names import port_name_errors

PROTOCOLS = ("TCP", "UDP", "SCTP")
DIRECTIONS = ("Ingress", "Egress")
NO_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def validate_network_policy(policy: NetworkPolicy) -> list[FieldError]:
    """Return the broken rules of a NetworkPolicy."""
    spec = policy.spec
    errors = validate_selector("spec.podSelector", spec.pod_selector)
    for field, peers, rule in spec.rules():
        for index, port in enumerate(rule.ports):
            errors += _port(f"{field}.ports[{index}]", port)
        for index, peer in enumerate(rule.peers):
            errors += _peer(f"{peers}[{index}]", peer)
    if len(spec.policy_types) > len(DIRECTIONS):
        detail = "may not specify more than two policyTypes"
        return [*errors, invalid_list("spec.policyTypes", "networking.PolicyType", spec.policy_types, detail)]
    odd = ((place, direction) for place, direction in enumerate(spec.policy_types) if direction not in DIRECTIONS)
    return [*errors, *(not_supported(f"spec.policyTypes[{place}]", direction, DIRECTIONS) for place, direction in odd)]


def _port(field: str, port: NetworkPolicyPort) -> Iterator[FieldError]:
    if port.protocol and port.protocol not in PROTOCOLS:
        yield not_supported(f"{field}.protocol", port.protocol, PROTOCOLS)
    number, last = port.port, port.end_port
    if isinstance(number, int):
        yield from validate_port(f"{field}.port", number)
        if last is not None and last < number:
            yield invalid(f"{field}.endPort", number, "must be greater than or equal to `port`")
        yield from () if last is None else validate_port(f"{field}.endPort", last)
        return
    if last is not None:
        told = "is not specified" if number is None else "is non-numeric"
        yield invalid(f"{field}.endPort", last, f"may not be specified when `port` {told}")
    if number is not None:
        yield from (invalid(f"{field}.port", number, detail) for detail in port_name_errors(number))


def _peer(field: str, peer: NetworkPolicyPeer) -> Iterator[FieldError]:
    yield from validate_selector(f"{field}.podSelector", peer.pod_selector)
    yield from validate_selector(f"{field}.namespaceSelector", peer.namespace_selector)
    if peer.ip_block is not None:
        yield from _block(f"{field}.ipBlock", peer.ip_block)
    by_labels = peer.pod_selector is not None or peer.namespace_selector is not None
    if peer.ip_block is None and not by_labels:
        yield required(field, "must specify a peer")
    if peer.ip_block is not None and by_labels:
        yield forbidden(field, "may not specify both ipBlock and another peer")


def _block(field: str, block: IPBlock) -> Iterator[FieldError]:
    if not block.cidr:
        yield required(f"{field}.cidr")
        return
    if not _is_cidr(block.cidr):
        yield invalid(f"{field}.cidr", block.cidr, NO_CIDR)
        return
    whole = ip_network(block.cidr, strict=False)
    for place, text in enumerate(block.except_):
        if not _is_cidr(text):
            yield invalid(f"{field}.except[{place}]", text, NO_CIDR)
            continue
        part = ip_network(text, strict=False)
        if part.network_address not in whole or part.prefixlen <= whole.prefixlen:
            yield invalid(f"{field}.except[{place}]", text, "must be a strict subset of `cidr`")


def _is_cidr(text: str) -> bool:
    """Tell whether a text is an address with a prefix length; bits beyond it may be set."""
    _, slash, length = text.partition("/")
    if not (slash and length.isdecimal()):
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
