"""The page of all components, from their models: what each may do, when, and what comes of it (docs/components.md).

    python tests/components_page.py > docs/components.md

The words are those of the code: a module's docstring, and of each step the docstrings of the step, of what enables it
and of what it does. How a Pod's containers move is drawn from the steps of the kubelet's model in every state of a Pod.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from kubeproof.model.components import kubelet
from places import ROOT

FOLDER = ROOT / "model" / "components"
HEAD = """# What each component may do

A page of `model/components` for each component: what it may do, and nothing of how it does it. Every turn of the
implementation in `impl` must be a step of its model ([how it is built](architecture.md)). This page is made from the
code by `python tests/components_page.py`.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD, *(part for path in sorted(FOLDER.glob("*.py")) for part in _component(path))]
    return "\n".join(parts)


def _component(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = ast.get_docstring(tree) or ""
    rows = [row for node in tree.body if isinstance(node, ast.ClassDef) and (row := _step(node))]
    if not rows:
        return
    first, _, rest = said.partition("\n")
    yield f"## {path.stem}\n"
    yield f"{first}\n"
    yield from (f"{' '.join(one.split())}\n" for one in rest.strip().split("\n\n") if one.strip())
    if path.stem == "kubelet":
        yield from _drawn()
    yield "| step | what it is | when it may happen | what it does |"
    yield "|---|---|---|---|"
    yield from rows
    yield ""


def _step(node: ast.ClassDef) -> str:
    """Return the row of a step: a class that says when it is enabled and what it does; "" for any other."""
    methods = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
    if not {"enabled", "apply"} <= methods.keys():
        return ""
    told = (node, methods["enabled"], methods["apply"])
    cells = (" ".join((ast.get_docstring(one) or "").split()).replace("|", "\\|") for one in told)
    return f"| {node.name} | {' | '.join(cells)} |"


def _drawn() -> Iterator[str]:
    """Draw how the containers of a Pod move: an arrow for each step that takes them from one stage to another."""
    yield "<!-- not run: a diagram -->\n"
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> none"
    yield from (f"    {before} --> {after}: {name}" for before, after, name in sorted(moves()))
    yield "```"
    yield ""


def moves() -> set[tuple[str, str, str]]:
    """Return every move of containers from stage to stage, with the step that makes it, in any state of a Pod."""
    found = set[tuple[str, str, str]]()
    for state in _states():
        for step in kubelet.steps(state):
            after = step.apply(state)
            if after.containers != state.containers:
                found.add((state.containers, after.containers, type(step).__name__))
    return found


def _states() -> Iterator[kubelet.State]:
    """Yield a Pod in every way it may be: wanted or not, over or not, at every stage, with a hook and without."""
    stages = ("none", "waiting", *sorted(kubelet.HELD), "down")
    flags = (False, True)
    for thing, phase, stage in product(("live", "deleting", "gone"), ("Pending", "Running", "Failed"), stages):
        for ready, hook in product(flags, flags):
            yield kubelet.State(thing, phase, containers=stage, ready=ready, has_hook=hook)


if __name__ == "__main__":
    sys.stdout.write(page())
