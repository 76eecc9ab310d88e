"""May a packet pass between two Pods? What NetworkPolicies say, with the policy, rule and line that decide it.

A Pod that no policy of a direction selects takes everything of that direction; one that is selected takes what some
rule of some of these policies allows, and nothing else. A connection needs the leave of its source to go out and of its
destination to come in. A Pod reaches itself, and its node reaches it, whatever policies say.
Upstream: staging/src/k8s.io/api/networking/v1/types.go (v1.32) and what it promises; enforcing it is the network
plugin's part. Left out on purpose: IPv6, how long a plugin takes (what it promises is in
model/components/network/network_policy.py), and whether a plugin sees a Service's cluster IP or the Pod behind it: a
destination here is the Pod.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network

from attrs import field, frozen
from immutabledict import immutabledict

from ...impl.api.core import Pod
from ...impl.api.meta import LabelSelector
from ...impl.api.networking import NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort
from ...impl.api.values.frozen import Strings, strings
from ...impl.api.values.selectors import selects

INGRESS, EGRESS = "Ingress", "Egress"
NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that every namespace has: its name."""


@frozen
class Peer:
    """Whom a rule speaks of: Pods by their labels and their namespace's, or a block of addresses with exceptions.

    Without `namespaces` the Pods are of the policy's own namespace; without `pods` they are all of these namespaces.
    """

    pods: LabelSelector | None = None
    namespaces: LabelSelector | None = None
    cidr: str = ""
    excepted: tuple[str, ...] = ()


@frozen
class Ports:
    """Ports of a rule: `first` to `last`, or one by its container's `name`; 0 and "" are all of the protocol."""

    protocol: str = "TCP"
    first: int = 0
    last: int = 0
    name: str = ""


