"""The API server as a machine: what it grants, and what the Pods and the budget are like afterwards.

May do: create a Pod, change it for a client that has seen its latest version, bind it once, take reports on its status,
begin, shorten and finish its deletion, and evict it as long as a budget allows.
Left out: who asks, what a valid object is, every kind but Pods and one disruption budget that covers all of them.
Grace is in seconds; the clock stands at NOW, so a deadline is NOW plus the grace that was granted last.
"""

from __future__ import annotations

from itertools import product

from attrs import evolve, field, frozen
from immutabledict import immutabledict

NOW = 100
OWN_GRACE = 2
NAMES = ("p", "q")
NODES = ("n", "m")
NOTES = ("", "x")
HOLD = "example.com/hold"
GRACES = (None, 0, 1, 3)
REPORTS = (("Pending", False), ("Running", False), ("Running", True), ("Succeeded", False))


@frozen
class Pod:
    """A Pod as its clients see it. `version` is another one after every change; `grace` None is not terminating."""

    version: int
    held: bool = False
    note: str = ""
    node: str = ""
    phase: str = "Pending"
    ready: bool = False
    grace: int | None = None
    deadline: int | None = None
    evicted: bool = False


@frozen
class Budget:
    """How many Pods may still be evicted, the count that rests on, and whether that is of the budget as it is."""

    allowed: int = 0
    healthy: int = 0
    desired: int = 0
    current: bool = False
    forgives_unready: bool = False
    disrupted: tuple[str, ...] = ()


@frozen(cache_hash=True)
class State:
    """The Pods there are, the budget if there is one, and how many versions have been given out."""

    pods: immutabledict[str, Pod] = field(factory=immutabledict)
    budget: Budget | None = None
    versions: int = 0


def stored(state: State, name: str, pod: Pod) -> State:
    """Keep a Pod under a version nobody has seen; a Pod that stays as it was keeps its version."""
    if pod == state.pods.get(name):
        return state
    fresh = state.versions + 1
    pods = immutabledict(sorted({**state.pods, name: evolve(pod, version=fresh)}.items()))
    return evolve(state, pods=pods, versions=fresh)


def gone(state: State, name: str) -> State:
    """Keep no Pod of that name."""
    return evolve(state, pods=state.pods.delete(name))


def settled(state: State, name: str, pod: Pod) -> State:
    """Keep a Pod unless its time is up and nobody holds it."""
    return gone(state, name) if pod.grace == 0 and not pod.held else stored(state, name, pod)


@frozen
class Create:
    """A client makes a Pod, perhaps one that is held by a finalizer."""

    name: str
    held: bool = False

    def enabled(self, state: State) -> bool:
        """Only under a name that is free."""
        return self.name not in state.pods

    def apply(self, state: State) -> State:
        """Keep a Pod that has no node and has not started."""
        return stored(state, self.name, Pod(0, self.held))


@frozen
class Change:
    """A client writes a note on the Pod it has seen, and lets go of it or not."""

    name: str
    seen: int
    note: str
    release: bool = False

    def enabled(self, state: State) -> bool:
        """Only if it is still the Pod that was seen."""
        return self.name in state.pods and state.pods[self.name].version == self.seen

    def apply(self, state: State) -> State:
        """Releasing a Pod whose time is up is its end."""
        pod = state.pods[self.name]
        if pod.note == self.note and not (self.release and pod.held):
            return state
        return settled(state, self.name, evolve(pod, note=self.note, held=pod.held and not self.release))


@frozen
class Bind:
    """The scheduler gives a Pod to a node."""

    name: str
    node: str

    def enabled(self, state: State) -> bool:
        """Once, and not when it is on its way out."""
        pod = state.pods.get(self.name)
        return pod is not None and not pod.node and pod.grace is None

    def apply(self, state: State) -> State:
        """Bind it to that node for good."""
        return stored(state, self.name, evolve(state.pods[self.name], node=self.node))


@frozen
class Report:
    """A kubelet says how a Pod is doing."""

    name: str
    phase: str
    ready: bool

    def enabled(self, state: State) -> bool:
        """There is such a Pod."""
        return self.name in state.pods

    def apply(self, state: State) -> State:
        """Only what is reported changes; that it is being evicted is not for the kubelet to forget here."""
        pod = evolve(state.pods[self.name], phase=self.phase, ready=self.ready)
        return stored(state, self.name, pod)


