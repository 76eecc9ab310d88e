"""Checking a scenario: explore its core, look at each Pod's connections, put the claims together.

Three searches answer for the whole (the arguments are in `world.cluster` and `world.one_pod`): the core with every
interleaving, view and fault; on top of each state where it is at rest, the observers; and one Pod of each template
behind each Service in every environment. A suspicion of the third is confirmed in a run of the cluster, or the verdict
is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import monotonic

from attrs import evolve

from ...impl.api.apps import Workload
from ...impl.api.cache import Cache
from ...impl.api.claim_names import (
    ALWAYS,
    BUDGET,
    CONVERGENCE,
    DEADLINE,
    FLOWS,
    PLACEMENT,
    REACHABILITY,
    SENTENCES,
)
from ...impl.api.core import Node, Pod, Service
from ...impl.api.kinds import ref_of
from ...impl.api.policy import PodDisruptionBudget
from ...impl.api.reading.relevance import ACTS_ON_PODS
from ...impl.kubelet.obstacles import obstacles
from ...impl.kubelet.starting import impatient, starts_in
from ...impl.scheduler.schedule import unmodelled
from ...model.checker.explore import explore
from ...model.checker.results import Exploration, Limits, Progress, Status, Trace, Verdict
from ...model.checker.semantics import StepError
from ...model.checker.symmetry.orbits import AsymmetryError
from ...model.checker.traces import states
from ...model.machine import Machine, Property, State, Symmetry
from ...model.world.verbs import FAULTS
from ...model.world.world import OVERFLOW
from ...properties.convergence import leaving, orphans, shortfalls
from ...properties.placement.placement import Infeasible, feasible, why_pending
from ..claims import answers as claim_answers
from ..claims import deadline as claim_deadline
from ..claims import registry
from ..claims.convergence import beside_workloads, dead_nodes, objects_of
from ..claims.placement import PENDING
from ..claims.reachability import ANSWERED, ANSWERS
from ..input.assumed.surroundings import known_of
from ..input.scenario import Detail, Scenario, Switch
from ..own import properties as own_properties
from ..own.making import KNOWN, MOST, knowing_more, knows_all, moves_services, with_made
from ..world import scheduling
from ..world.at_rest.prepare import Prepared, prepare
from ..world.at_rest.settle import Cut, Restless
from ..world.cluster import Cluster, build
from ..world.controllers.volumes import template_of, unknown_claims
from ..world.parts import Parts
from ..world.reductions.roomy import on_one_node
from ..world.reductions.symmetry import symmetry_of
from ..world.reductions.unwatched import Hurried, is_plain
from ..world.script.drain import refused_evictions
from . import clock, motion
from .advice import NO_PODS, gap_blame, probe_blame, published_blame, publishes_unready, room_advice
from .blame import refusals
from .blame.blame import holding, of_stuck, written
from .bounds import bounds_of
from .detail import flows, load_balancer, network_policies, open_connections, scheduling_queue
from .results import ROOM, Blame, Claim, Report
from .softening import softened

SHARE = 0.8
"""Of the time that there is, so much is for the core: a breach that only a closer look shows is found in the rest."""


def check(
    scenario: Scenario,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    progress: Callable[[Progress], None] | None = None,
    reductions: bool = True,
    symmetry: bool = True,
    search: Callable[..., Exploration] = explore,
    alone: Callable[..., Exploration] | None = None,
    prepared: Prepared | None = None,
    only: str = "",
) -> Report:
    """Check every claim about a scenario, or `only` one.

    `reductions` False explores all components together instead of the core.

    `symmetry` False keeps apart what differs only in which of several nodes or Pods that are alike is which; without
    `reductions` nothing is exchanged either. Where exchanging them turns out to make a difference after all, the core
    is searched again without.

    `search` looks through the core: `explore` or `simulate`, with whatever further arguments it shall have; `alone`
    does so where one node stands for all (`search`, too, if it is not given).

    `prepared` are the states to start from, where they are known.

    `limits` are those of all of it: the time runs from here, through `prepare` and every search, and an interrupted
    search is the last one. What was decided by then stays decided.

    Raises `Refused` (cluster) for an object the API server does not accept.
    """
    began = monotonic()
    limits = limits.begun()
    try:
        scenario = scenario if prepared else with_made(scenario, limits)
        prepared = prepared or prepare(scenario, limits)
    except Restless as restless:
        why = f"applying the manifests does not come to rest ({restless}); start: empty explores it"
        return nothing_known(scenario, why, monotonic() - began)
    except Cut as cut:
        return nothing_known(scenario, f"{cut} before the manifests were applied", monotonic() - began)
    core = machine_of(scenario, prepared, reductions=reductions)
    found, within = None, limits.first(SHARE)
    if symmetry and reductions:
        found = _on_one_node(scenario, within, partial(alone or search, limits=within, progress=progress), only)
    if found is None or _is_broken(core, found, only):  # Then all nodes are looked at: a trace says where Pods are.
        left = within if found is None else within.after(found)
        group = symmetry_of(core) if symmetry and reductions else None
        asked = _asked(core, prepared, only)
        found = _by_orbits(partial(search, core.machine, asked, limits=left, progress=progress), group)
        after = limits.after(found)
        found = clock.possible(scenario, core.machine, asked, found, after, ROOM)
    met = _stranger(core, found)
    if met is not None and len(scenario.own.made) < MOST:
        again = knowing_more(core, met)
        return check(again, limits=limits.after(found), progress=progress, symmetry=symmetry, search=search, only=only)
    claims = tuple(_claims(core, prepared, found, limits.after(found), progress, only))
    if met is not None:
        claims = tuple(
            evolve(claim, status=Status.UNKNOWN, lines=(EVER_MORE,), trace=None, blame=()) for claim in claims
        )
    return Report(
        scenario=scenario,
        claims=claims,
        bounds=bounds_of(scenario, prepared),
        not_modelled=_not_modelled(scenario, prepared),
        states=found.states,
        transitions=found.transitions,
        depth=found.depth,
        seconds=monotonic() - began,
        complete=found.complete,
        exploration=found,
    )


def _on_one_node(
    scenario: Scenario, limits: Limits, search: Callable[..., Exploration], only: str
) -> Exploration | None:
    """Look at the one node that stands for all; None where none does, or it does not come to where it starts.

    Where there is no other node only steps can be left out; without that it is the search of all nodes.
    """
    alone = on_one_node(scenario)
    if alone is None:
        return None
    try:
        prepared = prepare(alone, limits)
    except (Restless, Cut):
        return None
    found = _hurrying(alone, prepared, search, only)
    if alone.objects == scenario.objects:
        return found
    if found is None:
        core = machine_of(alone, prepared)
        found = _by_orbits(partial(search, core.machine, _asked(core, prepared, only)), symmetry_of(core))
    return evolve(found, symmetry="; ".join(filter(None, (found.symmetry, "one node stands for all, which are alike"))))


def _hurrying(alone: Scenario, prepared: Prepared, search: Callable[..., Exploration], only: str) -> Exploration | None:
    """Look at the one node, steps of Pods that nobody watches at a fixed time; None where somebody may watch them."""
    parts = evolve(Parts.core(alone), unwatched=True)
    if evolve(parts, tainted_at_once=False) != Parts(unwatched=True) or not is_plain(alone):
        return None
    core = build(alone, parts, *prepared.starts)
    try:
        return _by_orbits(partial(search, core.machine, _asked(core, prepared, only)), symmetry_of(core))
    except StepError as error:
        if isinstance(error.__cause__, Hurried):
            return None
        raise


def _is_broken(core: Cluster, found: Exploration, only: str) -> bool:
    """Tell whether a search has broken any claim that was asked."""
    return any(found[claim.name].status is Status.VIOLATED for claim in registry.of(core, only))


def _asked(core: Cluster, prepared: Prepared, only: str) -> tuple[Property, ...]:
    """Return what is asked of a core: what is claimed of it, and what the closer looks rest on."""
    own = own_properties.properties(core)
    known = knows_all(core)
    closer = (*motion.premises(core, prepared), *load_balancer.premises(core, prepared))
    return (*registry.of(core, only), *known, *closer, *own)


def _stranger(core: Cluster, found: Exploration) -> State | None:
    """Return a state in which there is what no process takes up."""
    verdict = next((known for known in found.verdicts if known.name == KNOWN), None)
    return None if verdict is None or verdict.trace is None else states(core.machine, verdict.trace)[-1]


def _by_orbits(search: Callable[..., Exploration], group: Symmetry | None) -> Exploration:
    """Search with symmetry, or without where there is none, or none after all."""
    if group is None:
        return search()
    try:
        return search(symmetry=group)
    except AsymmetryError as error:
        return evolve(search(), symmetry=f"no use was made of symmetry: {error}")


def machine_of(scenario: Scenario, prepared: Prepared, *, reductions: bool = True) -> Cluster:
    """Return the cluster whose machine is explored."""
    parts = Parts.core(scenario) if reductions else Parts.everything()
    return build(scenario, parts, *prepared.starts)


CLOSER: Mapping[str, Callable[[Scenario, Prepared, str], Machine]] = {
    flows.IN_FLOW: flows.machine_of,
    load_balancer.BEHIND: load_balancer.machine_of,
    open_connections.LASTING: open_connections.machine_of,
    network_policies.BEHIND_WALLS: network_policies.machine_of,
    scheduling_queue.IN_QUEUE: scheduling_queue.machine_of,
}
"""Who makes the machine of a closer look, by how the kind of its breaches begins."""


def is_closer(kind: str) -> bool:
    """Tell whether breaches of this kind are found on a machine of their own, and not on that of the core."""
    return kind in motion.MOVING or any(kind.startswith(begins) for begins in CLOSER)


def machine_for(scenario: Scenario, kind: str = "", prepared: Prepared | None = None) -> Machine:
    """Return the machine a trace of this kind of breach was found on, for a replay."""
    prepared = prepared or prepare(scenario)
    closer = next((made for begins, made in CLOSER.items() if kind.startswith(begins)), None)
    return cluster_for(scenario, kind, prepared).machine if closer is None else closer(scenario, prepared, kind)


def cluster_for(scenario: Scenario, kind: str, prepared: Prepared) -> Cluster:
    """Return the cluster a breach of this kind was found in, if it is one of a cluster."""
    if kind in motion.MOVING:
        return motion.moving(scenario, prepared, kind)[0]
    return machine_of(scenario, prepared)


def nothing_known(scenario: Scenario, reason: str, seconds: float = 0.0) -> Report:
    """Return the report of a scenario that was not looked at, for a reason."""
    claims = tuple(
        Claim(name, text, Status.UNKNOWN, "", (reason,)) for name, text in SENTENCES.items() if name in ALWAYS
    )
    return Report(scenario, claims, bounds_of(scenario), (), 0, 0, 0, seconds, complete=False)


# --- putting the claims together ------------------------------------------------------------------------------------


EVER_MORE = f"your controllers make more than {MOST} workloads, Services and budgets of different names"
IN_MOTION = "what your controllers do to Pods, Services and workloads is looked at at rest, and not in motion"


def _claims(
    core: Cluster,
    prepared: Prepared,
    found: Exploration,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
    only: str,
) -> Iterator[Claim]:
    room = found[ROOM]
    open_ends = _open_ends(core.scenario, prepared)
    walls = _behind_walls(core.scenario, prepared, limits, progress)
    too_small = room.status is Status.VIOLATED
    known = (*prepared.objects, *core.scenario.applied)
    for name, sentence in SENTENCES.items():
        if only not in {"", name}:
            continue
        verdict = next((known for known in found.verdicts if known.name == name), None)
        if name == REACHABILITY and not any(isinstance(obj, Service) for obj in known) and not core.scenario.own:
            # There is no Service, however long one looks.
            yield Claim(name, sentence, Status.HOLDS, "step", vacuous=True)
            continue
        if verdict is not None:
            claim = _claim(core, verdict, sentence)
        elif name == BUDGET and any(isinstance(obj, PodDisruptionBudget) for obj in known):
            claim = Claim(name, sentence, Status.HOLDS, "step", vacuous=True)  # Nothing is evicted.
        elif name == FLOWS and Detail.CONNECTIONS in core.scenario.detail:
            claim = flows.judge(core.scenario, prepared, limits, progress)
        elif name in walls:
            claim = walls[name]
        elif name == DEADLINE and core.scenario.deadline is not None:
            claim = Claim(name, sentence, Status.HOLDS, "step", vacuous=True)  # Nobody may evict others: judged below.
        else:
            continue
        if name == PLACEMENT and claim.status is not Status.VIOLATED:
            claim = scheduling_queue.judge(core.scenario, prepared, _nothing_left(core, found, claim), limits, progress)
        if name == DEADLINE:
            claim = claim_deadline.judge(core, found, claim)
        if name == REACHABILITY:
            claim = _answered(core, found, claim)
            if claim.status is not Status.VIOLATED:
                claim = motion.judge(core.scenario, prepared, found, claim, limits, progress)
            if claim.status is not Status.VIOLATED:
                claim = load_balancer.judge(core, prepared, found, claim, limits, progress)
            if claim.status is not Status.VIOLATED:
                claim = open_connections.judge(core.scenario, prepared, found, claim, limits, progress)
            if claim.status is Status.HOLDS and core.scenario.faults.leader_change:
                claim = evolve(claim, status=Status.UNKNOWN, lines=(_FORMER_LEADERS,))
            if claim.status is Status.HOLDS and moves_services(core.scenario):
                claim = evolve(claim, status=Status.UNKNOWN, lines=(IN_MOTION,))
            if claim.status is Status.HOLDS and not core.scenario.tracks_slices:
                claim = evolve(claim, status=Status.UNKNOWN, lines=(_STALE_SLICES,))
        claim = _timed(core, prepared, claim)
        claim = softened(core, claim, open_ends.get(name, ()))
        if prepared.why and core.scenario.bounds.starts is None and claim.status is Status.HOLDS:
            claim = evolve(claim, status=Status.UNKNOWN, lines=(f"{prepared.why} ({_ENOUGH})",))
        if len(prepared.starts) > 1 and claim.trace is not None and claim.status is Status.VIOLATED:
            claim = evolve(claim, lines=(*claim.lines, *where_it_starts(claim.trace.initial)))
        if too_small and claim.status is Status.HOLDS:
            claim = evolve(claim, status=Status.UNKNOWN, lines=(_no_room(core, room),))
        yield claim
    anything = tuple(dict.fromkeys(line for lines in open_ends.values() for line in lines))
    for name, sentence in own_properties.sentences(core.scenario.own).items():
        claim = _timed(core, prepared, _claim(core, found[name], sentence))
        claim = softened(core, claim, anything)
        if claim.status is Status.HOLDS and too_small:
            claim = evolve(claim, status=Status.UNKNOWN, lines=(_no_room(core, room),))
        yield claim


_FORMER_LEADERS = "what a former leader still writes is looked at at rest, and not in motion"
_DOUBLED = "its controller makes a revision again for as long as it does not see it, and no number of places is enough"


def _no_room(core: Cluster, room: Verdict) -> str:
    """Say where to ask for more places: of Pods in the bounds, of what a user's controller makes at the controller."""
    kind = "" if room.trace is None else states(core.machine, room.trace)[-1][OVERFLOW]
    if kind != "Pod" and (most := core.scenario.own.places(kind)):
        return f"the world {room.evidence[0]}: raise places of the controller that makes it (now {most})"
    if kind == "ControllerRevision" and Switch.DOUBLED_REVISIONS in core.scenario.switches:
        return f"the world {room.evidence[0]}: {_DOUBLED}"
    return room_advice(room, core.world.layout.pools["Pod"])


