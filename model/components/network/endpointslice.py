"""What the EndpointSlice controller may do: correct what is published of a Pod, for any Pods in any order.

For each Pod there is one right entry: none while it has no address or is finished, else whether it is ready (never
while it is terminating, unless the Service publishes all), whether it serves, and whether it is terminating. A write
corrects some wrong entries and touches no right one. Leaves out: ports, slices and how full they are, nodes and zones.
"""

from __future__ import annotations

from itertools import chain, combinations

from attrs import evolve, frozen

Entry = tuple[bool, bool, bool]
"""Ready, serving, terminating."""


@frozen
class Pod:
    """What matters of a Pod."""

    name: str
    address: bool = False
    ready: bool = False
    terminating: bool = False
    finished: bool = False


@frozen
class State:
    """The Pods a Service selects, what is published of each (by name), and whether it publishes unready ones."""

    pods: tuple[Pod, ...]
    published: tuple[tuple[str, Entry], ...] = ()
    publish_all: bool = False

    @property
    def right(self) -> dict[str, Entry]:
        """Return what ought to be published."""
        return {
            pod.name: (self.publish_all or (pod.ready and not pod.terminating), pod.ready, pod.terminating)
            for pod in self.pods
            if pod.address and not pod.finished
        }

    @property
    def wrong(self) -> tuple[str, ...]:
        """Name the Pods whose entry is missing, outdated or too much."""
        now, right = dict(self.published), self.right
        return tuple(sorted(name for name in {*now, *right} if now.get(name) != right.get(name)))


@frozen
class Correct:
    """Write the right entries of some Pods."""

    names: tuple[str, ...]

    def enabled(self, state: State) -> bool:
        """Only what is wrong is written."""
        return bool(self.names) and set(self.names) <= set(state.wrong)

    def apply(self, state: State) -> State:
        """Replace those entries, and leave the others."""
        kept = {name: entry for name, entry in state.published if name not in self.names}
        new = {name: entry for name, entry in state.right.items() if name in self.names}
        return evolve(state, published=tuple(sorted({**kept, **new}.items())))


def steps(state: State) -> tuple[Correct, ...]:
    """List what may happen next: fewer corrections first."""
    wrong = state.wrong
    some = chain.from_iterable(combinations(wrong, count) for count in range(1, len(wrong) + 1))
    return tuple(Correct(names) for names in some)
