"""A readiness probe fails as often as its threshold says, while the program runs on; in the end it succeeds again.

What a liveness probe does when it fails is a container that is restarted (`container_crash`). A Pod without a readiness
probe, of which nobody is asked whether it is ready, is not struck.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.core import Pod
from ....impl.kubelet.runtime import probe_failed
from ....model.machine import Action, Outcome, View
from ....model.world.verbs import Verb
from ..nodes.kubelets import fault_at, runtime_slot
from .fault import Fault, Struck, budget

BUDGET = budget("probe_failure")


def _actions(struck: Struck) -> tuple[Action, ...]:
    return tuple(fault_at(place, Verb.PROBE_FAILS, partial(_fails, place)) for place in struck.works.places)


def _fails(place: str, view: View) -> Iterator[Outcome]:
    left: int = view[BUDGET]
    pod, runtime = view[place], view[runtime_slot(place)]
    if left and isinstance(pod, Pod) and runtime is not None:
        after = probe_failed(pod, runtime)
        if after != runtime:
            label = f"the readiness probe of {pod.metadata.name} fails"
            yield Outcome(label, {runtime_slot(place): after, BUDGET: left - 1})


FAULT = Fault("readiness probe failure", _actions)
