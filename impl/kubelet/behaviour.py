"""What the program in an image does: nothing a manifest tells, so the world is told.

`WELL` runs and becomes ready, whatever the image; what a Job's Pods run ends without an error. `HOLLOW` goes by the
image's name, as a hollow kubelet for tests does: bad, crash, nopull, slow, slowstop and job are special, anything else
is well, and probes are not looked at.
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ..api.core import Container, Pod, PodSpec
from .obstacles import Known, obstacles
from .prober import held_back, never_goes_on
from .starting import impatient, is_probed, kept_from_starting, killed_early, starts_in

KILLED = 137
"""The exit code of a container nobody saw exit, or that was killed."""
READY_WHEN = "kubeproof/ready-when"
"""The annotation of a Pod whose program gets ready once the names of these Services lead to somebody, by commas."""
ENDING = frozenset({"Never", "OnFailure"})
"""The restart policies with which a program that has ended well stays so."""


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


NORMAL, ENDS = Behaviour(), Behaviour(exits_with=0)
MOST_RESTARTS = 7
"""So often a program is started anew that fails each time and is to be restarted only on failure; then it waits."""


def of_a_job(pod: Pod) -> bool:
    """Tell whether a Pod is a Job's."""
    controller = pod.metadata.controller
    return controller is not None and controller.kind == "Job"


LOOKING_SECONDS = 1.0
"""A program that looks for others by name is not ready at once."""


def ready_when(pod: Pod) -> tuple[str, ...]:
    """Name the Services, of its own namespace, that must lead to somebody before a Pod's program gets ready."""
    names = (name.strip() for name in pod.metadata.annotations.get(READY_WHEN, "").split(","))
    return tuple(name for name in names if name)


@frozen
class ImageBehaviour:
    """Behaviours by the part of the image name before the colon; a Pod is as well as all its containers together."""

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
        usual = ENDS if of_a_job(pod) else NORMAL
        found = self._together(pod.spec, usual) if self.by_name or usual is ENDS else usual
        if ready_when(pod):
            found = evolve(found, extra_ready_seconds=max(found.extra_ready_seconds, LOOKING_SECONDS))
        if needed := starts_in(pod):
            found = _starting(pod.spec, needed, found)
        if not self.probes or held_back(pod.spec) is None:
            return found
        return evolve(found, becomes_ready=False, exits_with=None if never_goes_on(pod.spec) else found.exits_with)

    def _together(self, spec: PodSpec, usual: Behaviour) -> Behaviour:
        """Tell how the containers of a Pod go on, `usual` where no name says otherwise.

        Those before them must end, and one that loops holds all up.
        """
        sidecars = {sidecar.name for sidecar in spec.sidecars}
        before = [self._called(container) for container in spec.init_containers if container.name not in sidecars]
        beside = [evolve(self._called(sidecar), exits_with=None) for sidecar in spec.sidecars]
        programs = [self._called(container, usual) for container in spec.containers]
        everyone = (*before, *beside, *programs)
        if not all(behaviour.pulls for behaviour in everyone):
            return Behaviour(pulls=False, becomes_ready=False)
        if failed := max((behaviour.exits_with or 0 for behaviour in before), default=0):
            never = spec.restart_policy == "Never"
            return Behaviour(pulls=never, becomes_ready=False, exits_with=failed if never else None)
        code = _ends(spec.restart_policy, [program.exits_with for program in programs])
        ended = (
            spec.restart_policy in ENDING
            and code is None
            and any(program.exits_with is not None for program in programs)
        )
        return Behaviour(
            becomes_ready=not ended and all(behaviour.becomes_ready for behaviour in (*beside, *programs)),
            exits_with=code,
            extra_ready_seconds=max((behaviour.extra_ready_seconds for behaviour in (*beside, *programs)), default=0),
            uses_whole_grace=any(behaviour.uses_whole_grace for behaviour in (*beside, *programs)),
        )

    def _called(self, container: Container, usual: Behaviour = NORMAL) -> Behaviour:
        return self.by_name.get(container.image.partition(":")[0], usual)


def _starting(spec: PodSpec, needed: int, found: Behaviour) -> Behaviour:
    """Return how a Pod goes on whose programs take so long to start up: one may be killed before, each time anew."""
    if any(True for _ in kept_from_starting(spec, needed)):
        return Behaviour(found.pulls, becomes_ready=False)
    if any(True for _ in killed_early(spec, needed)):
        return Behaviour(found.pulls, becomes_ready=False, exits_with=_ends(spec.restart_policy, [KILLED]))
    if any(True for _ in impatient(spec, needed)):
        # Of a sidecar: it alone is started anew, whatever the Pod's policy, and the others may end meanwhile.
        return evolve(found, becomes_ready=False)
    if not any(map(is_probed, spec.containers)):
        return found
    return evolve(found, extra_ready_seconds=max(found.extra_ready_seconds, float(needed)))


def _ends(restart_policy: str, codes: list[int | None]) -> int | None:
    """Return the code that a Pod's containers end with, None while one goes on; one that fails is tried again."""
    failed = max((code for code in codes if code), default=0)
    if failed and restart_policy != "Never":
        return failed
    return failed if codes and None not in codes and restart_policy in ENDING else None


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
