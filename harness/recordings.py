"""Judging the model of a whole cluster by what real ones were recorded to do, step by step, until each was quiet.

From every state in which the cluster may be after a step, the next command is given and every interleaving explored
until nothing more happens. A record is *allowed* when each of its runs is one of those: after each step the recorded
outcome is among the states at rest that are reachable from the states that matched the step before. It is *decided* when
those searches were complete and none of its runs comes to a verdict (converged, command completed, or never quiet) that is
not among those reached: then the exhaustive answer contradicts no run. Where a limit is hit, the answer is UNKNOWN.

Components act on the store as it is first (`LINEARIZABLE`): what they do then they may also do with caches that lag, so an
outcome found there is allowed by the wider model. Only what is not found there is looked for with lagging caches.

Two states at rest that differ by the names of Pods, or by a permutation of nodes that nothing tells apart, are one: the
names of Pods are random, and no component looks at the name of a node beyond what is in its labels.

Left out on purpose: time. Which of several outcomes is likely, and what only a clock decides, is not judged.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import partial
from itertools import permutations, product
from typing import Any

from attrs import evolve, field, frozen

from ..impl.api.core import Pod
from ..impl.api.kinds import Object
from ..impl.kubelet.runtime import PodRuntime
from ..model.checker.explore import explore
from ..model.checker.results import Limits, Status
from ..model.machine import Action, Converges, Machine, Outcome, State, View
from ..model.world import OVERFLOW
from ..properties.at_rest import Restless, settled
from .cluster import Cluster, Parts, applied, build
from .environment import BLOCKED, SCRIPT
from .kubelets import runtime_slot
from .recorded_outcome import Outcome as Seen
from .recorded_outcome import observed, recorded
from .recorded_scenario import interchangeable, not_modelled, scenario_of
from .scenario import Consistency
from .settle import apply, contents

Record = Mapping[str, Any]

AT_REST = "at rest"
"""The slot that says that nothing more happens before the next command."""
TIERS = (
    (Consistency.LINEARIZABLE, Limits(max_states=1_000_000, timeout=60)),
    (Consistency.SESSION, Limits(max_states=1_000_000, timeout=60)),
)
"""How old views may be, and how far each step is explored."""
MOST_STARTS = 60
"""States a step is explored from at most; where more are at hand, the search is not complete."""


@frozen
class Judged:
    """What became of a record. None: not known within the limits."""

    allowed: bool | None
    decided: bool | None
    differences: tuple[str, ...] = ()
    unanimous: bool = False
    """Every search of the record came to one verdict only."""
    states: int = 0

    @property
    def unknown(self) -> bool:
        """Tell whether a limit left something open."""
        return self.allowed is None or self.decided is None


@frozen
class NotJudged:
    """A record that is about something without a model."""

    reason: str


def judge(record: Record, tiers: tuple[tuple[Consistency, Limits], ...] = TIERS) -> Judged | NotJudged:
    """Judge a record: with each way of looking at the store, until one finds all its runs."""
    if reason := not_modelled(record):
        return NotJudged(reason)
    found = Judged(None, None)
    for consistency, limits in tiers:
        found = _judged(Run(record, consistency, limits))
        if False not in {found.allowed, found.decided}:
            break
    return found


# --- following the recorded runs ------------------------------------------------------------------------------------


def runs_of(record: Record) -> tuple[tuple[Mapping[str, Any], ...], ...]:
    """Give the distinct recorded runs: each is its outcomes, one a step."""
    return tuple(tuple(one["outcomes"]) for one in (record, *record.get("alternatives", ())))


def _judged(run: Run) -> Judged:
    verdicts = [_follow(run, outcomes) for outcomes in runs_of(run.record)]
    return Judged(
        allowed=_all(one.allowed for one in verdicts),
        decided=_all(one.decided for one in verdicts),
        differences=tuple(dict.fromkeys(line for one in verdicts for line in one.differences)),
        unanimous=all(one.unanimous for one in verdicts),
        states=run.states,
    )


def _all(answers: Iterable[bool | None]) -> bool | None:
    known = set(answers)
    return False if False in known else None if None in known else True


def _follow(run: Run, outcomes: tuple[Mapping[str, Any], ...]) -> Judged:
    """Follow one recorded run through the model, as far as it goes."""
    allowed: bool | None = True
    decided: bool | None = True
    unanimous = True
    lines: list[str] = []
    starts = run.first
    for number, outcome in enumerate(outcomes):
        reached = run.after(starts, number)
        unanimous = unanimous and reached.complete and len(reached.verdicts) == 1
        if not outcome["quiesced"]:
            answer = reached.restless or (None if not reached.complete else False)
            lines += [] if answer else [f"{outcome['afterAction']}: never quiet / always comes to rest"]
            return Judged(_all((allowed, answer)), _all((decided, answer)), tuple(lines), unanimous)
        wanted = recorded(outcome)
        matching = tuple(one for one in reached.rests if run.same(one.seen, wanted))
        if not matching:
            allowed = _all((allowed, False if reached.complete else None))
            lines.append(_difference(run, outcome["afterAction"], wanted, reached))
            matching = tuple(one for one in reached.rests if one.seen.verdict == wanted.verdict)
        if not matching:
            return Judged(allowed, _all((decided, False if reached.complete else None)), tuple(lines), unanimous)
        decided = _all((decided, True if reached.complete else None))
        starts = matching
    return Judged(allowed, decided, tuple(lines), unanimous)


def _difference(run: Run, step: str, wanted: Seen, reached: Reached) -> str:
    """Say how the recorded outcome differs from the nearest one reached."""
    if not reached.rests:
        return f"{step}: recorded {wanted.verdict} / no state at rest was reached ({reached.why})"
    options = (wanted.differences(one.seen.renamed(names)) for one in reached.rests for names in run.renamings)
    nearest = min(options, key=len)
    return f"{step} [{reached.why or f'all of {len(reached.rests)} reached'}] {'; '.join(nearest)}"


# --- exploring one step after the other -----------------------------------------------------------------------------


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
        """Give every verdict the step may come to; None is: never quiet."""
        return frozenset(one.seen.verdict for one in self.rests) | ({None} if self.restless else frozenset())


@frozen(eq=False)
class Run:
    """A record's machine, explored step by step; what was found is kept, for runs that begin alike."""

    record: Record
    consistency: Consistency
    limits: Limits
    cluster: Cluster = field(init=False)
    renamings: tuple[Mapping[str, str], ...] = field(init=False)
    found: dict[tuple[int, frozenset[Hashable]], Reached] = field(init=False, factory=dict)
    counts: list[int] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        scenario = scenario_of(self.record, self.consistency)
        parts = Parts.core(scenario)
        object.__setattr__(self, "cluster", build(scenario, parts, applied(scenario)))
        object.__setattr__(self, "renamings", tuple(renamings(interchangeable(self.record))))

    @property
    def states(self) -> int:
        """Give the number of states explored so far."""
        return sum(self.counts)

    @property
    def first(self) -> tuple[Rest, ...]:
        """Give the state before the first step: the manifests have just been applied."""
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
        if number == 0 and (found := self._search(chosen, number, calm=True)).complete and _only_grows(found):
            return found
        found = self._search(chosen, number, few=few)
        if found.complete:
            return found
        some = self._search(chosen, number, calm=True)
        return evolve(found, rests=(*found.rests, *some.rests), restless=found.restless or some.restless)

    def _search(self, starts: tuple[State, ...], number: int, *, few: str = "", calm: bool = False) -> Reached:
        """Explore from some states until all is at rest; `calm` lets the scheduler wait until all others are at rest."""
        found: dict[Hashable, State] = {}

        def collect(state: State) -> None:
            if state[AT_REST]:
                found.setdefault(self._content(state), state)

        search = explore(resting(self.cluster, starts, calm=calm), [RESTS], limits=self.limits, collect=collect)
        self.counts.append(search.states)
        rests = [self._rest(state, number) for state in found.values() if not state[OVERFLOW]]
        endless = search[RESTS.name].status is Status.VIOLATED or len(rests) < len(found) or None in rests
        why = search.why_incomplete or few
        return Reached(tuple(one for one in rests if one is not None), endless, not why, why)

    def _commanded(self, state: State, number: int) -> Iterator[State]:
        """Give a command in a state at rest."""
        commands = [one for one in self.cluster.machine.actions if one.group == COMMANDS]
        for outcome in _begin(commands, number).step(state):
            yield apply(state, outcome)

    def _rest(self, state: State, number: int) -> Rest | None:
        """Bring the observers to rest as well; None when they never come to it."""
        store = settled(contents(self.cluster, state)[0])
        if isinstance(store, Restless):
            return None
        drained = number - 1 not in state[BLOCKED]
        return Rest(state, observed(store.objects.values(), completed=drained, drained=drained))

    def _content(self, state: State) -> Hashable:
        """Give what is in a state at rest, the names of Pods and of nodes like each other left out."""
        layout = self.cluster.world.layout
        pods = [_nameless(state[slot], state[runtime_slot(slot)]) for slot in layout.pools["Pod"]]
        here = [one for one in pods if one is not None]
        rest = tuple(state[slot] for slot in layout.slots() if slot not in set(layout.pools["Pod"]))
        return (
            min(
                sorted((names.get(node, node), hash(pod)) for node, pod in here) for names in self.renamings
            ).__repr__(),
            rest,
            state[SCRIPT],
            state[BLOCKED],
        )


