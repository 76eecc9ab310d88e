"""Who makes Pods: each workload of the input with its template, and the field the template stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import field, frozen

from ...impl.api.apps import Workload
from ...impl.api.batch import CronJob
from ...impl.api.core import Pod, PodSpec, PodTemplateSpec
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.values.frozen import Strings, strings
from ...impl.api.values.selectors import Labelled
from ...impl.api.workloads import TEMPLATE, pod_labels

JOB_TEMPLATE = "spec.jobTemplate"


@frozen
class Template:
    """The Pods of a workload (or a Pod by itself): whose, with which labels and spec, and where the spec is written."""

    ref: Ref
    labels: Strings
    spec: PodSpec
    path: str
    annotations: Strings = field(factory=strings)

    @property
    def pod(self) -> Pod:
        """What its Pods have in common."""
        return pod_like(self.ref.namespace, self.labels, self.spec)


def pod_like(namespace: str, labels: Strings, spec: PodSpec) -> Pod:
    """Return what Pods that are made alike have in common: no name, no identity."""
    return Pod(ObjectMeta(namespace=namespace, labels=labels), spec)


def by_label(makers: Iterable[Template]) -> Labelled[Template]:
    """File templates by the labels of their Pods."""
    return Labelled.of((template, template.labels.items()) for template in makers)


def templates(objects: Iterable[Object]) -> Iterator[Template]:
    """Yield the templates of workloads, and Pods, that nobody controls; one for each way in which Pods are labelled."""
    for obj in objects:
        if isinstance(obj, Workload) and obj.metadata.controller is None:
            spec, said = obj.spec.template.spec, obj.spec.template.metadata.annotations
            yield from (Template(ref_of(obj), labels, spec, f"{TEMPLATE}.spec", said) for labels in pod_labels(obj))
        elif isinstance(obj, CronJob):
            template = obj.spec.job_template.spec.template
            path, meta = f"{JOB_TEMPLATE}.{TEMPLATE}.spec", template.metadata
            yield Template(ref_of(obj), meta.labels, template.spec, path, meta.annotations)
        elif isinstance(obj, Pod) and obj.metadata.controller is None:
            yield Template(ref_of(obj), obj.metadata.labels, obj.spec, "spec", obj.metadata.annotations)


def pod_annotations(objects: Iterable[Object]) -> Iterator[Strings]:
    """Yield the annotations of every Pod and of every template of Pods."""
    for obj in objects:
        template = getattr(getattr(obj, "spec", None), "template", None)
        if isinstance(obj, Pod):
            yield obj.metadata.annotations
        elif isinstance(template, PodTemplateSpec):
            yield template.metadata.annotations
