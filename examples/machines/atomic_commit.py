# ruff: noqa: INP001 - examples are scripts, no package
"""What two-phase commit is for: one decision, once. And the proof, by search, that it does just that.

The abstract machine decides in one step. Two-phase commit takes many: the first resource manager that aborts, or the
transaction manager, decides, and all other steps only spread the word. `decision` says for each of its states what has
been decided; the checker confirms that the decision is made at most once and never taken back.

Run it with the number of resource managers: `python examples/machines/atomic_commit.py 4`. The abstract machine has 3
states, whatever the number.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from kubeproof.model.checker.refine import Mapped, refines
from kubeproof.model.machine import Action, Machine, Outcome, View


def decide() -> Machine:
    """Return the machine that decides once."""

    def step(view: View) -> Iterator[Outcome]:
        if view["decision"] == "open":
            yield Outcome("commit", {"decision": "committed"})
            yield Outcome("abort", {"decision": "aborted"})

    return Machine(({"decision": "open"},), (Action("decide", "decide", step),))


def decision(managers: int) -> Mapped:
    """Return the mapping: what a state of two-phase commit has decided."""

    def mapping(view: View) -> dict[str, str]:
        if view["commit sent"]:
            return {"decision": "committed"}
        if view["abort sent"] or any(view[f"rm{n}"] == "aborted" for n in range(managers)):
            return {"decision": "aborted"}
        return {"decision": "open"}

    return mapping


def beside(name: str) -> Any:
    """Load another example from the same folder."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(arguments: list[str]) -> None:
    """Search for a step of two-phase commit that decides twice."""
    managers = int(arguments[0]) if arguments else 3
    result = refines(beside("two_phase_commit").two_phase_commit(managers), decide(), decision(managers))
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
