"""What a Pod names that must exist before its containers start, or before it is let in at all, and the keys of it.

Upstream: pkg/api/pod/util.go (VisitPodConfigmapNames, VisitPodSecretNames), pkg/kubelet (volumes, environment),
plugin/pkg/admission/{serviceaccount,priority,runtimeclass} (v1.32).
Left out on purpose: imagePullSecrets (an image is pulled without them or not at all), volumes of one storage system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from .core import PodSpec
from .meta import Ref

BEFORE_START = frozenset({"ConfigMap", "Secret"})
"""A Pod that lacks one of these waits on its node; one that lacks anything else is refused."""


@frozen
class Reference:
    """An object that a Pod cannot do without, and the field, below its spec, that names it."""

    ref: Ref
    path: str


def references(spec: PodSpec, namespace: str) -> Iterator[Reference]:
    """Yield what a Pod of a namespace names; what is marked optional is left out."""
    if spec.service_account_name:
        yield Reference(Ref("ServiceAccount", namespace, spec.service_account_name), "serviceAccountName")
    if spec.priority_class_name:
        yield Reference(Ref("PriorityClass", "", spec.priority_class_name), "priorityClassName")
    if name := spec.extra.get("runtimeClassName"):
        yield Reference(Ref("RuntimeClass", "", str(name)), "runtimeClassName")
    for kind, name, path, holder in (*_sources_of_volumes(spec), *_sources_of_environment(spec)):
        yield Reference(Ref(kind, namespace, name), f"{path}.{'secretName' if 'secretName' in holder else 'name'}")


@frozen
class NeededKey:
    """A key that a ConfigMap or Secret must have before a Pod's containers start, and the field that names it."""

    ref: Ref
    key: str
    path: str


def keys_needed(spec: PodSpec, namespace: str) -> Iterator[NeededKey]:
    """Yield the keys that a Pod of a namespace cannot do without; what is marked optional is left out."""
    for kind, name, path, holder in (*_sources_of_volumes(spec), *_sources_of_environment(spec)):
        ref = Ref(kind, namespace, name)
        if holder.get("key"):
            yield NeededKey(ref, str(holder["key"]), f"{path}.key")
        for index, item in enumerate(_maps(holder.get("items"))):
            if item.get("key"):
                yield NeededKey(ref, str(item["key"]), f"{path}.items[{index}].key")


Source = tuple[str, str, str, Mapping[str, Any]]
"""Kind, name, field, and what stands in the field."""


def _sources_of_volumes(spec: PodSpec) -> Iterator[Source]:
    for index, volume in enumerate(_maps(spec.extra.get("volumes"))):
        path = f"volumes[{index}]"
        yield from _source(volume, "configMap", "ConfigMap", "name", path)
        yield from _source(volume, "secret", "Secret", "secretName", path)
        projected = volume.get("projected")
        for number, source in enumerate(_maps(projected.get("sources") if isinstance(projected, Mapping) else None)):
            inside = f"{path}.projected.sources[{number}]"
            yield from _source(source, "configMap", "ConfigMap", "name", inside)
            yield from _source(source, "secret", "Secret", "name", inside)


def _sources_of_environment(spec: PodSpec) -> Iterator[Source]:
    groups = (("initContainers", spec.init_containers), ("containers", spec.containers))
    for path, extra in (
        (f"{field}[{index}]", container.extra) for field, all_ in groups for index, container in enumerate(all_)
    ):
        for number, entry in enumerate(_maps(extra.get("env"))):
            source = entry.get("valueFrom")
            inside = f"{path}.env[{number}].valueFrom"
            if isinstance(source, Mapping):
                yield from _source(source, "configMapKeyRef", "ConfigMap", "name", inside)
                yield from _source(source, "secretKeyRef", "Secret", "name", inside)
        for number, entry in enumerate(_maps(extra.get("envFrom"))):
            yield from _source(entry, "configMapRef", "ConfigMap", "name", f"{path}.envFrom[{number}]")
            yield from _source(entry, "secretRef", "Secret", "name", f"{path}.envFrom[{number}]")


def _source(holder: Mapping[str, Any], field: str, kind: str, key: str, path: str) -> Iterator[Source]:
    found = holder.get(field)
    if isinstance(found, Mapping) and found.get(key) and not found.get("optional"):
        yield kind, str(found[key]), f"{path}.{field}", found


def _maps(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(item for item in value or () if isinstance(item, Mapping))
