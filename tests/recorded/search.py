"""Exploring a recorded scenario one step after the other: from the states at rest before a command to those after it.

Two states at rest that differ by the names of Pods, or by a permutation of nodes that nothing tells apart, are one: the
names of Pods are random, and no component looks at the name of a node beyond what is in its labels.

Two searches. The whole one takes every interleaving. The calm one takes every choice (which node of equally good ones,
which Pod to delete) but one order of steps: the scheduler waits until all others are at rest. What it finds can be
reached; where components act on the store as it is, it is also all there is while a cluster is created and nothing
fails (see `_only_grows`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from itertools import permutations, product
from typing import Any

from attrs import evolve, field, frozen

from kubeproof.harness.input.scenario import Consistency
from kubeproof.harness.world.applied import applied
from kubeproof.harness.world.at_rest.settle import RESTS, apply, at_rest, contents, resting
from kubeproof.harness.world.cluster import Cluster, Initial, build
from kubeproof.harness.world.nodes.kubelets import runtime_slot
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.world.script.script_slots import BLOCKED, REFUSED, SCRIPT
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.runtime import PodRuntime
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.results import Limits, Status
from kubeproof.model.machine import Action, Fairness, Machine, State
from kubeproof.model.world.verbs import Verb
from kubeproof.model.world.world import OVERFLOW
from kubeproof.properties.at_rest import Restless, settled

from .outcome import Outcome as Seen
from .outcome import observed
from .scenario import interchangeable, overlapping, scenario_of

Record = Mapping[str, Any]

CALM_STEPS = 20_000
"""Steps that the one order is followed for, at most."""
CALM_POINTS = 400
"""Points of rest between two bindings that the one order of steps is followed through, at most."""
MOST_STARTS = 60
"""States a step is explored from at most; where more are at hand, the search is not complete."""
SCHEDULER = "scheduler"
LAST = 3
"""The wave after the last: nothing more happens."""


@frozen
class Rest:
    """A state in which nothing more happens before the next command, and what a recording would tell of it."""

    state: State
    seen: Seen


@frozen
class Reached:
    """Where a step may lead. `restless`: some fair run never comes to rest; `why`: the limit that was hit."""

    rests: tuple[Rest, ...]
    restless: bool
    complete: bool
    why: str = ""

    @property
    def verdicts(self) -> frozenset[tuple[bool, bool] | None]:
        """Return every verdict the step may come to; None is: never quiet."""
        return frozenset(one.seen.verdict for one in self.rests) | ({None} if self.restless else frozenset())


@frozen(eq=False)
class Run:
    """A record's machine, explored step by step; what was found is kept, for runs that begin alike."""

    record: Record
    consistency: Consistency
    limits: Limits
    cluster: Cluster = field(init=False)
    renamings: tuple[Mapping[str, str], ...] = field(init=False)
    unsure: frozenset[str] = field(init=False)
    """Budgets whose status depends on when they were last looked at."""
    found: dict[tuple[int, frozenset[Hashable]], Reached] = field(init=False, factory=dict)
    counts: list[int] = field(init=False, factory=list)
    tokens: dict[Hashable, int] = field(init=False, factory=dict)
    """A number for each nameless Pod met."""

    def __attrs_post_init__(self) -> None:
        scenario = scenario_of(self.record, self.consistency)
        parts = Parts.core(scenario)
        object.__setattr__(self, "cluster", build(scenario, parts, Initial(applied(scenario))))
        object.__setattr__(self, "unsure", overlapping(scenario.objects))
        object.__setattr__(self, "renamings", tuple(renamings(interchangeable(self.record))))

    @property
    def states(self) -> int:
        """Return the number of states explored so far."""
        return sum(self.counts)

    @property
    def first(self) -> tuple[Rest, ...]:
        """Return the state before the first step: the manifests have just been applied."""
        return (Rest(State.of(self.cluster.machine.initial[0]), Seen(converged=True, completed=True)),)

    def same(self, one: Seen, other: Seen) -> bool:
        """Tell whether two outcomes are the same but for nodes that nothing tells apart."""
        return any(one.renamed(names) == other for names in self.renamings)

    def after(self, starts: tuple[Rest, ...], number: int) -> Reached:
        """Explore what becomes of some states after a step: 0 is the creation, then the script's commands."""
        key = number, frozenset(self._content(one.state) for one in starts)
        if key not in self.found:
            self.found[key] = self._explored([one.state for one in starts], number)
        return self.found[key]

    def _explored(self, starts: list[State], number: int) -> Reached:
        given = starts if number == 0 else [after for one in starts for after in self._commanded(one, number)]
        begun = {self._content(one): one for one in given}
        chosen = tuple(begun.values())[:MOST_STARTS]
        few = "" if len(begun) == len(chosen) else "there are too many states to start from"
        calm = self.consistency is Consistency.LINEARIZABLE
        if calm and number == 0 and (found := self.calm(chosen, number)).complete and _only_grows(found):
            return found
        found = self.search(chosen, number, few)
        if found.complete or not calm:
            return found
        some = self.calm(chosen, number)
        return evolve(found, rests=(*found.rests, *some.rests), restless=found.restless or some.restless)

    def search(self, starts: tuple[State, ...], number: int, few: str) -> Reached:
        """Explore every interleaving from some states until all is at rest."""
        found: dict[Hashable, State] = {}

        def collect(state: State) -> None:
            if at_rest(state):
                found.setdefault(self._content(state), state)

        search = explore(resting(self.cluster, starts), [RESTS], limits=self.limits, collect=collect)
        self.counts.append(search.states)
        rests = [self._rest(state, number) for state in found.values() if not state[OVERFLOW]]
        endless = search[RESTS.name].status is Status.VIOLATED or len(rests) < len(found) or None in rests
        why = search.why_incomplete or few
        return Reached(tuple(one for one in rests if one is not None), endless, not why, why)

    def calm(self, starts: tuple[State, ...], number: int) -> Reached:
        """Explore every choice, but one order of steps only: the scheduler waits until all others are at rest."""
        waves = _waves(self.cluster.machine)
        queue, found = list(starts), dict[Hashable, State]()
        seen: set[Hashable] = set()
        for _ in range(CALM_STEPS):
            if not queue or len(seen) == CALM_POINTS:
                break
            state = queue.pop()
            wave, after = next(
                ((n, after) for n, wave in enumerate(waves) if (after := _first(wave, state))), (LAST, ())
            )
            if wave != 0:
                key = wave, self._content(state)
                if key in seen:
                    continue
                seen.add(key)
            if wave == LAST:
                found[self._content(state)] = state
            queue += after
        self.counts.append(len(seen))
        rests = [self._rest(state, number) for state in found.values() if not state[OVERFLOW]]
        endless = len(rests) < len(found) or None in rests
        return Reached(
            tuple(one for one in rests if one is not None), endless, not queue, "too many choices" if queue else ""
        )

    def _commanded(self, state: State, number: int) -> Iterator[State]:
        """Yield a command in a state at rest."""
        for outcome in _begin(self.cluster, number).step(state):
            yield apply(state, outcome)

    def _rest(self, state: State, number: int) -> Rest | None:
        """Bring the observers to rest as well; None when they never come to it."""
        store = settled(contents(self.cluster, state).objects)
        if isinstance(store, Restless):
            return None
        drained = number - 1 not in {*state[BLOCKED], *(failed for failed, _ in state[REFUSED])}
        seen = observed(store.objects.values(), completed=drained, drained=drained)
        return Rest(state, seen.without_budgets(self.unsure))

    def _content(self, state: State) -> Hashable:
        """Return what is in a state at rest, the names of Pods and of nodes like each other left out."""
        layout = self.cluster.world.layout
        bare = [_nameless(state[slot], state[runtime_slot(slot)]) for slot in layout.pools["Pod"]]
        pods = [(one[0], self.tokens.setdefault(one[1], len(self.tokens))) for one in bare if one is not None]
        least = min(tuple(sorted((names.get(node, node), token) for node, token in pods)) for names in self.renamings)
        others = tuple(state[slot] for kind in layout.pools if kind != "Pod" for slot in layout.pools[kind])
        return least, others, state[SCRIPT], state[BLOCKED], state[REFUSED]


