"""What the walls of a policy world let pass: decided by the rules, and by the sets as the agent keeps them."""

from __future__ import annotations

from attrs import evolve

from ...model.components.network_policy import Wall
from ...model.machine import View
from ...properties.reachability.network_policy import EGRESS, INGRESS, Party, Policy, admits, is_peer, isolates, verdict
from .setup import HANDLED, PolicyWorld, address_set, slot


def policies_in_force(world: PolicyWorld, view: View) -> tuple[Policy, ...]:
    """Give the policies that the agent has handled."""
    return world.setup.policies if view[HANDLED] else ()


def allowed(world: PolicyWorld, view: View, source: Party, destination: Party) -> bool:
    """Tell whether the policies in force allow a connection, whatever the walls do."""
    setup = world.setup
    return verdict(policies_in_force(world, view), source, destination, setup.port, setup.protocol) is None


def passes(world: PolicyWorld, view: View, source: str, destination: str) -> bool:
    """Tell whether a new connection from one Pod to another gets through both walls."""
    there, here = world.party(view, destination), world.party(view, source)
    return lets_out(world, view, source, there) and lets_in(world, view, destination, here)


def lets_out(world: PolicyWorld, view: View, name: str, other: Party) -> bool:
    """Tell whether a Pod's wall lets a new connection out."""
    return _lets(world, view, name, EGRESS, other, other)


def lets_in(world: PolicyWorld, view: View, name: str, other: Party) -> bool:
    """Tell whether a Pod's wall lets a new connection in."""
    return _lets(world, view, name, INGRESS, other, world.party(view, name))


def _lets(world: PolicyWorld, view: View, name: str, direction: str, other: Party, destination: Party) -> bool:
    wall = view[slot("wall", name)]
    if wall is not Wall.RULED:
        return bool(wall is Wall.NONE)
    known = policies_in_force(world, view)
    isolating = isolates(known, world.party(view, name), direction)
    return not isolating or any(
        _rule_lets(world, view, known.index(policy), direction, number, other, destination)
        for policy in isolating
        for number in range(len(policy.rules(direction)))
    )


def _rule_lets(
    world: PolicyWorld, view: View, policy: int, direction: str, number: int, other: Party, destination: Party
) -> bool:
    setup = world.setup
    known = setup.policies[policy]
    rule = known.rules(direction)[number]
    if not admits(known, evolve(rule, peers=()), other, destination, setup.port, setup.protocol):
        return False
    return not rule.peers or any(
        is_peer(known, peer, other)
        if peer.cidr
        else any(address == other.address for address, _ in view[address_set((policy, direction, number, place))])
        for place, peer in enumerate(rule.peers)
    )
