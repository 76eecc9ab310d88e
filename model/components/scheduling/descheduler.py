"""What the descheduler may do: ask, in one look, that Pods leave which would better be elsewhere.

Whom a node repels it asks to leave, all at once. Of one maker's Pods it lets no node keep more than its share; who
stays is its choice. It asks nobody whom nobody would make again, and, where it is to (`fits`), nobody who has no other
place.
Leaves out: topology spread constraints, priorities, volumes, whether a budget refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from attrs import evolve, frozen


@frozen
class Node:
    """A node that is ready: whether it takes new Pods, and for how many it has room."""

    name: str
    open: bool = True
    room: int = 0


@frozen
class Pod:
    """A Pod with a node: whose it is ("": nobody's), whether it may be asked, where it may be at all."""

    name: str
    maker: str
    node: str
    movable: bool = True
    repelled: bool = False
    """Its node would not take it any more."""
    may: frozenset[str] = frozenset()
    """The nodes that would take it, room and cordons apart."""
    leaving: bool = False


@frozen
class State:
    """The nodes that are ready, the Pods, and what is asked for: which strategies, and that who leaves has a place."""

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]
    taints: bool = False
    duplicates: bool = False
    fits: bool = False

    @property
    def asked(self) -> tuple[Pod, ...]:
        """Who may be asked to leave."""
        return tuple(pod for pod in self.pods if pod.movable and not pod.leaving and self._has_a_place(pod))

    def _has_a_place(self, pod: Pod) -> bool:
        return not self.fits or any(self._takes(node, pod) for node in self.nodes if node.name != pod.node)

    def _takes(self, node: Node, pod: Pod) -> bool:
        there = sum(other.node == node.name for other in self.pods)
        return node.open and node.name in pod.may and there < node.room


@frozen
class Look:
    """One look at the cluster, and who is asked to leave."""

    leave: frozenset[str]

    def enabled(self, state: State) -> bool:
        """Just these are whom some strategy asks for."""
        return bool(self.leave) and self.leave in {*repelled(state), *too_many(state)}

    def apply(self, state: State) -> State:
        """They are on their way out."""
        pods = tuple(evolve(pod, leaving=pod.leaving or pod.name in self.leave) for pod in state.pods)
        return evolve(state, pods=pods)


def repelled(state: State) -> Iterator[frozenset[str]]:
    """Yield those whom their nodes repel."""
    ready = {node.name for node in state.nodes}
    if state.taints:
        yield frozenset(pod.name for pod in state.asked if pod.repelled and pod.node in ready)


def too_many(state: State) -> Iterator[frozenset[str]]:
    """Yield every choice of those who are more than the share of their node."""
    if not state.duplicates:
        return
    ready = {node.name for node in state.nodes}
    choices: list[list[frozenset[str]]] = []
    for maker in sorted({pod.maker for pod in state.asked}):
        mine = [pod for pod in state.asked if pod.maker == maker and pod.node in ready]
        places = frozenset().union(*(pod.may for pod in mine)) & ready
        here = {node: [pod.name for pod in mine if pod.node == node] for node in sorted(ready)}
        if len(places) < 2 or not any(len(names) > 1 for names in here.values()):
            continue
        share = -(-len(mine) // len(places))
        choices += [
            [frozenset(some) for some in combinations(names, len(names) - share)]
            for names in here.values()
            if len(names) > share
        ]
    yield from (frozenset().union(*some) for some in product(*choices) if some)


def steps(state: State) -> tuple[Look, ...]:
    """List the looks there may be."""
    found = dict.fromkeys((*repelled(state), *too_many(state)))
    return tuple(look for leave in found if (look := Look(leave)).enabled(state))
