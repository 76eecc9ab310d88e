"""The compiled loops of the partitioned search: what a state must go through to change hands.

Packed rows and the layout of their words are those of `columns.states`, the table of visited states is that of
`columns.visited`. A choice is a step as (action, ordinal), 16 bits each. Left out on purpose: packing messages tighter
than whole words.
"""

from __future__ import annotations

import numpy as np

from ..columns.compiled import Halves, Ints, Longs, Words, compiled
from ..columns.visited import hash_words, place_of

POSITION_BITS = 20
"""A step is known by the number of the state it leaves and its position among that state's steps, in one word."""

_POSITION = np.uint64(POSITION_BITS)
_HALF = np.uint64(32)
_TAG_BITS = np.uint64(24)
_TAG = np.uint64((1 << 24) - 1)
_ZERO = np.uint64(0)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_STIR = np.uint64(0x94D049BB133111EB)
_LATE, _MIDDLE, _EARLY = np.uint64(31), np.uint64(27), np.uint64(30)


@compiled
def fill_random(bases: Longs, ends: Longs, random: Words) -> None:
    """Return every (slot, global id) a number that looks random and is the same in every process."""
    for slot in range(bases.shape[0]):
        for at in range(bases[slot], ends[slot]):
            value = (np.uint64(slot + 1) << _HALF) + np.uint64(at - bases[slot] + 1)
            value *= _STEP
            value = (value ^ (value >> _EARLY)) * _MIX
            value = (value ^ (value >> _MIDDLE)) * _STIR
            random[at] = value ^ (value >> _LATE)
        if ends[slot] > bases[slot]:
            random[bases[slot]] = _ZERO  # So a slot changes no owner when it gets its second value.


@compiled
def translate(
    rows: Words,
    count: int,
    layout: tuple[Longs, Words, Words],
    bases: Longs,
    images: Ints,
    new_layout: tuple[Longs, Words, Words],
    out: Words,
) -> None:
    """Write rows with other ids, `images[bases[slot] + id]`, in the words of another layout."""
    word, shift, mask = layout
    new_word, new_shift, _ = new_layout
    for i in range(count):
        for at in range(out.shape[1]):
            out[i, at] = _ZERO
        for slot in range(word.shape[0]):
            raw = np.int64((rows[i, word[slot]] >> shift[slot]) & mask[slot])
            out[i, new_word[slot]] |= np.uint64(images[bases[slot] + raw]) << new_shift[slot]


@compiled
def find_owners(
    rows: Words, count: int, layout: tuple[Longs, Words, Words], bases: Longs, random: Words, size: int, owners: Ints
) -> None:
    """Say of rows of global ids to whom each belongs: the exclusive or of its random numbers decides."""
    word, shift, mask = layout
    for i in range(count):
        value = _ZERO
        for slot in range(word.shape[0]):
            if mask[slot]:
                raw = np.int64((rows[i, word[slot]] >> shift[slot]) & mask[slot])
                value ^= random[bases[slot] + raw]
        owners[i] = place_of(value, size)


@compiled
def name_steps(
    sources: Ints,
    effects: Longs,
    made: int,
    numbers: Words,
    actions: Longs,
    ordinals: Longs,
    keys: Words,
    choices: Halves,
    counts: Longs,
) -> int:
    """Write for each step its key (number of its source, position) and its choice (action, ordinal) in one word each.

    `counts` (enabled and taken per action) are added to. Gives the highest position.
    """
    position = highest = 0
    last = -1
    for c in range(made):
        action = actions[effects[c]]
        if c and sources[c] == sources[c - 1]:
            position += 1
        else:
            position, last = 0, -1
        highest = max(highest, position)
        keys[c] = (numbers[sources[c]] << _POSITION) | np.uint64(position)
        choices[c] = np.uint32((action << 16) | ordinals[effects[c]])
        if action != last:
            counts[0, action] += 1
        counts[1, action] += 1
        last = action
    return highest


@compiled
def deal(
    rows: Words, keys: Words, choices: Halves, owners: Ints, places: Longs, to: tuple[Words, Words, Halves]
) -> None:
    """Sort steps by owner, each owner's in the order found; `places` says where each owner's begin."""
    to_rows, to_keys, to_choices = to
    for c in range(owners.shape[0]):
        at = places[owners[c]]
        places[owners[c]] += 1
        for word in range(rows.shape[1]):
            to_rows[at, word] = rows[c, word]
        to_keys[at] = keys[c]
        to_choices[at] = choices[c]


@compiled
def keep_least(targets: Longs, keys: Words, choices: Halves, first: int, best: Words, best_choices: Halves) -> None:
    """Remember of each state from `first` on the step with the least key that leads to it."""
    for c in range(targets.shape[0]):
        at = targets[c] - first
        if at >= 0 and keys[c] < best[at]:
            best[at] = keys[c]
            best_choices[at] = choices[c]


@compiled
def locate(table: Words, store: Words, first: int, places: Longs) -> bool:
    """Find the entry of each state from `first` on in the table; tell whether all are there, as they must be."""
    size = table.shape[0]
    for i in range(places.shape[0]):
        at = place_of(hash_words(store, first + i), size)
        wanted = np.uint64(first + i + 1)
        while table[at] >> _TAG_BITS != wanted:
            if not table[at]:
                return False
            at = at + 1 if at + 1 < size else 0
        places[i] = at
    return True


@compiled
def reorder(table: Words, store: Words, first: int, places: Longs, order: Longs, out: Words) -> None:
    """Return the states from `first` on new numbers: `order[j]` becomes the j-th of them."""
    for j in range(order.shape[0]):
        old = order[j]
        for word in range(store.shape[1]):
            out[j, word] = store[first + old, word]
        table[places[old]] = (np.uint64(first + j + 1) << _TAG_BITS) | (table[places[old]] & _TAG)
