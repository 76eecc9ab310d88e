"""A container exits and is restarted, or has ended where nothing is restarted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.core import Pod
from ....impl.kubelet.runtime import crash
from ....model.machine import Action, Outcome, View
from ....model.world.verbs import Verb
from ..nodes.kubelets import fault_at, runtime_slot
from .fault import Fault, Struck, budget

BUDGET = budget("container_crash")


def _actions(struck: Struck) -> tuple[Action, ...]:
    return tuple(fault_at(place, Verb.CONTAINER_CRASHES, partial(_exits, place)) for place in struck.works.places)


def _exits(place: str, view: View) -> Iterator[Outcome]:
    left: int = view[BUDGET]
    pod, runtime = view[place], view[runtime_slot(place)]
    if left and isinstance(pod, Pod) and runtime is not None:
        after = crash(pod, runtime)
        if after != runtime:
            yield Outcome(f"a container of {pod.metadata.name} exits", {runtime_slot(place): after, BUDGET: left - 1})


FAULT = Fault("container crash", _actions)
