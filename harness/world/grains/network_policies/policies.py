"""NetworkPolicies in time: a node's kubelet, its network plugin, and Pods that come, go and take over addresses.

The plugin has two halves. One wires up a Pod's sandbox before its containers start; the other, the agent, watches
policies and Pods and keeps the Pods' walls and the sets of addresses that the rules let in. The agent sees changes of
one Pod in order, and those of different Pods in any order and as late as it likes. An address is free again when a
Pod's sandbox is gone, which is before anybody says so: another Pod may have it by then.

Which packets policies allow is decided by `properties.reachability.network_policy`; what the walls let pass is decided
by what the agent has put into them. What some plugins did is a setting of the agent (`Setup`); what must hold is in
`claims`, what a plugin may do at all in `model.components.network.network_policy`. Where a scenario is seen as such a
world is `check.detail.network_policies`.

Left out on purpose: other nodes (a peer is as well on this one), a policy that is handled before one that is older,
IPv6, time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial

from .....model.components.network.network_policy import Stage, Wall
from .....model.machine import Action, Fairness, Machine, Outcome, View
from .....model.world import component
from .....model.world.component import Component, constantly
from .....properties.reachability.network_policy import EGRESS, INGRESS, is_peer
from .setup import (
    CONNECTION,
    DONE,
    HANDLED,
    OUTSIDE,
    Members,
    PolicyWorld,
    Program,
    Selected,
    Setup,
    Status,
    address_set,
    slot,
)
from .walls import allowed, lets_in, lets_out, passes, stands


def machine(setup: Setup) -> Machine:
    """Return the machine: Pods that are present run, and the agent has followed everything."""
    world = PolicyWorld(setup)
    parts = components(world)
    return Machine((component.start(world, parts),), component.actions(world, parts))


def components(world: PolicyWorld) -> tuple[Component[PolicyWorld], ...]:
    """Return everybody who takes part: who changes policies, the agent, each Pod with who makes, runs and ends it."""
    setup = world.setup
    present = [pod.name for pod in setup.pods if pod.present]
    known = {pod.name: _known(present, pod.name) for pod in setup.pods}
    pods = (Component(pod.name, partial(_lives, pod), constantly(_slots(pod, known[pod.name]))) for pod in setup.pods)
    sets = {address_set(selected.place): _filled(world, selected, known, 0) for selected in world.sets}
    return (
        Component("admin", _administrator, constantly({DONE: 0})),
        Component("agent", _agent, constantly({HANDLED: 0, **sets})),
        *pods,
        Component("connection", _connects, constantly({CONNECTION: ""})),
    )


def _known(present: list[str], name: str) -> Status:
    return ("Running", f"10.1.0.{present.index(name) + 1}") if name in present else ("", "")


def _slots(pod: Program, known: Status) -> dict[str, Hashable]:
    """Return what there is of a Pod at the start."""
    stage, wall = (Stage.STARTED, Wall.RULED) if pod.present else (Stage.ABSENT, Wall.NONE)
    start = {"stage": stage, "wall": wall, "address": known[1], "made": (0, 0), "status": known, "seen": known}
    return {slot(what, pod.name): value for what, value in start.items()}


def _administrator(world: PolicyWorld) -> Iterator[Action]:
    yield Action("admin: acts", "admin", partial(_acts, world, False), Fairness.NONE)  # noqa: FBT003 - bound by partial
    yield Action("admin: acts at rest", "admin", partial(_acts, world, True), Fairness.NONE, when_quiet=True)  # noqa: FBT003


def _agent(world: PolicyWorld) -> Iterator[Action]:
    yield Action("agent: handles the policies", "agent policies", partial(_handles_policies, world))


def _lives(pod: Program, world: PolicyWorld) -> Iterator[Action]:
    name = pod.name
    yield Action(f"controller: makes {name}", f"controller {name}", partial(_makes, world, pod))
    yield Action(f"kubelet: works on {name}", f"kubelet {name}", partial(_works, world, pod))
    yield Action(f"kubelet: reports {name}", f"report {name}", partial(_reports, pod))
    yield Action(f"agent: handles {name}", f"agent {name}", partial(_handles, world, name))
    if pod.finishes:
        yield Action(f"{name}: finishes", f"program {name}", partial(_ends, world, name), Fairness.NONE)
    if pod.until is not None:
        yield Action(f"kubelet: stops {name}", f"end {name}", partial(_goes, world, pod))


def _connects(world: PolicyWorld) -> Iterator[Action]:
    if world.setup.connection is not None:
        source, destination = world.setup.connection
        asks, answered = partial(_asks, world, source, destination), partial(_answered, world, source, destination)
        yield Action(f"{source}: asks", f"ask {source}", asks, Fairness.NONE)
        yield Action(f"{source}: is answered", f"answer {source}", answered)


# --- Pods -----------------------------------------------------------------------------------------------------------


def _acts(world: PolicyWorld, waits: bool, view: View) -> Iterator[Outcome]:  # noqa: FBT001 - bound by partial
    done = view[DONE]
    if done < len(world.setup.script) and world.setup.script[done].waits == waits:
        yield Outcome(world.setup.script[done].told, {DONE: done + 1})


def _makes(world: PolicyWorld, one: Program, view: View) -> Iterator[Outcome]:
    """Make a Pod, unless it is to go by now."""
    if view[slot("stage", one.name)] is not Stage.ABSENT or view[DONE] < one.since or _is_over(one, view):
        return
    there, handled = world.there(view), view[HANDLED]
    made: dict[str, Hashable] = {slot("stage", one.name): Stage.CREATED, slot("made", one.name): (there, handled)}
    told = "after the policies were handled" if handled == there else "the policies are not handled yet"
    yield Outcome(told, made | {slot("status", one.name): ("Pending", "")})


def _is_over(one: Program, view: View) -> bool:
    return one.until is not None and bool(view[DONE] >= one.until)


def _works(world: PolicyWorld, one: Program, view: View) -> Iterator[Outcome]:
    """Wire up a Pod's sandbox, then start its containers."""
    stage = view[slot("stage", one.name)]
    if stage is Stage.WIRED:
        yield Outcome("starts its containers", {slot("stage", one.name): Stage.STARTED})
    free = _free(world, view)
    if stage is Stage.CREATED and one.fits and free:
        closed = world.setup.starts_closed and world.isolated_at_all(view[HANDLED], one.name)
        wall = Wall.CLOSED if closed else Wall.NONE
        wired = {slot("stage", one.name): Stage.WIRED, slot("address", one.name): free, slot("wall", one.name): wall}
        yield Outcome(f"wires it up at {free}: {wall.value}", wired)


