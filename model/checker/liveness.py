"""Properties of whole runs, judged on the graph of all steps: livelocks, requests never answered, no way back.

A livelock is a fair cycle through a state that is no goal, found among the strongly connected components.

A cycle inside a component can be made fair if every weak requirement is taken there or disabled in some state of it,
and every strong one taken there or enabled in none. A component that fails a strong requirement is searched again
without the states that enable it (Streett); one that fails a weak one is dropped whole, since its parts fail as well.
Enabled means: in the whole graph. Staying put for ever is fair only where no fair action is enabled: that is "stuck",
found by the search itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ..machine import Fairness
from .book import Book
from .semantics import fairness_of

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int32]
Bits = NDArray[np.uint64]
Choices = tuple[tuple[int, int], ...]
"""Steps, each as (action, ordinal)."""
WORD = 64
FEW = 200_000
"""With no more edges than that components are found by hand: to import what does it faster takes longer."""


@frozen
class Requirements:
    """What fairness asks for: one bit per group of actions, in words of 64.

    `strong` are the bits of groups with strong fairness, `asked` those of all; `of` gives the bit of an action's group
    (none for actions nobody promises anything about), one row of words per action.
    """

    asked: Bits
    strong: Bits
    of: Bits

    @classmethod
    def of_book(cls, book: Book) -> Requirements:
        """Return every group of a machine's actions a bit, one per kind of fairness that is promised to it."""
        groups: dict[tuple[str, Fairness], int] = {}
        fairness = [fairness_of(action, urgent=book.urgent) for action in book.machine.actions]
        for action, promise in zip(book.machine.actions, fairness, strict=True):
            if promise is not Fairness.NONE:
                groups.setdefault((action.group, promise), len(groups))
        width = max(1, -(-len(groups) // WORD))
        strong, asked = np.zeros(width, dtype=np.uint64), np.zeros(width, dtype=np.uint64)
        of = np.zeros((len(fairness), width), dtype=np.uint64)
        for (_, promise), number in groups.items():
            bit = np.uint64(1 << number % WORD)
            asked[number // WORD] |= bit
            strong[number // WORD] |= bit if promise is Fairness.STRONG else np.uint64(0)
        for place, (action, promise) in enumerate(zip(book.machine.actions, fairness, strict=True)):
            if promise is not Fairness.NONE:
                number = groups[action.group, promise]
                of[place, number // WORD] |= np.uint64(1 << number % WORD)
        return cls(asked, strong, of)

    def each(self) -> Iterator[tuple[int, np.uint64, bool]]:
        """Yield word, bit and strength of each group, in their order."""
        for word in range(len(self.asked)):
            for number in range(WORD):
                bit = np.uint64(1 << number)
                if self.asked[word] & bit:
                    yield word, bit, bool(self.strong[word] & bit)


@frozen
class Livelock:
    """A state that is no goal, and the (action, ordinal) of a fair cycle from it back to it."""

    state: int
    cycle: Choices


@frozen
class Unanswered:
    """A state where something is asked for, steps on from it, and then a cycle (none: nothing more need happen)."""

    state: int
    leg: Choices
    cycle: Choices


class Graph:
    """The expanded part of the state graph, as columns of edges."""

    def __init__(self, book: Book) -> None:
        self.size = book.expanded
        ends: NDArray[np.int64] = np.array(book.edges_end, dtype=np.int64)
        counts = ends - np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1]))
        self.source: Numbers = np.repeat(np.arange(self.size, dtype=np.int32), counts)
        self.target: Numbers = np.array(book.edge_to, dtype=np.int32)
        self.whole = not self.target.size or int(self.target.max()) < self.size
        """Whether every step leads to a state that was expanded."""
        self.action: Numbers = np.array(book.edge_action, dtype=np.int32)
        self.ordinal: Numbers = np.array(book.edge_ordinal, dtype=np.int32)
        self.requirements = Requirements.of_book(book)
        self.enabled = self._enabled(counts)
        """Per state, the groups that have a step there."""
        self.stuck: Flags = ~np.any(self.enabled, axis=1)
        """States that enable no fair action: a run may end there."""

    def _enabled(self, counts: NDArray[np.int64]) -> Bits:
        """Gather the groups of the steps of each state; steps of one state stand together."""
        enabled: Bits = np.zeros((self.size, self.requirements.of.shape[1]), dtype=np.uint64)
        leaves = np.flatnonzero(counts)
        if leaves.size:
            begins = (np.cumsum(counts) - counts)[leaves]
            for word in range(enabled.shape[1]):
                enabled[leaves, word] = np.bitwise_or.reduceat(self.requirements.of[:, word][self.action], begins)
        return enabled

    def inside(self, work: Flags) -> Flags:
        """Flag the edges that stay in a set of states."""
        if self.whole and work.all():
            return np.ones(len(self.target), dtype=np.bool_)
        known = self.target < self.size
        target = np.where(known, self.target, 0)
        flags: Flags = work[self.source] & known & work[target]
        return flags


def livelock(book: Book, number: int) -> Livelock | None:
    """Return a fair cycle that breaks a `Converges` property, through the earliest found state that can be on one."""
    if not book.expanded:
        return None
    graph = Graph(book)
    goal, when = flags_of(book, number)
    found = fair_component(graph, when, ~goal)
    return None if found is None else Livelock(found[0], fair_cycle(graph, found[1], found[0]))


def flags_of(book: Book, number: int) -> tuple[Flags, Flags]:
    """Return the goal states of a property, and those where its `when` is true."""
    goal: Flags = np.frombuffer(book.goal[number], dtype=np.bool_)
    when: Flags = np.frombuffer(book.when[number], dtype=np.bool_)
    return goal, when


def fair_component(graph: Graph, work: Flags, bad: Flags) -> tuple[int, Flags] | None:
    """Return the earliest bad state on a fair cycle inside `work`, and the states such a cycle may go through."""
    best: tuple[int, Flags] | None = None
    while (work & bad).any():
        edges = graph.inside(work)
        if (graph.target[edges] > graph.source[edges]).all():
            break  # every edge leads to a later state: no cycle at all
        label = components(graph, edges)
        fair, drop = _judge(graph, work, edges, label)
        hits = np.flatnonzero(fair[label] & work & bad)
        if hits.size and (best is None or hits[0] < best[0]):
            best = int(hits[0]), work & (label == label[hits[0]])
        if not drop.any():
            break
        work = work & ~drop & ~fair[label]
    return best


def unanswered(book: Book, number: int) -> Unanswered | None:
    """Return a run that breaks a `LeadsTo` property: it comes by a state where `when` is true, and by no goal after."""
    if not book.expanded:
        return None
    graph = Graph(book)
    goal, when = flags_of(book, number)
    spread = Spread(graph, graph.inside(~goal), np.flatnonzero(when & ~goal))
    stuck = np.flatnonzero(spread.reached & graph.stuck)
    if stuck.size:
        leg, begin = spread.way(min(stuck.tolist(), key=spread.position))
        return Unanswered(begin, leg, ())
    found = fair_component(graph, spread.reached, spread.reached)
    if found is None:
        return None
    state, members = found
    leg, begin = spread.way(state)
    return Unanswered(begin, leg, fair_cycle(graph, members, state))


def unrecoverable(book: Book, number: int, helps: Callable[[str], bool] | None) -> int | None:
    """Return the earliest state that breaks a `Recoverable` property; what was not searched might help."""
    if not book.expanded:
        return None
    graph = Graph(book)
    goal, when = flags_of(book, number)
    may = np.array([helps is None or helps(action.name) for action in book.machine.actions], dtype=np.bool_)
    usable: Flags = may[graph.action]
    hopeful = goal.copy()
    hopeful[graph.source[usable & (graph.target >= graph.size)]] = True
    back = Spread(graph, usable & (graph.target < graph.size), np.flatnonzero(hopeful), backward=True)
    lost = np.flatnonzero(when & ~back.reached)
    return int(lost[0]) if lost.size else None


class Spread:
    """What can be reached from some states along some edges, each by a shortest way."""

    def __init__(
        self, graph: Graph, edges: Flags, begins: Numbers | NDArray[np.intp], *, backward: bool = False
    ) -> None:
        self.graph = graph
        self.edges = np.flatnonzero(edges)
        source, target = graph.source[self.edges], graph.target[self.edges]
        if backward:
            source, target = target, source
            order = np.argsort(source, kind="stable")
            source, target = source[order], target[order]
        begin = np.searchsorted(source, np.arange(graph.size + 1, dtype=np.int32))
        self.came: Numbers = np.full(graph.size, -1, dtype=np.int32)
        self.came[begins] = graph.size  # Nobody: the way begins here.
        levels = [np.asarray(begins, dtype=np.int32)]
        while levels[-1].size:
            level = levels[-1]
            counts = begin[level + 1] - begin[level]
            leaving = np.repeat(begin[level] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            before, after = np.repeat(level, counts), target[leaving]
            new = np.flatnonzero(self.came[after] < 0)
            first = new[np.sort(np.unique(after[new], return_index=True)[1])]
            self.came[after[first]] = before[first]
            levels.append(after[first])
        self.reached: Flags = self.came >= 0
        self._order = np.concatenate(levels)

    def position(self, state: int) -> int:
        """Return the place of a reached state in the order of reaching."""
        return int(np.flatnonzero(self._order == state)[0])

    def way(self, state: int) -> tuple[Choices, int]:
        """Return the (action, ordinal) of a way to a reached state, and the state it begins in."""
        steps: list[tuple[int, int]] = []
        while (before := int(self.came[state])) != self.graph.size:
            first, last = np.searchsorted(self.graph.source, [before, before + 1])
            edge = first + int(np.flatnonzero(self.graph.target[first:last] == state)[0])
            steps.append((int(self.graph.action[edge]), int(self.graph.ordinal[edge])))
            state = before
        return tuple(reversed(steps)), state


def components(graph: Graph, edges: Flags) -> Numbers:
    """Label each state with its strongly connected component along some edges."""
    kept = np.flatnonzero(edges)
    begins = np.searchsorted(graph.source[kept], np.arange(graph.size + 1, dtype=np.int32)).astype(np.int32)
    if len(kept) <= FEW:
        return _by_hand(begins.tolist(), graph.target[kept].tolist())
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - slow to load
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - likewise

    matrix = csr_matrix((np.ones(len(kept)), graph.target[kept], begins), shape=(graph.size, graph.size))
    matrix.sum_duplicates()  # Two edges between the same states make scipy's search go round for ever.
    _, label = connected_components(matrix, directed=True, connection="strong")
    return np.asarray(label, dtype=np.int32)


def _by_hand(begins: list[int], target: list[int]) -> Numbers:
    """Label strongly connected components (Tarjan 1972), where the edges of state n are those from begins[n] on."""
    size = len(begins) - 1
    label, low, number = [-1] * size, [0] * size, [0] * size
    open_ones: list[int] = []
    met = found = 0
    for root in range(size):
        path = [(root, begins[root])] if not number[root] else []
        while path:
            state, edge = path.pop()
            if not number[state]:
                met += 1
                number[state] = low[state] = met
                open_ones.append(state)
            while edge < begins[state + 1]:
                other = target[edge]
                edge += 1
                if not number[other]:
                    path += [(state, edge), (other, begins[other])]
                    break
                if label[other] < 0:
                    low[state] = min(low[state], number[other])
            else:
                if low[state] == number[state]:
                    while label[state] < 0:
                        label[open_ones.pop()] = found
                    found += 1
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[state])
    return np.array(label, dtype=np.int32)


def _judge(graph: Graph, work: Flags, edges: Flags, label: Numbers) -> tuple[Flags, Flags]:
    """Flag the components that hold a fair cycle, and the states to drop before searching the others again."""
    target = graph.target if graph.whole else np.where(edges, graph.target, 0)
    within = edges & (label[graph.source] == label[target])
    cyclic: Flags = np.zeros(int(label.max()) + 1, dtype=np.bool_)
    cyclic[label[graph.source[within]]] = True
    fails, forlorn = _failing(graph, work & cyclic[label], within, label)
    hopeless = ~cyclic | forlorn
    drop: Flags = work & cyclic[label] & (graph.enabled & fails[label]).any(axis=1) & ~hopeless[label]
    fair = cyclic & ~forlorn & ~fails.any(axis=1)
    return fair, (drop | (hopeless[label] & work)) if drop.any() else drop


def _failing(graph: Graph, states: Flags, within: Flags, label: Numbers) -> tuple[Bits, Flags]:
    """Return, for each component, the strong requirements that it fails, and whether it fails a weak one."""
    asked = graph.requirements
    shape = (int(label.max()) + 1, len(asked.asked))
    taken, met, missed = (np.zeros(shape, dtype=np.uint64) for _ in range(3))
    members, homes = np.flatnonzero(states), label[states]
    edges = np.flatnonzero(within)
    for word in range(shape[1]):
        np.bitwise_or.at(taken[:, word], label[graph.source[edges]], asked.of[:, word][graph.action[edges]])
        np.bitwise_or.at(met[:, word], homes, graph.enabled[members, word])
        np.bitwise_or.at(missed[:, word], homes, ~graph.enabled[members, word])
    never: Bits = ~taken & asked.asked
    fails: Bits = never & asked.strong & met
    forlorn: Flags = np.any(never & ~asked.strong & ~missed, axis=1)
    return fails, forlorn


def fair_cycle(graph: Graph, members: Flags, start: int) -> Choices:
    """Return the (action, ordinal) of a walk from the start through what each requirement asks for, and back."""
    walk = _Walk(graph, members, start)
    for word, bit, strong in graph.requirements.each():
        enables: Flags = (graph.enabled[:, word] & bit) != 0
        if strong and not (enables & members).any():
            continue
        takes: Flags = (graph.requirements.of[:, word] & bit)[graph.action] != 0
        walk.to(takes, np.zeros_like(members) if strong else ~enables)
    walk.home()
    return tuple((int(graph.action[edge]), int(graph.ordinal[edge])) for edge in walk.edges)


class _Walk:
    """A walk inside a component, made of shortest legs."""

    def __init__(self, graph: Graph, members: Flags, start: int) -> None:
        self.target = graph.target
        self.leaving: dict[int, list[int]] = {}
        for edge in np.flatnonzero(graph.inside(members)).tolist():
            self.leaving.setdefault(int(graph.source[edge]), []).append(edge)
        self.start = start
        self.at = start
        self.edges: list[int] = []

    def to(self, takes: Flags, rests: Flags) -> None:
        """Go on to the nearest edge of some, or state of others, unless the walk has had one."""

        def does(edge: int) -> bool:
            return bool(takes[edge] or rests[self.target[edge]])

        if not rests[self.start] and not any(does(edge) for edge in self.edges):
            self._leg(does)

    def home(self) -> None:
        """Go back to the start, by at least one step in all."""
        if self.at != self.start or not self.edges:
            self._leg(lambda edge: int(self.target[edge]) == self.start)

    def _leg(self, does: Callable[[int], bool]) -> None:
        came: dict[int, int | None] = {self.at: None}
        queue = deque([self.at])
        back: dict[int, int] = {}
        while queue:
            state = queue.popleft()
            for edge in self.leaving.get(state, ()):
                if does(edge):
                    self._append(edge, state, came, back)
                    return
                target = int(self.target[edge])
                if target not in came:
                    came[target], back[target] = edge, state
                    queue.append(target)
        raise AssertionError("a strongly connected component lets one come from anywhere to anywhere")

    def _append(self, last: int, state: int, came: dict[int, int | None], back: dict[int, int]) -> None:
        leg = [last]
        while (edge := came[state]) is not None:
            leg.append(edge)
            state = back[state]
        self.edges.extend(reversed(leg))
        self.at = int(self.target[last])
