"""The compiled loops over the set of visited states: hashing, looking up, putting in, growing.

A table is one 64-bit entry per place, walked on from where a hash belongs until an empty place. Exact: the number of a
state plus one and 24 bits of its hash; the words of the state decide. As fingerprints: the fingerprint.

`probe` only reads table and store; `insert` is the only loop that writes a table in use. Entries are never taken out
and never moved inside a table: what `probe` found stays found, and where it met an empty place, whoever put something
in since did so there or further on. So `insert` may go on from that place, however long after.
"""

from __future__ import annotations

import numpy as np

from .compiled import Halves, Ints, Longs, Shorts, Words, compiled

_FACTOR = np.uint64(0xFF51AFD7ED558CCD)
_SEED = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_TAG_BITS = np.uint64(24)
_TAG = np.uint64((1 << 24) - 1)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
BLOCK = 256
"""So many states are hashed, then touched in the table, then put in: the misses of a block overlap."""


@compiled
def hash_words(rows: Words, row: int) -> np.uint64:
    """Return 64 bits of a packed row."""
    value = _SEED
    for at in range(rows.shape[1]):
        value = (value ^ rows[row, at]) * _FACTOR
        value ^= value >> _HALF
    return value


@compiled
def fingerprint(rows: Words, row: int, word: Longs, shift: Words, mask: Words, random: Words) -> np.uint64:
    """Return the exclusive or of one random number per (slot, id); whatever the layout of the words."""
    value = _ZERO
    for slot in range(word.shape[0]):
        value ^= random[slot, np.int64((rows[row, word[slot]] >> shift[slot]) & mask[slot])]
    return value if value else _ONE  # noqa: FURB110 - the two must be of one type


@compiled
def place_of(value: np.uint64, size: int) -> int:
    """Return where a hash belongs in a table: its upper half, scaled."""
    return int(np.int64(((value >> _HALF) * np.uint64(size)) >> _HALF))


@compiled
def put(table: Words, at: int, entry: np.uint64) -> None:
    """Write an entry into the first empty place from `at` on."""
    while table[at]:
        at = at + 1 if at + 1 < table.shape[0] else 0
    table[at] = entry


@compiled
def rehash(table: Words, store: Words) -> np.uint64:
    """Put every state of the store into an empty table. What is given means nothing (it makes the touches matter)."""
    hashes = np.empty(BLOCK, dtype=np.uint64)
    size = table.shape[0]
    touched = _ZERO
    for first in range(0, store.shape[0], BLOCK):
        last = min(first + hashes.shape[0], store.shape[0])
        for i in range(first, last):
            hashes[i - first] = hash_words(store, i)
        for i in range(first, last):
            touched ^= table[place_of(hashes[i - first], size)]
        for i in range(first, last):
            value = hashes[i - first]
            put(table, place_of(value, size), (np.uint64(i + 1) << _TAG_BITS) | (value & _TAG))
    return touched


@compiled
def rehash_part(table: Words, store: Words, begin: int, end: int, left: Longs) -> int:
    """Put the states that belong into a part of an empty table there, and nothing beyond its end.

    What finds no place goes into `left`; given is how many, or -1: they are too many. Several threads may fill several
    parts of one table: each reads and writes its own alone.
    """
    size = table.shape[0]
    count = 0
    hashes = np.empty(BLOCK, dtype=np.uint64)
    touched = _ZERO
    for first in range(0, store.shape[0], BLOCK):
        last = min(first + BLOCK, store.shape[0])
        for i in range(first, last):
            hashes[i - first] = hash_words(store, i)
        for i in range(first, last):
            at = place_of(hashes[i - first], size)
            if begin <= at < end:
                touched ^= table[at]
        for i in range(first, last):
            at = place_of(hashes[i - first], size)
            if not begin <= at < end:
                continue
            while at < end and table[at]:
                at += 1
            if at < end:
                table[at] = (np.uint64(i + 1) << _TAG_BITS) | (hashes[i - first] & _TAG)
            elif count == left.shape[0]:
                return -1
            else:
                left[count] = i
                count += 1
    return count if touched | _ONE else 0


@compiled
def rehash_left(table: Words, store: Words, left: Longs, count: int) -> None:
    """Put what `rehash_part` left over wherever there is room."""
    for number in range(count):
        i = left[number]
        value = hash_words(store, i)
        put(table, place_of(value, table.shape[0]), (np.uint64(i + 1) << _TAG_BITS) | (value & _TAG))


@compiled
def refill(table: Words, old: Words) -> None:
    """Put every fingerprint of an old table into an empty one."""
    for i in range(old.shape[0]):
        if old[i]:
            put(table, place_of(old[i], table.shape[0]), old[i])


@compiled
def same_row(store: Words, known: int, new: Words, rows: Words, row: int, index: int) -> bool:
    """Tell whether a row is the state of that index, be it in the store or just found."""
    for at in range(rows.shape[1]):
        there = store[index, at] if index < known else new[index - known, at]
        if there != rows[row, at]:
            return False
    return True


@compiled
def find(
    table: Words,
    at: int,
    store: Words,
    known: int,
    new: Words,
    rows: Words,
    row: int,
    value: np.uint64,
    exact: bool,  # noqa: FBT001
) -> int:
    """Walk on from a place: the index of a row, or -1 - place for one that is new, with the empty place met."""
    size = table.shape[0]
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


