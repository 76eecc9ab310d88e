"""A breach of an island looked for again among all others, which are at rest and asleep.

Asleep they do nothing, which they may: a run may end anywhere, and nobody promises when a component acts. The scheduler
sees their Pods. Where each is follows from who came first: the others, one island after the other, or the island itself
in one of its own states of rest. What is found is a run of the whole as long as no step waited for one who slept.

First the run of the breach is followed step by step; where the scheduler would not choose so, a search looks for
another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from attrs import evolve, frozen

from ...impl.api.cache import Cache
from ...impl.api.claim_names import REACHABILITY
from ...impl.api.core import Pod, Service
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.kubectl import script as kubectl
from ...model.checker.results import Limits, Status, Step, Trace
from ...model.checker.semantics import Move, initial_states, is_fair, micro_steps, moves
from ...model.machine import Machine, State
from ..check import check as whole
from ..check import clock
from ..check.motion import MOVING
from ..check.results import Alone, Claim, Report
from ..claims.answers import AT_A_STEP
from ..input.scenario import NOBODY, Crowd, Faults, Scenario, Start
from ..world import scheduling
from ..world.applied import applied
from ..world.at_rest.prepare import Prepared, prepare
from ..world.at_rest.settle import Cut, Restless, contents, settle
from ..world.at_rest.starts import rests
from ..world.cluster import Initial, build
from ..world.parts import Parts
from ..world.script.environment import command
from .influence import makers_of
from .looking import SHARED, Looks
from .split import Island, stops_drains

MOMENTS = frozenset({"initial", "invariant", "step", AT_A_STEP, *MOVING})
"""The kinds of a breach that is over once it has happened; others are of a state in which nothing more happens."""
TRIED = 3
"""Orders in which islands come to rest that are tried for one breach, at most."""
LAID = 12
"""States of rest of one island that are tried for where its Pods are in the way of no drain, at most."""


@frozen
class Found:
    """What became of a breach: the claim as it is broken in a run of the whole, or None and why there is none."""

    claim: Claim | None = None
    why: str = ""


def witness(look: Looks, island: Island, claim: Claim) -> Found:
    """Return what becomes of an island's breach among all others."""
    why = ""
    try:
        orders = tuple(_orders(look, island, claim))
        for rest in orders:
            scenario, prepared = _among(look, island, rest)
            followed = None if _hangs_on_clients(island, claim) else _followed(scenario, prepared, claim)
            if followed is not None and not _why_no_run(look.scenario, island, scenario, followed):
                return Found(evolve(followed, alone=Alone(island.name, island.scenario.pods, rest)))
        for rest in orders:
            report = _report(look, island, rest)
            found = next((known for known in report.claims if known.name == claim.name), claim)
            if found.status is Status.VIOLATED:
                why = _why_no_run(look.scenario, island, report.scenario, found)
                if not why:
                    return Found(evolve(found, alone=Alone(island.name, island.scenario.pods, rest)))
            elif found.status is Status.UNKNOWN and found.lines:
                why = found.lines[0]
            else:
                why = why or _refusal(report.scenario.script, report.scenario.crowd.placed)
    except (Cut, Restless) as restless:
        why = f"the others do not come to rest: {restless}"
    return Found(None, why)


def _orders(look: Looks, island: Island, claim: Claim) -> Iterator[int]:
    """Yield who comes first, the likeliest to show the breach before others: as its run starts."""
    if island.scenario.start is Start.EMPTY:
        yield 0
        return
    starts = _rests(look, island).starts
    wanted = None if claim.trace is None else _where(claim.trace.initial)
    like = [number for number, initial in enumerate(starts, 1) if _where_objects(initial.objects) == wanted]
    rest = [number for number in range(1, len(starts) + 1) if number not in like]
    yield from (*like[:1], 0, *rest)[:TRIED]


def _among(look: Looks, island: Island, rest: int) -> tuple[Scenario, Prepared]:
    if (island.name, rest) not in look.among:
        own = _rests(look, island) if rest else None
        look.among[island.name, rest] = among_others(look.parts, island, rest, look.ways.limits, own)
    return look.among[island.name, rest]


def _rests(look: Looks, island: Island) -> Prepared:
    if island.name not in look.rests:
        look.rests[island.name] = rests_of(island, look.ways.limits)
    return look.rests[island.name]


