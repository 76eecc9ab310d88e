"""The steps of an environment script, and the requests each sends.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd (v1.32). Patches are written out on the live object: an `Update` whose
base is the object as the command read it. Left out on purpose: the GET requests in between and `--wait`.
"""

from __future__ import annotations

from ..api.cache import Cache
from .commands.command import Asked, OfWorkload
from .commands.nodes import AddNode, Cordon, DeleteNode, Drain, LabelNode, Taint, Uncordon, Untaint
from .commands.objects import Apply, DeleteObject, DeletePod
from .commands.workloads import RolloutPause, RolloutRestart, RolloutResume, RolloutUndo, Scale, SetImage
from .found import Kept, Missing
from .nodes import drain_errors, drain_targets

__all__ = [
    "AddNode",
    "Apply",
    "Cordon",
    "DeleteNode",
    "DeleteObject",
    "DeletePod",
    "Drain",
    "Kept",
    "LabelNode",
    "Missing",
    "OfWorkload",
    "RolloutPause",
    "RolloutRestart",
    "RolloutResume",
    "RolloutUndo",
    "Scale",
    "SetImage",
    "Step",
    "Taint",
    "Uncordon",
    "Untaint",
    "drain_errors",
    "drain_targets",
    "requests",
]


Step = (
    Apply
    | SetImage
    | Scale
    | DeleteObject
    | DeletePod
    | Cordon
    | Uncordon
    | Drain
    | Taint
    | Untaint
    | LabelNode
    | AddNode
    | DeleteNode
    | RolloutUndo
    | RolloutRestart
    | RolloutPause
    | RolloutResume
)


def requests(step: Step, cache: Cache, namespace: str) -> Asked:
    """Return the requests a command sends, given the live objects; none when it finds its work done.

    Of a drain this is one round. `Missing` says what the command did not find, or found and may not change; then it
    sends nothing. `namespace` is where a step acts that names none.
    """
    return step.requests(cache, getattr(step, "namespace", "") or namespace)
