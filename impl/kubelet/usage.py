"""How much cpu the programs of a Pod use: at first, and at length.

Nobody can read it off a manifest, so annotations of the Pod say it; one that says nothing is not measured.
"""

from __future__ import annotations

from attrs import evolve

from ..api.core import Pod
from ..api.runtime import PodRuntime, Stage
from ..api.values.quantity import QuantityError, parse_quantity

USES_CPU = "kubeproof/uses-cpu"
"""The annotation of a Pod that says how much cpu its programs use while they run."""
USES_AT_FIRST = "kubeproof/uses-cpu-at-first"
"""The annotation of a Pod that says how much they use until they have started up, where that is another amount."""


def cpu(pod: Pod, runtime: PodRuntime) -> int | None:
    """Return the thousandths of a cpu that a Pod uses, None where nothing is said of it or nothing runs."""
    if runtime.stage is not Stage.RUNNING:
        return None
    early = not runtime.warm and USES_AT_FIRST in pod.metadata.annotations
    said = pod.metadata.annotations.get(USES_AT_FIRST if early else USES_CPU)
    try:
        return None if said is None else parse_quantity(said).milli_value()
    except QuantityError:
        return None


def warms_up(pod: Pod, runtime: PodRuntime) -> bool:
    """Tell whether a Pod's programs still use what they use at first."""
    return USES_AT_FIRST in pod.metadata.annotations and runtime.stage is Stage.RUNNING and not runtime.warm


def warm(runtime: PodRuntime) -> PodRuntime:
    """Return what runs once it has started up."""
    return evolve(runtime, warm=True)
