"""Deadline: a Pod runs so many seconds after nothing but Pods of lower priority is in its way.

It is about Pods that may evict others, and about those that a quota has refused before (`refused`): that a quota has no
room for a Pod is in its way, that its controller has not tried again is not.

The world has no clocks. What it can tell is what has to happen, one thing after the other; how long each takes at most
is said in the scenario, and the rest is a sum. Three things are looked for in the runs:

1. it gets a node in every fair run (the claim `priority`);
2. nobody makes room for it twice: once it has been promised a node nothing more is evicted for it, the promise is kept,
   and no preemption is given up half-way. Then there is one round: a decision that evicts, the end of the victims, a
   decision that binds, the start. A crash or a lost answer may cost one more round each;
3. which Pods are evicted at all: the longest grace period among them counts, and is really met.

Without 2 there is no bound in seconds, and the answer is UNKNOWN; so it is where a binding breaks `placement`, for the
kubelet may refuse it. Otherwise the sum is the worst case: each part may take as long as the scenario says, whatever
the others take. A decision that comes to nothing because it rested on an old view is part of the time a scheduler is
given. `activeDeadlineSeconds` is another matter: the kubelet counts it from the start of the Pod on its node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attrs import evolve, frozen

from ...impl.api.claim_names import DEADLINE, SENTENCES
from ...impl.api.core import Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.requests import PatchStatus, Request
from ...impl.api.well_known import DISRUPTION_TARGET
from ...model.checker.results import Exploration, Status
from ...model.machine import Property, Sometimes, StepProperty, View
from ...model.world.verbs import Verb
from ..check.results import Claim
from ..input.priorities import may_preempt, pod_specs
from ..input.scenario import Deadline, Scenario
from ..world import scheduling
from ..world.cluster import Cluster
from . import refused

TIMING = "timing"
DEFAULT_GRACE_SECONDS = 30


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield what must be known of the runs: that room is made once, and how long those that are evicted may take."""
    yield from refused.properties(cluster, _graces(cluster.scenario))
    if cluster.scenario.deadline is None or not may_preempt(cluster.scenario):
        return
    yield StepProperty(DEADLINE, SENTENCES[DEADLINE], partial(_twice, cluster), _steps(cluster), by_label=False)
    for grace in _graces(cluster.scenario):
        yield Sometimes(_met(grace), "A Pod with this grace period is evicted.", partial(_is_evicted, cluster, grace))


def _steps(cluster: Cluster) -> Callable[[str], bool]:
    """Pick the steps in which a scheduler writes something, or gives up what it was about to write."""
    return cluster.actions(scheduling.USER, Verb.SENDS, Verb.ABANDONS)


def _graces(scenario: Scenario) -> tuple[int, ...]:
    """Return the grace periods of all Pods there may be, the longest first."""
    given = {spec.termination_grace_period_seconds for spec in pod_specs(scenario)}
    return tuple(sorted({DEFAULT_GRACE_SECONDS if seconds is None else seconds for seconds in given}, reverse=True))


def _met(grace: int) -> str:
    return f"evicted {grace} s"


def _is_evicted(cluster: Cluster, grace: int, view: View) -> bool:
    return any(view.via(partial(_evicted, grace), slot) for slot in cluster.world.layout.pools["Pod"])


def _evicted(grace: int, obj: Object | None) -> bool:
    return _is_marked(obj) and isinstance(obj, Pod) and obj.metadata.deletion_grace_period_seconds == grace


def _is_marked(obj: Object | None) -> bool:
    mark = obj.status.condition(DISRUPTION_TARGET) if isinstance(obj, Pod) else None
    return mark is not None and mark.reason == scheduling.BY_SCHEDULER


# --- one round ------------------------------------------------------------------------------------------------------


@frozen
class Promise:
    """A Pod that waits and the node that is, or will be, promised to it."""

    pod: Ref
    node: str


def _twice(cluster: Cluster, before: View, after: View, _label: str) -> Iterator[str]:
    """Say in which way a step of a scheduler begins another round."""
    slots = cluster.world.layout.pools["Pod"]
    old = {one for slot in slots if (one := before.via(_promised, slot))}
    new = {one for slot in slots if (one := after.via(_promised, slot))}
    bound = {after.via(_bound, slot) for slot in slots}
    yield from (
        f"{promise.pod.name} is no longer promised {promise.node}"
        for promise in _sorted(old - new)
        if promise.pod not in bound
    )
    evicting = any(before.via(_going, slot) != after.via(_going, slot) for slot in slots)
    for process in cluster.processes:
        if process.user == scheduling.USER and before[process.turn] != after[process.turn]:
            left, coming = _coming(before[process.turn]), _coming(after[process.turn])
            if left and not coming and left not in new:
                yield f"the preemption for {left.pod.name} is given up half-way"
            if evicting and coming and any(nominated.pod == coming.pod for nominated in old):
                yield f"room is made for {coming.pod.name} on {coming.node}, though it is promised another node"
            evicting = evicting and not coming
    if evicting:
        yield "more is evicted for a Pod that is promised the node already"


