"""Mutants that nobody chose: wrong lines drawn from the whole product, each asked of the tests nearest to it.

A draw goes over the folders in turn, takes a module of one (the longer, the likelier), and in it one place where a
condition, a comparison, a number, a choice or a sum can be turned round. What only speaks (docstrings, messages) and
what is no function's code is not drawn.

A mutant is asked of the tests that were seen to run its line (tests/mutants/reached.py), the quickest first, then of
the test files that import its module; where none does, of those that import what imports it, in the product or beside
the tests, and so on. Those called like one of its folders come first, then the nearest, and small ones before large
ones.
"""

from __future__ import annotations

import ast
import json
import random
from collections import deque
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from attrs import frozen

from places import ROOT, TESTS

ROOMS = ("harness", "impl", "model", "properties", "traces")
ASKED = 12
"""Test files that a mutant is asked of, at most."""
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}
NAMES = {"any": "all", "all": "any", "min": "max", "max": "min"}


@frozen
class Drawn:
    """One wrong line: the module's path in the product, the text that is replaced, and what to ask, side by side.

    Each thing to ask is one or more tests or test files, which are asked together.
    """

    module: str
    line: int
    before: str
    after: str
    asks: tuple[tuple[str, ...], ...]
    """Paths in tests/, with the names of tests or without."""


@frozen
class Reached:
    """The tests that were seen to run each line of each module, the quickest first."""

    by: dict[tuple[str, int], tuple[str, ...]]

    @classmethod
    def read(cls, folder: Path | None) -> Reached:
        """Read what the processes of one run left in a folder."""
        found: dict[tuple[str, int], list[tuple[float, str]]] = {}
        for path in sorted(folder.glob("*.json")) if folder else ():
            seen = json.loads(path.read_text(encoding="utf-8"))
            tests = [(seconds, node.partition("/")[2]) for node, seconds in seen["tests"]]
            for module, lines in seen["lines"].items():
                for line, numbers in lines.items():
                    found.setdefault((module, int(line)), []).extend(tests[number] for number in numbers)
        return cls({place: tuple(name for _, name in sorted(some)) for place, some in found.items()})

    def of(self, module: str, lines: range) -> tuple[str, ...]:
        """List those that run one of the lines."""
        return tuple(dict.fromkeys(chain.from_iterable(self.by.get((module, line), ()) for line in lines)))


def draws(seed: int, reached: Reached) -> Iterator[Drawn]:
    """Draw mutants without end; the same seed draws the same ones from the same code."""
    dice = random.Random(seed)  # noqa: S311 - a draw, no secret
    while True:
        for folder in sorted({path.parent for path in _modules()}):
            paths = [path for path in _modules() if path.parent == folder]
            path = dice.choices(paths, [one.stat().st_size for one in paths])[0]
            places = list(_places(path))
            if places:
                line, before, after = dice.choice(places)
                module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
                near = [(name,) for name in asked_of(module)[:ASKED]]
                seen = reached.of(module, range(line, line + after.count("\n") + 1))
                yield Drawn(module, line, before, after, tuple([seen] if seen else []) + tuple(near))


@cache
def _modules() -> tuple[Path, ...]:
    return tuple(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if path.name != "__init__.py")


# --- places -----------------------------------------------------------------------------------------------------------


@cache
def _places(path: Path) -> tuple[tuple[int, str, str], ...]:
    """List what can be turned round in the functions of a module: line, text, and the text that takes its place."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    inside = {id(node): node for function in functions for part in function.body for node in _judging(part)}
    found = (_turned(source, node) for node in inside.values())
    return tuple(sorted(one for one in found if one is not None))


def _judging(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through what decides; messages, errors and annotations do not."""
    if isinstance(node, ast.JoinedStr | ast.Raise | ast.FunctionDef | ast.ClassDef):
        return
    yield node
    for field, child in ast.iter_fields(node):
        if field not in {"annotation", "returns"}:
            for one in child if isinstance(child, list) else [child]:
                if isinstance(one, ast.AST):
                    yield from _judging(one)


