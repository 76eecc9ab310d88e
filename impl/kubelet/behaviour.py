"""What the program in an image does: nothing a manifest tells, so the world is told.

`WELL` runs and becomes ready, whatever the image; what a Job's Pods run ends without an error. `HOLLOW` goes by the
image's name, as a hollow kubelet for tests does: bad, crash, nopull, slow, slowstop and job are special, anything else
is well, and probes are not looked at.
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ..api.core import Pod
from .obstacles import Known, obstacles
from .prober import held_back


@frozen
class Behaviour:
    """How a container of an image goes on."""

    pulls: bool = True
    """The image can be had; if not, the Pod waits for ever (ImagePullBackOff)."""
    becomes_ready: bool = True
    exits_with: int | None = None
    """The program ends by itself with this code."""
    extra_ready_seconds: float = 0
    uses_whole_grace: bool = False
    """It ignores SIGTERM until it is killed."""


ENDS = Behaviour(exits_with=0)
MOST_RESTARTS = 7
"""So often a program is started anew that fails each time and is to be restarted only on failure; then it waits."""


def of_a_job(pod: Pod) -> bool:
    """Tell whether a Pod is a Job's."""
    controller = pod.metadata.controller
    return controller is not None and controller.kind == "Job"


@frozen
class ImageBehaviour:
    """Behaviours by the part of the image name before the colon; of a Pod, that of its first container counts."""

    by_name: immutabledict[str, Behaviour] = field(factory=immutabledict)
    probes: bool = True
    known: Known | None = None
    """Judge by this whether a Pod's containers can start at all: one that cannot waits for ever, as for its image."""
    gates_open: bool = False
    """Other controllers set what readiness gates wait for; that it takes a while is a report that comes late."""

    def of(self, pod: Pod) -> Behaviour:
        """Tell how a Pod's program goes on: a Job's ends. A `job` that would be restarted for ever is none."""
        if self.known is not None and any(True for _ in obstacles(pod.spec, pod.metadata.namespace, self.known)):
            return Behaviour(pulls=False, becomes_ready=False)
        image = pod.spec.containers[0].image if pod.spec.containers else ""
        usual = ENDS if of_a_job(pod) else Behaviour()
        found = self.by_name.get(image.partition(":")[0], usual)
        if found.exits_with == 0 and pod.spec.restart_policy not in {"Never", "OnFailure"}:
            return Behaviour()
        return evolve(found, becomes_ready=False) if self.probes and held_back(pod.spec) is not None else found


WELL = ImageBehaviour()

HOLLOW = ImageBehaviour(
    immutabledict(
        {
            "bad": Behaviour(becomes_ready=False),
            "crash": Behaviour(becomes_ready=False, exits_with=1),
            "nopull": Behaviour(pulls=False, becomes_ready=False),
            "slow": Behaviour(extra_ready_seconds=2.5),
            "slowstop": Behaviour(uses_whole_grace=True),
            "job": Behaviour(exits_with=0),
        }
    ),
    probes=False,
)
