"""NetworkPolicies in time: a node's kubelet, its network plugin, and Pods that come, go and take over addresses.

The plugin has two halves. One wires up a Pod's sandbox before its containers start; the other, the agent, watches
policies and Pods and keeps the Pods' walls and the sets of addresses that the rules let in. The agent sees changes of
one Pod in order, and those of different Pods in any order and as late as it likes. An address is free again when a
Pod's sandbox is gone, which is before anybody says so: another Pod may have it by then.

Which packets policies allow is decided by `properties.reachability.network_policy`; what the walls let pass is decided
by what the agent has put into them. Documented failures are settings of the agent (`Setup`); what must hold is in
`claims`, what a plugin may do at all in `model.components.network_policy`.

Left out on purpose: other nodes (a peer is as well on this one), policies that change or go, IPv6, time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial

from ...model.components.network_policy import Stage, Wall
from ...model.machine import Action, Fairness, Machine, Outcome, View
from ...properties.reachability.network_policy import Party, is_peer
from .setup import EXISTS, HANDLED, Members, PolicyWorld, Program, Selected, Setup, Status, address_set, slot
from .walls import lets_in, lets_out


def machine(setup: Setup) -> Machine:
    """Give the machine: no Pod is there yet, nor are the policies."""
    world = PolicyWorld(setup)
    slots: dict[str, Hashable] = {EXISTS: False, HANDLED: False}
    slots |= {address_set(one.place): frozenset() for one in world.sets}
    for one in setup.pods:
        start = {"stage": Stage.ABSENT, "address": "", "wall": Wall.NONE, "late": False, "call": ""}
        slots |= {slot(what, one.name): value for what, value in start.items()}
        slots |= {slot("status", one.name): ("", ""), slot("seen", one.name): ("", "")}
    return Machine((slots,), tuple(_actions(world)))


def _actions(world: PolicyWorld) -> Iterator[Action]:
    yield Action("admin: applies the policies", "admin", _applies, Fairness.NONE)
    yield Action("agent: handles the policies", "agent policies", partial(_handles_policies, world))
    for one in world.setup.pods:
        name = one.name
        yield Action(f"admin: creates {name}", "admin", partial(_creates, name), Fairness.NONE)
        yield Action(f"kubelet: works on {name}", f"kubelet {name}", partial(_works, world, one))
        yield Action(f"kubelet: reports {name}", f"report {name}", partial(_reports, name))
        yield Action(f"agent: handles {name}", f"agent {name}", partial(_handles, world, name))
        if one.finishes:
            yield Action(f"{name}: finishes", f"program {name}", partial(_ends, name, "has finished"))
        if one.may_go:
            yield Action(f"admin: deletes {name}", "admin", partial(_ends, name, "stops"), Fairness.NONE)
        if one.calls:
            yield Action(f"{name}: calls", f"call {name}", partial(_calls, world, one))


# --- Pods -----------------------------------------------------------------------------------------------------------


def _applies(view: View) -> Iterator[Outcome]:
    if not view[EXISTS]:
        yield Outcome("they exist", {EXISTS: True})


def _creates(name: str, view: View) -> Iterator[Outcome]:
    if view[slot("stage", name)] is Stage.ABSENT:
        late = view[HANDLED]
        made = {slot("stage", name): Stage.CREATED, slot("status", name): ("Pending", ""), slot("late", name): late}
        yield Outcome("after the policies were handled" if late else "", made)


def _works(world: PolicyWorld, one: Program, view: View) -> Iterator[Outcome]:
    """Wire up a Pod's sandbox, then start its containers."""
    stage = view[slot("stage", one.name)]
    if stage is Stage.WIRED:
        yield Outcome("starts its containers", {slot("stage", one.name): Stage.STARTED})
    free = _free(world, view)
    if stage is Stage.CREATED and one.fits and free:
        wall = Wall.CLOSED if world.setup.starts_closed else Wall.NONE
        wired = {slot("stage", one.name): Stage.WIRED, slot("address", one.name): free, slot("wall", one.name): wall}
        yield Outcome(f"wires it up at {free}: {wall.value}", wired)


def _free(world: PolicyWorld, view: View) -> str:
    """Give the first address that no sandbox has."""
    taken = {view.via(_holds, slot("stage", one.name)) and view[slot("address", one.name)] for one in world.setup.pods}
    known = (f"10.1.0.{number + 1}" for number in range(world.setup.addresses))
    return next((one for one in known if one not in taken), "")


def _holds(stage: Stage) -> bool:
    return stage in {Stage.WIRED, Stage.STARTED}


def _ends(name: str, why: str, view: View) -> Iterator[Outcome]:
    """Take the sandbox down: the address is free from now on."""
    if view[slot("stage", name)] is Stage.STARTED:
        stage, address = slot("stage", name), view[slot("address", name)]
        gone = "deleted" if why == "stops" else "finished"
        label = f"{why}, and {address} is free"
        yield Outcome(label, {stage: Stage.GONE, slot("wall", name): Wall.NONE, slot("call", name): gone})


