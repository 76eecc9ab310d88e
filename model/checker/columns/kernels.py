"""The compiled loops of the column engine: nothing here knows Python objects, only tables of integers.

A decision tree is a table of nodes `(slot, base, width, projection)`: the child of a value `v` is `branches[base + v]`,
where a read through a transform first replaces `v` by its image. A child is a node (0 and up), unknown (-1), or a leaf
(-2 - number). A tree that reads few values is walked only once per combination of them: a `Plan` keeps its leaves in a
table with one cell per combination. What looks states up is in `visited`.
"""

from __future__ import annotations

import numpy as np

from .compiled import Bytes, Ints, Longs, Words, compiled

Trees = tuple[Longs, Longs, Ints, Longs, Ints]
"""Roots, nodes, branches, projections, images."""
Effects = tuple[Longs, Longs, Ints, Ints, Words, Words, Words, Longs]
"""Ends of leaves and of pairs; slots and ids of pairs; per effect what it writes, keeps and puts, and its action."""
Watch = tuple[Longs, Longs, Bytes, Bytes]
"""Ends of each effect's watchers; the trees; per leaf, whether it is a breach; per tree, what is known."""

Plans = tuple[Longs, Longs, Longs, Words, Ints]
"""Per kind, where its cells begin (-1: walk its tree) and its part of the next two ends; slots, strides; cells."""

UNKNOWN = -1
"""No leaf is known: the function must be called."""
KNOWN, TAKEN = 1, 2
"""Of a step property's tree: a breach is known already; a step it watches was taken."""
DONE, ASK, ASK_STEP, FULL, RESTLESS, BROKEN = range(6)
"""How `generate` ends: all done, a function or a step property to be asked, no room, no rest, a step to stop at."""


@compiled
def descend(code: int, columns: Ints, i: int, nodes: Longs, branches: Ints, projections: Longs, images: Ints) -> int:
    """Walk one tree for one state: a leaf (-2 - number), or -1 where the way is not known."""
    while code >= 0:
        value = int(columns[nodes[code, 0], i])
        table = nodes[code, 3]
        if table >= 0:
            if value >= projections[table, 1]:
                return UNKNOWN
            value = int(images[projections[table, 0] + value])
            if value < 0:
                return UNKNOWN
        if value >= nodes[code, 2]:
            return UNKNOWN
        code = int(branches[nodes[code, 1] + value])
    return code


@compiled
def look(
    kinds: Longs,
    count: int,
    columns: Ints,
    trees: Trees,
    plans: Plans,
    leaves: Ints,
    missing: Longs,
    index: Words,
) -> int:
    """Find the leaf of each function for each state; note (state, kind) where it is unknown, while there is room.

    `index` is room for one number per state.
    """
    roots, nodes, branches, projections, images = trees
    base, ends, slots, strides, cells = plans
    found = 0
    for kind in range(kinds.shape[0]):
        unknown = False
        if base[kind] >= 0:
            index[:count] = np.uint64(base[kind])
            for at in range(ends[kind], ends[kind + 1]):
                slot, stride = slots[at], strides[at]
                for i in range(count):
                    index[i] += np.uint64(columns[slot, i]) * stride
            least = 0
            for i in range(count):
                leaf = cells[index[i]]
                leaves[kind, i] = leaf
                least = min(least, leaf)
            unknown = least < 0
        else:
            root = roots[kinds[kind]]
            for i in range(count):
                code = descend(root, columns, i, nodes, branches, projections, images)
                leaves[kind, i] = -2 - code
                unknown |= code == UNKNOWN
        if unknown:
            for i in range(count):
                if leaves[kind, i] < 0:
                    missing[found, 0] = i
                    missing[found, 1] = kind
                    found += 1
                    if found == missing.shape[0]:
                        return found
    return found


@compiled
def fill(
    missing: Longs,
    order: Longs,
    first: int,
    kinds: Longs,
    columns: Ints,
    trees: Trees,
    plans: Plans,
    leaves: Ints,
) -> int:
    """Walk the trees for what was missing, in an order, from the first on; give the first that no tree knows."""
    roots, nodes, branches, projections, images = trees
    base, ends, slots, strides, cells = plans
    for at in range(first, order.shape[0]):
        i, kind = missing[order[at], 0], missing[order[at], 1]
        code = descend(roots[kinds[kind]], columns, i, nodes, branches, projections, images)
        if code == UNKNOWN:
            return at
        leaves[kind, i] = -2 - code
        if base[kind] >= 0:
            cell = base[kind]
            for part in range(ends[kind], ends[kind + 1]):
                cell += int(columns[slots[part], i]) * int(strides[part])
            cells[cell] = -2 - code
    return int(order.shape[0])


