"""What autoscalers measure, where the manifests tell it, and what they ask for then.

A cluster of which nothing is told has no metrics, and its autoscalers keep within their bounds (`autoscaling`). Where
annotations tell what Pods use, or what is measured beside them, an autoscaler asks for what that comes to. It reads the
store as it is, for it asks for the scale and lists metrics anew at each sync, every 15 s. Whether a Pod is measured is
a matter of a minute; here it is, as soon as it is ready. What windows of stabilization and periods of policies hold up
may be anywhere on the way (`horizontal.reconcile_all`). A window downwards, of 300 s where nothing is said, is taken
to be longer than all that happens by itself: an autoscaler that has one goes down when nothing else can happen. Else it
could go up and down faster than any Pod starts or ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ....impl.api.apps import Sized
from ....impl.api.autoscaling import HorizontalPodAutoscaler
from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.api.releases import Change
from ....impl.api.requests import Request, Update
from ....impl.api.runtime import PodRuntime, Stage
from ....impl.api.values.selectors import selects
from ....impl.controllers.horizontal import horizontal
from ....impl.controllers.horizontal.behavior import waits_down
from ....impl.controllers.horizontal.metrics import MEASURES, USUAL, Tolerance, Total, Usage, asked, measures
from ....impl.kubelet import eviction, usage
from ....model.machine import Action, Outcome, View
from ....model.world.store import Stored
from ....model.world.verbs import Verb
from ...input.autoscalers import blind
from ...input.scenario import Scenario
from ...input.workloads import pod_annotations
from ..nodes.kubelets import USER, Kubelets, runtime_slot
from .autoscaling import CONTROLLER
from .workloads import distinct

RESOURCES = ("cpu", "memory")
Measured = tuple[Pod, PodRuntime | None]


def counts_surges(scenario: Scenario) -> bool:
    """Tell whether an autoscaler looks at how many replicas its target counts, which is a status."""
    return any(
        autoscaler.metadata.annotations.get(MEASURES) and any(_means(metric) for metric in _metrics(autoscaler))
        for autoscaler in distinct(scenario.everything, HorizontalPodAutoscaler)
    )


def _metrics(one: HorizontalPodAutoscaler) -> tuple[Mapping[str, Any], ...]:
    return tuple(one.spec.metrics or ())


def _means(metric: Mapping[str, Any]) -> bool:
    """Tell whether a metric that is measured beside the Pods is wanted as a mean over them."""
    source: Mapping[str, Any] = next((metric[kind] for kind in horizontal.BESIDE if metric.get(kind)), {})
    return (source.get("target") or {}).get("averageValue") is not None


def actions(works: Kubelets, scenario: Scenario, objects: Iterable[Object]) -> tuple[Action, ...]:
    """Return what autoscalers do about what they measure, and how programs start up."""
    if not scenario.measures:
        return ()
    found = []
    tolerance = None if Change.OWN_TOLERANCE in scenario.release else USUAL
    still = {reason.ref for reason in blind(scenario)}
    for autoscaler in distinct((*objects, *scenario.applied), HorizontalPodAutoscaler):
        if ref_of(autoscaler) in still:
            continue
        key, name = ref_of(autoscaler), f"{CONTROLLER} {autoscaler.metadata.name}"
        found += [_action(f"{name}: measures", key, partial(_asks, works, key, tolerance, last=False), last=False)]
        found += [
            _action(f"{name}: measures for long", key, partial(_asks, works, key, tolerance, last=True), last=True)
        ]
    if any(usage.USES_AT_FIRST in annotations for annotations in pod_annotations(scenario.everything)):
        for place in works.places:
            name = f"program {place.rpartition('/')[2]}"
            step = partial(_warms_up, place)
            found.append(Action(f"{name}: has started up", name, step, by=USER, verb=Verb.WORKS, on=place))
    return tuple(found)


def _action(name: str, key: Ref, step: Callable[[View], Iterator[Outcome]], *, last: bool) -> Action:
    return Action(name, name, step, when_quiet=last, by=CONTROLLER, verb=Verb.SENDS, on=key)


def _warms_up(place: str, view: View) -> Iterator[Outcome]:
    pod, slot = view.via(_as_used, place), runtime_slot(place)
    runtime: PodRuntime | None = view[slot]
    if pod is not None and runtime is not None and usage.warms_up(pod, runtime):
        yield Outcome(f"the programs of {pod.metadata.name} have started up", {slot: usage.warm(runtime)})


def _as_used(obj: Object | None) -> Pod | None:
    if not isinstance(obj, Pod):
        return None
    return Pod(ObjectMeta(obj.metadata.name, annotations=obj.metadata.annotations))


def _asks(works: Kubelets, key: Ref, tolerance: Tolerance | None, view: View, *, last: bool) -> Iterator[Outcome]:
    """Yield what an autoscaler asks for; `last`: what it does only once a window is over."""
    stored = Stored(view, works.world.layout)
    scaler = stored.get(key)
    target = stored.get(horizontal.target_ref(scaler)) if isinstance(scaler, HorizontalPodAutoscaler) else None
    if not isinstance(scaler, HorizontalPodAutoscaler) or not isinstance(target, Sized):
        return
    pods = tuple(_pods(works, target, view))
    measured: horizontal.Measured = {**_used(pods), **_beside(scaler, target, pods)}
    cache = Cache.of((scaler, target))
    waits = waits_down(scaler.spec)
    for requests in horizontal.reconcile_all(cache, key, measured=measured, tolerance=tolerance):
        for request in requests if last is (waits and _goes_down(requests, target)) else ():
            response, updates = works.world.commit(view, CONTROLLER, request)
            if response.ok:
                yield Outcome(works.world.describe(request, response), updates)


def _used(pods: tuple[Measured, ...]) -> dict[str, Usage]:
    """Return what is measured of a target's Pods, by resource."""
    return {resource: found for resource in RESOURCES if (found := _usage(resource, pods)) is not None}


