"""What the disruption controller may do: count anew, all at once.

Allowed is what is healthy beyond what must be. Healthy is a Pod that is ready, stays, and was not promised to an
eviction. What must be comes from the budget: a number, or a part of what the controllers want; parts are rounded up,
of the minimum as of the maximum. Leaves out: time, conditions, owners' kinds.
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen
class Pod:
    """What matters of a Pod."""

    ready: bool = False
    leaving: bool = False
    promised: bool = False


@frozen
class Counts:
    """What a budget's status says."""

    allowed: int = 0
    healthy: int = 0
    needed: int = 0
    expected: int = 0


@frozen
class State:
    """Pods, how many their controllers want, the rule (a number, or per cent) and what is written."""

    pods: tuple[Pod, ...]
    wanted: int
    rule: str
    amount: int
    per_cent: bool = False
    written: Counts = Counts()

    @property
    def right(self) -> Counts:
        """Count."""
        by_number = self.rule == "minAvailable" and not self.per_cent
        expected = len(self.pods) if by_number else self.wanted
        amount = -(-self.amount * expected // 100) if self.per_cent else self.amount
        needed = amount if self.rule == "minAvailable" else max(expected - amount, 0)
        healthy = len([pod for pod in self.pods if pod == Pod(ready=True)])
        spare = healthy - needed
        return Counts(spare if spare > 0 and expected > 0 else 0, healthy, needed, expected)


@frozen
class Recount:
    """Write the right counts."""

    def enabled(self, state: State) -> bool:
        """Only if other counts are written, or a promise is kept already."""
        return self.apply(state) != state

    def apply(self, state: State) -> State:
        """Write them all, and forget promises whose Pod is leaving."""
        pods = tuple(evolve(pod, promised=pod.promised and not pod.leaving) for pod in state.pods)
        return evolve(state, written=state.right, pods=pods)


def steps(state: State) -> tuple[Recount, ...]:
    """List what may happen next."""
    return tuple(action for action in (Recount(),) if action.enabled(state))