def _report(look: Looks, island: Island, rest: int) -> Report:
    if (island.name, rest) not in look.known:
        scenario, prepared = _among(look, island, rest)
        name = f"{island.name} by itself {rest}, {scenario.pods} places"
        look.known[island.name, rest] = look.ways.look(name, scenario, SHARED, prepared)
    return look.known[island.name, rest]


def among_others(
    parts: tuple[Island, ...], island: Island, rest: int, limits: Limits, prepared: Prepared | None
) -> tuple[Scenario, Prepared]:
    """Return an island's scenario among all others, and where it starts (`Alone.rest`).

    `prepared` are its own states of rest (`rests_of`) where it came first, None where the others did. Each of these
    comes to rest after those before it. Raises `Cut` and `Restless` (settle).
    """
    first = () if prepared is None else prepared.starts[rest - 1].objects
    own = tuple(_asleep(first, 0))
    others = [part.scenario for part in parts if part.name != island.name]
    asleep = () if island.scenario.start is Start.EMPTY else _laid(others, island.scenario, own, limits)
    beside = evolve(island.scenario, crowd=Crowd(placed=asleep))
    if prepared is None:
        return beside, prepare(beside, limits)
    return beside, evolve(prepared, starts=(prepared.starts[rest - 1],), why="")


def rests_of(island: Island, limits: Limits) -> Prepared:
    """Return the states of rest that an island comes to while there is nobody else."""
    return prepare(evolve(island.scenario, crowd=NOBODY), limits)


def _laid(others: list[Scenario], alone: Scenario, own: tuple[Pod, ...], limits: Limits) -> tuple[Pod, ...]:
    """Return the Pods of other islands, one island at rest after the other, out of the way of a script's drains.

    Any order of the islands, and any state of rest of each, is one of the whole. A drain is refused where a Pod of its
    node may not be evicted. So those that have such Pods come first, as long as a state of rest keeps them away from
    there; where none does, one that is in nobody's way fills up the node. Where there is none, they are in the way.
    """
    asleep: tuple[Pod, ...] = ()
    waiting = sorted(others, key=lambda one: not stops_drains(one, makers_of(one.objects)))
    while waiting:
        drains = () if _refusal(alone.script, (*own, *asleep)) else alone.script
        placed = Crowd(placed=(*own, *asleep))
        beside = [evolve(other, script=drains, faults=Faults(), crowd=placed) for other in waiting]
        laid = (
            (number, tuple(_asleep(objects, len(placed.placed))))
            for number, world in enumerate(beside)
            for objects in _at_rest(world, limits)
        )
        first = next(laid)
        number, pods = next((way for way in chain([first], laid) if not _refusal(drains, way[1])), first)
        asleep += pods
        del waiting[number]
    return asleep


def _refusal(script: Iterable[kubectl.Step], pods: Iterable[Pod]) -> str:
    """Say which drain is refused because of these Pods; "" where none is."""
    cache = Cache.of(pods)
    errors = ((step, kubectl.drain_errors(step, cache)) for step in script if isinstance(step, kubectl.Drain))
    refused = (
        f"{step} fails, where others were brought to rest: {next(iter(found))}" for step, found in errors if found
    )
    return next(refused, "")


def _at_rest(beside: Scenario, limits: Limits) -> Iterator[tuple[Object, ...]]:
    """Yield the objects of a scenario in some states of rest of it, one where no drain tells nodes apart."""
    still = evolve(beside, script=())
    cluster = build(still, Parts.core(still), Initial(applied(still)))
    found = None
    if any(isinstance(step, kubectl.Drain) for step in beside.script):
        found = rests(cluster, evolve(beside, bounds=evolve(beside.bounds, starts=LAID)), limits)
    for state in found.states if found else (settle(cluster.machine, limits=limits),):
        yield contents(cluster, state).objects


def _asleep(objects: Iterable[Object], number: int) -> Iterator[Pod]:
    """Yield the Pods among some objects as a scheduler sees them, numbered from here."""
    for pod in (obj for obj in objects if isinstance(obj, Pod) and obj.spec.node_name):
        meta = ObjectMeta(
            f"asleep-{number}",
            namespace=pod.metadata.namespace,
            labels=pod.metadata.labels,
            owner_references=pod.metadata.owner_references,
        )
        number += 1
        yield Pod(meta, pod.spec)


def _where(state: State) -> Counter[tuple[str, str]]:
    return _where_objects(value for value in state.values() if isinstance(value, Pod))


