"""What the ReplicaSet controller may do: one turn at a time, keep the number and give up what is worth least.

A turn sees the members that live, writes down how many they are and how many of them are ready, and, unless it still
waits to see what it asked for before, makes the missing ones or lets surplus ones go. It is free in whom it lets go,
as long as nobody stays who is worth less. Leaves out: deletion costs, ages, restarts, adoption, failures.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from attrs import evolve, frozen


@frozen(order=True)
class Member:
    """One living Pod, nameless: where it is ("" for nowhere), whether it runs, whether it is ready."""

    node: str = ""
    running: bool = False
    ready: bool = False


@frozen
class State:
    """How many are wanted; the members, sorted; and what was last written down of them: all and ready ones."""

    wanted: int
    members: tuple[Member, ...]
    written: tuple[int, int] = (0, 0)

    def worth(self, member: Member) -> tuple[bool, bool, bool, int]:
        """Rate a member: placed, running, ready; the fewer share its node, the more it is worth."""
        neighbours = [other.node for other in self.members].count(member.node)
        return member.node != "", member.running, member.ready, -neighbours


@frozen
class Turn:
    """See, let some go (by place among the members) or make some, and write down what was seen."""

    gone: tuple[int, ...]
    made: int

    def enabled(self, state: State) -> bool:
        """As many as differ from the wanted number, and nobody stays who is worth less than one who goes."""
        stay = [member for place, member in enumerate(state.members) if place not in self.gone]
        dearest = max((state.worth(state.members[place]) for place in self.gone), default=None)
        return (
            self.made == max(0, state.wanted - len(state.members))
            and len(self.gone) == max(0, len(state.members) - state.wanted)
            and (dearest is None or all(state.worth(member) >= dearest for member in stay))
        )

    def apply(self, state: State) -> State:
        """Change the members; what is written down is how they were before."""
        stay = [member for place, member in enumerate(state.members) if place not in self.gone]
        members = tuple(sorted([*stay, *[Member()] * self.made]))
        return evolve(state, members=members, written=_count(state))


@frozen
class WriteDown:
    """Count, and touch nobody: a turn that waits to see what it asked for."""

    def enabled(self, state: State) -> bool:
        """Whenever what is written is not what is so."""
        return state.written != _count(state)

    def apply(self, state: State) -> State:
        """Write down what is so."""
        return evolve(state, written=_count(state))


Action = Turn | WriteDown


def _count(state: State) -> tuple[int, int]:
    return len(state.members), sum(member.ready for member in state.members)


def steps(state: State) -> tuple[Action, ...]:
    """List what may happen next: turns by who goes, then counting only."""
    surplus = max(0, len(state.members) - state.wanted)
    made = max(0, state.wanted - len(state.members))
    turns: Iterator[Action] = (Turn(gone, made) for gone in combinations(range(len(state.members)), surplus))
    return tuple(action for action in (*turns, WriteDown()) if action.enabled(state))
