"""What Pods say of their programs in annotations: nothing Kubernetes reads, and so nobody else tells of a mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...impl.api.apps import Workload
from ...impl.api.autoscaling import HorizontalPodAutoscaler
from ...impl.api.core import Pod, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.reading.load import Problem
from ...impl.api.reading.nearest import did_you_mean
from ...impl.api.values.duration import DurationError, seconds
from ...impl.api.values.frozen import Strings
from ...impl.api.values.quantity import QuantityError, parse_quantity
from ...impl.api.workloads import TEMPLATE
from ...impl.controllers.horizontal.metrics import MEASURES, measures
from ...impl.kubelet.behaviour import READY_WHEN, ready_when
from ...impl.kubelet.eviction import USES
from ...impl.kubelet.starting import STARTS_IN
from ...impl.kubelet.usage import USES_AT_FIRST, USES_CPU
from .files.manifests import Manifests
from .workloads import pod_annotations

PREFIX = "kubeproof/"
AMOUNTS = {USES: "an amount of memory: 512Mi", USES_CPU: "an amount of cpu: 250m", USES_AT_FIRST: "an amount of cpu: 2"}
KNOWN = (READY_WHEN, STARTS_IN, *AMOUNTS)


def start_up(objects: Iterable[Object]) -> bool:
    """Tell whether programs of some Pods are said to take a while to start up."""
    return any(STARTS_IN in said for said in pod_annotations(objects))


def mistakes(manifests: Manifests) -> Iterator[Problem]:
    """Yield what is wrong with annotations that speak of programs: keys, amounts, and names that lead nowhere."""
    services = {ref_of(obj) for obj in manifests.objects if isinstance(obj, Service)}
    for obj in manifests.objects:
        if isinstance(obj, Pod | Workload):
            yield from _of(manifests, obj, services)
        if isinstance(obj, HorizontalPodAutoscaler):
            yield from _of_scaler(manifests, obj)


def _of(manifests: Manifests, one: Object, services: set[Ref]) -> Iterator[Problem]:
    field, annotations = _annotations(one)
    for key, value in annotations.items():
        at = f"{field}[{key}]"
        if key.startswith(PREFIX) and key not in KNOWN:
            yield manifests.problem(ref_of(one), at, f"{key!r} is not known", did_you_mean(key, KNOWN))
        if key in AMOUNTS:
            try:
                parse_quantity(value)
            except QuantityError as error:
                yield manifests.problem(ref_of(one), at, str(error), AMOUNTS[key])
    try:
        seconds(annotations.get(STARTS_IN, "0"))
    except DurationError as error:
        yield manifests.problem(ref_of(one), f"{field}[{STARTS_IN}]", str(error))
    if USES_AT_FIRST in annotations and USES_CPU not in annotations:
        at = f"{field}[{USES_AT_FIRST}]"
        yield manifests.problem(ref_of(one), at, "nothing says what is used at length", f"add {USES_CPU}")
    for name in ready_when(Pod(ObjectMeta(annotations=annotations))):
        service = Ref("Service", one.metadata.namespace, name)
        if service not in services:
            there = sorted(ref.name for ref in services if ref.namespace == one.metadata.namespace)
            hint = did_you_mean(name, there) if there else "there is no Service beside it"
            yield manifests.problem(ref_of(one), f"{field}[{READY_WHEN}]", f"there is no {service}", hint)


def _of_scaler(manifests: Manifests, one: HorizontalPodAutoscaler) -> Iterator[Problem]:
    said = one.metadata.annotations
    for key in said:
        if key.startswith(PREFIX) and key != MEASURES:
            at = f"metadata.annotations[{key}]"
            yield manifests.problem(ref_of(one), at, f"{key!r} is not known", did_you_mean(key, (MEASURES,)))
    try:
        measures(said)
    except QuantityError as error:
        at = f"metadata.annotations[{MEASURES}]"
        yield manifests.problem(ref_of(one), at, str(error), "names of metrics with amounts: queue=30, lag=5")


def _annotations(one: Object) -> tuple[str, Strings]:
    if isinstance(one, Workload):
        return f"{TEMPLATE}.metadata.annotations", one.spec.template.metadata.annotations
    return "metadata.annotations", one.metadata.annotations