def _free(world: PolicyWorld, view: View) -> str:
    """Return the first address that no sandbox has."""
    taken = {view.via(_holds, slot("stage", pod.name)) and view[slot("address", pod.name)] for pod in world.setup.pods}
    known = (f"10.1.0.{number + 1}" for number in range(world.setup.addresses))
    return next((address for address in known if address not in taken), "")


def _holds(stage: Stage) -> bool:
    return stage in {Stage.WIRED, Stage.STARTED}


def _ends(world: PolicyWorld, name: str, view: View) -> Iterator[Outcome]:
    """Take the sandbox down: the address is free from now on."""
    if view[slot("stage", name)] is Stage.STARTED:
        ended: dict[str, Hashable] = {slot("stage", name): Stage.GONE, slot("wall", name): Wall.NONE}
        if name in (world.setup.connection or ()):
            ended[CONNECTION] = ""
        yield Outcome(f"it ends, and {view[slot('address', name)]} is free", ended)


def _goes(world: PolicyWorld, one: Program, view: View) -> Iterator[Outcome]:
    """End a Pod that is deleted."""
    ready = all(view[slot("status", other)][0] == "Running" for other in one.before)
    if _is_over(one, view) and ready:
        yield from _ends(world, one.name, view)


def _reports(one: Program, view: View) -> Iterator[Outcome]:
    """Tell the API server of what runs; a Pod that was deleted is no object any more."""
    stage, address = view[slot("stage", one.name)], view[slot("address", one.name)]
    if stage is Stage.STARTED:
        wanted: Status = ("Running", address)
    elif stage is Stage.GONE:
        wanted = ("", "") if _is_over(one, view) else ("Succeeded", address)
    else:
        return
    if wanted != view[slot("status", one.name)]:
        yield Outcome(f"{wanted[0] or 'gone'} {wanted[1]}".strip(), {slot("status", one.name): wanted})


# --- the agent ------------------------------------------------------------------------------------------------------


def _handles_policies(world: PolicyWorld, view: View) -> Iterator[Outcome]:
    """Put the rules of a later version in force, with its sets: a Pod that it has seen running has a wall for them."""
    old = view[HANDLED]
    seen: dict[str, Status] = {pod.name: view[slot("seen", pod.name)] for pod in world.setup.pods}
    for version in range(old + 1, world.there(view) + 1):
        updates: dict[str, Hashable] = {HANDLED: version}
        stay = {*world.setup.versions[old]} & {*world.setup.versions[version]}
        updates |= {
            address_set(selected.place): _filled(world, selected, seen, version)
            for selected in world.sets
            if selected.policy not in stay
        }
        if world.setup.ends and world.setup.connection is not None:
            kept = allowed(world, view, world.setup.versions[version], *world.setup.connection)
            updates |= {} if kept else {CONNECTION: ""}
        later = world.there(view) - version
        yield Outcome(f"their rules are in force{f', but for the last {later}' if later else ''}", updates)


