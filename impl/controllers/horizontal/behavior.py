"""How fast an autoscaler may go: policies, windows of stabilization, and the bounds.

Upstream: pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicasWithBehaviors, convertDesiredReplicasWith-
BehaviorRate, calculateScaleUpLimitWithScalingRules, stabilizeRecommendationWithBehaviors) and
pkg/apis/autoscaling/v2/defaults.go (v1.32).
"""

from __future__ import annotations

from math import ceil

from attrs import evolve, frozen

from ...api.autoscaling import (
    HorizontalPodAutoscalerBehavior,
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
    HPAScalingRules,
)
from ...api.meta import Time

PERIOD = 15
UP = HPAScalingRules(0, "Max", (HPAScalingPolicy("Pods", 4, PERIOD), HPAScalingPolicy("Percent", 100, PERIOD)))
DOWN = HPAScalingRules(300, "Max", (HPAScalingPolicy("Percent", 100, PERIOD),))
"""What is not said of a direction; 300 is --horizontal-pod-autoscaler-downscale-stabilization."""
DISABLED = "Disabled"


@frozen
class History:
    """What an autoscaler remembers: what it was recommended, and by how much it has changed, each with the time."""

    recommended: tuple[tuple[Time, int], ...] = ()
    changes: tuple[tuple[Time, int], ...] = ()
    """Above 0: replicas that came, below: that went."""


def rules(spec: HorizontalPodAutoscalerSpec) -> tuple[HPAScalingRules, HPAScalingRules]:
    """Return the rules up and down, with what is not said filled in."""
    said = spec.behavior or HorizontalPodAutoscalerBehavior()
    return _filled(said.scale_up, UP), _filled(said.scale_down, DOWN)


def _filled(said: HPAScalingRules | None, usual: HPAScalingRules) -> HPAScalingRules:
    if said is None:
        return usual
    window, policies = said.stabilization_window_seconds, said.policies
    return evolve(
        said,
        select_policy=said.select_policy or usual.select_policy,
        policies=usual.policies if policies is None else policies,
        stabilization_window_seconds=usual.stabilization_window_seconds if window is None else window,
    )


def normalized(
    spec: HorizontalPodAutoscalerSpec, current: int, desired: int, history: History, now: Time
) -> tuple[int, History]:
    """Return how many replicas to ask for where so many are desired, and what is remembered of that."""
    steady = stabilized(spec, current, desired, history, now)
    seen = (*history.recommended, (now, desired))
    lowest, highest = least(spec, current, history, now), most(spec, current, history, now)
    return min(max(steady, lowest), highest), evolve(history, recommended=seen)


def stabilized(spec: HorizontalPodAutoscalerSpec, current: int, desired: int, history: History, now: Time) -> int:
    """Go up by no more than the least, and down by no more than the most, that was recommended within the window."""
    up, down = rules(spec)
    lowest = min(_recommended(history, now, up.stabilization_window_seconds), default=desired)
    highest = max(_recommended(history, now, down.stabilization_window_seconds), default=desired)
    return min(max(current, min(lowest, desired)), max(highest, desired))


def _recommended(history: History, now: Time, window: int | None) -> tuple[int, ...]:
    return tuple(wanted for at, wanted in history.recommended if at > now - (window or 0))


def most(spec: HorizontalPodAutoscalerSpec, current: int, history: History, now: Time) -> int:
    """Return the most replicas there may be now: by the policies upwards, and at most maxReplicas."""
    up = rules(spec)[0]
    limits = [_after(policy, _at_start(current, history, policy, now), up=True) for policy in _policies(up)]
    allowed = min(limits, default=current) if up.select_policy == "Min" else max(limits, default=current)
    return min(max(current, allowed), spec.max_replicas)


def least(spec: HorizontalPodAutoscalerSpec, current: int, history: History, now: Time) -> int:
    """Return the fewest replicas there may be now: by the policies downwards, and at least minReplicas."""
    down = rules(spec)[1]
    limits = [_after(policy, _at_start(current, history, policy, now), up=False) for policy in _policies(down)]
    allowed = max(limits, default=current) if down.select_policy == "Min" else min(limits, default=current)
    return max(min(current, allowed), spec.least)


def passing(spec: HorizontalPodAutoscalerSpec, current: int, goal: int) -> tuple[int, ...]:
    """Return where one may be after a sync that wants to go so far, whatever is remembered.

    All the way, where nothing that is remembered holds it up: no window, and no period longer than a sync is apart from
    the next. Else it may be anything on the way.
    """
    if goal == current:
        return ()
    way = rules(spec)[0 if goal > current else 1]
    held = bool(way.stabilization_window_seconds) or any(policy.period_seconds > PERIOD for policy in _policies(way))
    step = 1 if goal > current else -1
    return tuple(range(goal, current, -step)) if held else (goal,)


def waits_down(spec: HorizontalPodAutoscalerSpec) -> bool:
    """Tell whether an autoscaler waits before it goes down."""
    return bool(rules(spec)[1].stabilization_window_seconds)


def _policies(one: HPAScalingRules) -> tuple[HPAScalingPolicy, ...]:
    return () if one.select_policy == DISABLED else one.policies or ()


def _at_start(current: int, history: History, policy: HPAScalingPolicy, now: Time) -> int:
    """Return how many replicas there were when the period of a policy began."""
    return current - sum(by for at, by in history.changes if at > now - policy.period_seconds)


def _after(policy: HPAScalingPolicy, start: int, *, up: bool) -> int:
    """Return where a policy lets one go from what there was at the start of its period."""
    if policy.type == "Pods":
        return start + policy.value if up else start - policy.value
    return ceil(start * (100 + policy.value) / 100) if up else int(start * (1 - policy.value / 100))
