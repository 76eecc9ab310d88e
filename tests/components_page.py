"""A page for each component, from its model: what it may do, when, what comes of it, and its state machine drawn.

    python tests/components_page.py     # writes docs/components.md and docs/components/

The words are those of the code: a module's docstring, and of each step the docstrings of the step, of what enables it
and of what it does. The drawing has the fields of the state on both sides and the steps between them: an arrow comes
from each field that a step looks at before it happens and leads to each that it changes, which is read off the code.
Where one of the fields says how far a thing has come, its moves are drawn as well (`component_moves.py`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from html import escape
from pathlib import Path

from attrs import frozen

from component_moves import MOVES, drawn
from overview import STYLE
from places import ROOT

FOLDER = ROOT / "model" / "components"
DOCS = ROOT / "docs"
HEAD = """# What each component may do

A page of `model/components` for each component: what it may do, and nothing of how it does it. Every turn of the
implementation in `impl` must be a step of its model ([how it is built](architecture.md)). These pages are made from the
code by `python tests/components_page.py`.

| component | what it is |
|---|---|
"""
ROW, WIDE, SIDE, GAP = 34, 190, 150, 90
"""The drawing in pixels: a row, a step, a field, and the room that arrows have."""


@frozen
class Step:
    """A step, or a function of a state: what is said of it, and the fields that it looks at and changes."""

    name: str
    cells: tuple[str, ...]
    reads: frozenset[str]
    writes: frozenset[str]

    @property
    def row(self) -> str:
        """Return the row of the table."""
        return f"| {self.name} | {' | '.join(cell.replace('|', chr(92) + '|') for cell in self.cells)} |"


@frozen
class Component:
    """A component as its model has it."""

    path: Path
    said: str
    fields: tuple[str, ...]
    steps: tuple[Step, ...]
    functions: tuple[Step, ...]
    """Where the model has no steps: what it works out of a state."""

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.stem

    @property
    def title(self) -> str:
        """The first sentence."""
        return self.said.partition("\n")[0]


def pages() -> list[Path]:
    """Return the files of the pages, by name."""
    return sorted(FOLDER.glob("*/[a-z]*.py"), key=lambda path: path.stem)


def components() -> tuple[Component, ...]:
    """Return all components, by name."""
    return tuple(_component(path) for path in pages())


def _component(path: Path) -> Component:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    state = next((node for node in classes if node.name == "State"), None)
    own = {node.name: node for node in (state.body if state else ()) if isinstance(node, ast.FunctionDef)}
    fields = tuple(
        str(ast.unparse(node.target)) for node in (state.body if state else ()) if isinstance(node, ast.AnnAssign)
    )
    code = Code(fields, {**own, **functions})
    steps = tuple(_step(node, code) for node in classes if _is_step(node))
    public = [node for node in functions.values() if not node.name.startswith("_") and ast.get_docstring(node)]
    worked_out = tuple(Step(node.name, (_said(node),), code.reads(node), code.writes(node)) for node in public)
    return Component(path, ast.get_docstring(tree) or "", fields, steps, () if steps else worked_out)


def _is_step(node: ast.ClassDef) -> bool:
    """Tell whether a class is a step: it says what it does to a state, and perhaps when."""
    return node.name != "State" and bool({"apply", "results"} & _methods(node).keys())


def _methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}


def _step(node: ast.ClassDef, code: Code) -> Step:
    methods = _methods(node)
    code = Code(code.fields, {**code.known, **methods})
    does = methods.get("apply") or methods["results"]
    guard = methods.get("enabled")
    return Step(node.name, (_said(node), _said(guard), _said(does)), code.reads(guard or does), code.writes(does))


def _said(node: ast.ClassDef | ast.FunctionDef | None) -> str:
    return " ".join((ast.get_docstring(node) or "").split()) if node else ""


class Code:
    """What functions do to the fields of a state, those that they call included."""

    def __init__(self, fields: tuple[str, ...], known: dict[str, ast.FunctionDef]) -> None:
        self.fields, self.known = fields, known

    def _all(self, function: ast.AST, done: frozenset[str] = frozenset()) -> Iterator[ast.AST]:
        """Yield the code of a function and of what it calls or asks of the state, each once."""
        yield function
        for node in ast.walk(function):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name in self.known and name not in done:
                done |= {name}
                yield from self._all(self.known[name], done)

    def reads(self, function: ast.AST) -> frozenset[str]:
        """Return the fields that are looked at."""
        nodes = (node for part in self._all(function) for node in ast.walk(part))
        return frozenset(
            node.attr
            for node in nodes
            if isinstance(node, ast.Attribute) and node.attr in self.fields and ast.unparse(node.value) in STATES
        )

    def writes(self, function: ast.AST) -> frozenset[str]:
        """Return the fields that are put anew, by `evolve(state, ...)` or `State(...)`."""
        calls = [node for part in self._all(function) for node in ast.walk(part) if isinstance(node, ast.Call)]
        made = [node for node in calls if ast.unparse(node.func) == "State"]
        changed = [node for node in calls if ast.unparse(node.func) == "evolve" and ast.unparse(node.args[0]) in STATES]
        named = {word.arg for node in (*made, *changed) for word in node.keywords if word.arg in self.fields}
        placed = {field for node in made for field, _ in zip(self.fields, node.args, strict=False)}
        return frozenset(named | placed)


STATES = frozenset({"state", "self", "after", "before", "_state"})
"""What a state is called in the code of models."""


def svg(component: Component) -> str:
    """Draw the steps between the fields that they look at and those that they change."""
    steps = component.steps or component.functions
    looked = [field for field in component.fields if any(field in step.reads for step in steps)]
    changed = [field for field in component.fields if any(field in step.writes for step in steps)]
    rows = max(len(looked), len(steps), len(changed))
    height, middle, right = 50 + rows * ROW, SIDE + GAP, SIDE + GAP + WIDE + GAP
    width = right + SIDE

    def y(number: int, count: int) -> float:
        return 40 + (number + 0.5) * rows * ROW / count

    left_at = {field: y(number, len(looked)) for number, field in enumerate(looked)}
    right_at = {field: y(number, len(changed)) for number, field in enumerate(changed)}
    boxes, wires = [], []
    for number, step in enumerate(steps):
        at = y(number, len(steps))
        boxes.append(_box(middle, at, WIDE, step.name, "k"))
        wires += [_wire(SIDE, left_at[field], middle, at) for field in looked if field in step.reads]
        wires += [_wire(middle + WIDE, at, right, right_at[field]) for field in changed if field in step.writes]
    boxes += [_box(0, at, SIDE, field, "b") for field, at in left_at.items()]
    boxes += [_box(right, at, SIDE, field, "b") for field, at in right_at.items()]
    title = f"{component.name}: what each step looks at, and what it changes"
    heads = (("looks at", SIDE / 2), ("step", middle + WIDE / 2), ("changes", right + SIDE / 2))
    words = [f'<text x="{x:g}" y="22" text-anchor="middle">{word}</text>' for word, x in heads]
    return framed(title, width, height, [*words, *wires, *boxes])


def framed(title: str, width: float, height: float, inside: list[str]) -> str:
    """Return a picture that says what it is, in the colours of the reader."""
    tip = (
        '<defs><marker id="t" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    style = f"<style>{STYLE.strip()}.w{{marker-start:none;opacity:.7}}</style>"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-labelledby="title">\n<title id="title">{escape(title)}</title>'
    )
    return "\n".join((head, style, tip, *inside, "</svg>", ""))


def _box(x: float, y: float, width: float, text: str, css: str) -> str:
    name = "t" if css == "k" else "f"
    return (
        f'<rect class="{css}" x="{x + 1:g}" y="{y - 13:g}" width="{width - 2:g}" height="26" rx="8"/>'
        f'<text class="{name}" x="{x + width / 2:g}" y="{y + 4.5:g}" text-anchor="middle">{escape(text)}</text>'
    )


def _wire(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_x - x) / 2
    return f'<path class="w" d="M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x - 2:g} {to_y:g}"/>'


def files() -> dict[str, str]:
    """Return every file below docs by its name, and its text."""
    found = {"components.md": HEAD}
    for component in components():
        found["components.md"] += f"| [{component.name}](components/{component.name}.md) | {component.title} |\n"
        found[f"components/{component.name}.md"] = "\n".join(_page(component))
        if component.fields:
            found[f"components/{component.name}.svg"] = svg(component)
        if component.name in MOVES:
            found[f"components/{component.name}-moves.svg"] = framed(*drawn(component.name))
    return found


def _page(component: Component) -> Iterator[str]:
    first, _, rest = component.said.partition("\n")
    yield f"# {component.name}\n\n{first}\n"
    yield from (f"{' '.join(one.split())}\n" for one in rest.strip().split("\n\n") if one.strip())
    if component.name in MOVES:
        yield f"## {MOVES[component.name].title}\n\n![{MOVES[component.name].title}]({component.name}-moves.svg)\n"
    yield "## Steps\n" if component.steps else "## What its turns come to\n"
    if component.fields:
        yield f"![What each looks at, and what it changes]({component.name}.svg)\n"
    heads = ("step", "what it is", "when it may happen", "what it does") if component.steps else ("of a state", "is")
    yield f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|"
    yield from (step.row for step in component.steps or component.functions)
    yield f"\nThe code: `{component.path.relative_to(ROOT).as_posix()}`. [All components](../components.md).\n"


def write() -> None:
    """Write all files, and take away those of components that are no more."""
    (DOCS / "components").mkdir(exist_ok=True)
    made = files()
    for old in (DOCS / "components").iterdir():
        if f"components/{old.name}" not in made:
            old.unlink()
    for name, text in made.items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
