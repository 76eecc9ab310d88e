"""A cluster as `kubectl get nodes,pods,... -A -o json` prints it, as the start of a placement question.

Pods that run stay where they are; manifests given beside the dump are what comes to it, and replace what they name.
A dump is rarely whole. What is missing is told: as a remark where the answer does not hang on it, as a note, which
turns HOLDS into UNKNOWN, where it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.apps import Workload
from ...impl.api.core import Namespace, Node, Pod, PodSpec, PodTemplateSpec
from ...impl.api.kinds import Object, ref_of
from ...impl.api.policy import SYSTEM_PRIORITIES, PriorityClass
from ...impl.api.reading.load import BadInput, LoadedObject
from ...impl.api.reading.load import Problem as Wrong
from ...impl.api.workloads import with_template
from ..input.files.dump import read_dump, where, without_lost
from ..input.files.inputs import beside_dump, name_of
from ..input.files.manifests import Manifests, refusals


def merged(dump: str | Path, more: Manifests | None) -> tuple[Manifests, tuple[str, ...], tuple[str, ...]]:
    """Read a dump, put manifests on top of it, and give both with remarks and notes. Raises BadInput."""
    found = _read(dump)
    if not any(isinstance(obj, Node) for obj in found.objects):
        hint = "kubectl get nodes,pods,deployments,replicasets -A -o json has them"
        raise BadInput((Wrong(str(dump), 0, "", "the dump has no nodes", hint),))
    whole = found if more is None else _on_top(found, more)
    kept, gone = without_lost(whole)
    remarks = (*_ownerless(kept), *_other_workloads(found))
    return kept, remarks, (*gone, *_unknown_namespaces(kept), *(more.not_modelled if more else ()))


def _read(dump: str | Path) -> Manifests:
    name = name_of(dump)
    found = read_dump(name, beside_dump((), dump).files[name])
    wrong = [problem for obj in found.objects for problem in refusals(LoadedObject(obj, found.sources[ref_of(obj)]))]
    if wrong:
        raise BadInput(tuple(wrong))
    return found


def _on_top(found: Manifests, more: Manifests) -> Manifests:
    new = {ref_of(obj) for obj in more.objects}
    kept = tuple(obj for obj in found.objects if ref_of(obj) not in new)
    return Manifests((*kept, *more.objects), immutabledict({**found.sources, **more.sources}), more.notes)


def _ownerless(found: Manifests) -> Iterator[str]:
    """Yield a remark on Pods whose controller is not in the dump: only those that are there are counted."""
    there = {(ref.kind, ref.namespace, ref.name) for ref in map(ref_of, found.objects)}
    pods = [obj for obj in found.objects if isinstance(obj, Pod | Workload)]
    owners = Counter(
        (owner.kind, pod.metadata.namespace, owner.name)
        for pod in pods
        if (owner := pod.metadata.controller) is not None
    )
    missing = {owner: count for owner, count in owners.items() if owner not in there}
    if missing:
        kinds = ", ".join(sorted({kind for kind, _, _ in missing}))
        yield (
            f"{sum(missing.values())} Pods or workloads belong to {len(missing)} controllers ({kinds}) that the dump "
            "does not have or that are not modelled: those that are there are placed, no more are made"
        )


def _other_workloads(found: Manifests) -> Iterator[str]:
    """Yield a remark on kinds that are not modelled: of workloads, the Pods are in the dump themselves."""
    kinds = Counter(note.kind for note in found.notes if not note.field)
    if kinds:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        yield f"not modelled: {told}; of workloads the Pods that are in the dump are looked at"


def _unknown_namespaces(found: Manifests) -> Iterator[str]:
    """Yield a note where affinity asks for labels of namespaces that the dump does not have."""
    known = {obj.metadata.name for obj in found.objects if isinstance(obj, Namespace)}
    asking = [obj for obj in found.objects if isinstance(obj, Pod) and _selects_namespaces(obj.spec)]
    missing = sorted({obj.metadata.namespace for obj in found.objects if isinstance(obj, Pod)} - known)
    if asking and missing:
        yield (
            f"{where(found, asking[0])}Pod {asking[0].metadata.name} selects namespaces by label, and the dump lacks "
            f"the namespaces {', '.join(missing)}"
        )


def _selects_namespaces(spec: PodSpec) -> bool:
    affinity = spec.affinity
    both = (affinity.pod_affinity, affinity.pod_anti_affinity) if affinity else ()
    terms = (term for rules in both if rules for term in rules.required_during_scheduling_ignored_during_execution)
    return any(term.namespace_selector is not None and term.namespace_selector.match_labels for term in terms)


# --- priorities ---------------------------------------------------------------------------------------------------


def prioritised(objects: Iterable[Object]) -> tuple[tuple[Object, ...], tuple[str, ...]]:
    """Return Pods and templates the number of their PriorityClass, as admission does; tell of missing classes."""
    given = tuple(objects)
    classes = SYSTEM_PRIORITIES | {obj.metadata.name: obj.value for obj in given if isinstance(obj, PriorityClass)}
    default = min(((obj.value for obj in given if isinstance(obj, PriorityClass) and obj.global_default)), default=0)
    missing: dict[str, str] = {}
    found = tuple(_with_priority(obj, classes, default, missing) for obj in given)
    told = (f"{who}: there is no PriorityClass {name}; priority 0 is assumed" for name, who in missing.items())
    return found, tuple(told)


def _with_priority(one: Object, classes: dict[str, int], default: int, missing: dict[str, str]) -> Object:
    def of(spec: PodSpec) -> PodSpec:
        if spec.priority is not None:
            return spec
        if spec.priority_class_name and spec.priority_class_name not in classes:
            missing.setdefault(spec.priority_class_name, f"{ref_of(one).kind} {one.metadata.name}")
        return evolve(spec, priority=classes.get(spec.priority_class_name, 0) if spec.priority_class_name else default)

    def of_template(template: PodTemplateSpec) -> PodTemplateSpec:
        return evolve(template, spec=of(template.spec))

    if isinstance(one, Pod):
        return evolve(one, spec=of(one.spec))
    return with_template(one, of_template(one.spec.template)) if isinstance(one, Workload) else one
