"""Connections that last: where the scenario says how long they do (`bounds.requests`), and Pods go.

A Pod that goes accepts no more from its SIGTERM on and serves what it has accepted, which is cut off if SIGKILL comes
before it is done: a hook that takes long leaves little of the grace period (k/k#65496). Who goes is seen in the core,
the rest is one Pod by itself in `connections`, with a clock. Which of several containers takes the connections, and how
long a hook takes that nobody can read, is left open: the verdict is that of the shortest hook and of the longest, or
there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attrs import evolve, frozen

from ....impl.api.apps import ReplicaSet
from ....impl.api.core import Node
from ....impl.api.kinds import ref_of
from ....impl.api.requests import Delete
from ....impl.kubelet.timings import DEFAULT_GRACE_SECONDS, hook_length
from ....model.checker.results import Exploration, Limits, Progress, Status
from ....model.machine import Machine
from ....properties.reachability.prestop_relation import Goal, weakest
from ...input.scenario import Scenario
from ...world.at_rest.prepare import Prepared
from ...world.faults.registry import possible
from ...world.grains.connections import claims
from ...world.grains.connections.connections import data_path, machine
from ...world.grains.connections.setup import Delays, Setup
from .. import clock, motion
from ..blame.blame import below
from ..results import Blame, Claim
from .flows import registered
from .load_balancer import KNOWN_FAULTS, LEAVING, stripped

LASTING = "of what a Pod has accepted"
"""What the kind of a breach begins with."""
SENTENCE = "No connection that a Pod accepted is cut off."


@frozen
class Scene:
    """A template of Pods that go, by its number, and what is asked of them."""

    number: int
    owner: ReplicaSet
    request: int

    @property
    def kind(self) -> str:
        """The kind of a breach in it."""
        return f"{LASTING}, template {self.number}"

    @property
    def grace(self) -> int:
        """Seconds from the deletion to SIGKILL."""
        given = self.owner.spec.template.spec.termination_grace_period_seconds
        return DEFAULT_GRACE_SECONDS if given is None else given

    @property
    def hooks(self) -> tuple[int, int]:
        """The least and the most seconds before the SIGTERM of whichever container takes the connections."""
        containers = self.owner.spec.template.spec.containers
        lengths = [hook_length(container) for container in containers if container.ports] or [
            hook_length(container) for container in containers
        ]
        most = max(length.seconds if length.exact else self.grace for length in lengths)
        return int(min(length.seconds for length in lengths)), min(-int(-most // 1), self.grace)

    def setup(self, prepared: Prepared, hook: int) -> Setup:
        """Return one Pod with a hook that takes so many seconds, and its deletion."""
        node = min((obj for obj in prepared.objects if isinstance(obj, Node)), key=ref_of)
        pod = stripped(self.owner, LEAVING, node.metadata.name, hook)
        at_once = Delays(endpoints=(0, 0), proxies=(0, 0))
        return Setup(
            (registered(node), pod), script=(Delete(ref_of(pod)),), delays=at_once, longest_request=self.request
        )


def scenes(scenario: Scenario, prepared: Prepared) -> Iterator[Scene]:
    """Yield a scene for each template there is, where the scenario says how long connections last."""
    seconds = scenario.bounds.request_seconds
    owners = () if seconds is None else motion.owners_of(scenario, prepared).values()
    yield from (Scene(number, owner, seconds or 0) for number, owner in enumerate(owners))


def machine_of(scenario: Scenario, prepared: Prepared, kind: str) -> Machine:
    """Return the machine that a breach of this kind was found on."""
    scene = next(found for found in scenes(scenario, prepared) if found.kind == kind)
    return machine(scene.setup(prepared, scene.hooks[0]))


def judge(
    scenario: Scenario,
    prepared: Prepared,
    searched: Exploration,
    claim: Claim,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
) -> Claim:
    """Join to reachability what becomes of connections that last.

    `claim` is what is known without them: nothing (`motion.judge`) where not every run was looked at.
    """
    if scenario.bounds.request_seconds is None:
        return claim
    asked = evolve(claim, sentence=f"{claim.sentence} {SENTENCE}")
    of_one = evolve(limits, max_states=None, max_depth=None)
    look = partial(_looked_at, scenario, prepared, asked, of_one, progress)
    found = (asked, *(look(scene) for scene in scenes(scenario, prepared) if motion.goes(searched, scene.number)))
    worst = (part for status in (Status.VIOLATED, Status.UNKNOWN) for part in found if part.status is status)
    return next(worst, evolve(asked, lines=tuple(dict.fromkeys(line for part in found for line in part.lines))))


def _looked_at(
    scenario: Scenario,
    prepared: Prepared,
    claim: Claim,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
    scene: Scene,
) -> Claim:
    odd = [fault.told for name, _, fault in possible(scenario) if name not in KNOWN_FAULTS]
    ref, least = motion.made_by(scenario, prepared, scene.owner), scene.hooks[0]
    unknown = evolve(claim, status=Status.UNKNOWN, kind=scene.kind, trace=None, vacuous=False)
    if odd or scenario.image_behaviour:
        why = (
            f"what becomes of connections {f'after a {odd[0]}' if odd else 'to images that behave as they are called'}"
        )
        return evolve(unknown, lines=(f"{why} is not looked at",))
    verdicts = []
    for hook in dict.fromkeys(scene.hooks):
        setup = scene.setup(prepared, hook)
        made = claims.finished(data_path(setup))
        verdicts.append(clock.searched(machine(setup), made, limits, progress)[made.name])
    grace = Blame(
        ref,
        below(ref, "terminationGracePeriodSeconds"),
        f"a grace period of {least + scene.request} s is the shortest that is long enough (now {scene.grace} s)",
    )
    if verdicts[0].status is Status.VIOLATED:
        safe = weakest(Goal.FINISHED).given({"request": scene.request})
        told = f"{Goal.FINISHED.value} if and only if {safe} (seconds; now preStop {least}, grace {scene.grace})"
        lines, trace = (*verdicts[0].evidence, told), verdicts[0].trace
        broken = evolve(unknown, status=Status.VIOLATED, lines=lines, trace=trace, blame=(grace,))
        return clock.timed(scenario, machine(scene.setup(prepared, least)), broken)
    if verdicts[-1].status is Status.VIOLATED:
        why = "whether a connection is cut off hangs on how long a preStop hook takes, or on which container takes it"
        return evolve(unknown, lines=(why,), blame=(evolve(grace, what=why),))
    if all(verdict.status is Status.HOLDS for verdict in verdicts):
        return evolve(claim, status=Status.HOLDS, lines=(f"{LASTING} all is served within {scene.request} s",))
    return evolve(unknown, lines=tuple(verdict.reason for verdict in verdicts if verdict.reason))
