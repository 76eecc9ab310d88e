"""Drains that another island's Pods hold up for ever, or that are refused because of them.

**Held up.** An island by itself ends a drain once its own Pods are gone, and goes on. In a run of the whole a budget
of another island may hold the drain up for ever: then that island does not converge, and this one comes to rest without
the steps that come after. So, where some island may not converge, each other one is looked at with its script cut off
behind each drain: its runs then are those of the whole in which that drain is the last step.

**Refused.** A drain evicts nobody where one Pod of the node may not be evicted: a DaemonSet's, one with local data. An
island by itself has every run in which the Pods of another let a drain go on, and every run in which they do not. Where
another has such a Pod on the node in each of its states of rest, and nothing may take it away before the drain looks,
only the latter are runs of the whole. Nothing does where there are no faults, nobody who scales, and no steps before
the drain but cordons and other drains that are refused: a state of rest is left only by what happens to it, and a Pod
that runs stays bound. Nobody is preempted, for there is room for all. What is not modelled might keep the Pod away:
then nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from ...impl.api.autoscaling import HorizontalPodAutoscaler
from ...impl.api.batch import CronJob, Job
from ...impl.api.cache import Cache
from ...impl.api.claim_names import CONVERGENCE, PLACEMENT
from ...impl.kubectl import script as kubectl
from ...model.checker.results import Status
from ..check.results import Claim, Report
from ..input.scenario import Faults, Scenario, Start
from .influence import makers_of
from .split import Island, stops_drains


@frozen
class HeldUp:
    """An island whose script ends with a drain that another one may hold up."""

    island: Island
    scenario: Scenario
    drain: kubectl.Drain

    @property
    def name(self) -> str:
        """What its search is called."""
        return f"{self.island.name}, {self.drain} held up"

    def said_of(self, claim: Claim) -> Iterator[str]:
        """Yield what is said of a claim that is not kept there."""
        others = f"if Pods of others never let {self.drain} end, and so no step comes after it"
        yield from (f"{self.island.name}, {others}: {line}" for line in claim.lines or ("it is not known",))


def held_up(parts: Iterable[Island], reports: Iterable[Report]) -> Iterator[HeldUp]:
    """Yield what has to be looked at beside the islands, given what was found of each."""
    known = tuple(zip(parts, reports, strict=True))
    open_ended = {island.name for island, report in known if not _converges(report)}
    for island, _ in known:
        script = island.scenario.script
        for number, step in enumerate(script[:-1] if open_ended - {island.name} else ()):
            if isinstance(step, kubectl.Drain):
                yield HeldUp(island, evolve(island.scenario, script=script[: number + 1]), step)


def _converges(report: Report) -> bool:
    return all(claim.status is Status.HOLDS for claim in report.claims if claim.name == CONVERGENCE)


# --- refused ----------------------------------------------------------------------------------------------------------


def refused(scenario: Scenario, parts: tuple[Island, ...]) -> tuple[Island, ...]:
    """Return the islands, each with the drains that are refused in every run because of another one's Pods."""
    because: dict[int, str] = {}
    for number, step in enumerate(scenario.script if _undisturbed(scenario) else ()):
        if isinstance(step, kubectl.Drain):
            island = next((part for part in parts if _in_the_way(part, number, step)), None)
            if island is None:
                break
            because[number] = island.name
        elif not isinstance(step, kubectl.Cordon):
            break
    return tuple(_knowing(part, because) for part in parts)


def _knowing(part: Island, because: dict[int, str]) -> Island:
    others = frozenset(own for own, number in enumerate(part.steps) if because.get(number, part.name) != part.name)
    return evolve(part, scenario=evolve(part.scenario, crowd=evolve(part.scenario.crowd, refused=others)))


def _undisturbed(scenario: Scenario) -> bool:
    """Tell whether what is at rest stays as it is until a script touches it, as far as it is known."""
    return (
        scenario.start is Start.SETTLED
        and scenario.faults == Faults()
        and not scenario.own
        and not (scenario.unmodelled.get(PLACEMENT) or scenario.unmodelled.get(CONVERGENCE))
    )


def _in_the_way(part: Island, number: int, step: kubectl.Drain) -> bool:
    """Tell whether in each state of rest of an island a drain is refused because of one of its Pods."""
    alone = evolve(part.scenario, script=(step,))
    moving = (HorizontalPodAutoscaler, Job, CronJob)
    if number not in part.steps or alone.crowd.fills or any(isinstance(obj, moving) for obj in alone.everything):
        return False
    if not stops_drains(alone, makers_of(alone.objects)):
        return False
    from ..world.applied import applied  # noqa: PLC0415 - a world; only who stops drains needs it
    from ..world.at_rest.settle import Restless, contents  # noqa: PLC0415
    from ..world.at_rest.starts import rests  # noqa: PLC0415
    from ..world.cluster import Initial, build  # noqa: PLC0415
    from ..world.parts import Parts  # noqa: PLC0415

    still = evolve(alone, script=())
    cluster = build(still, Parts.core(still), Initial(applied(still)))
    try:
        found = rests(cluster, alone)
    except Restless:
        return False
    return (
        found is not None
        and not found.why
        and all(kubectl.drain_errors(step, Cache.of(contents(cluster, state).objects)) for state in found.states)
    )
