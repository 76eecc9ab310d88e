"""The compiled loops of the column engine: nothing here knows Python objects, only tables of integers.

A decision tree is a table of nodes `(slot, base, width, projection)`: the child of a value `v` is `branches[base + v]`,
where a read through a transform first replaces `v` by its image. A child is a node (0 and up), unknown (-1), or a leaf
(-2 - number). Compiled code is kept on disk beside this file, or in `NUMBA_CACHE_DIR`, and serves every machine of
every size: the first use ever takes some seconds. Without numba this module cannot be imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])

Words = NDArray[np.uint64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]

Trees = tuple[Longs, Longs, Ints, Longs, Ints]
"""Roots, nodes, branches, projections, images."""
Effects = tuple[Longs, Longs, Ints, Ints, Words, Words, Words, Longs]
"""Ends of leaves and of pairs; slots and ids of pairs; per effect what it writes, keeps and puts, and its action."""
Watch = tuple[Longs, Longs, Bytes, Bytes]
"""Ends of each effect's watchers; the trees; per leaf, whether it is a breach; per tree, what is known."""

UNKNOWN = -1
"""No leaf is known: the function must be called."""
KNOWN, TAKEN = 1, 2
"""Of a step property's tree: a breach is known already; a step it watches was taken."""
DONE, ASK, ASK_STEP, FULL, RESTLESS, BROKEN = range(6)
"""How `generate` ends: all done, a function or a step property to be asked, no room, no rest, a step to stop at."""

_FACTOR = np.uint64(0xFF51AFD7ED558CCD)
_SEED = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_TAG_BITS = np.uint64(24)
_TAG = np.uint64((1 << 24) - 1)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


def _compiled(function: F) -> F:
    return cast("F", njit(cache=True, nogil=True)(function))


@_compiled
def unpack(store: Words, first: int, count: int, word: Longs, shift: Words, mask: Words, columns: Ints) -> None:
    """Spread states into one column of ids per slot."""
    for slot in range(word.shape[0]):
        at, by, only = word[slot], shift[slot], mask[slot]
        for i in range(count):
            columns[slot, i] = np.int32((store[first + i, at] >> by) & only)


@_compiled
def repack(
    store: Words,
    word: Longs,
    shift: Words,
    mask: Words,
    new_word: Longs,
    new_shift: Words,
    new: Words,
) -> None:
    """Copy states from one layout of the words into another."""
    for slot in range(word.shape[0]):
        at, by, only, to, up = word[slot], shift[slot], mask[slot], new_word[slot], new_shift[slot]
        for i in range(store.shape[0]):
            new[i, to] |= ((store[i, at] >> by) & only) << up


@_compiled
def pack_effects(
    first: int,
    ends: Longs,
    slots: Ints,
    ids: Ints,
    layout: tuple[Longs, Words, Words],
    words: int,
    keep: Words,
    put: Words,
) -> None:
    """Make of every effect's (slot, id) pairs what to keep of each word and what to put there."""
    word, shift, mask = layout
    for effect in range(first, ends.shape[0] - 1):
        for at in range(words):
            keep[effect, at] = ~_ZERO
            put[effect, at] = _ZERO
        for pair in range(ends[effect], ends[effect + 1]):
            slot = slots[pair]
            keep[effect, word[slot]] &= ~(mask[slot] << shift[slot])
            put[effect, word[slot]] |= np.uint64(ids[pair]) << shift[slot]


@_compiled
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


@_compiled
def look(
    kinds: Longs,
    count: int,
    columns: Ints,
    trees: Trees,
    leaves: Ints,
    missing: Longs,
) -> int:
    """Find the leaf of each function for each state; note (state, kind) where it is unknown, while there is room."""
    roots, nodes, branches, projections, images = trees
    found = 0
    for kind in range(kinds.shape[0]):
        root = roots[kinds[kind]]
        for i in range(count):
            code = descend(root, columns, i, nodes, branches, projections, images)
            leaves[kind, i] = -2 - code
            if code == UNKNOWN:
                missing[found, 0] = i
                missing[found, 1] = kind
                found += 1
                if found == missing.shape[0]:
                    return found
    return found


@_compiled
def apply(rows: Words, row: int, effect: int, keep: Words, put: Words) -> bool:
    """Write an effect into a packed row; tell whether that changed it."""
    changed = False
    for at in range(rows.shape[1]):
        after = (rows[row, at] & keep[effect, at]) | put[effect, at]
        changed = changed or after != rows[row, at]
        rows[row, at] = after
    return changed


