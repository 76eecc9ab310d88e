"""What becomes of a CustomResourceDefinition that is created, changed and deleted.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go,
pkg/registry/customresourcedefinition/{strategy,etcd}.go (v1.32).
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ....api.kinds import Unstructured
from ....api.meta import Time
from ....api.values.frozen import freeze
from ....api.values.timestamps import format_time

Json = dict[str, Any]
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""What holds a definition until its objects are gone."""
PENDING = {
    "type": "Terminating",
    "status": "True",
    "reason": "InstanceDeletionPending",
    "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
}


def default_definition(obj: Json) -> Json:
    """Fill in the names that follow from the kind, and that versions differ in nothing but their name."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return obj
    names = dict(spec.get("names") or {})
    kind = str(names.get("kind") or "")
    names = {**names, "singular": names.get("singular") or kind.lower()}
    if kind:
        names["listKind"] = names.get("listKind") or f"{kind}List"
    conversion = spec.get("conversion") or {"strategy": "None"}
    return {**obj, "spec": {**spec, "names": names, "conversion": conversion}}


def first_definition(obj: Unstructured) -> Unstructured:
    """Return a new definition: nobody has looked at it."""
    status = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": _stored(obj, ())}
    return _with_status(evolve(obj, metadata=evolve(obj.metadata, generation=1)), status)


def changed_definition(obj: Unstructured) -> Unstructured:
    """Return a changed definition: the version that is stored by now is one that is."""
    status = obj.extra.get("status") or {}
    before = tuple(status.get("storedVersions") or ())
    after = _stored(obj, before)
    return obj if after == before else _with_status(obj, {**status, "storedVersions": after})


def deleted_definition(obj: Unstructured, now: Time) -> Unstructured:
    """Return a definition whose deletion begins: it waits until its objects are gone."""
    meta = obj.metadata
    held = meta.finalizers if CLEANUP in meta.finalizers else (*meta.finalizers, CLEANUP)
    status = obj.extra.get("status") or {}
    others = [condition for condition in status.get("conditions") or () if condition.get("type") != PENDING["type"]]
    conditions = [*others, {**PENDING, "lastTransitionTime": format_time(now)}]
    marked = evolve(obj, metadata=evolve(meta, deletion_timestamp=now, finalizers=held))
    return _with_status(marked, {**status, "conditions": conditions})


def _stored(obj: Unstructured, before: tuple[str, ...]) -> tuple[str, ...]:
    versions = (obj.extra.get("spec") or {}).get("versions") or ()
    now = next((version.get("name") for version in versions if version.get("storage")), None)
    return before if now is None or now in before else (*before, now)


def _with_status(obj: Unstructured, status: Any) -> Unstructured:
    return evolve(obj, extra=immutabledict({**obj.extra, "status": freeze(status)}))