def _turned(source: str, node: ast.AST) -> tuple[int, str, str] | None:
    """Return a node's line and its text before and after it is turned round, widened to whole lines that occur once."""
    text = _other(node)
    if text is None or not isinstance(node, ast.expr):
        return None
    lines = source.splitlines(keepends=True)
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    start = len(lines[first].encode()[: node.col_offset].decode())
    end = len(lines[last].encode()[: node.end_col_offset].decode())
    after = lines[first][:start] + text + lines[last][end:]
    before = "".join(lines[first : last + 1])
    while source.count(before) > 1 and first > 0:
        first -= 1
        before, after = lines[first] + before, lines[first] + after
    return (node.lineno, before, after) if source.count(before) == 1 and before != after else None


def _other(node: ast.AST) -> str | None:
    """Write a node turned round; None where it cannot be."""
    match node:
        case ast.Compare(ops=[one]) if type(one) in SWAPS:
            node = ast.Compare(node.left, [SWAPS[type(one)]()], node.comparators)
        case ast.BoolOp():
            node = ast.BoolOp(SWAPS[type(node.op)](), node.values)
        case ast.BinOp() if type(node.op) in SWAPS:
            node = ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)
        case ast.UnaryOp(op=ast.Not()):
            node = node.operand
        case ast.Constant(value=bool() as value):
            node = ast.Constant(not value)
        case ast.Constant(value=int() as value):
            node = ast.Constant(value + 1)
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            node = ast.Call(ast.Name(NAMES[name]), node.args, node.keywords)
        case ast.IfExp():
            node = ast.IfExp(node.test, node.orelse, node.body)
        case _:
            return None
    return f"({ast.unparse(ast.fix_missing_locations(node))})"


# --- whom to ask ------------------------------------------------------------------------------------------------------


@cache
def asked_of(module: str) -> tuple[str, ...]:
    """List the test files nearest to a module, by imports; those with the real kernel pass wherever there is none."""
    tests = {path: _imported(path) for path in sorted(TESTS.rglob("test_*.py")) if path.parent.name != "kernel"}
    beside = (path for path in TESTS.rglob("*.py") if not path.name.startswith("test_"))
    users = {path: _imported(path) for path in (*_modules(), *beside)}
    found: dict[str, None] = {}
    waiting, known = deque([module]), {module}
    while waiting:
        one = waiting.popleft()
        near = [path for path, names in tests.items() if one in names]
        found |= {_in_tests(path): None for path in sorted(near, key=lambda path: (len(tests[path]), _in_tests(path)))}
        above = sorted(_name(path) for path, names in users.items() if one in names)
        waiting.extend(name for name in above if name not in known)
        known.update(above)
    folders = module.split(".")[1:]
    return tuple(sorted(found, key=lambda name: not any(one in name for one in folders)))


def _in_tests(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def _name(path: Path) -> str:
    """Name a module of the product without the package, and one beside the tests as tests import it."""
    name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    return name.removeprefix("tests.")


@cache
def _imported(path: Path) -> frozenset[str]:
    """Name the modules of the product, and of any other package, that a file imports."""
    package = _name(path).rpartition(".")[0] if path.name != "__init__.py" else _name(path)
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = _base(package, node)
            found |= {base, *(f"{base}.{one.name}".strip(".") for one in node.names)}
        elif isinstance(node, ast.Import):
            found |= {one.name.removeprefix("kubeproof.") for one in node.names}
    return frozenset(found)


def _base(package: str, node: ast.ImportFrom) -> str:
    """Return what an import takes from, in the words of the product."""
    if not node.level:
        name = node.module or ""
        return name.removeprefix("kubeproof").strip(".") if name.partition(".")[0] == "kubeproof" else name
    parts = package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    return ".".join((*kept, node.module)) if node.module else ".".join(kept)
