"""The states of rest that applying some manifests can lead to: all of them, up to what nobody can tell apart.

From nothing and without faults, components only add: workloads make ReplicaSets, those make Pods, kubelets start them
and report. What they do is the same in whatever order they do it, and the scheduler does not look at it: of other Pods
it reads where they are bound, and what a waiting Pod asks for is there from its first moment on. So the scheduler may
as well wait until all others are at rest, and they until it has bound what can be bound. What is left open is its own:
which waiting Pod is next, which of the best nodes it gets, and, where views lag, whether the ReplicaSet of that Pod has
been seen (its selector counts for default spreading; no other ReplicaSet matters to the Pod, and one that has been seen
stays seen). Each such choice is followed.

A StatefulSet makes a Pod once the one before is ready: it waits for bindings. There the others come to rest after each
binding. Nothing is lost by that: who is made later waits beside those who wait already, any of whom may be next.

Where somebody also takes away (a Pod is evicted, rejected, over, deleted), or several schedulers act, the order
matters, and everything is explored. A property of the run, not of the input, tells which: a step that takes away.

Alike, and followed once: Pods of one owner that are equal but for their names (a script that names one keeps them
apart), and nodes that the symmetry of the cluster exchanges, unless a Service asks each node by itself. Where no node
is told from another at all (`all_the_same`) one schedule is every schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial

from attrs import evolve, field, frozen

from ....impl.api.cache import Cache
from ....impl.api.core import Node, Pod, Service
from ....impl.api.kinds import Object
from ....impl.api.meta import Ref
from ....impl.api.policy import Endpoint, EndpointSlice
from ....impl.api.requests import Bind
from ....impl.api.well_known import ZONE
from ....impl.api.workloads import makes_pods
from ....model.checker.explore import explore
from ....model.checker.results import INTERRUPTED, Limits, Status
from ....model.machine import Action, Machine, Outcome, State, View
from ....model.world.steps import actions as actions_of
from ....model.world.store import Layout
from ....model.world.turn import Requests, sent
from ....model.world.world import OVERFLOW, Form, Process
from ...input.priorities import pod_specs
from ...input.scenario import Scenario
from .. import scheduling
from ..cluster import Cluster
from ..controllers.volumes import disputed, shared, tied
from ..reductions.roomy import all_the_same, asks_nodes
from ..reductions.symmetry import names_of, names_said
from .settle import NO_LIMITS, RESTS, Restless, apply, at_rest, resting, settle

MOST = 200
"""States of rest that are started from, unless the scenario says how many are enough."""
SITUATIONS = 5_000
"""Situations between two bindings that are followed, at most."""
SEARCH = Limits(max_states=20_000)
"""How far a first apply is explored in which something is taken away."""


class Unruly(Exception):  # noqa: N818 - it says what is the matter
    """Somebody takes away, so the order of steps matters."""


@frozen
class Rests:
    """States of rest of a cluster; `why` says why they may not be all, "" if they are."""

    states: tuple[State, ...]
    why: str = ""


def rests(whole: Cluster, scenario: Scenario, limits: Limits = NO_LIMITS) -> Rests | None:
    """Return the states of rest that a cluster with nothing done yet comes to; None where only exploring it tells.

    `scenario` is what they are the start of: its script may name nodes and Pods. Raises `Restless`, and `Cut` where a
    limit is hit.
    """
    try:
        growing = Growing(whole, Fold.of(whole, scenario), most_of(scenario), one=all_the_same(scenario), limits=limits)
        return growing.rests()
    except Unruly:
        return None


def most_of(scenario: Scenario) -> int:
    """Return how many states of rest are started from at most."""
    return scenario.bounds.starts or MOST


# --- what is alike --------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Fold:
    """Tells which situations are alike: the classes of nodes and the names that the scenario says."""

    nodes: Mapping[str, str]
    """The class of a node that has others like it."""
    said: frozenset[str]
    pods: tuple[str, ...]
    volumes: tuple[str, ...] = ()
    """The places of claims and volumes."""
    tokens: dict[Pod, int] = field(factory=dict)
    known: dict[int, tuple[Pod, int]] = field(factory=dict)

    @classmethod
    def of(cls, whole: Cluster, scenario: Scenario) -> Fold:
        """Find what is alike in a cluster, given what is going to happen to it."""
        asked = evolve(whole, scenario=scenario)
        by_node = tied(whole.scenario) or any(
            isinstance(obj, Service) and asks_nodes(obj) for obj in scenario.everything
        )
        alike = {} if by_node else {name: mention.sort for mention, name in names_of(asked).spelt.items()}
        pools = whole.world.layout.pools
        volumes = (*pools.get("PersistentVolumeClaim", ()), *pools.get("PersistentVolume", ()))
        return cls(alike, names_said(scenario), pools["Pod"], volumes)

    def token(self, pod: Pod) -> int:
        """Return a number for what a Pod is apart from its name, address and node."""
        known = self.known.get(id(pod))
        if known is None:
            known = self.known[id(pod)] = (pod, self.tokens.setdefault(self._bare(pod), len(self.tokens)))
        return known[1]

    def _bare(self, pod: Pod) -> Pod:
        bare = evolve(pod, spec=evolve(pod.spec, node_name=""), status=evolve(pod.status, pod_ip=""))
        if pod.metadata.controller is None or pod.metadata.name in self.said:
            return bare
        return evolve(bare, metadata=evolve(pod.metadata, name="", uid=""))

    def key(self, state: State) -> Hashable:
        """Return the same for situations that are alike: what is on each node, nodes of a class in no order."""
        found: dict[str, list[int]] = {}
        for slot in self.pods:
            if isinstance(pod := state[slot], Pod):
                found.setdefault(pod.spec.node_name, []).append(self.token(pod))
        placed = tuple(sorted((self.nodes.get(node, f"={node}"), tuple(sorted(on))) for node, on in found.items()))
        return placed, tuple(state[slot] for slot in self.volumes)


# --- while nothing is taken away --------------------------------------------------------------------------------------


@frozen(eq=False)
class Growing:
    """A cluster in which components only add, followed through every choice of its scheduler. `one`: any will do.

    `stepwise`: the others come to rest after every choice.
    """

    whole: Cluster
    fold: Fold
    most: int
    one: bool = False
    limits: Limits = NO_LIMITS
    stepwise: bool = False
    scheduler: Process = field(init=False)
    others: Machine = field(init=False)

    def __attrs_post_init__(self) -> None:
        schedulers = [process for process in self.whole.processes if process.user == scheduling.USER]
        if len(schedulers) != 1 or any(spec.node_name for spec in pod_specs(self.whole.scenario)):
            raise Unruly  # One may not have seen what another one, or nobody, has bound.
        if disputed(self.whole.scenario) or shared(self.whole.scenario):
            raise Unruly  # Which volume a claim gets, or who has it, hangs on the order.
        own = {action.name for action in actions_of(self.whole.world, schedulers[0])}
        rest = (action for action in self.whole.machine.actions if action.name not in own)
        object.__setattr__(self, "scheduler", schedulers[0])
        object.__setattr__(self, "others", evolve(self.whole.machine, actions=tuple(map(self._growing, rest))))

    def _growing(self, action: Action) -> Action:
        return evolve(action, step=partial(_adds, frozenset(self.fold.pods), action.step))

    def rests(self) -> Rests:
        """Return the states of rest. Raises `Unruly` where something is taken away."""
        begun = settle(self.others, limits=self.limits)
        leaves, why = self.followed(begun)
        found = tuple(self._settled(leaves))
        if any(any(self._choices(rest, frozenset())) for rest in found):
            # Somebody waits for a binding before he makes his Pods.
            found, why = evolve(self, stepwise=True).followed(begun)
        if kind := next((rest[OVERFLOW] for rest in found if rest[OVERFLOW]), ""):
            raise Restless(f"it needs more places for a {kind} than bounds.pods gives")
        return Rests(found, why)

    def _settled(self, leaves: tuple[State, ...]) -> Iterator[State]:
        """Bring leaves to rest: one of those in which the same Pods wait, the others by where their Pods are.

        A kubelet admits what the scheduler's filters let pass, and all else that is written from here on (statuses,
        counts, slices) tells how Pods are, not where; but slices, which name the node and zone of each endpoint.
        """
        rest: dict[frozenset[str], State] = {}
        for leaf in leaves:
            waiting = frozenset(
                slot for slot in self.fold.pods if isinstance(pod := leaf[slot], Pod) and not pod.spec.node_name
            )
            if waiting in rest and not tied(self.whole.scenario):
                yield moved(self.whole.world.layout, rest[waiting], leaf)
            else:
                rest[waiting] = settle(self.others, leaf, limits=self.limits)
                yield rest[waiting]

    def followed(self, begun: State) -> tuple[tuple[State, ...], str]:
        """Follow every choice until nothing can be bound any more."""
        stack = [(begun, self._listed())]
        met: set[Hashable] = set()
        leaves: dict[Hashable, State] = {}
        while stack:
            state, seen = stack.pop()
            key = self.fold.key(state)
            if (key, seen) in met:
                continue
            met.add((key, seen))
            if len(met) > SITUATIONS:
                return tuple(leaves.values()) or (self._first(state, seen),), _few(len(leaves) or 1)
            after = list(self._choices(state, seen))
            if not after and key not in leaves:
                if len(leaves) == self.most:
                    return tuple(leaves.values()), _few(self.most)
                leaves[key] = state
            stack += reversed(after[:1] if self.one else after)
        return tuple(leaves.values()), ""

    def _first(self, state: State, seen: frozenset[str]) -> State:
        """Take the first choice to the end."""
        while found := next(self._choices(state, seen), None):
            state, seen = found
        return state

    def _listed(self) -> frozenset[str]:
        """Return the makers of Pods that a scheduler knows from the start."""
        return frozenset(value.metadata.uid for value in self.whole.machine.initial[0].values() if makes_pods(value))

    def _choices(self, state: State, seen: frozenset[str]) -> Iterator[tuple[State, frozenset[str]]]:
        """Yield what a scheduler may do next, and which ReplicaSets it must have seen by then.

        Of Pods that are alike one is tried.
        """
        key = Ref("Scheduler", "", self.scheduler.name)
        shown = [obj for watch in self.scheduler.watches for obj in self.whole.world.look(state, watch, key) if obj]
        settled = [obj for obj in shown if not (isinstance(obj, Pod) and scheduling.waits(obj))]
        waiting = {
            self.fold.token(one): one
            for slot in reversed(self.fold.pods)
            if isinstance(one := state[slot], Pod) and scheduling.waits(one)
        }
        for pod in reversed(waiting.values()):
            told = next(obj for obj in shown if obj.metadata.uid == pod.metadata.uid)
            owner = pod.metadata.controller.uid if pod.metadata.controller else ""
            lags = self.scheduler.form is Form.SNAPSHOT and owner not in seen
            without = [obj for obj in settled if obj.metadata.uid != owner] if lags else settled
            knowing, blind = (self._nodes(key, (*objects, told)) for objects in (settled, without))
            for bind in dict.fromkeys((*knowing, *blind)):
                after = self._bind(state, bind)
                yield after, seen if bind in blind else seen | {owner}

    def _nodes(self, key: Ref, objects: tuple[Object, ...]) -> tuple[Requests, ...]:
        """Return the bindings of a Pod, each with the choice of its volumes before it."""
        found = self.scheduler.act(Cache.of((*self.scheduler.constants, *objects)), key)
        if not all(isinstance(turn[-1], Bind) for turn in found):
            raise Unruly  # It makes room.
        return found

    def _bind(self, state: State, turn: Requests) -> State:
        for part in turn:
            for request in sent(part):
                response, updates = self.whole.world.commit(state, self.scheduler.user, request)
                if not response.ok:
                    raise Unruly
                state = apply(state, Outcome("", updates))
        return settle(self.others, state, limits=self.limits) if self.stepwise else state


def moved(layout: Layout, rest: State, leaf: State) -> State:
    """Return a state of rest with its Pods on the nodes they have in another state, and slices that say so."""
    places = {slot: leaf[slot].spec.node_name for slot in layout.pools["Pod"] if isinstance(leaf[slot], Pod)}
    objects = (*layout.constants.values(), *rest.values())
    zones = {obj.metadata.name: obj.metadata.labels.get(ZONE) for obj in objects if isinstance(obj, Node)}
    nodes = {rest[slot].metadata.uid: node for slot, node in places.items()}
    found: dict[str, Hashable] = {
        slot: evolve(rest[slot], spec=evolve(rest[slot].spec, node_name=node)) for slot, node in places.items()
    }
    for slot in layout.pools.get("EndpointSlice", ()):
        if isinstance(one := rest[slot], EndpointSlice):
            found[slot] = evolve(one, endpoints=tuple(_endpoint(each, nodes, zones) for each in one.endpoints))
    return apply(rest, Outcome("", found))


def _endpoint(one: Endpoint, nodes: Mapping[str, str], zones: Mapping[str, str | None]) -> Endpoint:
    node = nodes.get(one.target_ref.uid) if one.target_ref else None
    return one if node is None else evolve(one, node_name=node, zone=zones.get(node))


def _adds(pods: frozenset[str], step: Callable[[View], Iterable[Outcome]], view: View) -> Iterator[Outcome]:
    """Take a step, unless it takes a Pod away: no longer there, going, or over."""
    for outcome in step(view):
        for slot in pods & outcome.updates.keys():
            pod = outcome.updates[slot]
            if not isinstance(pod, Pod) or pod.metadata.terminating or pod.finished:
                raise Unruly
        yield outcome


def _few(count: int) -> str:
    return f"{count} of the states of rest that the first apply may lead to were looked at"


# --- where order matters ----------------------------------------------------------------------------------------------


def explored(core: Cluster, scenario: Scenario, limits: Limits = NO_LIMITS) -> Rests:
    """Explore everything that may happen until a core is at rest; where that is too much, give what was found.

    Raises `Restless` where some run does not come to rest, whatever others do, and `KeyboardInterrupt` again where
    somebody interrupted the search: what it found is no answer to whoever asked for so many.
    """
    fold, most = Fold.of(core, scenario), most_of(scenario)
    found: dict[Hashable, State] = {}

    def collect(state: State) -> None:
        if at_rest(state):
            found.setdefault(fold.key(state), state)

    search = explore(
        resting(core, (State.of(core.machine.initial[0]),)),
        [RESTS],
        limits=evolve(limits, max_states=SEARCH.max_states),
        collect=collect,
    )
    if search.why_incomplete.startswith(INTERRUPTED):
        raise KeyboardInterrupt
    if search[RESTS.name].status is Status.VIOLATED:
        raise Restless("some runs never come to rest")
    usable = [state for state in found.values() if not state[OVERFLOW]]
    if len(usable) < len(found):
        raise Restless(
            f"it needs more places for a {next(filter(None, (value[OVERFLOW] for value in found.values())))}"
        )
    if search.complete and len(usable) <= most:
        return Rests(tuple(usable))
    some = tuple(usable[:most]) or (settle(core.machine, limits=limits),)
    return Rests(some, _few(len(some)))