def _where_objects(objects: Iterable[object]) -> Counter[tuple[str, str]]:
    """Count the Pods of each owner on each node."""
    pods = (obj for obj in objects if isinstance(obj, Pod))
    return Counter((pod.metadata.controller.uid if pod.metadata.controller else "", pod.spec.node_name) for pod in pods)


# --- following a run --------------------------------------------------------------------------------------------------


def _hangs_on_clients(island: Island, claim: Claim) -> bool:
    """Tell whether a breach may be one only if Pods of others ask on a node: then it is judged where these are."""
    services = (obj for obj in island.scenario.everything if isinstance(obj, Service))
    local = any(service.spec.internal_traffic_policy == "Local" for service in services)
    return claim.name == REACHABILITY and local and bool(island.scenario.crowd.on)


def _followed(scenario: Scenario, prepared: Prepared, claim: Claim) -> Claim | None:
    """Return a claim with its run as it goes among the others; None where it does not, or does not end as it did.

    It ends as it did where all is the same but what the scheduler has in mind, which no claim looks at; and where
    nothing more can happen if that was the breach. One that repeats is searched for.
    """
    trace = claim.trace
    if trace is None or trace.cycle_start is not None:
        return None
    cluster = whole.cluster_for(scenario, claim.kind, prepared)
    thoughts = {slot for process in cluster.processes if process.user == scheduling.USER for slot in process.memories()}

    def same(one: State, other: State) -> bool:
        return all(one[slot] == other[slot] for slot in one if slot not in thoughts)

    start = next(
        (initial for initial in initial_states(cluster.machine, urgent=True) if same(initial, trace.initial)), None
    )
    if start is None:
        return None
    state, wanted, taken = start, trace.initial, []
    for step in trace.steps:
        wanted = after_step(wanted, step)
        here = _moves(cluster.machine, state)
        alike = (move for move in here if (move.step.action, move.step.label) == (step.action, step.label))
        found = next((move for move in alike if same(move.after, wanted)), None)
        if found is None:
            return None
        state = found.after
        taken.append(found.step)
    if claim.kind not in MOMENTS and any(_is_fair(cluster.machine, move) for move in _moves(cluster.machine, state)):
        return None
    followed = clock.timed(scenario, cluster.machine, evolve(claim, trace=Trace(start, tuple(taken)), times=None))
    return followed if followed.status is claim.status else None


def _moves(machine: Machine, state: State) -> tuple[Move, ...]:
    return moves(machine, state, urgent=True)


def after_step(state: State, step: Step) -> State:
    """Return the state after a step and what it set off at once."""
    for _, _, after in micro_steps(state, step):
        state = after
    return state


def _is_fair(machine: Machine, move: Move) -> bool:
    return is_fair(machine.actions[move.action], urgent=True)


# --- is it a run of the whole? ----------------------------------------------------------------------------------------


def _why_no_run(scenario: Scenario, island: Island, alone: Scenario, claim: Claim) -> str:
    """Say which step waited for one who slept, so that this is no run of the whole; "": none did."""
    if claim.trace is None:
        return ""
    taken = {step.action for step in claim.trace.steps}
    begun = [number for number, step in enumerate(alone.script) if command(number, step) in taken]
    last = island.steps[begun[-1]] if begun else -1
    asleep = frozenset(pod.spec.node_name for pod in alone.crowd.placed)
    if begun and scenario.wait_between_steps and scenario.start is Start.EMPTY:
        return f"{alone.script[begun[0]]} waits for others to be at rest, which have not even begun here"
    for number, step in enumerate(scenario.script[: max(last, 0)]):
        stirs = number not in island.steps or _stirs(step, asleep)
        if stirs and (scenario.wait_between_steps or isinstance(step, kubectl.Drain)):
            return f"what comes after {step} waits for Pods of others, which do nothing here"
    stirred = any(_stirs(step, asleep) for step in scenario.script[: last + 1]) or scenario.faults != Faults()
    repeats = claim.trace.cycle_start is not None
    return "Pods of others would go on moving while this repeats" if repeats and stirred else ""


def _stirs(step: kubectl.Step, asleep: frozenset[str]) -> bool:
    """Tell whether a step makes Pods move that are on these nodes, or wait for one."""
    match step:
        case kubectl.Drain():
            return step.node in asleep
        case kubectl.Taint():
            return step.node in asleep and step.effect == "NoExecute"
        case kubectl.DeleteNode():
            return step.name in asleep
        case kubectl.Cordon():
            return False
        case _:
            return "Node" in step.changes  # Pods of others may have waited for that.
