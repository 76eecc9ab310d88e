"""A file is the old one or the whole new one, and nothing is left beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeproof.model.checker.replacing import replacing


def test_a_file_is_there_when_all_of_it_is_written(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write_half() -> None:
        with replacing(path) as file:
            file.write(b"ne")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_may_write_the_same_file_under_names_of_their_own(tmp_path: Path):
    path = tmp_path / "file"
    with replacing(path, ".1") as first, replacing(path, ".2") as second:
        first.write(b"first")
        second.write(b"second")
    assert path.read_bytes() == b"first"  # The one that ended last.