def _filled(world: PolicyWorld, one: Selected, seen: dict[str, Status], version: int) -> frozenset[tuple[str, str]]:
    """Return a set as it is made from what has been seen; one of a policy that is not there is empty."""
    if one.policy not in world.setup.versions[version]:
        return frozenset()
    return frozenset(member for name, status in seen.items() for member in _members(world, one, name, status))


def _handles(world: PolicyWorld, name: str, view: View) -> Iterator[Outcome]:
    """Follow one Pod: the sets it is in, and its own wall."""
    before, now = view[slot("seen", name)], view[slot("status", name)]
    if before == now:
        return
    updates: dict[str, Hashable] = {slot("seen", name): now} | _sets_after(world, name, view)
    if now[0] == "Running" and view[slot("stage", name)] is Stage.STARTED:
        updates[slot("wall", name)] = Wall.RULED
    yield Outcome(f"sees it {now[0] or 'gone'}", updates)


def _sets_after(world: PolicyWorld, name: str, view: View) -> dict[str, Hashable]:
    before, now = view[slot("seen", name)], view[slot("status", name)]
    updates: dict[str, Hashable] = {}
    for selected in (some for some in world.sets if some.policy in world.in_force(view)):
        held: frozenset[tuple[str, str]] = view[address_set(selected.place)]
        if world.setup.members is Members.REBUILT:
            seen = {other.name: view[slot("seen", other.name)] for other in world.setup.pods} | {name: now}
            if _rebuildable(world, selected, seen):
                updates[address_set(selected.place)] = _filled(world, selected, seen, view[HANDLED])
        else:
            old, new = set(_members(world, selected, name, before)), set(_members(world, selected, name, now))
            updates[address_set(selected.place)] = (held - old) | new
    return updates


def _rebuildable(world: PolicyWorld, one: Selected, seen: dict[str, Status]) -> bool:
    """Tell whether a set can be made: an old ipset takes no empty address, and then nothing is changed."""
    unaddressed = any(
        phase and not address and is_peer(one.policy, one.peer, world.program(name).party)
        for name, (phase, address) in seen.items()
    )
    return world.setup.skips_unaddressed or not unaddressed


def _members(world: PolicyWorld, one: Selected, name: str, status: Status) -> Iterator[tuple[str, str]]:
    """Yield what a Pod with this status puts into a set: its address, with its name where owners count."""
    phase, address = status
    counts = phase == "Running" or (phase == "Succeeded" and world.setup.members is Members.UNTIL_DELETED)
    if counts and address and is_peer(one.policy, one.peer, world.program(name).party):
        yield (address, "" if world.setup.members is Members.BY_ADDRESS else name)


# --- a connection that stays open -----------------------------------------------------------------------------------

TRACKED, UNTRACKED, ANSWERED, BROKEN = "tracked", "untracked", "answered", "broken"
"""What a connection is: known to the walls or begun before there were any; answered, or its answer is blocked."""


def _asks(world: PolicyWorld, source: str, destination: str, view: View) -> Iterator[Outcome]:
    """Open the connection, where that is allowed by the policies in force."""
    runs = {*world.started(view), OUTSIDE.name}
    if view[CONNECTION] or not {source, destination} <= runs:
        return
    if allowed(world, view, world.in_force(view), source, destination) and passes(world, view, source, destination):
        walled = (
            stands(world, view, party, direction)
            for party in (source, destination)
            for direction in (INGRESS, EGRESS)
            if world.ever(party, direction)
        )
        known = TRACKED if world.setup.tracks or all(walled) else UNTRACKED
        yield Outcome(f"opens a connection to {destination}: {known}", {CONNECTION: known})


def _answered(world: PolicyWorld, source: str, destination: str, view: View) -> Iterator[Outcome]:
    """Let the answer in by the connection that the walls know; of one that they do not, as a new connection."""
    call = view[CONNECTION]
    if call in {TRACKED, UNTRACKED}:
        there, here = world.party(view, destination), world.party(view, source)
        back = lets_out(world, view, destination, here) and lets_in(world, view, source, there)
        through = call == TRACKED or back
        told = f"its answer is {'let in' if through else 'blocked'}"
        yield Outcome(told, {CONNECTION: ANSWERED if through else BROKEN})
