"""z3 and CP-SAT on the same placement problems: `python tests/bench_placement.py`. CP-SAT needs `pip install ortools`.

Both read the same rules (properties/placement/groups). Feasible and infeasible placements of 500 Pods on 100 nodes,
the smallest pool for more and more Pods, and the fewest changes. Wall seconds of one thread; ratios are what counts.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import z3

from bench import sized
from kubeproof.harness.input.plain_nodes import plain_nodes
from kubeproof.harness.place.place import solve
from kubeproof.properties.placement import cpsat
from kubeproof.properties.placement.changes import Changed, fewest_changes
from kubeproof.properties.placement.counts import each_alone
from kubeproof.properties.placement.groups import (
    Fits,
    Group,
    Groups,
    background,
    bounds,
    contradiction,
    in_use,
    place,
    rules,
)
from planted import planted

PATIENCE = 10
"""Seconds until a solver is stopped."""


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """Run something and give the seconds it took."""
    began = perf_counter()
    return run(), perf_counter() - began


def kinds(least: int, step: int, number: int, each: int) -> tuple[Group, ...]:
    """Make groups of Pods that ask for more and more cpu and keep away from their own kind."""
    return tuple(Group(sized(f"p{one}", least + step * one), each) for one in range(number))


def formulas(groups: Groups) -> list[Any]:
    """Return the rules of a problem, node by node."""
    some = each_alone(groups)
    return [*(rule.formula for rule in rules(groups, some)), *background(groups, some)]


def with_cpsat(groups: Groups, minimise: Any = None) -> Any:
    """Ask CP-SAT."""
    return cpsat.solve(formulas(groups), bounds(groups, each_alone(groups)), minimise, seconds=PATIENCE)


def name_of(answer: Any) -> str:
    """Name an answer by its class."""
    return type(answer).__name__


def feasibility(least: int) -> None:
    """Place 500 Pods on 100 nodes, or prove that they have no place."""
    groups = Groups(kinds(least, 50, 10, 50), plain_nodes(100))
    answer, seconds = timed(lambda: solve(groups))
    shown = [f"kubeproof {name_of(answer)} {seconds:.2f} s"]
    if isinstance(answer, Fits):
        answer, seconds = timed(lambda: place(groups, milliseconds=PATIENCE * 1000))
        shown.append(f"z3 node by node {name_of(answer)} {seconds:.2f} s")
    else:
        answer, seconds = timed(lambda: contradiction(groups))
        shown.append(f"z3 by like nodes, with core, {name_of(answer)} {seconds:.2f} s")
    if cpsat.installed():
        answer, seconds = timed(lambda: with_cpsat(groups))
        shown.append(f"CP-SAT {name_of(answer)} {seconds:.2f} s")
    print(f"500 Pods from {least}m on 100 nodes: {', '.join(shown)}")


def pool(each: int) -> None:
    """Find the fewest nodes for six kinds of Pods."""
    groups = Groups(kinds(700, 130, 6, each), plain_nodes(each * 6))
    used = z3.Sum([z3.If(in_use(groups, cell), 1, 0) for cell in each_alone(groups)])
    optimizer = z3.Optimize()
    optimizer.set("timeout", PATIENCE * 1000)
    optimizer.add(formulas(groups))
    optimizer.minimize(used)
    found, seconds = timed(optimizer.check)
    shown = [f"z3 Optimize {found} {seconds:.2f} s"]
    if cpsat.installed():
        answer, seconds = timed(lambda: with_cpsat(groups, used))
        best = "least proved" if getattr(answer, "best", False) else "not proved"
        shown.append(f"CP-SAT {name_of(answer)}, {best}, {seconds:.2f} s")
    print(f"smallest pool for {each * 6} Pods: {', '.join(shown)}")


def changes(count: int) -> None:
    """Find the fewest changes."""
    groups = Groups(kinds(2500, 100, 6, count // 2), plain_nodes(count))
    shown = []
    for solver, there in (("z3 Optimize", "False"), ("CP-SAT", "True"))[: 1 + cpsat.installed()]:
        with planted("kubeproof.properties.placement.cpsat", 'find_spec("ortools") is not None', there):
            answer, seconds = timed(lambda: fewest_changes(groups, milliseconds=PATIENCE * 1000))
        number = len(answer.changes) if isinstance(answer, Changed) else answer.why
        shown.append(f"{solver} {number}, {seconds:.2f} s")
    print(f"fewest changes for {count // 2 * 6} Pods on {count} nodes: {', '.join(shown)}")


if __name__ == "__main__":
    for size in (300, 600):
        feasibility(size)
    for size in (1, 2, 4, 8, 16):
        pool(size)
    for size in (5, 10, 20):
        changes(size)
