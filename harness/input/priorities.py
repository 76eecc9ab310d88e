"""The priorities of the Pods of a scenario, as far as they are known before any of them is made.

A Pod gets its priority when the API server admits it (`impl.apiserver.admission`). Whether one may ever evict another
decides which components matter and which claims are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ...impl.api.core import Pod, PodSpec, PodTemplateSpec
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.api.policy import PriorityClass
from ...impl.apiserver.admission.admission import admit
from ...impl.apiserver.config import DEFAULT
from ...impl.apiserver.storage import Objects
from ...impl.kubectl import script as kubectl
from ...impl.scheduler.plugins.priority_sort import priority
from .scenario import Scenario

NEVER = "Never"


@frozen
class Rank:
    """How important a Pod is, and whether it evicts others."""

    priority: int
    preempts: bool


def may_preempt(scenario: Scenario) -> bool:
    """Tell whether some Pod of a scenario could evict another: it has a higher priority, and the policy lets it.

    Where the script changes the classes themselves, the answer is yes.
    """
    if any(_changes_classes(step) for step in scenario.script):
        return True
    ranks = set(_ranks(scenario))
    return any(rank.preempts and rank.priority > other.priority for rank in ranks for other in ranks)


def _changes_classes(step: kubectl.Step) -> bool:
    if isinstance(step, kubectl.Apply):
        return isinstance(step.object, PriorityClass)
    return isinstance(step, kubectl.DeleteObject) and step.kind == "PriorityClass"


def _ranks(scenario: Scenario) -> Iterator[Rank]:
    classes = classes_of(scenario.everything)
    for spec in pod_specs(scenario):
        if (rank := rank_of(spec, classes)) is not None:
            yield rank


def classes_of(objects: Iterable[Object]) -> Objects:
    """Return the priority classes among some objects, as the API server looks them up."""
    return Objects.of(obj for obj in objects if isinstance(obj, PriorityClass))


def rank_of(spec: PodSpec, classes: Objects) -> Rank | None:
    """Return the rank of a Pod; None where the class it names is not among these."""
    admitted = admit(classes, Pod(ObjectMeta(name="pod", namespace="default"), spec), DEFAULT)
    if not isinstance(admitted, Pod):
        return None
    return Rank(priority(admitted), admitted.spec.preemption_policy != NEVER)


def pod_specs(scenario: Scenario) -> Iterator[PodSpec]:
    """Yield the spec of every Pod and of every template of Pods, those that the script applies too."""
    for obj in scenario.everything:
        spec = pod_spec(obj)
        if spec is not None:
            yield spec


def pod_spec(obj: Object) -> PodSpec | None:
    """Return the spec of a Pod, or of the Pods that a workload makes."""
    if isinstance(obj, Pod):
        return obj.spec
    template = getattr(getattr(obj, "spec", None), "template", None)
    return template.spec if isinstance(template, PodTemplateSpec) else None
