"""An event of a watch is lost, and nobody notices: only the scheduling queue (`check.queueing`) knows single events."""

from __future__ import annotations

from ....model.machine import Action
from .fault import Fault, Struck


def _actions(_struck: Struck) -> tuple[Action, ...]:
    return ()


FAULT = Fault("lost event", _actions, assumed=("only events that a Pod or a node is gone are lost",))
