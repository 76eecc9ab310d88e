"""Whole runs judged on orbits: only where no cycle of orbits could hide, or forge, a fair run.

A run that breaks `Converges` stays where `when` is true and is, again and again, in a state that is no goal; one that
breaks `LeadsTo` goes on for ever without a goal, or stops without one. The search keeps finitely many orbits, so the
orbits such an infinite run meets again and again lie in one strongly connected component of the graph of orbits, in
which a step that stays inside an orbit is an edge from it to itself. If no component with an edge has a state in
question, there is no such run, fair or not, and HOLDS is sound; runs that stop are found state by state. If there is
one, fairness would have to decide, and fairness is not known of orbits: the caller searches again without symmetry.
"""

from __future__ import annotations

import numpy as np

from ...machine import LeadsTo
from ..book import Book
from ..liveness import Flags, Graph, Spread, components, flags_of


def decides(book: Book, number: int) -> bool:
    """Tell whether a search by orbits says all about a `Converges` or `LeadsTo` property: no cycle comes into question.

    Recoverability is decided in any case.
    """
    if not book.expanded:
        return True
    graph = Graph(book)
    goal, when = flags_of(book, number)
    if isinstance(book.properties[number], LeadsTo):
        spread = Spread(graph, graph.inside(~goal), np.flatnonzero(when & ~goal))
        return not on_cycle(graph, spread.reached).any()
    return not (on_cycle(graph, when) & ~goal).any()


def on_cycle(graph: Graph, work: Flags) -> Flags:
    """Flag the states of a set that lie on a cycle inside it, be it a step that stays in its orbit."""
    edges = graph.inside(work)
    stays = edges & (graph.source == graph.target)
    label = components(graph, edges)
    size = np.bincount(label, minlength=int(label.max()) + 1)
    cyclic: Flags = size[label] > 1
    cyclic[graph.source[stays]] = True
    return cyclic & work