@frozen
class Rule:
    """What one rule allows: any of the peers on any of the ports; none given means all. `where` is its "file:line"."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[Ports, ...] = ()
    where: str = ""


@frozen
class Policy:
    """One NetworkPolicy: the Pods it is for, the directions it isolates them in, and its rules for each."""

    namespace: str
    name: str
    pods: LabelSelector
    directions: frozenset[str]
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    where: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def rules(self, direction: str) -> tuple[Rule, ...]:
        """Return the rules of a direction."""
        return self.ingress if direction == INGRESS else self.egress


@frozen
class Party:
    """One end of a connection: a Pod, or with an empty namespace an address outside the cluster.

    Of a Pod without an address yet it is not known in which blocks of addresses it will be: in those that have all.
    `ports` are the named ports of its containers.
    """

    address: str
    namespace: str = ""
    name: str = ""
    labels: Strings = field(factory=strings)
    namespace_labels: Strings = field(factory=strings)
    ports: immutabledict[tuple[str, str], int] = field(factory=immutabledict)
    """(protocol, name) to number."""

    @property
    def is_pod(self) -> bool:
        """Whether it is a Pod of the cluster."""
        return bool(self.namespace)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.is_pod else self.address


@frozen(cache_hash=True)
class Walls:
    """Policies that `stay` as they are, and all that `may` ever be there, in every version: at which Pods they meet."""

    stay: tuple[Policy, ...] = ()
    may: tuple[Policy, ...] = ()

    def shut(self, pod: Pod, number: int, protocol: str) -> Policy | None:
        """Return a policy that isolates a Pod and lets nobody in at a port, whatever else is there; None: some may be.

        Policies add up: one that stays isolates the Pod, and it is shut where no rule of any is about the port. What is
        in the network of its node is not judged: that is up to the plugin.
        """
        if not self.stay or pod.spec.host_network:
            return None
        isolating = isolates(self.stay, party_of(pod, {}), INGRESS)
        return isolating[0] if isolating and not self.about(pod, number, protocol) else None

    def about(self, pod: Pod, number: int, protocol: str) -> bool:
        """Tell whether a rule that may ever be there lets somebody in at a port of a Pod."""
        party = party_of(pod, {})
        rules = (rule for policy in isolates(self.may, party, INGRESS) for rule in policy.ingress)
        return any(_port(rule, party, number, protocol) for rule in rules)


NO_WALLS = Walls()


@frozen
class Blocked:
    """Why a connection may not be: the direction, the policies that isolate, and what each of their rules lacks."""

    direction: str
    policies: tuple[Policy, ...]
    reasons: tuple[str, ...]


def verdict(policies: Iterable[Policy], source: Party, destination: Party, port: int, protocol: str) -> Blocked | None:
    """Tell whether a connection may be: None if it may, else what is in its way (the source's side first)."""
    known = tuple(policies)
    if source.address == destination.address:
        return None
    for direction, mine, other in ((EGRESS, source, destination), (INGRESS, destination, source)):
        isolating = isolates(known, mine, direction)
        if isolating and not any(
            admits(policy, rule, other, destination, port, protocol)
            for policy in isolating
            for rule in policy.rules(direction)
        ):
            reasons = tuple(_reasons(isolating, direction, other, destination, port, protocol))
            return Blocked(direction, isolating, reasons)
    return None


def isolates(policies: Iterable[Policy], party: Party, direction: str) -> tuple[Policy, ...]:
    """Return the policies that isolate a Pod in a direction; an address outside has none."""
    return tuple(
        policy
        for policy in policies
        if direction in policy.directions and policy.namespace == party.namespace and selects(policy.pods, party.labels)
    )


def admits(policy: Policy, rule: Rule, other: Party, destination: Party, port: int, protocol: str) -> bool:
    """Tell whether a rule lets a connection with the other end pass; ports are the destination's in both directions."""
    return _peer(policy, rule, other) and _port(rule, destination, port, protocol)


def _peer(policy: Policy, rule: Rule, other: Party) -> bool:
    return not rule.peers or any(is_peer(policy, peer, other) for peer in rule.peers)


def is_peer(policy: Policy, peer: Peer, other: Party) -> bool:
    """Tell whether a peer of a policy is this party."""
    if peer.cidr:
        if not other.address:
            return _covers_pods(peer)
        address = ip_address(other.address)
        inside = (address in ip_network(cidr, strict=False) for cidr in peer.excepted)
        return address in ip_network(peer.cidr, strict=False) and not any(inside)
    if not other.is_pod:
        return False
    if peer.namespaces is None:
        in_namespace = other.namespace == policy.namespace
    else:
        in_namespace = selects(peer.namespaces, other.namespace_labels)
    return in_namespace and (peer.pods is None or selects(peer.pods, other.labels))


def _covers_pods(peer: Peer) -> bool:
    """Tell whether any Pod is in a block, whatever its address is: all but such addresses as no Pod has."""
    excepted = (ip_network(cidr, strict=False) for cidr in peer.excepted)
    return peer.cidr == "0.0.0.0/0" and all(block.is_link_local or block.is_loopback for block in excepted)


def _port(rule: Rule, destination: Party, port: int, protocol: str) -> bool:
    return not rule.ports or any(_is_port(ports, destination, port, protocol) for ports in rule.ports)


def _is_port(wanted: Ports, destination: Party, port: int, protocol: str) -> bool:
    if wanted.protocol != protocol:
        return False
    if wanted.name:
        return destination.ports.get((protocol, wanted.name)) == port
    return not wanted.first or wanted.first <= port <= wanted.last


# --- reading --------------------------------------------------------------------------------------------------------


def policy_of(manifest: NetworkPolicy, where: Callable[[str], str] = lambda _: "") -> Policy:
    """Return what a NetworkPolicy says. `where` tells where a field of it is written, by its path."""
    spec = manifest.spec
    assumed = {INGRESS, EGRESS} if spec.egress else {INGRESS}
    rules = [
        (rule, Rule(tuple(map(_peer_of, rule.peers)), tuple(map(_ports_of, rule.ports)), where(path)))
        for path, _, rule in spec.rules()
    ]
    return Policy(
        namespace=manifest.metadata.namespace,
        name=manifest.metadata.name,
        pods=spec.pod_selector,
        directions=frozenset(spec.policy_types or assumed),
        ingress=tuple(rule for given, rule in rules if isinstance(given, NetworkPolicyIngressRule)),
        egress=tuple(rule for given, rule in rules if not isinstance(given, NetworkPolicyIngressRule)),
        where=where(""),
    )


def party_of(pod: Pod, namespace_labels: Mapping[str, str]) -> Party:
    """Return a Pod as an end of a connection, with the labels of its namespace, to which its name is added."""
    containers = (*pod.spec.containers, *pod.spec.sidecars)
    return Party(
        address=pod.status.pod_ip,
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        labels=pod.metadata.labels,
        namespace_labels=strings({**namespace_labels, NAMESPACE_NAME: pod.metadata.namespace}),
        ports=immutabledict(
            ((port.protocol or "TCP", port.name), port.container_port)
            for container in containers
            for port in container.ports
            if port.name
        ),
    )


def _peer_of(peer: NetworkPolicyPeer) -> Peer:
    if peer.ip_block is not None:
        return Peer(cidr=peer.ip_block.cidr, excepted=peer.ip_block.except_)
    return Peer(peer.pod_selector, peer.namespace_selector)


def _ports_of(one: NetworkPolicyPort) -> Ports:
    protocol = one.protocol or "TCP"
    if isinstance(one.port, str):
        return Ports(protocol, name=one.port)
    return Ports(protocol, one.port or 0, one.end_port or one.port or 0)


# --- why not --------------------------------------------------------------------------------------------------------


def _reasons(
    isolating: tuple[Policy, ...], direction: str, other: Party, destination: Party, port: int, protocol: str
) -> Iterator[str]:
    word = "from" if direction == INGRESS else "to"
    for policy in isolating:
        if not policy.rules(direction):
            yield f"{policy.where}: {policy} allows no {direction.lower()} at all"
        for place, rule in enumerate(policy.rules(direction)):
            lacks = []
            if not _peer(policy, rule, other):
                lacks.append(f"its {word} has no peer that is {_described(other)}")
            if not _port(rule, destination, port, protocol):
                lacks.append(f"its ports are without {port}/{protocol}")
            yield f"{rule.where}: {policy} {direction.lower()}[{place}]: {' and '.join(lacks)}"


def _described(party: Party) -> str:
    if not party.is_pod:
        return party.address
    return f"{party} ({_text(party.labels)}; namespace: {_text(party.namespace_labels)})"


def _text(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "no labels"
