"""What a propagation bound forbids, without clocks: no SIGTERM after a hook as long, until nobody leads to the Pod."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve

from kubeproof.harness.world.nodes.kubelets import USER, runtime_slot
from kubeproof.harness.world.nodes.led import propagated
from kubeproof.impl.api.core import Pod, Service
from kubeproof.impl.api.runtime import PodRuntime, Stage
from kubeproof.impl.kubelet.timings import timings
from kubeproof.model.machine import Action, Machine, Outcome, View
from kubeproof.properties.reachability.answers import targets


def guarded(machine: Machine, bound: int, slots: tuple[str, ...], services: tuple[Service, ...]) -> Machine:
    """Return a machine without the steps that the bound forbids; in `slots` somebody may lead to a Pod."""
    acts = (
        evolve(one, step=partial(_allowed, one, bound, slots, services)) if one.by == USER else one
        for one in machine.actions
    )
    return evolve(machine, actions=tuple(acts))


def _allowed(
    action: Action, bound: int, slots: tuple[str, ...], services: tuple[Service, ...], view: View
) -> Iterator[Outcome]:
    for outcome in action.step(view):
        place, slot = str(action.on), runtime_slot(str(action.on))
        signalled = _stage(view[slot]) is Stage.PRE_STOP and _stage(outcome.updates.get(slot)) is Stage.TERMINATING
        pod = view[place]
        if not signalled or not isinstance(pod, Pod) or _is_long_enough(bound, slots, services, view, pod):
            yield outcome


def _stage(runtime: object) -> Stage | None:
    return runtime.stage if isinstance(runtime, PodRuntime) else None


def _is_long_enough(bound: int, slots: tuple[str, ...], services: tuple[Service, ...], view: View, pod: Pod) -> bool:
    asked = targets(services, pod.metadata.namespace, pod.metadata.labels.items(), pod.spec)
    return timings(pod, asked, most=False).before_sigterm < bound or propagated(slots, view, pod)
