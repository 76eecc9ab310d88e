"""The decision trees of a search as tables of integers, for the compiled loops to walk.

The trees themselves (`tree`) stay the ones that call Python, find impure functions and hold results; whatever way they
learn is copied here, one path at a time. Numbers of functions are those of `functions`; the trees of step properties,
one per property and label, come after them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...machine import StepProperty
from ..engine import Costs
from ..guard import peak_memory
from ..layout import Effect, Layout, widest
from ..trees.functions import Functions
from ..trees.tree import Node, Tree

WORD = 64


class Column:
    """A numpy array that grows at its end; `data` is the whole of it, the first `size` entries count."""

    def __init__(self, kind: DTypeLike, *shape: int) -> None:
        self.data: NDArray[Any] = np.zeros((16, *shape), dtype=kind)
        self.size = 0

    def append(self, value: Any) -> int:
        """Put one entry at the end; give its number."""
        number = self.size
        if number == len(self.data):
            self._grow(2 * number)
        self.data[number] = value
        self.size = number + 1
        return number

    def extend(self, count: int, fill: int = 0) -> int:
        """Put equal entries at the end; give the number of the first."""
        first, self.size = self.size, self.size + count
        if self.size > len(self.data):
            self._grow(max(self.size, 2 * len(self.data)))
        self.data[first : self.size] = fill
        return first

    def _grow(self, room: int) -> None:
        grown = np.zeros((room, *self.data.shape[1:]), dtype=self.data.dtype)
        grown[: len(self.data)] = self.data
        self.data = grown

    @property
    def used(self) -> NDArray[Any]:
        """Return the entries that count."""
        return self.data[: self.size]


class Spans:
    """Stretches of one long column, looked up by `at` and `width`; a stretch moves when it must grow."""

    def __init__(self, unknown: int) -> None:
        self.cells = Column(np.int32)
        self._unknown = unknown

    def grown(self, base: int, width: int, needed: int) -> tuple[int, int]:
        """Return base and width of a stretch that holds `needed` cells, the old ones copied."""
        if needed <= width:
            return base, width
        wider = max(needed, 2 * width, 2)
        fresh = self.cells.extend(wider, self._unknown)
        self.cells.data[fresh : fresh + width] = self.cells.data[base : base + width]
        return fresh, wider


class Tables:
    """All trees of one search, flattened, with what their leaves say."""

    def __init__(self, functions: Functions, layout: Layout, actions: int) -> None:
        self.functions = functions
        self.layout = layout
        self._actions = actions
        self._width = len(layout.places)
        self.trees: list[Tree] = list(functions.trees)
        self.roots = Column(np.int64)
        self.roots.extend(len(self.trees), -1)
        self.nodes, self.branches = Column(np.int64, 4), Spans(-1)
        self.projections, self.images = Column(np.int64, 2), Spans(-1)
        self._projection: dict[tuple[int, Hashable], int] = {}
        self._imaged: list[set[int]] = []
        """Per projection, the ids of which the tables know to what they transform."""
        self._image_of: list[dict[Any, int]] = []
        self.results: list[Any] = []
        """What each leaf says, by its number."""
        self.truth = Column(np.uint8)
        """Per leaf, whether that is true or, being lines, not empty."""
        self.leaf_ends = Column(np.int64)
        self.leaf_ends.append(0)
        self.effect_action, self.effect_ordinal = Column(np.int64), Column(np.int64)
        self.effect_ends, self.effect_slot, self.effect_id = Column(np.int64), Column(np.int32), Column(np.int32)
        self.effect_ends.append(0)
        self.written = Column(np.uint64, self._mask_words)
        self.watch_ends, self.watchers = Column(np.int64), Column(np.int64)
        self.watch_ends.append(0)
        self.step_claim: list[int] = []
        """Per tree of a step property, the number of the property."""
        self._step_trees: dict[tuple[int, str], int] = {}

    @property
    def _mask_words(self) -> int:
        return -(-self._width // WORD)

    def learn(self, number: int, ids: Sequence[int]) -> int:
        """Ask a function about these ids, copy the way to its answer into the tables, and give the leaf's number."""
        tree = self.trees[number]
        leaf = tree.look(ids)
        node = tree.root
        assert node is not None  # noqa: S101 - it has been looked at
        code = self._code(node, number)
        self.roots.data[number] = code
        while node is not leaf:
            raw = ids[node.slot]
            child = node.kids[raw]
            if child.code is None:
                self._hang(code, self._branch(node, raw), self._code(child, number))
            elif node.projection >= 0 and raw not in self._imaged[node.projection]:
                self._branch(node, raw)  # Its child hangs there already, for another id that transforms alike.
            node, code = child, self._code(child, number)
        return -2 - code

    def reads(self, number: int) -> NDArray[np.uint64]:
        """Return the slots a function ever read as 64-bit masks."""
        return _masks(self.trees[number].reads, self._mask_words)

    def _hang(self, parent: int, branch: int, child: int) -> None:
        row = self.nodes.data[parent]
        base, width = self.branches.grown(int(row[1]), int(row[2]), branch + 1)
        row[1], row[2] = base, width
        self.branches.cells.data[base + branch] = child

    def _code(self, node: Node, number: int) -> int:
        if node.code is None:
            node.code = -2 - self._leaf(node.result, number) if node.slot < 0 else self._inner(node)
        return node.code

    def _inner(self, node: Node) -> int:
        if node.transform is not None:
            key = (node.slot, node.key)
            if key not in self._projection:
                self._projection[key] = self.projections.append((0, 0))
                self._image_of.append({})
                self._imaged.append(set())
            node.projection = self._projection[key]
        return self.nodes.append((node.slot, 0, 0, node.projection))

    def _branch(self, node: Node, raw: int) -> int:
        """Return the branch that an id takes at a node: itself, or the number of what it transforms to."""
        projection = node.projection
        if node.transform is None:
            return raw
        row = self.projections.data[projection]
        base, width = self.images.grown(int(row[0]), int(row[1]), raw + 1)
        row[0], row[1] = base, width
        image = int(self.images.cells.data[base + raw])
        if image < 0:
            value = node.transform(self.layout.tables[node.slot % self._width][raw])
            known = self._image_of[projection]
            image = known.setdefault(value, len(known))
            self.images.cells.data[base + raw] = image
            self._imaged[projection].add(raw)
        return image

    def _leaf(self, result: Any, number: int) -> int:
        self.results.append(result)
        if number < self._actions:
            for effect in result:
                self._effect(number, effect)
        self.leaf_ends.append(self.effect_action.size)
        return self.truth.append(bool(result))

    def _effect(self, number: int, effect: Effect) -> None:
        self.effect_action.append(number)
        self.effect_ordinal.append(effect.ordinal)
        for slot, value in effect.pairs:
            self.effect_slot.append(slot)
            self.effect_id.append(value)
        self.effect_ends.append(self.effect_slot.size)
        self.written.append(_masks(effect.written, self._mask_words))
        for claim, prop in self.functions.watched[number]:
            self.watchers.append(self._step_tree(claim, prop, effect.outcome.label))
        self.watch_ends.append(self.watchers.size)

    def _step_tree(self, claim: int, prop: StepProperty, label: str) -> int:
        label = prop.told_apart(label)
        number = self._step_trees.get((claim, label))
        if number is None:
            number = self._step_trees[claim, label] = self.roots.append(-1)
            self.trees.append(self.functions.step_tree(claim, prop, label))
            self.step_claim.append(claim)
        return number

    def claim_of(self, tree: int) -> int:
        """Return the number of the step property that a tree belongs to."""
        return self.step_claim[tree - len(self.functions.trees)]

    def costs(self) -> Costs:
        """Say what the functions have cost; how often an answer was wanted nobody counts."""
        return Costs(
            tuple((tree.leaves, tree.calls, tree.calls) for tree in self.trees[: self._actions]),
            sum(tree.calls for tree in self.trees),
            widest(self.layout.places, self.layout.tables),
            peak_memory(),
        )


def _masks(bits: int, words: int) -> NDArray[np.uint64]:
    only = (1 << WORD) - 1
    return np.array([bits >> (WORD * at) & only for at in range(words)], dtype=np.uint64)