@compiled
def apply(rows: Words, row: int, effect: int, keep: Words, put: Words) -> bool:
    """Write an effect into a packed row; tell whether that changed it."""
    changed = False
    for at in range(rows.shape[1]):
        after = (rows[row, at] & keep[effect, at]) | put[effect, at]
        changed = changed or after != rows[row, at]
        rows[row, at] = after
    return changed


@compiled
def write(pair: Ints, base: int, effect: int, ends: Longs, slots: Ints, ids: Ints) -> None:
    """Write an effect into unpacked ids."""
    for at in range(ends[effect], ends[effect + 1]):
        pair[base + slots[at], 0] = ids[at]


@compiled
def wake(waiting: Bytes, effect: int, written: Words, reads: Words) -> bool:
    """Mark the urgent actions that read what an effect wrote; tell whether any does."""
    woken = False
    for urgent in range(reads.shape[0]):
        for at in range(reads.shape[1]):
            if written[effect, at] & reads[urgent, at]:
                waiting[urgent] = 1
                woken = True
                break
    return woken


@compiled
def first_waiting(waiting: Bytes) -> int:
    """Return the first marked urgent action and unmark it; -1 if there is none."""
    for urgent in range(waiting.shape[0]):
        if waiting[urgent]:
            waiting[urgent] = 0
            return urgent
    return -1


@compiled
def settle(
    rows: Words,
    row: int,
    pair: Ints,
    waiting: Bytes,
    micro: Longs,
    urgent: tuple[Longs, Words],
    trees: Trees,
    effects: Effects,
    ask: Longs,
) -> int:
    """Run urgent actions, the first enabled one each time. Gives the number of steps in `micro`; -1: ask, -2: no rest.

    `pair[0:slots]` holds the unpacked ids and follows; `micro[0]` is the effect that set it off.
    """
    roots, nodes, branches, projections, images = trees
    leaf_ends, ends, slots, ids, written, keep, put, _actions = effects
    numbers, reads = urgent
    steps = 1
    while True:
        which = first_waiting(waiting)
        if which < 0:
            return steps
        code = descend(roots[numbers[which]], pair, 0, nodes, branches, projections, images)
        if code == UNKNOWN:
            ask[0] = numbers[which]
            return -1
        leaf = -2 - code
        for effect in range(leaf_ends[leaf], leaf_ends[leaf + 1]):
            if apply(rows, row, effect, keep, put):
                if steps == micro.shape[0]:
                    ask[0] = numbers[which]
                    return -2
                micro[steps] = effect
                steps += 1
                write(pair, 0, effect, ends, slots, ids)
                wake(waiting, effect, written, reads)
                break


@compiled
def check_steps(
    pair: Ints,
    width: int,
    micro: Longs,
    steps: int,
    trees: Trees,
    effects: Effects,
    watch: Watch,
    ask: Longs,
) -> int:
    """Walk the trees of the step properties for a step and its urgent ones.

    `pair` holds the ids before in both halves. Gives DONE, ASK_STEP (`ask[0]`: the tree), or BROKEN (`ask[0]`: the
    tree, `ask[1]`: its leaf) for the first one that has a breach nobody knows of.
    """
    roots, nodes, branches, projections, images = trees
    _leaf_ends, ends, slots, ids, _written, _keep, _put, _actions = effects
    watch_ends, watchers, breached, known = watch
    for step in range(steps):
        effect = micro[step]
        if step:
            write(pair, 0, micro[step - 1], ends, slots, ids)
        write(pair, width, effect, ends, slots, ids)
        for at in range(watch_ends[effect], watch_ends[effect + 1]):
            tree = watchers[at]
            code = descend(roots[tree], pair, 0, nodes, branches, projections, images)
            ask[0] = tree
            if code == UNKNOWN:
                return ASK_STEP
            known[tree] |= TAKEN
            if breached[-2 - code] and not known[tree] & KNOWN:
                ask[1] = -2 - code
                return BROKEN
    return DONE


