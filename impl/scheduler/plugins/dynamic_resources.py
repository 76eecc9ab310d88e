"""DynamicResources: devices that Pods claim; a Pod that claims none it neither refuses nor ranks, and still has a say.

Upstream: pkg/scheduler/framework/plugins/dynamicresources/dynamicresources.go (v1.36); in the default profile since
1.34. Its PostFilter comes before that of DefaultPreemption: it has nothing to give back, or, where another plugin has
refused the Pod before this one was asked, it fails, and preemption is not tried.
Left out on purpose: claims (`schedule.unmodelled`).
"""

from __future__ import annotations

from ...api.core import Pod
from ..framework import NodeInfo, ScorePlugin, Snapshot

NAME = "DynamicResources"
NOTHING_TO_GIVE_BACK = "no new claims to deallocate"
NEVER_ASKED = "not found"


def pre_score(_snapshot: Snapshot, _pod: Pod, _feasible: tuple[NodeInfo, ...]) -> bool:
    """Prepare nothing, and be asked."""
    return True


def score(_state: bool, _pod: Pod, _info: NodeInfo) -> int:  # noqa: FBT001 - the state that is handed on
    """Prefer no node."""
    return 0


SCORE = ScorePlugin(NAME, 2, pre_score, score, alone=True)
