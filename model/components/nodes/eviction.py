"""What a kubelet may do about memory: end one Pod at a time while its node is short of it, and say that it is.

Leaves out: other signals, soft thresholds, time, how a Pod ends.
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen
class Pod:
    """What matters of a Pod that runs: what it uses and asked for, its priority, and whether it ends anyway."""

    name: str
    uses: int
    asked: int = 0
    priority: int = 0
    leaving: bool = False


@frozen
class State:
    """A node: what it has, what it keeps for itself, who runs, and whether it says that it is short."""

    has: int
    keeps: int
    pods: tuple[Pod, ...] = ()
    says: bool = False

    @property
    def short(self) -> bool:
        """Less is left than the node keeps."""
        return self.has - sum(pod.uses for pod in self.pods) < self.keeps


@frozen
class End:
    """End one Pod, so that what it used is free."""

    name: str

    def enabled(self, state: State) -> bool:
        """Only of a node that is short, one who uses something and before whom nobody like that has to go."""
        mine = next((pod for pod in state.pods if pod.name == self.name), None)
        if mine is None or not mine.uses or mine.leaving or not state.short:
            return False
        return not any(_goes_before(other, mine) for other in state.pods if other.uses and not other.leaving)

    def apply(self, state: State) -> State:
        """Let the others run on."""
        return evolve(state, pods=tuple(pod for pod in state.pods if pod.name != self.name))


@frozen
class Say:
    """Say of the node that it is short, or that it no longer is."""

    def enabled(self, state: State) -> bool:
        """Only where something else is said."""
        return state.says is not state.short

    def apply(self, state: State) -> State:
        """Say what is so."""
        return evolve(state, says=state.short)


def _goes_before(one: Pod, other: Pod) -> bool:
    """Tell whether one has to go before another: who uses more than it asked for, then by priority, then by excess."""
    if (one.uses > one.asked) != (other.uses > other.asked):
        return one.uses > one.asked
    if one.priority != other.priority:
        return one.priority < other.priority
    return one.uses - one.asked > other.uses - other.asked


def steps(state: State) -> tuple[End | Say, ...]:
    """List what may happen next."""
    every: tuple[End | Say, ...] = (*(End(pod.name) for pod in state.pods), Say())
    return tuple(action for action in every if action.enabled(state))
