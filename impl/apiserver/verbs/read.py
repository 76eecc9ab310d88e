"""GET: one object, or those of a collection that are selected, page by page.

Upstream: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go (Get, ListPredicate),
storage/etcd3/store.go (GetList), and the GetAttrs of pkg/registry/**/strategy.go (v1.32): the fields of selectors.
Left out on purpose: which revision is read; whoever holds the history chooses it (rest/reads.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...api.kinds import Object, ref_of
from ...api.reading.convert import unstructure
from ...api.requests import Get, List, Page, Response, Selection
from ..custom.kind import served_kind
from ..status import not_found
from ..storage import Storage
from .create import Answer

EVERY_KIND = ("metadata.name", "metadata.namespace")
SELECTABLE: Mapping[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    "Node": ("spec.unschedulable",),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP", "spec.type"),
    "ReplicaSet": ("status.replicas",),
    "ReplicationController": ("status.replicas",),
    "Job": ("status.successful",),
    "CertificateSigningRequest": ("spec.signerName",),
}
"""The fields a kind can be selected by, beside name and namespace."""


def get(storage: Storage, request: Get) -> Answer:
    """Return one object: 404 where there is none."""
    found = storage.get(request.ref)
    return (not_found(request.ref) if found is None else Response(200, object=found)), ()


def list_(storage: Storage, request: List) -> Answer:
    """Return the selected objects by namespace and name: a page of them, and where the next one begins."""
    of = request.of
    behind = (obj for obj in storage.list(of.kind, of.namespace) if key_in_list(obj, of.namespace) > request.after)
    found = tuple(obj for obj in behind if selected(of, obj))
    if not 0 < request.limit < len(found):
        return Response(200, page=Page(found)), ()
    shown = found[: request.limit]
    return Response(200, page=Page(shown, key_in_list(shown[-1], of.namespace), len(found) - len(shown))), ()


def key_in_list(obj: Object, namespace: str | None) -> str:
    """Return by what a list is ordered, and paged: of one namespace by name alone."""
    ref = ref_of(obj)
    return f"{ref.namespace}/{ref.name}" if ref.namespace and not namespace else ref.name


def selected(of: Selection, obj: Object) -> bool:
    """Tell whether the selectors select an object of that kind."""
    if of.labels.requirements and not of.labels.matches(obj.metadata.labels):
        return False
    return not of.fields.terms or of.fields.matches(fields_of(obj))


def unknown_field(of: Selection, selectable: tuple[str, ...] = ()) -> str:
    """Return the first field that objects of the kind cannot be selected by; "" where all can.

    `selectable` are those that a custom kind has.
    """
    known = (*EVERY_KIND, *SELECTABLE.get(of.kind, ()), *selectable)
    return next((term.field for term in of.fields.terms if term.field not in known), "")


def fields_of(obj: Object) -> dict[str, str]:
    """Return what field selectors see of an object."""
    ref = ref_of(obj)
    found = {"metadata.name": ref.name, "metadata.namespace": ref.namespace}
    custom = served_kind(obj)
    fields = SELECTABLE.get(ref.kind, () if custom is None else custom.selectable)
    if not fields:
        return found
    json = unstructure(obj)
    for field in fields:
        found[field] = _shown(_at(json, field.split(".")), field)
    return found


def _at(json: Any, path: list[str]) -> Any:
    for name in path:
        json = json.get(name) if isinstance(json, Mapping) else None
    return json


def _shown(value: Any, field: str) -> str:
    if field == "source" and isinstance(value, Mapping):
        return str(value.get("component") or "")
    if value is None:
        return "false" if field in {"spec.unschedulable", "spec.hostNetwork"} else ""
    return str(value).lower() if isinstance(value, bool) else str(value)