COMMANDS = "kubectl"
SCHEDULER = "scheduler"


def _begin(commands: list[Action], number: int) -> Action:
    """Give the action by which the script's command of this number (from 1) begins."""
    return next(one for one in commands if one.name.startswith(f"kubectl {number}:"))


def _nameless(pod: Object | None, runtime: PodRuntime | None) -> tuple[str, Hashable] | None:
    """Give a Pod's node, and the Pod and what runs for it without its name and node."""
    if not isinstance(pod, Pod):
        return None
    bare = evolve(pod, metadata=evolve(pod.metadata, name="", uid=""), spec=evolve(pod.spec, node_name=""))
    return pod.spec.node_name, (bare, None if runtime is None else evolve(runtime, uid=""))


def renamings(groups: tuple[tuple[str, ...], ...]) -> Iterator[dict[str, str]]:
    """Give every way of renaming the members of some groups among each other, the identity first."""
    for choice in product(*(permutations(group) for group in groups)):
        yield {
            old: new for group, names in zip(groups, choice, strict=True) for old, new in zip(group, names, strict=True)
        }


# --- a machine that stops before the next command -------------------------------------------------------------------


def resting(cluster: Cluster, starts: Iterable[State], *, calm: bool = False) -> Machine:
    """Give the machine that starts in these states and, where it is quiet, says so instead of going on with the script.

    `calm`: the scheduler waits until all others are at rest, one of the schedules of a cluster.
    """
    actions = [
        evolve(one, when_quiet=True) if calm and one.group == SCHEDULER and not one.urgent else one
        for one in cluster.machine.actions
        if one.group != COMMANDS
    ]
    waiting = tuple(one for one in actions if one.when_quiet)
    initial = tuple({**one, AT_REST: False} for one in starts)
    last = Action("cluster: comes to rest", "cluster", partial(_rests, waiting), when_quiet=True)
    return Machine(initial, (*actions, last))


def _rests(waiting: tuple[Action, ...], view: View) -> Iterator[Outcome]:
    if not view[AT_REST] and not any(True for one in waiting for _ in one.step(view)):
        yield Outcome("comes to rest", {AT_REST: True})


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


def _moving(view: View) -> Iterator[str]:
    if not view[AT_REST]:
        yield "something is still under way"


RESTS = Converges("rest", "Every fair run comes to rest.", _moving)
