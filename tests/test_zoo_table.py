"""The page of documented failures is what the folders say, and whatever nothing finds says what is missing."""

from __future__ import annotations

import pytest

from places import ROOT
from zoo_table import Documented, documented, found_by, table


def test_the_page_is_as_the_folders_are() -> None:
    page = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8")
    assert page == "\n".join(table()) + "\n", "python tests/zoo_table.py > docs/zoo.md"


@pytest.mark.parametrize("one", documented(), ids=lambda one: f"{one.group}: {one.sources[0]}")
def test_each_is_found_or_says_what_is_missing(one: Documented) -> None:
    assert found_by(one) or one.missing


def test_most_are_found() -> None:
    entries = documented()
    assert sum(any(pair.folder for pair in found_by(one)) for one in entries) >= 67
    assert not found_by(Documented(("nowhere#1",), "nothing"))
