"""The pages of components are those that the models make, with every step of each; what is drawn is what is so."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
import yaml

from component_moves import MOVES, moves
from components_page import DOCS, components, files, pages
from kubeproof.model.components.nodes import kubelet
from places import ROOT

BY_NAME = {component.name: component for component in components()}


def test_the_pages_are_current() -> None:
    made = files()
    there = {f"components/{path.name}" for path in (DOCS / "components").iterdir()} | {"components.md"}
    assert there == made.keys(), "run: make overview"
    assert [name for name, text in made.items() if (DOCS / name).read_text(encoding="utf-8") != text] == []


def test_every_component_has_a_page_that_the_site_leads_to() -> None:
    assert set(BY_NAME) == {path.stem for path in pages()}
    assert all(f"(components/{name}.md)" in files()["components.md"] for name in BY_NAME)
    assert "components.md" in str(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])


def test_every_step_says_when_and_what() -> None:
    with_guards = {path.stem for path in pages() if "def enabled(" in path.read_text(encoding="utf-8")}
    steps = [step for name in sorted(with_guards) for step in BY_NAME[name].steps]
    assert len(steps) > 40
    assert [step.name for step in steps if not step.cells[0] or not step.cells[2]] == []


@pytest.mark.parametrize(
    ("component", "step", "reads", "writes"),
    [
        ("etcd", "Forget", {"revision", "oldest"}, {"past", "oldest"}),
        ("nodelifecycle", "GiveUp", {"ready", "silent"}, {"ready"}),
        ("replicaset", "WriteDown", {"written", "members"}, {"written"}),
        ("namespace", "LetGo", {"there", "leaving", "things"}, {"there", "leaving"}),
    ],
)
def test_what_is_drawn_of_a_step_is_what_its_code_does(
    component: str, step: str, reads: set[str], writes: set[str]
) -> None:
    found = next(one for one in BY_NAME[component].steps if one.name == step)
    assert (found.reads, found.writes) == (reads, writes)


@pytest.mark.parametrize("name", [name for name in files() if name.endswith(".svg")])
def test_every_picture_can_be_read_and_has_a_title(name: str) -> None:
    title = ET.fromstring(files()[name]).find("{http://www.w3.org/2000/svg}title")  # noqa: S314 - made here
    assert title is not None
    assert title.text


def test_the_moves_are_those_of_the_model() -> None:
    """A Pod with a hook runs it before SIGTERM; what is down is forgotten, and never runs again."""
    drawn = moves("kubelet")
    assert kubelet.BeginStop.__name__ in drawn["up", "hook"]
    assert kubelet.Terminate.__name__ in drawn["hook", "closing"]
    assert {after for before, after in drawn if before == "down"} == {"none"}
    assert ("held", "tried") not in moves("scheduling_queue")
    assert all(set(pair) <= set(MOVES[name].stages) for name in MOVES for pair in moves(name))
