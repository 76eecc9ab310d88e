"""Namespaces that are deleted, and what that is not modelled keeps them from ever being gone.

Upstream: pkg/controller/namespace/deletion/namespaced_resources_deleter.go (v1.32): a namespace stays until nothing is
left in it, and deleteAllContent fails for as long as a group of the API cannot be asked what it has there.
A finalizer that none of Kubernetes' controllers takes away stays for ever, as on a Pod; that of a custom resource is
taken away by its operator, if that still runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from ....impl.api.claim_names import CONVERGENCE
from ....impl.api.core import Namespace, Service
from ....impl.api.kinds import ref_of
from ....impl.api.meta import Ref
from ....impl.api.reading.load import Note, Other
from ....impl.api.reading.unmodelled_kinds import pod_template
from ....impl.api.values.frozen import as_map
from ....impl.controllers.garbage import FOREGROUND, ORPHAN
from ....impl.kubectl.script import DeleteObject
from ..files.manifests import Manifests
from ..scenario import Holder, Scenario

BUILT_IN = ("kubernetes.io", "k8s.io")
"""Domains of finalizers that Kubernetes' own controllers take away."""


@frozen
class Leaving:
    """What holds a namespace that is deleted, and notes of what may."""

    holders: tuple[Holder, ...] = ()
    notes: tuple[Note, ...] = ()


def leaving(manifests: Manifests, scenario: Scenario) -> Leaving:
    """Look at what is not modelled in namespaces that the script deletes, or that are being deleted at the start."""
    spaces = frozenset(_deleted(scenario))
    if not spaces:
        return Leaving()
    held = [(other, found) for other in manifests.others if (found := _held(other, spaces, scenario.namespace))]
    holders = tuple(Holder(other.ref, finalizers) for other, finalizers in held if not other.custom)
    served = {ref_of(obj) for obj in manifests.objects if isinstance(obj, Service)}
    custom = (
        _note(other, "metadata.finalizers", f"a namespace is deleted, and {', '.join(names)} waits for an operator")
        for other, names in held
        if other.custom
    )
    servers = (
        _note(other, "spec.service", "a namespace that is deleted stays for as long as this does not answer")
        for other in manifests.others
        if other.ref.kind == "APIService" and not (scenario.complete or served.issuperset(_services(other)))
    )
    return Leaving(holders, (*custom, *servers))


def _services(one: Other) -> Iterator[Ref]:
    """Yield the Service that answers for a group of the API, if one does."""
    found = as_map(as_map(one.source.document.value.get("spec")).get("service"))
    if found:
        yield Ref("Service", str(found.get("namespace", "")), str(found.get("name", "")))


def _deleted(scenario: Scenario) -> Iterator[str]:
    for obj in scenario.everything:
        if isinstance(obj, Namespace) and obj.metadata.terminating:
            yield obj.metadata.name
    for step in scenario.script:
        if isinstance(step, DeleteObject) and step.kind == "Namespace":
            yield step.name


def _held(one: Other, spaces: frozenset[str], usual: str) -> tuple[str, ...]:
    """Return the finalizers that stay on an object in one of some namespaces, or on the Pods that it makes."""
    space = one.ref.namespace or (usual if one.custom else "")
    if space not in spaces:
        return ()
    value = one.source.document.value
    template = pod_template(value)
    found = (*_finalizers(value), *(() if template is None else _finalizers(template)))
    return tuple(name for name in found if one.custom or not _of_kubernetes(name))


def _finalizers(value: Mapping[str, Any]) -> Iterable[str]:
    found = as_map(value.get("metadata")).get("finalizers") or ()
    return tuple(str(name) for name in found if name not in {FOREGROUND, ORPHAN})


def _of_kubernetes(name: str) -> bool:
    domain = name.partition("/")[0]
    return any(domain == suffix or domain.endswith(f".{suffix}") for suffix in BUILT_IN)


def _note(one: Other, field: str, why: str) -> Note:
    return Note(one.source.file, one.source.line_of(field), field, str(one.ref), why, (CONVERGENCE,))
