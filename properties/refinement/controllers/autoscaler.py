"""How an autoscaler and its target look to the page workloads/autoscaler, and what its turns owe it; a small world."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, product

from immutabledict import immutabledict

from ....impl.api.apps import Deployment, DeploymentSpec
from ....impl.api.autoscaling import (
    CrossVersionObjectReference,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior,
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
    HPAScalingRules,
)
from ....impl.api.cache import Cache
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.api.requests import Request, Update
from ....impl.api.values.frozen import freeze
from ....impl.controllers.horizontal import horizontal
from ....impl.controllers.horizontal.behavior import History
from ....impl.controllers.horizontal.metrics import USUAL, Total
from ....model.components.workloads.autoscaler import Metric, State, after_turn, goal
from ...proof import Answer

KEY = Ref("HorizontalPodAutoscaler", "d", "h")
TARGET = Ref("Deployment", "d", "t")
NOW = 1000

NEVER = HPAScalingRules(select_policy="Disabled")
SLOWLY = HPAScalingRules(0, "Max", (HPAScalingPolicy("Pods", 1, 60),))
BEHAVIOURS = (
    None,
    HorizontalPodAutoscalerBehavior(NEVER, NEVER),
    HorizontalPodAutoscalerBehavior(SLOWLY, SLOWLY),
    HorizontalPodAutoscalerBehavior(None, HPAScalingRules(0)),
)
HISTORIES = (History(), History(((NOW - 10, 1), (NOW - 100, 9))), History((), ((NOW - 5, 1), (NOW - 50, -2))))


def store_of(state: State, behaviour: HorizontalPodAutoscalerBehavior | None = None) -> Cache:
    """Return an autoscaler and its target that look so."""
    spec = HorizontalPodAutoscalerSpec(
        CrossVersionObjectReference(TARGET.kind, TARGET.name, "apps/v1"),
        min_replicas=state.least,
        max_replicas=state.most,
        metrics=freeze([_written(number, metric) for number, metric in enumerate(state.metrics)]),
        behavior=behaviour,
    )
    target = Deployment(ObjectMeta(TARGET.name, namespace="d"), DeploymentSpec(replicas=state.asked))
    return Cache.of((HorizontalPodAutoscaler(ObjectMeta(KEY.name, namespace="d"), spec), target))


def _written(number: int, metric: Metric) -> dict[str, object]:
    kind = "averageValue" if metric.each else "value"
    return {"type": "External", "external": {"metric": {"name": f"m{number}"}, "target": {kind: str(metric.target)}}}


def measured_of(state: State) -> immutabledict[str, Total]:
    """Return what is measured, in thousandths."""
    return immutabledict(
        (f"m{number}", Total(1000 * metric.total, state.counted, state.ready))
        for number, metric in enumerate(state.metrics)
        if metric.total is not None
    )


def asked_by(requests: tuple[Request, ...], state: State) -> int:
    """Return how many replicas there are asked for after a turn."""
    scaled = [request.object for request in requests if isinstance(request, Update)]
    return scaled[0].spec.wanted if scaled and isinstance(scaled[0], Deployment) else state.asked


def turns(state: State, behaviour: HorizontalPodAutoscalerBehavior | None) -> Iterator[int]:
    """Yield how many replicas may be asked for after a turn, by what may be remembered, and by nothing but the spec."""
    store, measured = store_of(state, behaviour), measured_of(state)
    for history in HISTORIES:
        yield asked_by(horizontal.reconcile(store, KEY, measured=measured, history=history, now=NOW), state)
    for requests in horizontal.reconcile_all(store, KEY, measured=measured, tolerance=USUAL):
        yield asked_by(requests, state)


def wrong_turns(state: State, behaviour: HorizontalPodAutoscalerBehavior | None = None) -> tuple[str, ...]:
    """Say which turns the model does not have."""
    allowed = after_turn(state)
    strayed = sorted(set(turns(state, behaviour)) - allowed)
    return tuple(f"{state}: {number}, where it may be {sorted(allowed)}" for number in strayed)


def arrives(state: State) -> bool:
    """Tell whether an autoscaler without windows and policies that hold it up goes all the way, if that is not far."""
    at_once = HorizontalPodAutoscalerBehavior(None, HPAScalingRules(0))
    store = store_of(state, at_once)
    return asked_by(horizontal.reconcile(store, KEY, measured=measured_of(state)), state) == goal(state)


def states() -> Iterator[State]:
    """Yield small states: up to two metrics, two of them within the tolerance of 2."""
    metrics = [Metric(total, target, each) for total in (None, 0, 1, 3, 8) for target, each in ((1, True), (3, False))]
    metrics += [Metric(21, 10, each=True), Metric(21, 20, each=False)]
    chosen = [(), *combinations_with_replacement(metrics, 1), *combinations_with_replacement(metrics, 2)]
    bounds = [(least, most) for least, most in product(range(3), range(1, 4)) if least <= most]
    for asked, (least, most), given in product(range(5), bounds, chosen):
        for counted, ready in {(asked, asked), (asked + 1, max(asked - 1, 0))}:
            yield State(asked, counted, ready, least, most, given)


def autoscaler_proof() -> Answer:
    """Search targets of up to four replicas, all bounds up to three, up to two metrics, four behaviours, any memory."""
    count, wrong = 0, list[str]()
    for state, behaviour in product(states(), BEHAVIOURS):
        count += 1
        wrong += wrong_turns(state, behaviour)
    return Answer(count, tuple(wrong[:1]) or None)