def _timed(core: Cluster, prepared: Prepared, claim: Claim) -> Claim:
    """Return a claim with the seconds of its breach; what a closer look finds has a clock of its own, or none."""
    moves = claim.kind in motion.MOVING
    if claim.status is not Status.VIOLATED or (is_closer(claim.kind) and not moves):
        return claim
    machine = cluster_for(core.scenario, claim.kind, prepared).machine if moves else core.machine
    return clock.timed(core.scenario, machine, claim)


def _behind_walls(
    scenario: Scenario, prepared: Prepared, limits: Limits, progress: Callable[[Progress], None] | None
) -> dict[str, Claim]:
    """Make the claims about NetworkPolicies in time, where they are asked for."""
    if Detail.POLICIES not in scenario.detail:
        return {}
    return network_policies.judge(scenario, prepared, limits, progress)


_STALE_SLICES = "where packets go while slices are not what the Pods are is not looked at; see convergence"
_ENOUGH = "bounds.starts: N takes N of them for enough; start: empty explores the first apply, too"


def where_it_starts(state: State) -> Iterator[str]:
    """Say by where the Pods are which of several states of rest a run starts from."""
    on: dict[str, list[str]] = {}
    for pod in state.values():
        if isinstance(pod, Pod):
            on.setdefault(pod.spec.node_name, []).append(pod.metadata.name)
    told = (f"{', '.join(sorted(on[node]))} {f'on {node}' if node else 'waiting'}" for node in sorted(on))
    if on:
        yield f"this run starts with {'; '.join(told)}"


