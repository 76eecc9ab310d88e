"""The page of components is the one that the models make, with every step of every component."""

from __future__ import annotations

from components_page import FOLDER, moves, page
from kubeproof.model.components import kubelet
from places import ROOT


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "components.md").read_text(encoding="utf-8") == page(), "run: make overview"


def test_every_component_with_steps_is_on_it() -> None:
    with_steps = {path.stem for path in FOLDER.glob("*.py") if "def enabled(" in path.read_text(encoding="utf-8")}
    assert {line.removeprefix("## ") for line in page().splitlines() if line.startswith("## ")} == with_steps


def test_every_step_says_when_and_what() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| ") and not line.startswith("| step ")]
    assert len(rows) > 40
    assert [row for row in rows if "|  |" in row] == []


def test_what_is_drawn_are_the_moves_of_the_model() -> None:
    """A Pod with a hook runs it before SIGTERM; what is down is forgotten, and never runs again."""
    drawn = moves()
    assert ("up", "hook", kubelet.BeginStop.__name__) in drawn
    assert ("hook", "closing", kubelet.Terminate.__name__) in drawn
    assert {after for before, after, _ in drawn if before == "down"} == {"none"}
    assert all(f"    {before} --> {after}: {name}\n" in page() for before, after, name in drawn)
