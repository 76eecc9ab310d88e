"""What the walls of a policy world let pass: decided by the rules, and by the sets as the agent keeps them."""

from __future__ import annotations

from attrs import evolve

from .....model.components.network.network_policy import Wall
from .....model.machine import View
from .....properties.reachability.network_policy import (
    EGRESS,
    INGRESS,
    Party,
    Policy,
    Rule,
    admits,
    is_peer,
    isolates,
    verdict,
)
from .setup import OUTSIDE, PolicyWorld, address_set, slot


def allowed(world: PolicyWorld, view: View, policies: tuple[Policy, ...], source: str, destination: str) -> bool:
    """Tell whether policies allow a connection, whatever the walls do."""
    setup = world.setup
    ends = (world.party(view, source), world.party(view, destination))
    return verdict(policies, *ends, setup.port, setup.protocol) is None


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


def stands(world: PolicyWorld, view: View, name: str, direction: str) -> bool:
    """Tell whether a Pod has a wall in a direction: it is closed, or policies in force isolate it."""
    wall = view[slot("wall", name)]
    ruled = wall is Wall.RULED and bool(isolates(world.in_force(view), world.program(name).party, direction))
    return wall is Wall.CLOSED or ruled


def _lets(world: PolicyWorld, view: View, name: str, direction: str, other: Party, destination: Party) -> bool:
    if name == OUTSIDE.name or not stands(world, view, name, direction):
        return True
    return view[slot("wall", name)] is Wall.RULED and any(
        _rule_lets(world, view, policy, (direction, number), rule, other, destination)
        for policy in isolates(world.in_force(view), world.program(name).party, direction)
        for number, rule in enumerate(policy.rules(direction))
    )


def _rule_lets(
    world: PolicyWorld, view: View, policy: Policy, at: tuple[str, int], rule: Rule, other: Party, destination: Party
) -> bool:
    setup, number = world.setup, world.policies.index(policy)
    if not admits(policy, evolve(rule, peers=()), other, destination, setup.port, setup.protocol):
        return False
    return not rule.peers or any(
        is_peer(policy, peer, other)
        if peer.cidr
        else any(address == other.address for address, _ in view[address_set((number, *at, place))])
        for place, peer in enumerate(rule.peers)
    )