def _lines(verdict: Verdict) -> tuple[str, ...]:
    """Return what a verdict rests on: the evidence of a breach, or why nothing is known."""
    return verdict.evidence if verdict.status is Status.VIOLATED else (verdict.reason,) if verdict.reason else ()


def _claim(core: Cluster, verdict: Verdict, sentence: str) -> Claim:
    lines = _lines(verdict)
    blame: tuple[Blame, ...] = ()
    if verdict.name in refusals.AT_A_STEP and verdict.trace is not None:
        blame = refusals.AT_A_STEP[verdict.name](core, *states(core.machine, verdict.trace)[-2:])
    if verdict.kind == "stuck" and verdict.trace is not None:
        end = states(core.machine, verdict.trace)[-1]
        lines = tuple(dict.fromkeys((*lines, *why_stuck(core, end))))
        blame = of_stuck(core, end)
    return Claim(verdict.name, sentence, verdict.status, verdict.kind, lines, verdict.trace, verdict.vacuous, blame)


def _nothing_left(core: Cluster, found: Exploration, bindings: Claim) -> Claim:
    """Join the second half of the placement claim: at rest nothing is left Pending that could run."""
    pending = _claim(core, found[PENDING], bindings.sentence)
    if pending.status is Status.HOLDS:
        return evolve(bindings, vacuous=bindings.vacuous and pending.vacuous)
    return evolve(pending, name=bindings.name, vacuous=False)