@_compiled
def write(pair: Ints, base: int, effect: int, ends: Longs, slots: Ints, ids: Ints) -> None:
    """Write an effect into unpacked ids."""
    for at in range(ends[effect], ends[effect + 1]):
        pair[base + slots[at], 0] = ids[at]


@_compiled
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


@_compiled
def first_waiting(waiting: Bytes) -> int:
    """Give the first marked urgent action and unmark it; -1 if there is none."""
    for urgent in range(waiting.shape[0]):
        if waiting[urgent]:
            waiting[urgent] = 0
            return urgent
    return -1


@_compiled
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


@_compiled
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


@_compiled
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
    leaf_ends, ends, slots, ids, written, keep, put, actions = effects
    watch_ends = watch[0]
    pair, waiting, micro, ask = work
    width = columns.shape[0]
    for i in range(state, count):
        begun = made
        fair[i] = 0
        for place in range(ordinary.shape[0] + quiet.shape[0]):
            if place < ordinary.shape[0]:
                leaf = int(leaves[place, i])
            else:
                if place == ordinary.shape[0] and fair[i]:
                    break
                action = quiet[place - ordinary.shape[0]]
                code = descend(roots[action], columns, i, nodes, branches, projections, images)
                if code == UNKNOWN:
                    ask[0] = action
                    for slot in range(width):
                        pair[slot, 0] = columns[slot, i]
                    return ASK, i, begun
                leaf = -2 - code
            for effect in range(leaf_ends[leaf], leaf_ends[leaf + 1]):
                if made == rows.shape[0]:
                    return FULL, i, begun
                for at in range(rows.shape[1]):
                    rows[made, at] = store[offset + i, at]
                if not apply(rows, made, effect, keep, put):
                    continue
                waiting[:] = 0
                woken = wake(waiting, effect, written, urgent[1])
                steps = 1
                micro[0] = effect
                if woken:
                    for slot in range(width):
                        pair[slot, 0] = columns[slot, i]
                    write(pair, 0, effect, ends, slots, ids)
                    steps = settle(rows, made, pair, waiting, micro, urgent, trees, effects, ask)
                    if steps < 0:
                        return (ASK if steps == -1 else RESTLESS), i, begun
                    same = True
                    for at in range(rows.shape[1]):
                        same = same and rows[made, at] == store[offset + i, at]
                    if same:
                        continue
                watched = False
                for step in range(steps):
                    watched = watched or watch_ends[micro[step]] < watch_ends[micro[step] + 1]
                if watched:
                    for slot in range(width):
                        pair[slot, 0] = columns[slot, i]
                        pair[width + slot, 0] = columns[slot, i]
                    how = check_steps(pair, width, micro, steps, trees, effects, watch, ask)
                    if how != DONE:
                        micro[0] = effect
                        return how, i, (made if how == BROKEN else begun)
                if promised[actions[effect]]:
                    fair[i] = 1
                sources[made] = i
                chosen[made] = effect
                made += 1
    return DONE, count, made


@_compiled
def hash_words(rows: Words, row: int) -> np.uint64:
    """Give 64 bits of a packed row."""
    value = _SEED
    for at in range(rows.shape[1]):
        value = (value ^ rows[row, at]) * _FACTOR
        value ^= value >> _HALF
    return value


@_compiled
def fingerprint(rows: Words, row: int, word: Longs, shift: Words, mask: Words, random: Words) -> np.uint64:
    """Give the exclusive or of one random number per (slot, id); whatever the layout of the words."""
    value = _ZERO
    for slot in range(word.shape[0]):
        value ^= random[slot, np.int64((rows[row, word[slot]] >> shift[slot]) & mask[slot])]
    return value if value else _ONE  # noqa: FURB110 - the two must be of one type


@_compiled
def place_of(value: np.uint64, size: int) -> int:
    """Give where a hash belongs in a table: its upper half, scaled."""
    return int(np.int64(((value >> _HALF) * np.uint64(size)) >> _HALF))


@_compiled
def rehash(table: Words, store: Words) -> None:
    """Put every state of the store into an empty table."""
    size = table.shape[0]
    for i in range(store.shape[0]):
        value = hash_words(store, i)
        at = place_of(value, size)
        while table[at]:
            at = at + 1 if at + 1 < size else 0
        table[at] = (np.uint64(i + 1) << _TAG_BITS) | (value & _TAG)


