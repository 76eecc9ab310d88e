"""A request is committed, and its answer is lost: its sender tries again from what it sees."""

from __future__ import annotations

from ....model.machine import Action
from ....model.world.faults import losses
from .fault import Fault, Struck


def _actions(struck: Struck) -> tuple[Action, ...]:
    return tuple(loss for process in struck.processes for loss in losses(struck.world, process))


FAULT = Fault("lost response", _actions)
