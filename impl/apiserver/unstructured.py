"""Kinds without a class: what the server fills in, resets, keeps and checks of their JSON.

Upstream: pkg/apis/{core,batch,autoscaling,networking}/v1/defaults.go and pkg/registry/**/strategy.go (v1.32).
Left out on purpose: most of their validation (metadata and Pod templates are validated), the fields that controllers
without a component here would fill in.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ..api.kinds import Unstructured
from ..api.values.frozen import freeze, thaw
from .custom.crd.strategy import changed_definition, default_definition, first_definition
from .resources import resources
from .validation.webhooks import default_mutating, default_webhooks

Json = dict[str, Any]
CRD = "CustomResourceDefinition"
COUNTED = frozenset(
    {
        "CSIDriver",
        "CustomResourceDefinition",
        "FlowSchema",
        "Ingress",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "PriorityLevelConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
"""Kinds whose generation counts the changes of their wish."""


def has_status(obj: Unstructured) -> bool:
    """Tell whether the kind's status is written through a subresource of its own."""
    if obj.of.custom:
        return obj.of.status_apart
    served = resources().get((obj.of.api_version, obj.of.plural))
    return served is not None and "status" in served.subresources


def default_unstructured(obj: Unstructured) -> Unstructured:
    """Return the object with the defaults of its kind."""
    fill = DEFAULTS.get(obj.of.name)
    if fill is None or obj.of.custom:
        return obj
    return evolve(obj, extra=immutabledict(freeze(fill(thaw(obj.extra)))))


def first_unstructured(obj: Unstructured) -> Unstructured:
    """Return a new object: without the status a client may not choose, and as its first generation."""
    extra = immutabledict((key, value) for key, value in obj.extra.items() if key != "status")
    if obj.of.name == CRD and not obj.of.custom:
        return first_definition(obj)
    generation = 1 if _is_counted(obj) else 0
    meta = evolve(obj.metadata, generation=generation)
    return evolve(obj, metadata=meta, extra=extra if has_status(obj) else obj.extra)


def changed_unstructured(new: Unstructured, old: Unstructured) -> Unstructured:
    """Return a changed object: with the status that is stored, and counted up where its wish has changed."""
    extra = dict(new.extra)
    if has_status(old):
        extra.pop("status", None)
        extra |= {"status": old.extra["status"]} if "status" in old.extra else {}
    apart = {"status"} if has_status(old) or not old.of.custom else set()
    wished = any(extra.get(key) != old.extra.get(key) for key in {*extra, *old.extra} - apart)
    generation = old.metadata.generation + (1 if wished and _is_counted(old) else 0)
    meta = evolve(new.metadata, generation=generation)
    changed = evolve(new, metadata=meta, extra=immutabledict(extra))
    return changed_definition(changed) if old.of.name == CRD and not old.of.custom else changed


def _is_counted(obj: Unstructured) -> bool:
    """Tell whether the kind's generation counts the changes of its wish; that of every custom kind does.

    Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go (v1.32).
    """
    return obj.of.custom or obj.of.name in COUNTED


def with_stored_extra(new: Any, old: Any) -> Any:
    """Return the stored object with nothing but another status, where the status is not a field of a class."""
    extra = dict(old.extra)
    extra.pop("status", None)
    extra |= {"status": new.extra["status"]} if "status" in new.extra else {}
    return evolve(old, extra=immutabledict(extra))


# --- defaults -----------------------------------------------------------------------------------------------------


def _secret(obj: Json) -> Json:
    plain = obj.pop("stringData", None) or {}
    encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
    data = {**(obj.get("data") or {}), **encoded}
    return {"type": "Opaque"} | obj | ({"data": data} if data else {})


def _driver(obj: Json) -> Json:
    usual = {"attachRequired": True, "fsGroupPolicy": "ReadWriteOnceWithFSType", "volumeLifecycleModes": ["Persistent"]}
    off = dict.fromkeys(("podInfoOnMount", "requiresRepublish", "seLinuxMount", "storageCapacity"), False)
    said = {key: value for key, value in (obj.get("spec") or {}).items() if value not in (None, [])}
    return {**obj, "spec": {**usual, **off, **said}}


DEFAULTS: Mapping[str, Callable[[Json], Json]] = {
    CRD: default_definition,
    "CSIDriver": _driver,
    "MutatingWebhookConfiguration": default_mutating,
    "Secret": _secret,
    "ValidatingWebhookConfiguration": default_webhooks,
}
"""What each kind's defaults do to the JSON of an object, its metadata apart."""