@_compiled
def refill(table: Words, old: Words) -> None:
    """Put every fingerprint of an old table into an empty one."""
    size = table.shape[0]
    for i in range(old.shape[0]):
        if old[i]:
            at = place_of(old[i], size)
            while table[at]:
                at = at + 1 if at + 1 < size else 0
            table[at] = old[i]


@_compiled
def same_row(store: Words, known: int, new: Words, rows: Words, row: int, index: int) -> bool:
    """Tell whether a row is the state of that index, be it in the store or just found."""
    for at in range(rows.shape[1]):
        there = store[index, at] if index < known else new[index - known, at]
        if there != rows[row, at]:
            return False
    return True


@_compiled
def probe(table: Words, store: Words, rows: Words, count: int, hashes: Words, targets: Longs) -> None:
    """Look each row up once in loops of independent loads; -1 where the first place does not settle it."""
    size = table.shape[0]
    for c in range(count):
        hashes[c] = hash_words(rows, c)
    for c in range(count):
        targets[c] = np.int64(table[place_of(hashes[c], size)])
    for c in range(count):
        entry = np.uint64(targets[c])
        targets[c] = -1
        if entry and (entry & _TAG) == (hashes[c] & _TAG):
            index = int(np.int64(entry >> _TAG_BITS)) - 1
            same = True
            for at in range(rows.shape[1]):
                same = same and store[index, at] == rows[c, at]
            if same:
                targets[c] = index


@_compiled
def probe_fingerprints(
    table: Words,
    rows: Words,
    count: int,
    layout: tuple[Longs, Words, Words],
    random: Words,
    hashes: Words,
    targets: Longs,
) -> None:
    """Look each row's fingerprint up once; 0 where it is known, -1 where the first place does not settle it."""
    word, shift, mask = layout
    for c in range(count):
        hashes[c] = fingerprint(rows, c, word, shift, mask, random)
    for c in range(count):
        targets[c] = 0 if table[place_of(hashes[c], table.shape[0])] == hashes[c] else -1


@_compiled
def find(
    table: Words,
    store: Words,
    known: int,
    new: Words,
    rows: Words,
    row: int,
    value: np.uint64,
    exact: bool,  # noqa: FBT001
) -> int:
    """Give the index of a row; -1 - place for one that is new, with the place in the table that is free for it."""
    size = table.shape[0]
    at = place_of(value, size)
    while table[at]:
        entry = table[at]
        if exact:
            if (entry & _TAG) == (value & _TAG):
                index = int(np.int64(entry >> _TAG_BITS)) - 1
                if same_row(store, known, new, rows, row, index):
                    return index
        elif entry == value:
            return 0
        at = at + 1 if at + 1 < size else 0
    return -1 - at


@_compiled
def insert(
    table: Words,
    store: Words,
    known: int,
    limit: int,
    rows: Words,
    made: int,
    hashes: Words,
    targets: Longs,
    exact: bool,  # noqa: FBT001
    sources: Ints,
    chosen: Longs,
    actions: Longs,
    new: Words,
    origin: Ints,
    counts: Longs,
) -> tuple[int, int]:
    """Give new states their numbers, in the order in which they are found; `targets` get those of where steps end.

    `known` states are there already. `counts` (enabled, taken, new per action) are added to. Gives the number of steps
    gone through (fewer than `made` where a new state would be one above the limit) and of new states; `origin` holds
    the step that found each.
    """
    total = known
    for c in range(made):
        action = actions[chosen[c]]
        first = c == 0 or sources[c - 1] != sources[c] or actions[chosen[c - 1]] != action
        target = targets[c]
        if target < 0:
            target = find(table, store, known, new, rows, c, hashes[c], exact)
            if target < 0:
                if total >= limit:
                    if not first:
                        counts[0, action] -= 1
                    return c, total - known
                value = hashes[c]
                table[-1 - target] = ((np.uint64(total + 1) << _TAG_BITS) | (value & _TAG)) if exact else value
                for at in range(rows.shape[1]):
                    new[total - known, at] = rows[c, at]
                origin[total - known] = c
                counts[2, action] += 1
                target = total
                total += 1
            targets[c] = target
        if first:
            counts[0, action] += 1
        counts[1, action] += 1
    return made, total - known
