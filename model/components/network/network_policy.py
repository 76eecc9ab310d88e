"""What a network plugin may do with the Pods of a NetworkPolicy: wire them up, wall them in, let in what is allowed.

The API promises two things once a plugin has handled a policy, and no more. First: a Pod that is made afterwards is
isolated before its first container starts, and stays so. Second: what the policies allow passes in the end; until then
it may be blocked. Pods that ran before the policy was handled may be open for a while.

Upstream: concepts/services-networking/network-policies, "Pod lifecycle" (v1.32). Leaves out: which packets (a Pod is
open, closed to all, or has its rules), policies that are deleted, Pods that move between policies.
"""

from __future__ import annotations

from enum import Enum
from itertools import combinations

from attrs import evolve, frozen


class Wall(Enum):
    """What stands between a Pod and everybody else."""

    NONE = "open"
    """Everything passes."""
    CLOSED = "closed"
    """Nothing passes."""
    RULED = "has its rules"
    """What the policies allow passes, and nothing else."""


class Stage(Enum):
    """How far a selected Pod is. It goes forward only."""

    ABSENT = "absent"
    CREATED = "created"
    WIRED = "wired"
    """Its sandbox is there and has an address; no container has started."""
    STARTED = "started"
    GONE = "gone"


@frozen
class Pod:
    """A Pod that the policies select. `late`: it was made when they had been handled."""

    stage: Stage = Stage.ABSENT
    wall: Wall = Wall.NONE
    late: bool = False

    @property
    def isolated(self) -> bool:
        """Whether a wall stands."""
        return self.wall is not Wall.NONE


@frozen
class State:
    """The selected Pods, and whether the plugin has handled the policies."""

    pods: tuple[Pod, ...]
    handled: bool = False

    def with_pod(self, number: int, pod: Pod) -> State:
        """Return the state with one Pod changed."""
        return evolve(self, pods=(*self.pods[:number], pod, *self.pods[number + 1 :]))

    @property
    def promised(self) -> bool:
        """Whether the first promise is kept: no late Pod has started without a wall."""
        return all(pod.isolated for pod in self.pods if pod.late and pod.stage is Stage.STARTED)


@frozen
class Handle:
    """The plugin has handled the policies, and with them gives some Pods that run their rules."""

    ruled: tuple[int, ...] = ()

    def enabled(self, state: State) -> bool:
        """Once; only a Pod that runs is given rules, in order."""
        runs = all(state.pods[number].stage is Stage.STARTED for number in self.ruled)
        return not state.handled and runs and list(self.ruled) == sorted(set(self.ruled))

    def apply(self, state: State) -> State:
        """Put the rules up."""
        pods = (evolve(pod, wall=Wall.RULED) if n in self.ruled else pod for n, pod in enumerate(state.pods))
        return State(tuple(pods), handled=True)


@frozen
class Create:
    """Somebody makes a Pod."""

    number: int

    def enabled(self, state: State) -> bool:
        """Each once."""
        return state.pods[self.number].stage is Stage.ABSENT

    def apply(self, state: State) -> State:
        """Note whether the policies had been handled by then."""
        return state.with_pod(self.number, Pod(Stage.CREATED, late=state.handled))


@frozen
class Wire:
    """The plugin gives a Pod its address, and a wall or none."""

    number: int
    wall: Wall

    def enabled(self, state: State) -> bool:
        """Every Pod that was made when the policies had been handled gets a wall."""
        pod = state.pods[self.number]
        return pod.stage is Stage.CREATED and (self.wall is not Wall.NONE or not pod.late)

    def apply(self, state: State) -> State:
        """Wire it up."""
        return state.with_pod(self.number, evolve(state.pods[self.number], stage=Stage.WIRED, wall=self.wall))


@frozen
class Start:
    """The kubelet starts the containers of a Pod."""

    number: int

    def enabled(self, state: State) -> bool:
        """When it is wired up."""
        return state.pods[self.number].stage is Stage.WIRED

    def apply(self, state: State) -> State:
        """Let it run."""
        return state.with_pod(self.number, evolve(state.pods[self.number], stage=Stage.STARTED))


@frozen
class Enforce:
    """The plugin puts up a wall, or gives it its rules."""

    number: int
    wall: Wall

    def enabled(self, state: State) -> bool:
        """Never take a wall down, nor rules away."""
        pod = state.pods[self.number]
        after = {Wall.NONE: {Wall.CLOSED, Wall.RULED}, Wall.CLOSED: {Wall.RULED}, Wall.RULED: set()}
        return pod.stage in {Stage.WIRED, Stage.STARTED} and self.wall in after[pod.wall]

    def apply(self, state: State) -> State:
        """Let it stand."""
        return state.with_pod(self.number, evolve(state.pods[self.number], wall=self.wall))


@frozen
class End:
    """A Pod ends, and its wall with it."""

    number: int

    def enabled(self, state: State) -> bool:
        """Any that is there."""
        return state.pods[self.number].stage in {Stage.CREATED, Stage.WIRED, Stage.STARTED}

    def apply(self, state: State) -> State:
        """Know it no more."""
        return state.with_pod(self.number, evolve(state.pods[self.number], stage=Stage.GONE, wall=Wall.NONE))


Action = Handle | Create | Wire | Start | Enforce | End


def steps(state: State) -> tuple[Action, ...]:
    """List what may happen next."""
    numbers = range(len(state.pods))
    walls = (Wall.NONE, Wall.CLOSED, Wall.RULED)
    found: tuple[Action, ...] = (
        *(Handle(some) for size in range(len(numbers) + 1) for some in combinations(numbers, size)),
        *(Create(number) for number in numbers),
        *(Wire(number, wall) for number in numbers for wall in walls),
        *(Start(number) for number in numbers),
        *(Enforce(number, wall) for number in numbers for wall in walls[1:]),
        *(End(number) for number in numbers),
    )
    return tuple(action for action in found if action.enabled(state))