def _begin(cluster: Cluster, number: int) -> Action:
    """Return the action by which the script's command of this number (from 1) begins."""
    return next(one for one in cluster.machine.actions if one.verb is Verb.BEGINS and one.on == number - 1)


def _nameless(pod: Object | None, runtime: PodRuntime | None) -> tuple[str, Hashable] | None:
    """Return a Pod's node, and the Pod and what runs for it without its name, address and node."""
    if not isinstance(pod, Pod):
        return None
    bare = evolve(
        pod,
        metadata=evolve(pod.metadata, name="", uid=""),
        spec=evolve(pod.spec, node_name=""),
        status=evolve(pod.status, pod_ip="some" if pod.status.pod_ip else ""),
    )
    return pod.spec.node_name, (bare, None if runtime is None else evolve(runtime, uid=""))


def renamings(groups: tuple[tuple[str, ...], ...]) -> Iterator[dict[str, str]]:
    """Yield every way of renaming the members of some groups among each other, the identity first."""
    for choice in product(*(permutations(group) for group in groups)):
        yield {
            old: new for group, names in zip(groups, choice, strict=True) for old, new in zip(group, names, strict=True)
        }


def _waves(machine: Machine) -> tuple[tuple[Action, ...], ...]:
    """Return everybody's actions but the scheduler's, the scheduler's, and those that wait until all is quiet."""
    fair = [one for one in machine.actions if one.fairness is not Fairness.NONE and one.verb is not Verb.BEGINS]
    first = sorted((one for one in fair if not one.when_quiet), key=lambda one: not one.urgent)
    others = tuple(one for one in first if one.group != SCHEDULER)
    return others, tuple(one for one in first if one.group == SCHEDULER), tuple(one for one in fair if one.when_quiet)


def _first(actions: tuple[Action, ...], state: State) -> tuple[State, ...]:
    """Return where the first of some actions that is enabled may lead."""
    for action in actions:
        after = tuple(apply(state, outcome) for outcome in action.step(state))
        if changed := tuple(one for one in after if one.values_in_order != state.values_in_order):
            return changed
    return ()


def _only_grows(found: Reached) -> bool:
    """Tell whether no Pod failed and none was deleted.

    Then the scheduler may as well go last: while a cluster is created, what the others make, start and report is the
    same whenever they do it, and where a Pod may go depends on the Pods that have a node and on nothing else of theirs.
    """
    return not found.restless and not any(
        pod.metadata.terminating or pod.status.phase == "Failed"
        for one in found.rests
        for pod in one.state.values()
        if isinstance(pod, Pod)
    )