def _answered(core: Cluster, found: Exploration, packets: Claim) -> Claim:
    """Join what the core says of reachability: nobody stops answering, somebody answers at rest, all packets arrive."""
    told = ((claim_answers.AT_A_STEP, ANSWERS), (claim_answers.AT_REST, ANSWERED))
    parts = [packets, *(_part(packets, kind, found[name]) for kind, name in told)]
    worst = (part for status in (Status.VIOLATED, Status.UNKNOWN) for part in parts if part.status is status)
    claim = next(worst, packets)
    trace = found[ANSWERS].trace
    if claim.trace is None or claim.status is not Status.VIOLATED:
        return claim
    run = states(core.machine, claim.trace)
    if claim.trace is trace:
        blame = () if _is_fault(core, claim.trace) else _instead(core, *run[-2:])
        return evolve(claim, blame=tuple(blame))
    if claim.kind == claim_answers.AT_REST:
        blame = (Blame(ref, field, told) for ref, field, told in claim_answers.blamed(core, run[-1]))
        return evolve(claim, blame=tuple(dict.fromkeys(blame)))
    return claim


def _is_fault(core: Cluster, trace: Trace) -> bool:
    """Tell whether the last step of a run is a fault: what it cuts off no manifest mends."""
    last = trace.steps[-1].action
    return any(action.name == last and action.verb in FAULTS for action in core.machine.actions)


