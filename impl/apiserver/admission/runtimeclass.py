"""The admission plugin RuntimeClass: what a Pod's runtime takes on top, and where it runs.

Upstream: plugin/pkg/admission/runtimeclass/admission.go, pkg/util/tolerations/tolerations.go (v1.36).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from ...api.core import Pod, Toleration
from ...api.kinds import Unstructured, ref_of
from ...api.meta import Ref
from ...api.requests import Response
from ...api.values.frozen import as_map, strings
from ...api.values.quantity import parse_quantity
from ...quota.amounts import frozen_amounts, same
from ..status import forbidden
from ..storage import Storage

OTHER = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
WITHOUT = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"


def runtime_of(pod: Pod) -> Ref:
    """Return the runtime class that a Pod names, one without a name if none."""
    return Ref("RuntimeClass", "", str(pod.spec.extra.get("runtimeClassName") or ""))


def missing(pod: Pod) -> Response:
    """Say that the runtime class of a Pod does not exist."""
    return forbidden(ref_of(pod), f'pod rejected: RuntimeClass "{runtime_of(pod).name}" not found')


def with_its_class(storage: Storage, pod: Pod) -> Pod | Response:
    """Return a Pod with the overhead and the places of its runtime class, or why it may not have it (403)."""
    ref = runtime_of(pod)
    if not ref.name:
        return pod
    found = storage.get(ref)
    if not isinstance(found, Unstructured):
        return missing(pod)
    placed = _overhead(pod, found)
    return placed if isinstance(placed, Response) else _scheduling(placed, as_map(found.extra.get("scheduling")))


def beyond_its_class(storage: Storage, pod: Pod) -> Response | None:
    """Refuse an overhead that no runtime class stands for."""
    ref = runtime_of(pod)
    found = storage.get(ref) if ref.name else None
    defined = isinstance(found, Unstructured) and "overhead" in found.extra
    return forbidden(ref_of(pod), WITHOUT) if pod.spec.overhead and not defined else None


def _overhead(pod: Pod, found: Unstructured) -> Pod | Response:
    if "overhead" not in found.extra:
        return pod
    fixed = as_map(as_map(found.extra["overhead"]).get("podFixed"))
    amounts = frozen_amounts({name: parse_quantity(str(amount)) for name, amount in fixed.items()})
    if pod.spec.overhead and not same(pod.spec.overhead, amounts):
        return forbidden(ref_of(pod), OTHER)
    return evolve(pod, spec=evolve(pod.spec, overhead=amounts))


def _scheduling(pod: Pod, scheduling: Mapping[str, Any]) -> Pod | Response:
    mine = pod.spec.node_selector
    for key, value in sorted(as_map(scheduling.get("nodeSelector")).items()):
        if mine.get(key, value) != value:
            said = f"runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {mine[key]}"
            return forbidden(ref_of(pod), f"conflict: {said}")
    selector = strings({**mine, **as_map(scheduling.get("nodeSelector"))})
    added = [_toleration(as_map(toleration)) for toleration in scheduling.get("tolerations") or ()]
    tolerations = _merged((*pod.spec.tolerations, *added))
    return evolve(pod, spec=evolve(pod.spec, node_selector=selector, tolerations=tolerations))


def _toleration(given: Mapping[str, Any]) -> Toleration:
    return Toleration(
        key=str(given.get("key") or ""),
        operator=str(given.get("operator") or ""),
        value=str(given.get("value") or ""),
        effect=str(given.get("effect") or ""),
        toleration_seconds=given.get("tolerationSeconds"),
    )


def _merged(tolerations: tuple[Toleration, ...]) -> tuple[Toleration, ...]:
    """Leave out those that others cover (MergeTolerations): of two that are equal the first stays."""
    kept: list[Toleration] = []
    for at, toleration in enumerate(tolerations):
        later = tolerations[at + 1 :]
        if not any(_covers(other, toleration) for other in kept) and not any(
            other != toleration and _covers(other, toleration) for other in later
        ):
            kept.append(toleration)
    return tuple(kept)


def _covers(one: Toleration, other: Toleration) -> bool:
    """Tell whether a toleration tolerates all that another one does (isSuperset)."""
    if one == other:
        return True
    everything = not one.key and one.operator == "Exists"
    if one.key != other.key and not everything:
        return False
    if one.effect not in {"", other.effect}:
        return False
    most, seconds = one.toleration_seconds, other.toleration_seconds
    if one.effect == "NoExecute" and most is not None and (seconds is None or seconds > most):
        return False
    if one.operator in {"", "Equal"}:
        return other.operator == "Equal" and one.value == other.value
    return one.operator == "Exists"