def _reports(name: str, view: View) -> Iterator[Outcome]:
    """Tell the API server of what runs; a Pod that was deleted is no object any more."""
    stage, address = view[slot("stage", name)], view[slot("address", name)]
    status: Status = view[slot("status", name)]
    if stage is Stage.STARTED:
        wanted: Status = ("Running", address)
    elif stage is Stage.GONE:
        wanted = ("", "") if view[slot("call", name)] == "deleted" else ("Succeeded", address)
    else:
        return
    if wanted != status:
        yield Outcome(f"{wanted[0] or 'gone'} {wanted[1]}".strip(), {slot("status", name): wanted})


# --- the agent ------------------------------------------------------------------------------------------------------


def _handles_policies(world: PolicyWorld, view: View) -> Iterator[Outcome]:
    """Make the sets, and give every Pod that it has seen running its rules."""
    if not view[EXISTS] or view[HANDLED]:
        return
    seen = {one.name: view[slot("seen", one.name)] for one in world.setup.pods}
    updates: dict[str, Hashable] = {HANDLED: True}
    for one in world.sets:
        updates[address_set(one.place)] = frozenset(
            member for name, status in seen.items() for member in _members(world, one, name, status)
        )
    for name, (phase, _) in seen.items():
        if phase == "Running" and view[slot("stage", name)] is Stage.STARTED:
            updates[slot("wall", name)] = Wall.RULED
    yield Outcome("their rules are in force", updates)


def _handles(world: PolicyWorld, name: str, view: View) -> Iterator[Outcome]:
    """Follow one Pod: the sets it is in, and its own wall."""
    before, now = view[slot("seen", name)], view[slot("status", name)]
    if before == now:
        return
    updates: dict[str, Hashable] = {slot("seen", name): now}
    if view[HANDLED]:
        updates |= _sets_after(world, name, view)
    if now[0] == "Running" and view[slot("stage", name)] is Stage.STARTED and (view[HANDLED] or _opens(world, view)):
        updates[slot("wall", name)] = Wall.RULED
    yield Outcome(f"sees it {now[0] or 'gone'}", updates)


def _opens(world: PolicyWorld, view: View) -> bool:
    """Tell whether a Pod is opened that no policy is there for: only where it had been wired up closed."""
    return world.setup.starts_closed and not view[EXISTS]


def _sets_after(world: PolicyWorld, name: str, view: View) -> dict[str, Hashable]:
    before, now = view[slot("seen", name)], view[slot("status", name)]
    updates: dict[str, Hashable] = {}
    for one in world.sets:
        held: frozenset[tuple[str, str]] = view[address_set(one.place)]
        if world.setup.members is Members.REBUILT:
            seen = {other.name: view[slot("seen", other.name)] for other in world.setup.pods} | {name: now}
            if _rebuildable(world, one, seen):
                members = (member for other, status in seen.items() for member in _members(world, one, other, status))
                updates[address_set(one.place)] = frozenset(members)
        else:
            old, new = set(_members(world, one, name, before)), set(_members(world, one, name, now))
            updates[address_set(one.place)] = (held - old) | new
    return updates


def _rebuildable(world: PolicyWorld, one: Selected, seen: dict[str, Status]) -> bool:
    """Tell whether a set can be made: an old ipset takes no empty address, and then nothing is changed."""
    unaddressed = any(
        phase and not address and is_peer(one.policy, one.peer, world.program(name).party)
        for name, (phase, address) in seen.items()
    )
    return world.setup.skips_unaddressed or not unaddressed


def _members(world: PolicyWorld, one: Selected, name: str, status: Status) -> Iterator[tuple[str, str]]:
    """Give what a Pod with this status puts into a set: its address, with its name where owners count."""
    phase, address = status
    counts = phase == "Running" or (phase == "Succeeded" and world.setup.members is Members.UNTIL_DELETED)
    if counts and address and is_peer(one.policy, one.peer, world.program(name).party):
        yield (address, "" if world.setup.members is Members.BY_ADDRESS else name)


# --- a connection to the outside ------------------------------------------------------------------------------------

TRACKED, UNTRACKED, ANSWERED, BROKEN = "tracked", "untracked", "answered", "broken"
"""What a Pod's call is: known to the wall or begun before there was one; answered, or its answer is blocked."""


def _calls(world: PolicyWorld, one: Program, view: View) -> Iterator[Outcome]:
    """Open the connection, then get the answer, which comes in by the connection that the wall knows, or not at all."""
    if view[slot("stage", one.name)] is not Stage.STARTED:
        return
    call, outside = view[slot("call", one.name)], Party(one.calls)
    if not call and lets_out(world, view, one.name, outside):
        known = TRACKED if view[slot("wall", one.name)] is Wall.RULED else UNTRACKED
        yield Outcome(f"opens a connection to {one.calls}: {known}", {slot("call", one.name): known})
    elif call in {TRACKED, UNTRACKED}:
        through = call == TRACKED or lets_in(world, view, one.name, outside)
        result = ANSWERED if through else BROKEN
        yield Outcome(f"its answer is {'let in' if through else 'blocked'}", {slot("call", one.name): result})