def ending(state: State, name: str, asked: int | None) -> State:
    """Begin a deletion or bring it forward: no grace for what never ran or has finished, and no second thoughts."""
    pod = state.pods[name]
    if pod.grace is None:
        idle = not pod.node or pod.phase == "Succeeded"
        granted = 0 if idle else OWN_GRACE if asked is None else asked
    elif asked is not None and asked < pod.grace:
        granted = asked
    else:
        return state
    return settled(state, name, evolve(pod, grace=granted, deadline=NOW + granted))


@frozen
class Delete:
    """Someone deletes a Pod and perhaps says how much time it gets."""

    name: str
    asked: int | None = None

    def enabled(self, state: State) -> bool:
        """There is such a Pod."""
        return self.name in state.pods

    def apply(self, state: State) -> State:
        """Begin the deletion, bring it forward, or let it go on as before."""
        return ending(state, self.name, self.asked)


@frozen
class Evict:
    """Someone asks for a Pod to go, if that is all right with its budget."""

    name: str

    def enabled(self, state: State) -> bool:
        """Only if it is no loss, or the budget has been counted and has one to spare."""
        if self.name not in state.pods:
            return False
        pod, budget = state.pods[self.name], state.budget
        return (
            budget is None or no_loss(pod) or unready_goes_free(pod, budget) or (budget.current and budget.allowed > 0)
        )

    def apply(self, state: State) -> State:
        """Let the budget pay for it, mark the Pod, and begin its deletion."""
        pod, budget = state.pods[self.name], state.budget
        if budget is not None and not no_loss(pod) and not unready_goes_free(pod, budget):
            noted = tuple(sorted({*budget.disrupted, self.name}))
            state = evolve(state, budget=evolve(budget, allowed=budget.allowed - 1, disrupted=noted))
        return ending(stored(state, self.name, evolve(pod, evicted=True)), self.name, None)


def no_loss(pod: Pod) -> bool:
    """Tell whether a Pod is not running anyway, or is going already."""
    return pod.phase != "Running" or pod.grace is not None


def unready_goes_free(pod: Pod, budget: Budget) -> bool:
    """Tell whether a Pod that serves nobody may go because enough others serve, or because the budget says so."""
    enough = budget.desired > 0 and budget.healthy >= budget.desired
    return not pod.ready and (budget.forgives_unready or enough)


@frozen
class Protect:
    """A client makes the budget."""

    forgives_unready: bool = False

    def enabled(self, state: State) -> bool:
        """There is none yet."""
        return state.budget is None

    def apply(self, state: State) -> State:
        """Nobody has counted yet."""
        return evolve(state, budget=Budget(forgives_unready=self.forgives_unready))


@frozen
class Count:
    """The disruption controller writes down what it has counted."""

    allowed: int
    healthy: int
    desired: int

    def enabled(self, state: State) -> bool:
        """There is a budget."""
        return state.budget is not None

    def apply(self, state: State) -> State:
        """Take the count for one of the budget as it is, with the evictions it knows of in it."""
        forgives = state.budget is not None and state.budget.forgives_unready
        counted = Budget(self.allowed, self.healthy, self.desired, current=True, forgives_unready=forgives)
        return evolve(state, budget=counted)


@frozen
class Amend:
    """A client changes what the budget asks for."""

    def enabled(self, state: State) -> bool:
        """There is a budget."""
        return state.budget is not None

    def apply(self, state: State) -> State:
        """Leave the count as one of a budget that is no more."""
        return evolve(state, budget=evolve(state.budget, current=False) if state.budget else None)


Action = Create | Change | Bind | Report | Delete | Evict | Protect | Count | Amend


def requests(state: State) -> tuple[Action, ...]:
    """Return all that may be asked for in a small world, granted or not, always in this order."""
    seen = range(1, state.versions + 1)
    asked: list[Action] = []
    for name in NAMES:
        asked += [Create(name), Create(name, held=True), Evict(name)]
        asked += [
            Change(name, version, note, release) for version in seen for note in NOTES for release in (False, True)
        ]
        asked += [Bind(name, node) for node in NODES]
        asked += [Report(name, phase, ready) for phase, ready in REPORTS]
        asked += [Delete(name, grace) for grace in GRACES]
    asked += [Protect(), Protect(forgives_unready=True), Amend()]
    return (*asked, *(Count(*counts) for counts in product((0, 1), (0, 1, 2), (0, 1))))


def steps(state: State) -> tuple[Action, ...]:
    """Return what may happen next: the requests that would be granted."""
    return tuple(action for action in requests(state) if action.enabled(state))
