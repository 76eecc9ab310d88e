"""Every function of a machine and of its properties behind its decision tree, and which of them a change can affect.

They are numbered: first the actions in their order, then what observes states. A state's knowledge is one leaf per
number; it is handed on from parent to child, and only the leaves whose path meets a written slot are looked up again.
Actions that wait for quiet are left out of that: they are asked where it is quiet, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from attrs import frozen

from ...machine import Action, StepProperty
from ..book import Book, observers
from ..engine import Costs
from ..guard import peak_memory
from ..layout import Effect, Layout, widest
from ..semantics import UrgentError, checked
from ..symmetry.orbits import Folding
from .tree import RECHECK, Images, Node, Reader, Tree, everything

Leaves = list[Node]


class Functions:
    """The trees of one search."""

    def __init__(self, book: Book, layout: Layout, *, memo: bool) -> None:
        self.layout = layout
        self.memo = memo
        self._images: Images = {}
        actions = book.machine.actions
        urgent = [book.urgent and action.urgent for action in actions]
        self.observers = observers(book.properties)
        self.first_observer = len(actions)
        self.trees = [
            *(
                self._tree(action.name, _compiled(layout, action, alone))
                for action, alone in zip(actions, urgent, strict=True)
            ),
            *(self._tree(observer.name, observer.call) for observer in self.observers),
        ]
        self.ordinary = [n for n, action in enumerate(actions) if not urgent[n] and not action.when_quiet]
        self.quiet = [n for n, action in enumerate(actions) if action.when_quiet]
        self.urgent = [n for n, is_urgent in enumerate(urgent) if is_urgent]
        for n in self.urgent:
            self.trees[n].touches = _written
        claims = [(n, claim) for n, claim in enumerate(book.properties) if isinstance(claim, StepProperty)]
        self.watched = [
            tuple((n, claim) for n, claim in claims if claim.actions is None or claim.actions(action.name))
            for action in actions
        ]
        """Per action, the step properties that watch it, with their numbers."""
        self._step_trees: dict[tuple[int, str], Tree] = {}
        self._affected: dict[int, tuple[int, ...]] = {}
        self._set_off: dict[int, tuple[int, ...]] = {}
        self.looks = [0] * len(self.trees)
        """How often each function's answer was wanted."""
        self._looks = 0
        self._rechecks = 0

    def _tree(self, name: str, call: Callable[..., Any], rows: int = 1) -> Tree:
        layout = self.layout
        return Tree(name, call, layout.places, layout.tables * rows, rows, memo=self.memo, images=self._images)

    def nothing_known(self) -> Leaves:
        """Return the leaves of a state nothing is known of."""
        return [everything() for _ in self.trees]

    def look(self, n: int, ids: Sequence[int]) -> Node:
        """Return the leaf of one function; when it reads a slot it never read, what a change affects is found anew."""
        self.looks[n] += 1
        tree = self.trees[n]
        reads = tree.reads
        leaf = tree.look(ids)
        if reads != tree.reads:
            self._affected.clear()
            self._set_off.clear()
        return leaf

    def refresh(self, leaves: Leaves, ids: Sequence[int], changed: int) -> list[int]:
        """Look again at what the change affects; give the observers among it. A change of -1 is one of everything."""
        candidates = self._affected.get(changed)
        if candidates is None:
            known = (n for n, tree in enumerate(self.trees) if tree.reads & changed or changed == -1)
            candidates = tuple(n for n in known if n not in self.quiet)
            self._affected[changed] = candidates
        again = [n for n in candidates if leaves[n].mask & changed]
        for n in again:
            leaves[n] = self.look(n, ids)
        self._looks += len(again)
        if self._looks >= RECHECK and again and self.memo:
            self._looks = 0
            self._rechecks += 1
            self.trees[again[self._rechecks % len(again)]].learn(ids)
        first = self.first_observer
        return [n for n in again if n >= first]

    def set_off(self, written: int, leaves: Leaves) -> tuple[int, ...]:
        """Return the urgent actions that may be enabled now that these slots were written."""
        candidates = self._set_off.get(written)
        if candidates is None:
            candidates = tuple(n for n in self.urgent if self.trees[n].reads & written)
            self._set_off[written] = candidates
        return tuple(n for n in candidates if leaves[n].mask & written) if candidates else ()

    def breaches(self, claim: tuple[int, StepProperty], label: str, ids: tuple[int, ...]) -> tuple[str, ...]:
        """Return what a step property says of a step: its label, and the ids before and after it side by side.

        Where it does not hang on the label, none is in the lines: `traces.evidence` says them of the step itself.
        """
        lines: tuple[str, ...] = self.step_tree(*claim, label).look(ids).result
        return lines

    def step_tree(self, number: int, prop: StepProperty, label: str) -> Tree:
        """Return the tree of what a step property says of steps with a label, of two rows side by side."""
        label = prop.told_apart(label)
        tree = self._step_trees.get((number, label))
        if tree is None:
            tree = self._step_trees[number, label] = self._tree(prop.name, checked(prop, label), rows=2)
        return tree

    def costs(self) -> Costs:
        """Say what the functions have cost."""
        actions = zip(self.trees[: self.first_observer], self.looks, strict=False)
        return Costs(
            tuple((tree.leaves, tree.calls, looks) for tree, looks in actions),
            sum(tree.calls for tree in (*self.trees, *self._step_trees.values())),
            widest(self.layout.places, self.layout.tables),
            peak_memory(),
        )


@frozen
class Inherited:
    """What a search has learnt of a machine and its properties, for another search of them to go on with.

    The answers of their functions over the ids of a layout, and where one state of each orbit is kept, what finds it.
    """

    functions: Functions
    folding: Folding | None


def _compiled(layout: Layout, action: Action, alone: object) -> Callable[[Reader], tuple[Effect, ...]]:
    """Return the step of an action with its outcomes as effects; `alone` allows it no choice."""

    def call(view: Reader) -> tuple[Effect, ...]:
        outcomes = tuple(action.step(view))
        if alone and len(outcomes) > 1:
            raise UrgentError(f"urgent {action.name} has {len(outcomes)} outcomes")
        known = {slot: value for (slot, key), (_, value) in view.seen.items() if key is None}
        effects = (layout.effect(n, outcome, action.name, known) for n, outcome in enumerate(outcomes))
        return tuple(effect for effect in effects if effect is not None)

    return call


def _written(effects: tuple[Effect, ...]) -> int:
    """Return the slots that effects write, as a bit set."""
    return reduce(or_, (effect.written for effect in effects), 0)