def _instead(core: Cluster, before: State, after: State) -> Iterator[Blame]:
    """Say what to change so that somebody goes on answering."""
    hit, objects = claim_answers.hit(core, before, after), objects_of(core, before)
    if isinstance(hit, Pod):
        yield gap_blame(hit, objects)
    elif hit is not None:
        told = "apply it only once Pods that it leads to are ready"
        if gone := claim_answers.withdrawn(claim_answers.services_of(core, before), (hit,)):
            told = f"leave {'that node port' if gone[0].node_port else 'that port'} as it is until nobody asks for it"
        yield Blame(ref_of(hit), "spec.ports" if gone else "spec", told)
    elif (last := claim_answers.stopped(core, before, after)) is not None:
        services = claim_answers.services_of(core, before)
        published = [published_blame(service) for service in services if publishes_unready(service, last)]
        blame = gap_blame(last, objects)
        yield from published if published and blame.what != NO_PODS else (blame,)
    elif (early := claim_answers.too_early(core, before, after)) is not None:
        yield probe_blame(early, objects)
    for service in claim_answers.with_jobs(core, before, after):
        yield Blame(ref_of(service), "spec.selector", "it selects the Pods of a Job, too, which come to an end")


def _part(whole: Claim, kind: str, verdict: Verdict) -> Claim:
    """Return a claim of which one half says this."""
    return evolve(whole, status=verdict.status, kind=kind, lines=_lines(verdict), trace=verdict.trace)


