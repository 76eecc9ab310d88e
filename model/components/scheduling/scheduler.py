"""What the scheduler may do: give a waiting Pod to any node that has room for it, or give no Pod to any node.

A waiting Pod may be bound to a node that admits it, has room for what it asks, and is in no domain where it would meet
a Pod that it excludes or that excludes it. Which of these nodes, and which Pod first, Kubernetes does not promise:
scores are wishes. A model step is one binding as the scheduler decides it on what it has seen.

The state says in a few small values what Kubernetes says in many fields: labels, taints and cordons have become the set
of nodes that admit a Pod. Left out: required affinity, spreading, host ports, priorities, and that what was seen may be
old (the world's views say that).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen
from immutabledict import immutabledict


@frozen
class Place:
    """A node: how much of each resource it has (a place per Pod is one of them), and its value of each topology key."""

    has: Mapping[str, int]
    domains: Mapping[str, str]


@frozen
class Task:
    """A Pod: what it asks for, the nodes whose labels and taints admit it, whom it cannot be near, and where it is.

    `apart` holds pairs of a topology key and the name of a Pod; `node` is "" while it waits.
    """

    asks: Mapping[str, int]
    admitted: frozenset[str]
    apart: frozenset[tuple[str, str]] = frozenset()
    gated: bool = False
    node: str = ""


@frozen
class State:
    """The nodes and the Pods that count, by name."""

    places: immutabledict[str, Place]
    tasks: immutabledict[str, Task]

    def beside(self, name: str, key: str, node: str) -> frozenset[str]:
        """Return the other Pods that share a node's value of a topology key; nobody is near a node that has none."""
        value = self.places[node].domains.get(key)
        return frozenset(
            other
            for other, task in self.tasks.items()
            if other != name
            and task.node in self.places
            and value is not None
            and self.places[task.node].domains.get(key) == value
        )

    def left(self, node: str, resource: str) -> int:
        """Return what a node has left of a resource; less than nothing if it was given more than it has."""
        given = sum(task.asks.get(resource, 0) for task in self.tasks.values() if task.node == node)
        return self.places[node].has.get(resource, 0) - given


@frozen
class Bind:
    """The scheduler gives a waiting Pod to a node."""

    pod: str
    node: str

    def enabled(self, state: State) -> bool:
        """Hold if it waits, nothing holds it back, the node admits it and has room for it, and nobody near objects."""
        task = state.tasks[self.pod]
        waits = not task.node and not task.gated
        return waits and self.node in task.admitted and self._has_room(state) and not self._meets(state)

    def _has_room(self, state: State) -> bool:
        asks = state.tasks[self.pod].asks
        return all(amount <= state.left(self.node, resource) for resource, amount in asks.items() if amount > 0)

    def _meets(self, state: State) -> bool:
        """Whether a Pod would be near that it excludes, or that excludes it."""
        keys = {key for task in state.tasks.values() for key, _ in task.apart}
        return any(
            (key, other) in state.tasks[self.pod].apart or (key, self.pod) in state.tasks[other].apart
            for key in keys
            for other in state.beside(self.pod, key, self.node)
        )

    def apply(self, state: State) -> State:
        """Write the node into the Pod."""
        bound = evolve(state.tasks[self.pod], node=self.node)
        return evolve(state, tasks=state.tasks.set(self.pod, bound))


def steps(state: State) -> tuple[Bind, ...]:
    """List every binding that may happen, by Pod and then by node."""
    every = (Bind(pod, node) for pod in sorted(state.tasks) for node in sorted(state.places))
    return tuple(action for action in every if action.enabled(state))
