"""What the Deployment controller may do to the sizes of its generations of Pods.

A generation is a template's ReplicaSet. The controller may open one for a template that has none; grow the newest while
the total stays within the surge; shrink older ones while enough stays available, or by what is not available anyway;
give everybody a new share after the wanted number changed; and forget old empty ones. It is free in the amounts. What
it sees of availability is what the ReplicaSets last wrote down. Leaves out: conditions, revisions, hashes, deadlines.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from attrs import evolve, frozen


@frozen
class Generation:
    """How many Pods it is asked for, how many it last reported available, and for which wanted number it was sized."""

    size: int
    available: int = 0
    sized_for: int | None = None


@frozen
class State:
    """The wanted number, how far above and below it a rollout may go, and the generations by template."""

    wanted: int
    surge: int
    unavailable: int
    template: str
    generations: tuple[tuple[str, Generation], ...] = ()
    recreate: bool = False

    @property
    def sizes(self) -> dict[str, int]:
        """Return the size of each generation."""
        return {template: generation.size for template, generation in self.generations}

    @property
    def total(self) -> int:
        """Return how many Pods all generations are asked for."""
        return sum(self.sizes.values())

    @property
    def old_sizes(self) -> dict[str, int]:
        """Return the sizes of the generations of other templates."""
        return {template: size for template, size in self.sizes.items() if template != self.template}

    def resized(self, sizes: dict[str, int]) -> State:
        """Return generations these sizes, and note for which wanted number."""
        return evolve(
            self,
            generations=tuple(
                (
                    name,
                    evolve(generation, size=sizes[name], sized_for=self.wanted)
                    if name in sizes and sizes[name] != generation.size
                    else generation,
                )
                for name, generation in self.generations
            ),
        )


@frozen
class Open:
    """Make the generation of the template, as large as there is room for."""

    size: int

    def enabled(self, state: State) -> bool:
        """There is none yet; with Recreate all others are empty; and the total stays within the surge."""
        if state.template in state.sizes or (state.recreate and state.total > 0):
            return False
        return 0 <= self.size <= state.wanted and (
            self.size == 0 or state.total + self.size <= state.wanted + state.surge
        )

    def apply(self, state: State) -> State:
        """Add it, the others unchanged."""
        new = (state.template, Generation(self.size, 0, state.wanted))
        return evolve(state, generations=tuple(sorted([*state.generations, new])))


@frozen
class Size:
    """Scale the newest generation."""

    size: int

    def enabled(self, state: State) -> bool:
        """Grow within the surge and not beyond what is wanted, or drop to what is wanted."""
        now = state.sizes.get(state.template)
        if now is None or now == self.size or (state.recreate and sum(state.old_sizes.values()) > 0):
            return False
        if self.size < now:
            return self.size == state.wanted
        return self.size <= state.wanted and state.total - now + self.size <= state.wanted + state.surge

    def apply(self, state: State) -> State:
        """Write it."""
        return state.resized({state.template: self.size})


@frozen
class Shrink:
    """Take Pods from older generations."""

    sizes: tuple[tuple[str, int], ...]

    def enabled(self, state: State) -> bool:
        """None grows, some shrink; what is taken is not available, or enough others are; the rest could be enough."""
        old, new = state.old_sizes, dict(self.sizes)
        if set(old) != set(new) or old == new or any(new[name] > old[name] for name in old):
            return False
        if state.recreate:
            return not any(new.values())
        by_name = dict(state.generations)
        lost = {name: max(0, min(by_name[name].available, old[name]) - new[name]) for name in old}
        kept = {name: by_name[name].available - lost[name] for name in old}
        newest = by_name.get(state.template, Generation(0))
        least = state.wanted - state.unavailable - newest.available
        could = sum(max(kept[name], new[name]) for name in old)
        return could >= least and (not any(lost.values()) or sum(kept.values()) >= least)

    def apply(self, state: State) -> State:
        """Write the sizes."""
        return state.resized(dict(self.sizes))


@frozen
class Share:
    """Scale the generations that have Pods to their part of a new wanted number."""

    sizes: tuple[tuple[str, int], ...]

    def enabled(self, state: State) -> bool:
        """Only if one was sized for another number; all grow or all shrink, to no more than the new bound."""
        if all(
            generation.size == 0 or generation.sized_for in {None, state.wanted} for _, generation in state.generations
        ):
            return False
        before, after = state.sizes, dict(self.sizes)
        more = [after[name] >= before[name] for name in before]
        less = [after[name] <= before[name] for name in before]
        bound = state.wanted + state.surge if state.wanted else 0
        total = sum(after.values())
        return (all(more) and total <= max(bound, state.wanted)) or (all(less) and total <= bound)

    def apply(self, state: State) -> State:
        """Write the sizes, and for which number all of them are now meant."""
        resized = state.resized(dict(self.sizes))
        return evolve(
            resized,
            generations=tuple(
                (name, evolve(generation, sized_for=state.wanted) if dict(state.generations)[name].size else generation)
                for name, generation in resized.generations
            ),
        )


Action = Open | Size | Shrink | Share


def steps(state: State) -> tuple[Action, ...]:
    """List what may happen next, in the order of the classes above, smaller sizes first."""
    return tuple(action for action in _candidates(state) if action.enabled(state))


def _candidates(state: State) -> Iterator[Action]:
    most = max(state.wanted + state.surge, state.total, *state.sizes.values(), 0)
    for size in range(most + 1):
        yield Open(size)
    for size in range(most + 1):
        yield Size(size)
    for sizes in _all_sizes(state.old_sizes):
        yield Shrink(sizes)
    for sizes in _all_sizes(dict.fromkeys(state.sizes, most)):
        yield Share(sizes)


def _all_sizes(upto: dict[str, int]) -> Iterator[tuple[tuple[str, int], ...]]:
    names = sorted(upto)
    for sizes in product(*(range(upto[name] + 1) for name in names)):
        yield tuple(zip(names, sizes, strict=True))
