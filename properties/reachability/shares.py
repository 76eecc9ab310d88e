"""Does each endpoint get its share? The exact chance of every fate of a packet.

kube-proxy spreads with random matches one after the other: 1/n, then 1/(n-1) of what is left, and so on. A chance that
is off by one starves or floods an endpoint without making any packet go astray, so it needs its own check.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ...impl.kubeproxy.packet import Fate, Packet
from ...impl.kubeproxy.route import Journey, journeys
from ...impl.kubeproxy.rule import RuleSet

PRECISION = Fraction(1, 10**9)
"""The kernel keeps chances as 31-bit numbers; kube-proxy prints ten digits."""


def shares(rules: RuleSet, packet: Packet) -> dict[str, Fraction]:
    """Return the chance of each destination ("ADDRESS:PORT", else the fate) of a packet."""
    chances: dict[str, Fraction] = {}
    for way in journeys(rules, packet):
        name = way.verdict.destination if way.verdict.fate is Fate.DNAT else way.verdict.fate.value
        chances[name] = chances.get(name, Fraction(0)) + _chance(rules, way)
    return chances


def _chance(rules: RuleSet, way: Journey) -> Fraction:
    """Multiply the chances of the random matches on a way: those that hit, and those before them that did not."""
    result = Fraction(1)
    for rule in way.hits:
        if rule.table != "nat" or not rule.chain.startswith(("KUBE-SVC", "KUBE-SVL")):
            continue
        for earlier in rules.chains["nat", rule.chain]:
            if earlier is rule:
                break
            result *= 1 - Fraction(earlier.probability or 0)
        result *= (
            1 if rule.probability is None or not rule.target.startswith("KUBE-SEP") else Fraction(rule.probability)
        )
    return result


def unfair(rules: RuleSet, packet: Packet) -> Iterator[str]:
    """Every destination of a packet is as likely as every other."""
    chances = shares(rules, packet)
    fair = Fraction(1, len(chances))
    for name, chance in sorted(chances.items()):
        if abs(chance - fair) > PRECISION:
            where = f"{packet.destination}:{packet.port}"
            yield f"{where} goes to {name} with chance {float(chance):.4f}, not {float(fair):.4f}"