@compiled
def probe(table: Words, store: Words, rows: Words, count: int, hashes: Words, targets: Longs, fresh: Ints) -> int:
    """Look rows up, in loops of independent loads; reads only what `insert` alone writes.

    `targets` get the numbers of known states, or -1 - the empty place met; `fresh` the rows not known, in order, and
    what is given is how many.
    """
    size = table.shape[0]
    for c in range(count):
        hashes[c] = hash_words(rows, c)
    for c in range(count):
        targets[c] = np.int64(table[place_of(hashes[c], size)])
    for c in range(count):
        tag = hashes[c] & _TAG
        entry = np.uint64(targets[c])
        if entry and (entry & _TAG) == tag:
            targets[c] = np.int64(entry >> _TAG_BITS) - 1
            continue
        at = place_of(hashes[c], size)
        while entry and (entry & _TAG) != tag:
            at = at + 1 if at + 1 < size else 0
            entry = table[at]
        targets[c] = np.int64(entry >> _TAG_BITS) - 1 if entry else -1 - at
    found = 0
    for c in range(count):
        index = targets[c]
        if index >= 0:
            same = True
            for at in range(rows.shape[1]):
                same = same and store[index, at] == rows[c, at]
            if same:
                continue
            index = find(table, place_of(hashes[c], size), store, store.shape[0], store, rows, c, hashes[c], exact=True)
            targets[c] = index
        if index < 0:
            fresh[found] = c
            found += 1
    return found


@compiled
def probe_fingerprints(
    table: Words,
    rows: Words,
    count: int,
    layout: tuple[Longs, Words, Words],
    random: Words,
    hashes: Words,
    targets: Longs,
    fresh: Ints,
) -> int:
    """Look rows up by their fingerprints, as `probe` does; the number of every known state is 0."""
    word, shift, mask = layout
    size = table.shape[0]
    for c in range(count):
        hashes[c] = fingerprint(rows, c, word, shift, mask, random)
    found = 0
    for c in range(count):
        at = place_of(hashes[c], size)
        while table[at] and table[at] != hashes[c]:
            at = at + 1 if at + 1 < size else 0
        targets[c] = 0 if table[at] else -1 - at
        if not table[at]:
            fresh[found] = c
            found += 1
    return found


@compiled
def pair_up(
    rows: Words,
    hashes: Words,
    fresh: Ints,
    count: int,
    seen: Ints,
    twins: Ints,
    exact: bool,  # noqa: FBT001
) -> int:
    """Leave only the first of equal rows among the `fresh` ones; give how many stay.

    `twins[c]` is the first row that is like row c, itself for those that stay. `seen`: room, a power of two, at least
    twice as many as are fresh.
    """
    seen[:] = -1
    mask = seen.shape[0] - 1
    kept = 0
    for number in range(count):
        c = fresh[number]
        at = int(np.int64(hashes[c] >> _HALF)) & mask
        while True:
            other = seen[at]
            if other < 0:
                seen[at] = c
                twins[c] = c
                fresh[kept] = c
                kept += 1
                break
            if hashes[other] == hashes[c]:
                same = True
                if exact:
                    for word in range(rows.shape[1]):
                        same = same and rows[other, word] == rows[c, word]
                if same:
                    twins[c] = other
                    break
            at = (at + 1) & mask
    return kept


@compiled
def settle_twins(targets: Longs, twins: Ints, made: int) -> None:
    """Let every row that `pair_up` set aside lead where the one like it does."""
    for c in range(made):
        if targets[c] < 0:
            targets[c] = targets[twins[c]]


@compiled
def describe(
    origin: Ints,
    new: int,
    head: int,
    sources: Ints,
    chosen: Longs,
    actions: Longs,
    ordinals: Longs,
    reached: tuple[Halves, Shorts, Shorts],
    counts: Longs,
) -> None:
    """Write down how each new state was reached (parent, action, ordinal), and count them by action."""
    parent, action, ordinal = reached
    for n in range(new):
        c = origin[n]
        effect = chosen[c]
        parent[n] = np.uint32(head + sources[c])
        action[n] = np.uint16(actions[effect])
        ordinal[n] = np.uint16(ordinals[effect])
        counts[actions[effect]] += 1


@compiled
def insert(
    table: Words,
    store: Words,
    known: int,
    limit: int,
    rows: Words,
    made: int,
    hashes: Words,
    targets: Longs,
    fresh: tuple[Ints, int],
    anew: bool,  # noqa: FBT001
    exact: bool,  # noqa: FBT001
    new: Words,
    origin: Ints,
) -> tuple[int, int]:
    """Return new states their numbers, in the order in which they are found; `targets` get those of where steps end.

    `known` states are there already; `fresh` are the steps (and how many) that `probe` knew no state for. `anew`: the
    table is another one since. Gives the number of steps gone through (fewer than `made` where a new state would be one
    above the limit) and of new states; `origin` holds the step that found each.
    """
    total = known
    which, count = fresh
    for number in range(count):
        c = which[number]
        value = hashes[c]
        at = place_of(value, table.shape[0]) if anew else -1 - targets[c]
        target = find(table, at, store, known, new, rows, c, value, exact)
        if target < 0:
            if total >= limit:
                return c, total - known
            table[-1 - target] = ((np.uint64(total + 1) << _TAG_BITS) | (value & _TAG)) if exact else value
            for at in range(rows.shape[1]):
                new[total - known, at] = rows[c, at]
            origin[total - known] = c
            target = total
            total += 1
        targets[c] = target
    return made, total - known


@compiled
def tally(sources: Ints, chosen: Longs, actions: Longs, made: int, gone: int, counts: Longs) -> None:
    """Add to `counts` (enabled, taken per action) what was gone through.

    An action whose steps from a state were not all gone through does not count as enabled there.
    """
    source, before = -1, -1
    for c in range(gone):
        action = actions[chosen[c]]
        if action != before or sources[c] != source:
            counts[0, action] += 1
        source, before = sources[c], action
        counts[1, action] += 1
    if gone < made and sources[gone] == source and actions[chosen[gone]] == before:
        counts[0, before] -= 1