def _pods(works: Kubelets, target: Sized, view: View) -> Iterator[Measured]:
    """Yield the Pods that a target selects, those of former templates among them, with what runs of them.

    Not those that have failed or are being deleted: an autoscaler leaves them out.
    """
    for place in works.places:
        pod = view.via(_as_measured, place)
        if pod is None or pod.metadata.namespace != target.metadata.namespace:
            continue
        if selects(target.spec.selector, pod.metadata.labels):
            yield pod, view[runtime_slot(place)]


def _goes_down(requests: tuple[Request, ...], target: Sized) -> bool:
    sizes = (
        request.object.spec.wanted
        for request in requests
        if isinstance(request, Update) and isinstance(request.object, Sized)
    )
    return any(size < target.spec.wanted for size in sizes)


def _as_measured(obj: Object | None) -> Pod | None:
    if not isinstance(obj, Pod) or obj.metadata.terminating or obj.status.phase == "Failed":
        return None
    return obj


def _usage(resource: str, pods: tuple[Measured, ...]) -> Usage | None:
    """Return what the Pods use of a resource, None where none of them tells."""
    used = {pod.metadata.name: of for pod, runs in pods if (of := _amount(resource, pod, runs)) is not None}
    if not used:
        return None
    late = {pod.metadata.name for pod, _ in pods if _starts(pod) or (resource == "cpu" and not pod.ready)}
    missing = {pod.metadata.name for pod, _ in pods} - used.keys() - late
    requests = {pod.metadata.name: amount for pod, _ in pods if (amount := asked(pod.spec, resource)) is not None}
    return Usage(used, requests, frozenset(late), frozenset(missing))


def _starts(pod: Pod) -> bool:
    return pod.status.phase in {"", "Pending"}


def _amount(resource: str, pod: Pod, runs: PodRuntime | None) -> int | None:
    if runs is None:
        return None
    if resource == "cpu":
        return usage.cpu(pod, runs)
    said = eviction.USES in pod.metadata.annotations and runs.stage is Stage.RUNNING
    return eviction.used(pod) * 1000 if said else None


def _beside(scaler: HorizontalPodAutoscaler, target: Sized, pods: tuple[Measured, ...]) -> dict[str, Total]:
    """Return what is measured beside the Pods, by the name of the metric."""
    ready = sum(pod.ready and not _starts(pod) for pod, _ in pods)
    told = measures(scaler.metadata.annotations)
    return {name: Total(amount, target.status.replicas, ready) for name, amount in told.items()}
