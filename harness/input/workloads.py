"""Who makes Pods: each workload of the input with its template, and the field the template stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ...impl.api.apps import Workload
from ...impl.api.core import Pod, PodSpec
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.values.frozen import Strings
from ...impl.api.workloads import TEMPLATE, pod_labels


@frozen
class Template:
    """The Pods of a workload (or a Pod by itself): whose, with which labels and spec, and where the spec is written."""

    ref: Ref
    labels: Strings
    spec: PodSpec
    path: str


def templates(objects: Iterable[Object]) -> Iterator[Template]:
    """Yield the templates of workloads, and Pods, that nobody controls; one for each way in which Pods are labelled."""
    for one in objects:
        if isinstance(one, Workload) and one.metadata.controller is None:
            yield from (
                Template(ref_of(one), labels, one.spec.template.spec, f"{TEMPLATE}.spec") for labels in pod_labels(one)
            )
        elif isinstance(one, Pod) and one.metadata.controller is None:
            yield Template(ref_of(one), one.metadata.labels, one.spec, "spec")
