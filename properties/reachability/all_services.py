"""All Services of a node proved at once: each over the rules its packets can meet, and nobody else gets anywhere.

Why the single proofs add up to one about all packets:

1. A packet has one key: destination address, protocol and port. A rule that asks for another one of these does not
   match it, and what does not match changes nothing. So the rules without such rules (`Sliced.to`) do the same to the
   packets of a key as all rules. Behind the nat table a packet may have another destination: rules of the filter
   table stay if they can match it, or any destination that DNAT in the slice writes.
2. The claims of a Service speak of keys. Each is proved over the slice of its key, for all sources, draws and memories:
   what holds there holds in the whole. If two Services claim a key, both claims are proved over the same slice, and
   the one that does not get the packets is refuted.
3. Packets of all other keys reach no endpoint: nothing changes a destination but DNAT, and `doors` gives the keys of
   every way from the hooks to a DNAT rule. Each must be a key that a claim speaks of.

The work is linear in the number of Services, since the slices of one do not grow with the others. Tests compare slices
with the whole, and the proofs by slices with those without, on small clusters.
Left out on purpose: packets of known connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import field, frozen
from immutabledict import immutabledict

from ...impl.api.core import Service
from ...impl.api.policy import EndpointSlice
from ...impl.kubeproxy.endpoints import by_service
from ...impl.kubeproxy.family import split
from ...impl.kubeproxy.rule import Rule, RuleSet
from .reachability import Claim, Counterexample, Proof, astray, claims, judged, own

Key = tuple[str, str, int]
"""Address (or LOCAL), protocol, port; "" or 0 where a rule does not ask."""
LOCAL = "local"
"""In the place of an address: any of the node's own."""

Buckets = immutabledict[tuple[str, int], tuple[tuple[int, Rule], ...]]


@frozen
class Sliced:
    """A rule set sorted by what its rules ask for, so that those of one key are found without looking at the others."""

    rules: RuleSet
    chains: immutabledict[tuple[str, str], Buckets] = field(init=False, eq=False, repr=False)

    @chains.default
    def _by_key(self) -> immutabledict[tuple[str, str], Buckets]:
        return immutabledict((chain, _buckets(rules)) for chain, rules in self.rules.chains.items())

    def to(self, address: str, protocol: str, port: int) -> RuleSet:
        """Return the rules that packets of a key can match, before and after translation."""
        nat = self._reached("nat", ("PREROUTING", "OUTPUT"), [(address, port)], protocol)
        targets = {split(rule.to_destination) for rule in nat if rule.target == "DNAT"}
        places = [(address, port), *sorted(targets - {(address, port)})]
        behind = self._reached("filter", ("INPUT", "FORWARD", "OUTPUT"), places, protocol)
        return RuleSet((*nat, *behind), self.rules.local, self.rules.family, self.rules.node_ip)

    def _reached(
        self, table: str, hooks: tuple[str, ...], places: list[tuple[str, int]], protocol: str
    ) -> tuple[Rule, ...]:
        found: list[Rule] = []
        pending, seen = list(hooks), set(hooks)
        while pending:
            chain = pending.pop()
            mine = self._of_chain((table, chain), places, protocol)
            found += mine
            fresh = [rule.target for rule in mine if rule.target not in seen and (table, rule.target) in self.chains]
            seen.update(fresh)
            pending += fresh
        return tuple(found)

    def _of_chain(self, chain: tuple[str, str], places: list[tuple[str, int]], protocol: str) -> list[Rule]:
        """Return a chain's rules for packets to these places, in their order."""
        buckets: Buckets = self.chains.get(chain, immutabledict())
        keys = dict.fromkeys(key for at, port in places for key in ((at, port), (at, 0), ("", port), ("", 0)))
        numbered = sorted((number, place) for place, key in enumerate(keys) for number, _ in buckets.get(key, ()))
        by_number = {number: rule for key in keys for number, rule in buckets.get(key, ())}
        return [by_number[number] for number, _ in numbered if by_number[number].protocol in {"", protocol}]


def _buckets(rules: tuple[Rule, ...]) -> Buckets:
    found: dict[tuple[str, int], list[tuple[int, Rule]]] = {}
    for number, rule in enumerate(rules):
        address = "" if "/" in rule.destination else rule.destination
        found.setdefault((address, rule.port), []).append((number, rule))
    return immutabledict((key, tuple(some)) for key, some in found.items())


# --- ways in --------------------------------------------------------------------------------------------------------


def doors(rules: RuleSet) -> frozenset[Key]:
    """Return the keys of all packets that any rule may send to another destination."""
    return frozenset(_doors(rules, _translating(rules), "PREROUTING")) | frozenset(
        _doors(rules, _translating(rules), "OUTPUT")
    )