def why_stuck(core: Cluster, state: State) -> Iterator[str]:
    """Explain a state in which nothing moves: each Pod without a node, node by node, and what would have to change."""
    objects = objects_of(core, state)
    yield from shortfalls(objects, dead_nodes(core, state))
    yield from orphans(objects)
    yield from leaving(objects)
    for holder in holding(core, objects):
        yield f"{holder.ref} is still there: finalizers {', '.join(holder.finalizers)}"
    yield from beside_workloads(core, state)
    for step, evicted, response in refused_evictions(core.world, core.scenario.script, state):
        why = " ".join((response.message, *(cause.message for cause in response.causes)))
        yield f"the drain cannot evict Pod {evicted.name} from {step.node}: {why}"
    yield from refusals.told(core, state)
    pods = [obj for obj in objects if isinstance(obj, Pod)]
    waiting = [pod for pod in pods if not pod.spec.node_name and not pod.metadata.terminating]
    yield from _never_started(core, pods)
    running = core.scenario.schedulers.names
    for pod in waiting:
        if scheduling.named(pod) not in running:
            who = f"a scheduler called {scheduling.named(pod)}"
            yield f"{pod.metadata.name} waits for {who}; those that run are: {', '.join(running)} (schedulers)"
        else:
            yield from why_pending(pod, Cache.of(objects))
    if waiting:
        nodes = [obj for obj in objects if isinstance(obj, Node)]
        bound = [pod for pod in pods if pod.spec.node_name]
        if isinstance(feasible(waiting, nodes, bound), Infeasible):
            yield from _repair(waiting, nodes, bound)


def _never_started(core: Cluster, pods: list[Pod]) -> Iterator[str]:
    """Say of each Pod that is bound and not ready what keeps its containers from starting."""
    known = known_of(core.scenario)
    for pod in (bound for bound in pods if bound.spec.node_name and not bound.ready and not bound.metadata.terminating):
        for obstacle in obstacles(pod.spec, pod.metadata.namespace, known):
            yield f"{pod.metadata.name} is never started: {obstacle.path}: {obstacle.why}"
        for obstacle in impatient(pod.spec, starts_in(pod)):
            yield f"{pod.metadata.name} may never start up: {obstacle.path}: {obstacle.why}"


def _repair(waiting: list[Pod], nodes: list[Node], bound: list[Pod]) -> Iterator[str]:
    """Say which single running Pod would have to go for the waiting ones to fit."""
    for gone in bound:
        rest = [pod for pod in bound if pod is not gone]
        if not isinstance(feasible(waiting, nodes, rest), Infeasible):
            yield f"proved: no placement exists as things stand; one does as soon as {gone.metadata.name} is gone"
            return
    yield "proved: no placement exists as things stand, nor after any single Pod is gone"


def _open_ends(scenario: Scenario, prepared: Prepared) -> dict[str, tuple[str, ...]]:
    """Return for each claim what is not modelled and it may hang on; nothing where that is accepted."""
    if scenario.accept_unmodelled:
        return {}
    found = {name: list(things) for name, things in scenario.unmodelled.items()}
    if not scenario.tracks_slices and any("EndpointSlice" in step.changes for step in scenario.script):
        found.setdefault(CONVERGENCE, []).append("what wakes the EndpointSlice controller when a step writes a slice")
    for claims, line in _overlooked(scenario, prepared):
        for name in claims:
            found.setdefault(name, []).append(line)
    return {name: tuple(dict.fromkeys(things)) for name, things in found.items()}


def _not_modelled(scenario: Scenario, prepared: Prepared) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for _, line in _overlooked(scenario, prepared)))


def _overlooked(scenario: Scenario, prepared: Prepared) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what of the objects a component here does not look at, each with the claims that may hang on it."""
    pods = [obj for obj in prepared.objects if isinstance(obj, Pod)]
    makers = (*prepared.replicasets, *(workload for workload in scenario.everything if isinstance(workload, Workload)))
    for maker, pod in (*zip(pods, pods, strict=True), *((maker, template_of(maker)) for maker in makers)):
        names = sorted(set(unknown_claims(scenario, pod)))
        unknown = ", ".join(f"POD{name}" if name.startswith("-") else name for name in names)
        if unknown or pod.spec.extra.get("resourceClaims"):
            reasons = {"spec.volumes": f"the input does not tell of the volume of PersistentVolumeClaim {unknown}"}
            ref = written(maker, makers)
            of = evolve(ref, namespace=ref.namespace or scenario.namespace)
            for field in unmodelled(pod):
                yield ACTS_ON_PODS, f"{of} {field}: {reasons.get(field, 'the scheduler does not look at it')}"
    for obj in prepared.objects:
        if isinstance(obj, Service) and "IPv6" in obj.spec.ip_families:
            why = "Pods have no IPv6 addresses here; kubeproof reach proves the rules for them"
            yield (REACHABILITY,), f"Service {obj.metadata.name}: {why}"
