"""The compiled loops between states as packed words and columns of ids."""

from __future__ import annotations

import numpy as np

from .compiled import Ints, Longs, Words, compiled

_ZERO = np.uint64(0)


@compiled
def pack(columns: Ints, count: int, word: Longs, shift: Words, rows: Words) -> None:
    """Put columns of ids into words that are all zero."""
    for slot in range(columns.shape[0]):
        at, by = word[slot], shift[slot]
        for i in range(count):
            rows[i, at] |= np.uint64(columns[slot, i]) << by


@compiled
def unpack(store: Words, first: int, count: int, word: Longs, shift: Words, mask: Words, columns: Ints) -> None:
    """Spread states into one column of ids per slot."""
    for slot in range(word.shape[0]):
        at, by, only = word[slot], shift[slot], mask[slot]
        for i in range(count):
            columns[slot, i] = np.int32((store[first + i, at] >> by) & only)


@compiled
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


@compiled
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
