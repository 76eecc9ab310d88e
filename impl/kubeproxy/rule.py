"""A rule of the nat or filter table, and all rules of a node.

Upstream: iptables(8) and the matches and targets pkg/proxy/iptables (v1.32) uses, no others.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen
from immutabledict import immutabledict

from .family import IPV4, contains, is_local
from .packet import Packet


@frozen
class Rule:
    """One line of a table. Every field that is set must match; `target` "" only counts packets.

    `conntrack` lists connection states ("NEW", or "! A,B" for none of them), `mark` asks for the masquerade mark,
    `remembered` is the endpoint chain whose affinity must be fresh (`seconds`), `remember` the one to be remembered.
    The jumps from the built-in chains are spelt differently: their comments are not `quoted` and follow the state.
    """

    table: str
    chain: str
    target: str = ""
    comment: str = ""
    protocol: str = ""
    source: str = ""
    not_source: str = ""
    destination: str = ""
    not_destination: str = ""
    port: int = 0
    source_local: bool = False
    destination_local: bool = False
    conntrack: str = ""
    mark: bool | None = None
    remembered: str = ""
    seconds: int = 0
    remember: str = ""
    probability: float | None = None
    to_destination: str = ""
    nfacct: str = ""
    quoted: bool = True

    def line(self) -> str:
        """Spell the rule as iptables-restore reads it, arguments in kube-proxy's order."""
        return " ".join(("-A", self.chain, *self._arguments()))

    def _arguments(self) -> Iterable[str]:
        comment = f'"{self.comment}"' if self.quoted and " " in self.comment else self.comment
        state = self.conntrack.removeprefix("! ")
        negated = "! " if self.conntrack.startswith("!") else ""
        ctstate = f"-m conntrack {negated}--ctstate {state}" if state else ""
        first = "" if self.quoted else ctstate
        protocol = self.protocol.lower()
        parts = (
            (first, first),
            (self.comment, f"-m comment --comment {comment}"),
            (self.mark is not None, f"-m mark {'' if self.mark else '! '}--mark 0x4000/0x4000"),
            (self.remembered, f"-m recent --name {self.remembered} --rcheck --seconds {self.seconds} --reap"),
            (self.remember, f"-m recent --name {self.remember} --set"),
            (self.source_local, "-m addrtype --src-type LOCAL"),
            (self.destination_local, "-m addrtype --dst-type LOCAL"),
            (self.protocol, f"-m {protocol} -p {protocol}"),
            (self.destination, f"-d {self.destination}"),
            (self.not_destination, f"! -d {self.not_destination}"),
            (self.port, f"--dport {self.port}"),
            (self.not_source, f"! -s {self.not_source}"),
            (self.source, f"-s {self.source}"),
            (ctstate and not first, ctstate),
            (self.nfacct, f"-m nfacct --nfacct-name {self.nfacct}"),
            (self.probability is not None, f"-m statistic --mode random --probability {self.probability or 0:.10f}"),
            (self.target, f"-j {self.target}"),
            (self.to_destination, f"--to-destination {self.to_destination}"),
        )
        return (text for present, text in parts if present)

    def matches(
        self, packet: Packet, local: frozenset[str], *, marked: bool, translated: bool, state: str = "NEW"
    ) -> bool:
        """Tell whether a rule's conditions hold for a packet of a connection, its probability left aside.

        `local` are the node's own addresses; `translated` says that DNAT has happened.
        """
        return (
            self.protocol in {"", packet.protocol}
            and self.port in {0, packet.port}
            and self._addresses_match(packet)
            and not (self.source_local and not is_local(packet.source, local))
            and not (self.destination_local and not is_local(packet.destination, local))
            and self.mark in {None, marked}
            and self._state_matches(state, translated=translated)
            and (not self.remembered or self.remembered in packet.remembered)
        )

    def _addresses_match(self, packet: Packet) -> bool:
        return (
            (not self.source or contains(self.source, packet.source))
            and not (self.not_source and contains(self.not_source, packet.source))
            and (not self.destination or contains(self.destination, packet.destination))
            and not (self.not_destination and contains(self.not_destination, packet.destination))
        )

    def _state_matches(self, state: str, *, translated: bool) -> bool:
        """Match the states of a connection: NEW until a reply came, and DNAT once it has been translated."""
        if not self.conntrack:
            return True
        states = set(self.conntrack.removeprefix("! ").split(","))
        mine = {state, "DNAT"} if translated else {state}
        return bool(states & mine) != self.conntrack.startswith("!")


def _chains(rules: Iterable[Rule]) -> immutabledict[tuple[str, str], tuple[Rule, ...]]:
    chains: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        chains.setdefault((rule.table, rule.chain), []).append(rule)
    return immutabledict((key, tuple(found)) for key, found in sorted(chains.items()))


@frozen
class RuleSet:
    """All rules of one node for one address family.

    `local` are the addresses that count as the node's own, `node_ip` the first of them, which source ranges ask about.
    """

    rules: tuple[Rule, ...]
    local: frozenset[str]
    family: str = IPV4
    node_ip: str = ""
    chains: immutabledict[tuple[str, str], tuple[Rule, ...]] = field(init=False, eq=False, repr=False)

    @chains.default
    def _by_chain(self) -> immutabledict[tuple[str, str], tuple[Rule, ...]]:
        return _chains(self.rules)

    def lines(self, table: str) -> frozenset[str]:
        """Return the rules of a table as text."""
        return frozenset(rule.line() for rule in self.rules if rule.table == table)