def _sorted(promises: set[Promise]) -> list[Promise]:
    return sorted(promises, key=lambda promise: promise.pod)


def _promised(obj: Object | None) -> Promise | None:
    waits = isinstance(obj, Pod) and not obj.spec.node_name and not obj.metadata.terminating
    node = obj.status.nominated_node_name if waits and isinstance(obj, Pod) else ""
    return Promise(ref_of(obj), node) if obj is not None and node else None


def _bound(obj: Object | None) -> Ref | None:
    return ref_of(obj) if isinstance(obj, Pod) and obj.spec.node_name else None


def _going(obj: Object | None) -> tuple[bool, bool]:
    return _is_marked(obj), isinstance(obj, Pod) and obj.metadata.terminating


def _coming(turn: tuple[Request, ...]) -> Promise | None:
    """Return the promise that a turn ends with; only one of a preemption does."""
    last = turn[-1] if turn else None
    if not isinstance(last, PatchStatus) or not isinstance(last.object, Pod):
        return None
    node = last.object.status.nominated_node_name
    return Promise(ref_of(last.object), node) if node else None


# --- the sum --------------------------------------------------------------------------------------------------------


def judge(cluster: Cluster, found: Exploration, once: Claim) -> Claim:
    """Judge the claim, given what a search found of `properties` and what was made of the one about preemption."""
    scenario, deadline = cluster.scenario, cluster.scenario.deadline
    if deadline is None:
        return once
    if may_preempt(scenario):
        claim, seconds = _preempting(scenario, deadline, found, once)
    elif refused.asked(scenario):
        claim, seconds = _waiting(deadline, found, once)
    else:
        return once  # Nobody may evict others, and nobody is refused.
    return refused.judge(cluster, found, claim, seconds, _graces(scenario))


def _waiting(deadline: Deadline, found: Exploration, once: Claim) -> tuple[Claim, int]:
    """Judge the claim where nobody may evict others: who is made gets a node in the end, and all takes its time."""
    for verdict in (found["convergence"], found["placement"]):
        if verdict.status is not Status.HOLDS:
            lines = (f"it may wait for ever, or be refused by a kubelet (see {verdict.name})",)
            return evolve(once, status=Status.UNKNOWN, lines=lines, vacuous=False), 0
    claim, seconds = _timed(deadline, 0, 0, once)
    return evolve(claim, vacuous=claim.status is Status.HOLDS), seconds


def _preempting(scenario: Scenario, deadline: Deadline, found: Exploration, once: Claim) -> tuple[Claim, int]:
    """Judge the claim where room may have to be made, and return how long all takes, 0 where that is not known."""
    if scenario.faults.leader_change:
        return evolve(once, status=Status.UNKNOWN, lines=("what a former leader evicts is not counted",)), 0
    priority = found["priority"]
    if priority.status is Status.VIOLATED:
        lines = ("it may wait for ever (see priority)", *priority.evidence)
        return evolve(once, status=Status.VIOLATED, kind=priority.kind, lines=lines, trace=priority.trace), 0
    if found["placement"].status is not Status.HOLDS:
        return evolve(once, status=Status.UNKNOWN, lines=("a kubelet may refuse it (see placement)",), trace=None), 0
    if once.status is Status.VIOLATED:
        lines = ("room may have to be made more than once, so that no number of seconds is enough:", *once.lines)
        return evolve(once, status=Status.UNKNOWN, lines=lines, trace=None), 0
    if priority.status is not Status.HOLDS or once.status is not Status.HOLDS:
        return evolve(once, status=Status.UNKNOWN, lines=once.lines or (priority.reason,)), 0
    grace = next((met for met in _graces(scenario) if found[_met(met)].status is Status.HOLDS), None)
    rounds = 0 if grace is None else 1 + scenario.faults.crash + scenario.faults.lost_response
    return _timed(deadline, rounds, grace or 0, once)


def _timed(deadline: Deadline, rounds: int, grace: int, once: Claim) -> tuple[Claim, int]:
    """Add up the worst case and hold it against the deadline."""
    stages = [
        ("a decision that evicts", deadline.decision_seconds),
        ("the end of the victims", grace + deadline.stop_seconds),
    ]
    stages = stages * rounds + [
        ("a decision that binds", deadline.decision_seconds),
        ("the start", deadline.start_seconds),
    ]
    worst = sum(seconds for _, seconds in stages)
    told = ", ".join(f"{what} {seconds} s" for what, seconds in stages)
    line = f"such a Pod runs at the latest after {worst} s, the deadline is {deadline.seconds} s: {told}"
    status = Status.HOLDS if worst <= deadline.seconds else Status.VIOLATED
    return evolve(once, status=status, kind=TIMING, lines=(line,), vacuous=False), worst
