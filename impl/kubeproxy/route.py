"""What a node's rules do with a packet.

Upstream: the netfilter hooks as pkg/proxy/iptables (v1.32) relies on them: nat first (PREROUTING, or OUTPUT for the
node's own packets), then filter (INPUT for the node itself, OUTPUT, FORWARD), then nat POSTROUTING.
What becomes of later packets of a connection is in `conntrack`.
Left out on purpose: other people's rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, evolve, frozen

from .family import is_local, split
from .packet import Fate, Packet, Verdict
from .rule import Rule, RuleSet

_ENDS = {"DROP": Fate.DROP, "REJECT": Fate.REJECT, "ACCEPT": Fate.ACCEPT}


@frozen
class Journey:
    """One way through the rules: how the random matches went, every rule that matched, and the verdict."""

    choice: tuple[bool, ...]
    hits: tuple[Rule, ...]
    verdict: Verdict


def route(rules: RuleSet, packet: Packet, choice: tuple[bool, ...] = ()) -> Verdict:
    """Send a packet through the rules; `choice` answers the random matches met, in order; then they miss."""
    return _Walk(rules, packet, choice).verdict()


def follow(rules: RuleSet, packet: Packet, endpoint: str, *, replied: bool, masquerade: bool) -> Verdict:
    """Send a packet of a known connection: translated as its first one was ("" for not at all), it is only filtered."""
    walk = _Walk(rules, packet, (), state="ESTABLISHED" if replied else "NEW", destination=endpoint)
    return walk.filtered(masquerade=masquerade)


def destinations(rules: RuleSet, packet: Packet, hooks: tuple[str, ...] = ()) -> frozenset[Verdict]:
    """Return every verdict the packet may get, over all answers of the random matches.

    `hooks` names the filter chains to pass instead of those the packet's addresses call for.
    """
    return frozenset(journey.verdict for journey in journeys(rules, packet, hooks))


def journeys(rules: RuleSet, packet: Packet, hooks: tuple[str, ...] = ()) -> Iterator[Journey]:
    """Yield every way the packet may go, each once."""
    pending: list[tuple[bool, ...]] = [()]
    while pending:
        choice = pending.pop()
        walk = _Walk(rules, packet, choice, hooks)
        verdict = walk.verdict()
        yield Journey(choice, walk.hits, verdict)
        fresh = range(len(choice), walk.asked)
        pending += [(*choice, *(False,) * (place - len(choice)), True) for place in fresh]


@define
class _Walk:
    """One packet on its way; `asked` counts the random matches met."""

    rules: RuleSet
    packet: Packet
    choice: tuple[bool, ...]
    hooks: tuple[str, ...] = ()
    asked: int = 0
    hits: tuple[Rule, ...] = ()
    marked: bool = False
    destination: str = ""
    state: str = "NEW"

    def verdict(self) -> Verdict:
        """Run the hooks in order."""
        from_here = is_local(self.packet.source, self.rules.local)
        self._run("nat", "OUTPUT" if from_here else "PREROUTING")
        return self.filtered(masquerade=self.marked)

    def filtered(self, *, masquerade: bool) -> Verdict:
        """Run the hooks behind the nat table; `masquerade` is what POSTROUTING does to a packet that gets there."""
        if self.destination:
            address, port = split(self.destination)
            self.packet = evolve(self.packet, destination=address, port=port)
        refused = self._refused()
        if refused in {Fate.DROP, Fate.REJECT}:
            return Verdict(refused)
        if not self.destination:
            return Verdict(refused or Fate.UNCHANGED, masquerade=masquerade)
        return Verdict(Fate.DNAT, self.destination, masquerade)

    def _refused(self) -> Fate | None:
        from_here = is_local(self.packet.source, self.rules.local)
        to_here = is_local(self.packet.destination, self.rules.local)
        hooks = ["OUTPUT"] if from_here else []
        if to_here:
            hooks.append("INPUT")
        elif not from_here:
            hooks.append("FORWARD")
        ends = [fate for fate in (self._run("filter", hook) for hook in self.hooks or hooks) if fate is not None]
        return next((fate for fate in ends if fate is not Fate.ACCEPT), ends[0] if ends else None)

    def _run(self, table: str, chain: str) -> Fate | None:
        """Walk a chain; None when the packet comes out at its end."""
        for rule in self.rules.chains.get((table, chain), ()):
            if not self._hit(rule):
                continue
            self.hits += (rule,)
            if rule.target == "RETURN":
                return None
            if (fate := self._follow(table, rule)) is not None:
                return fate
        return None

    def _hit(self, rule: Rule) -> bool:
        marked, translated = self.marked, bool(self.destination)
        if not rule.matches(self.packet, self.rules.local, marked=marked, translated=translated, state=self.state):
            return False
        if rule.probability is None:
            return True
        self.asked += 1
        return self.asked <= len(self.choice) and self.choice[self.asked - 1]

    def _follow(self, table: str, rule: Rule) -> Fate | None:
        if rule.target == "DNAT":
            self.destination = rule.to_destination
            return Fate.DNAT
        if rule.target in _ENDS:
            return _ENDS[rule.target]
        if rule.target.startswith("MARK --or-mark"):
            self.marked = True
            return None
        return self._run(table, rule.target) if rule.target else None