def _translating(rules: RuleSet) -> frozenset[str]:
    """Return the chains of the nat table from which there is a way to a DNAT rule."""
    jumps: dict[str, set[str]] = {}
    found = set()
    for (table, chain), some in rules.chains.items():
        for rule in some if table == "nat" else ():
            if rule.target == "DNAT":
                found.add(chain)
            jumps.setdefault(rule.target, set()).add(chain)
    pending = list(found)
    while pending:
        fresh = jumps.get(pending.pop(), set()) - found
        found |= fresh
        pending += sorted(fresh)
    return frozenset(found)


def _doors(rules: RuleSet, translating: frozenset[str], chain: str, key: Key = ("", "", 0)) -> Iterator[Key]:
    for rule in rules.chains.get(("nat", chain), ()):
        narrowed = _narrowed(key, rule)
        if rule.target == "DNAT" or (rule.target in translating and all(narrowed)):
            yield narrowed
        elif rule.target in translating:
            yield from _doors(rules, translating, rule.target, narrowed)


def _narrowed(key: Key, rule: Rule) -> Key:
    """Add to a key what a rule asks for besides."""
    address, protocol, port = key
    asked = "" if "/" in rule.destination else rule.destination
    here = LOCAL if rule.destination_local else ""
    return address or asked or here, protocol or rule.protocol, port or rule.port


def meant(claim: Claim, rules: RuleSet) -> Iterator[Key]:
    """Yield the keys a claim speaks of; a node port's is that of all the node's addresses, loopback among them."""
    if frozenset(claim.addresses) == rules.local:
        yield (LOCAL, claim.protocol, claim.port)
    yield from ((address, claim.protocol, claim.port) for address in claim.addresses)


# --- the proof of all -----------------------------------------------------------------------------------------------


@frozen
class Whole:
    """What was found on all Services of a node: a proof or counterexample for each by name, and doors nobody claims."""

    proofs: tuple[tuple[str, Proof], ...]
    stray: tuple[Key, ...]

    @property
    def proved(self) -> bool:
        """Whether every claim of every Service is proved, and all other packets are left alone."""
        return not self.stray and not any(isinstance(proof, Counterexample) for _, proof in self.proofs)

    @property
    def claims(self) -> int:
        """How many claims were judged."""
        return sum(0 if isinstance(proof, Counterexample) else len(proof.claims) for _, proof in self.proofs)


def prove_all(
    rules: RuleSet,
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    node: str,
    *,
    cluster_cidr: str = "10.0.0.0/8",
    zone: str = "",
) -> Whole:
    """Prove all Services for the rules of a node; arguments as for `reachability.proves`."""
    sliced, known = Sliced(rules), tuple(slices)
    mine, proofs = by_service(known), []
    ordered = sorted(services, key=lambda one: (one.metadata.namespace, one.metadata.name))
    for service in ordered:
        name = (service.metadata.namespace, service.metadata.name)
        said = claims(service, mine.get(name, ()), node, own(rules), family=rules.family, zone=zone)
        proofs.append(("/".join(name), _proof(sliced, said, cluster_cidr)))
    return Whole(tuple(proofs), strays(rules, ordered, known, node, zone=zone))


def strays(
    rules: RuleSet, services: Iterable[Service], slices: Iterable[EndpointSlice], node: str, *, zone: str = ""
) -> tuple[Key, ...]:
    """Return the doors of rules that no claim of any Service speaks of; none: a proof that nothing else is reached."""
    mine = by_service(slices)
    known: set[Key] = set()
    for service in services:
        ends = mine.get((service.metadata.namespace, service.metadata.name), ())
        for claim in claims(service, ends, node, own(rules), family=rules.family, zone=zone):
            known.update(meant(claim, rules))
    return tuple(sorted(doors(rules) - known))


def prove_service(
    sliced: Sliced,
    service: Service,
    slices: Iterable[EndpointSlice],
    node: str,
    *,
    cluster_cidr: str = "10.0.0.0/8",
    zone: str = "",
) -> Proof:
    """Prove one Service by slices; the answer is that of `reachability.proves`."""
    rules = sliced.rules
    said = claims(service, slices, node, own(rules), family=rules.family, zone=zone)
    return _proof(sliced, said, cluster_cidr)


def _proof(sliced: Sliced, said: tuple[Claim, ...], cluster_cidr: str) -> Proof:
    for claim in said:
        for address in claim.addresses:
            ruled = sliced.to(address, claim.protocol, claim.port)
            if broken := astray(ruled, claim, address, cluster_cidr):
                return broken
    return judged(said)