@compiled
def follow(
    effect: int,
    columns: Ints,
    i: int,
    rows: Words,
    made: int,
    trees: Trees,
    effects: Effects,
    urgent: tuple[Longs, Words],
    watch: Watch,
    work: tuple[Ints, Bytes, Longs, Longs],
) -> int:
    """Run what a step sets off, and show it to those who watch. Gives DONE, what is in the way, or -1: no step at all.

    The row of the step holds what the effect made of it, and then what the urgent actions made of that.
    """
    pair, waiting, micro, ask = work
    ends, slots, ids, written = effects[1], effects[2], effects[3], effects[4]
    width = columns.shape[0]
    watch_ends = watch[0]
    waiting[:] = 0
    steps = 1
    micro[0] = effect
    if wake(waiting, effect, written, urgent[1]):
        for slot in range(width):
            pair[slot, 0] = columns[slot, i]
        write(pair, 0, effect, ends, slots, ids)
        steps = settle(rows, made, pair, waiting, micro, urgent, trees, effects, ask)
        if steps < 0:
            return ASK if steps == -1 else RESTLESS
        same = True
        for slot in range(width):
            same = same and pair[slot, 0] == columns[slot, i]
        if same:
            return -1
    watched = False
    for step in range(steps):
        watched = watched or watch_ends[micro[step]] < watch_ends[micro[step] + 1]
    if not watched:
        return DONE
    for slot in range(width):
        pair[slot, 0] = columns[slot, i]
        pair[width + slot, 0] = columns[slot, i]
    how = check_steps(pair, width, micro, steps, trees, effects, watch, ask)
    micro[0] = effect
    return how


@compiled
def generate(
    start: tuple[int, int, int],
    store: Words,
    offset: int,
    columns: Ints,
    leaves: Ints,
    who: tuple[Longs, Longs, Bytes],
    urgent: tuple[Longs, Words],
    trees: Trees,
    effects: Effects,
    watch: Watch,
    work: tuple[Ints, Bytes, Longs, Longs],
    rows: Words,
    sources: Ints,
    chosen: Longs,
    fair: Bytes,
) -> tuple[int, int, int]:
    """Write down every step of the states from `start` (state, count of states, steps so far) on.

    Gives how it ended, the state at hand, and the number of steps: those of the states before it, but for BROKEN,
    where the steps before the one at fault count too. `pair` then holds the ids that the function in `ask` looks at.
    """
    state, count, made = start
    ordinary, quiet, promised = who
    roots, nodes, branches, projections, images = trees
    leaf_ends, keep, put = effects[0], effects[5], effects[6]
    pair, ask = work[0], work[3]
    plain = urgent[0].shape[0] == 0 and watch[1].shape[0] == 0
    usual = ordinary.shape[0]
    for i in range(state, count):
        begun = made
        fair[i] = 0
        for place in range(usual + quiet.shape[0]):
            if place < usual:
                action = ordinary[place]
                leaf = int(leaves[place, i])
            else:
                if place == usual and fair[i]:
                    break
                action = quiet[place - usual]
                code = descend(roots[action], columns, i, nodes, branches, projections, images)
                if code == UNKNOWN:
                    ask[0] = action
                    for slot in range(columns.shape[0]):
                        pair[slot, 0] = columns[slot, i]
                    return ASK, i, begun
                leaf = -2 - code
            first, last = leaf_ends[leaf], leaf_ends[leaf + 1]
            if first == last:
                continue
            if made + (last - first) > rows.shape[0]:
                return FULL, i, begun
            earlier = made
            if plain and rows.shape[1] == 1:
                was = store[offset + i, 0]
                for effect in range(first, last):
                    after = (was & keep[effect, 0]) | put[effect, 0]
                    if after != was:
                        rows[made, 0] = after
                        sources[made] = i
                        chosen[made] = effect
                        made += 1
            else:
                for effect in range(first, last):
                    for at in range(rows.shape[1]):
                        rows[made, at] = store[offset + i, at]
                    if not apply(rows, made, effect, keep, put):
                        continue
                    how = DONE if plain else follow(effect, columns, i, rows, made, trees, effects, urgent, watch, work)
                    if how < 0:
                        continue
                    if how != DONE:
                        return how, i, (made if how == BROKEN else begun)
                    sources[made] = i
                    chosen[made] = effect
                    made += 1
            if made > earlier and promised[action]:
                fair[i] = 1
    return DONE, count, made
