# ruff: noqa: INP001 - examples are scripts, no package
"""A work-queue controller: objects in a store, a cache that lags, a set of dirty keys, one worker, and crashes.

Run it with objects, versions and crashes: `python examples/machines/work_queue.py 3 2 2`. It is what every Kubernetes
controller is: users raise the version of a spec, a watch carries versions into the cache one by one and marks the key
dirty, the worker picks a dirty key with the version it sees, and writes the status unless the spec has moved on (a
conflict: the key is dirty again). A crash loses all but the store; a restart lists it anew.

How many states? No short arithmetic is known; SPIN, TLC and LTSmin count 655,184 for 4, 2, 2. Left out on purpose:
several workers, rate limits, and lists that are old themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Mapping

from kubeproof.model.checker import explore
from kubeproof.model.machine import (
    Action,
    Converges,
    Fact,
    Fairness,
    Invariant,
    Machine,
    Mention,
    Outcome,
    Symmetry,
    View,
)

Step = Callable[[View], Iterator[Outcome]]


def user(key: int, versions: int) -> Step:
    """Write a new version of a spec."""

    def step(view: View) -> Iterator[Outcome]:
        if view[f"spec {key}"] < versions:
            yield Outcome("write", {f"spec {key}": view[f"spec {key}"] + 1})

    return step


def watch(key: int) -> Step:
    """See the next version of a spec."""

    def step(view: View) -> Iterator[Outcome]:
        if view["up"] and view[f"cache {key}"] < view[f"spec {key}"]:
            yield Outcome("see", {f"cache {key}": view[f"cache {key}"] + 1, f"dirty {key}": True})

    return step


def pick(key: int) -> Step:
    """Take a dirty key into work, with the version the cache has."""

    def step(view: View) -> Iterator[Outcome]:
        if view["up"] and view["current"] is None and view[f"dirty {key}"]:
            yield Outcome("pick", {"current": key, "seen": view[f"cache {key}"], f"dirty {key}": False})

    return step


def write(key: int) -> Step:
    """Write the status, or find that the spec has moved on."""

    def step(view: View) -> Iterator[Outcome]:
        if not view["up"] or view["current"] != key:
            return
        idle = {"current": None, "seen": 0}
        if view["seen"] == view[f"spec {key}"]:
            yield Outcome("write the status", idle | {f"status {key}": view["seen"]})
        else:
            yield Outcome("conflict", idle | {f"dirty {key}": True})

    return step


def crash(objects: int, crashes: int) -> Step:
    """Lose everything but the store."""
    lost = {f"cache {key}": 0 for key in range(objects)} | {f"dirty {key}": False for key in range(objects)}

    def step(view: View) -> Iterator[Outcome]:
        if view["up"] and view["crashes"] < crashes:
            process = {"up": False, "crashes": view["crashes"] + 1, "current": None, "seen": 0}
            yield Outcome("crash", process | lost)

    return step


def restart(objects: int) -> Step:
    """List the store, and take every key for dirty."""

    def step(view: View) -> Iterator[Outcome]:
        if not view["up"]:
            listed = {f"cache {key}": view[f"spec {key}"] for key in range(objects)}
            yield Outcome("restart", {"up": True} | listed | {f"dirty {key}": True for key in range(objects)})

    return step


def work_queue(objects: int, versions: int, crashes: int) -> Machine:
    """Return the controller for a number of objects, versions of each, and crashes."""
    keys = range(objects)
    initial: dict[str, object] = {f"{what} {key}": 0 for what in ("spec", "cache", "status") for key in keys}
    initial |= {f"dirty {key}": False for key in keys}
    return Machine(
        initial=(initial | {"current": None, "seen": 0, "up": True, "crashes": 0},),
        actions=(
            *(Action(f"user: write {key}", "user", user(key, versions), Fairness.NONE) for key in keys),
            *(Action(f"watch: see {key}", f"watch {key}", watch(key)) for key in keys),
            *(Action(f"worker: pick {key}", f"pick {key}", pick(key), Fairness.STRONG) for key in keys),
            *(Action(f"worker: write {key}", f"write {key}", write(key)) for key in keys),
            Action("process: crash", "crash", crash(objects, crashes), Fairness.NONE),
            Action("process: restart", "restart", restart(objects)),
        ),
    )


def alike(objects: int) -> Symmetry:
    """Return what can be exchanged: the objects, with all known of each; the worker speaks of one by its key."""
    owned = ("spec", "cache", "status", "dirty")
    slots = {f"{what} {key}": (what, (Mention("key", key),)) for what in owned for key in range(objects)}
    return Symmetry({"key": objects}, slots, _facts, _rename)


def _facts(template: str, value: Hashable) -> tuple[Fact, ...]:
    return (("key", (Mention("key", value),)),) if template == "current" and isinstance(value, int) else ((value, ()),)


def _rename(template: str, value: Hashable, numbers: Mapping[Mention, int]) -> Hashable:
    return numbers[Mention("key", value)] if template == "current" and isinstance(value, int) else value


def in_order(objects: int) -> tuple[Invariant, ...]:
    """Return the claims that neither a status nor the cache is ahead of the spec."""

    def behind(key: int) -> Invariant:
        def check(view: View) -> Iterator[str]:
            for what in ("status", "cache"):
                if view[f"{what} {key}"] > view[f"spec {key}"]:
                    yield f"{what} {key} is {view[f'{what} {key}']}, spec {key} is {view[f'spec {key}']}"

        return Invariant(f"in order {key}", "Nobody knows a version that was never written.", check)

    return tuple(behind(key) for key in range(objects))


def converged(objects: int) -> Converges:
    """Return the claim a controller is there for."""

    def goal(view: View) -> Iterator[str]:
        for key in range(objects):
            if view[f"status {key}"] != view[f"spec {key}"]:
                yield f"status {key} is {view[f'status {key}']}, spec {key} is {view[f'spec {key}']}"

    return Converges("converged", "Every status follows its spec.", goal)


def main(arguments: list[str]) -> None:
    """Explore the controller and print what came out."""
    objects, versions, crashes = map(int, arguments) if arguments else (2, 2, 1)
    result = explore(work_queue(objects, versions, crashes), (*in_order(objects), converged(objects)))
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
