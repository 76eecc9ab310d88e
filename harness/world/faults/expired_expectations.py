"""A controller's expectations expire: it acts again on a cache that does not show yet what it wrote (k/k#129795).

Upstream: ExpectationsTimeout in pkg/controller/controller_utils.go (v1.35), five minutes after which an expectation
counts as fulfilled. Since 1.36 those that have expectations wait for what they wrote (KEP-5647).
"""

from __future__ import annotations

from ....impl.api.releases import Change
from ....impl.api.workloads import BY_KIND
from ....model.machine import Action
from ....model.world.faults import expiries
from .fault import Fault, Struck, budget

BUDGET = budget("expired_expectations")
EXPECTING = frozenset(BY_KIND[kind].controller for kind in ("DaemonSet", "Job", "ReplicaSet", "ReplicationController"))
"""Who keeps expectations of the Pods that it makes and deletes."""


def _actions(struck: Struck) -> tuple[Action, ...]:
    if Change.OWN_WRITES_AWAITED in struck.scenario.release:
        return ()
    expecting = (process for process in struck.processes if process.group in EXPECTING)
    return tuple(action for process in expecting for action in expiries(struck.world, process, BUDGET))


FAULT = Fault("expectations that expire", _actions)
