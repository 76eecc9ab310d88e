"""The persistent sorted map does what a sorted dict does, and a change leaves the map before it as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.impl.etcd.sorted_map import SortedMap, _Branch

KEYS = st.integers(0, 400).map(lambda number: f"{number:03}".encode())
CHANGES = st.lists(st.tuples(st.booleans(), KEYS), max_size=600)


@given(changes=CHANGES, start=KEYS, end=st.none() | KEYS)
def test_it_does_what_a_dict_does(changes: list[tuple[bool, bytes]], start: bytes, end: bytes | None) -> None:
    plain: dict[bytes, int] = {}
    made: SortedMap[int] = SortedMap()
    for number, (sets, key) in enumerate(changes):
        before, kept = made, dict(plain)
        if sets:
            made, plain[key] = made.set(key, number), number
        elif key in plain:
            made = made.delete(key)
            del plain[key]
        else:
            with pytest.raises(KeyError):
                made.delete(key)
        assert len(before) == len(kept)
        if number % 50 == 0:
            assert before == kept
    assert list(made.items()) == sorted(plain.items())
    assert list(made.between(start, end)) == [
        (key, plain[key]) for key in sorted(plain) if key >= start and (end is None or key < end)
    ]


def test_equal_maps_are_equal_however_they_came_about() -> None:
    many = [(f"{number:05}".encode(), number) for number in range(20_000)]
    up, down = SortedMap.of(many), SortedMap.of(reversed(many))
    assert isinstance(up._root, _Branch)
    assert isinstance(up._root.children[0], _Branch)
    assert (up, hash(up)) == (down, hash(down))
    assert up != down.set(b"00007", 8)
    assert up.get(b"7") is None
    for key, _ in many:
        down = down.delete(key)
    assert down == SortedMap() == {}
