"""A controller that waits for something to happen, though what it waits for comes by time alone.

Who is asleep syncs again once the store shows its key or what it watches otherwise than when it fell asleep: its own
status wakes nobody who has just counted, and revisions wake nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from attrs import evolve

from ....impl.api.kinds import Object
from ....impl.api.meta import Ref
from ....impl.api.workloads import without_status
from ....impl.apiserver.verbs.create import uid_of
from ....model.machine import View
from ....model.world.component import Component, component
from ....model.world.world import Alternatives, Process, Watch, World

AWAKE: frozenset[Object] = frozenset()
SILENT = "ControllerRevision"
"""The kind whose news wake no DaemonSet's controller (daemon_controller.go, addHistory, v1.14)."""


def slot(process: str) -> str:
    """Name the slot that says what a process has fallen asleep over; it is `AWAKE` otherwise."""
    return f"asleep/{process}"


def may_sleep(process: Process) -> Process:
    """Return a process that does nothing while it is asleep."""
    assert isinstance(process.key, Ref)  # noqa: S101 - a DaemonSet has a process of its own
    return evolve(process, narrow=partial(_awake, slot(process.name), process.key, process.watches))


def sleeper(process: Process) -> Component[World]:
    """Return such a process as a component."""
    known = component(process)
    mark = slot(process.name)
    return evolve(
        known,
        slots=lambda world, store: {**known.slots(world, store), mark: AWAKE},
        memories=(*known.memories, mark),
    )


def wakers(key: Ref, watches: Iterable[Watch], view: View) -> frozenset[Object]:
    """Return what wakes a process that watches so, as the store shows it now."""
    uid = uid_of(key)
    seen = (view.via(watch.keep(uid), place) for watch in watches if watch.kind != SILENT for place in watch.slots)
    return frozenset(without_status(obj) if obj.metadata.uid == uid else obj for obj in seen if obj is not None)


def _awake(mark: str, key: Ref, watches: tuple[Watch, ...], view: View, syncs: Alternatives) -> Alternatives:
    over: frozenset[Object] = view[mark]
    return () if over and over == wakers(key, watches, view) else syncs
