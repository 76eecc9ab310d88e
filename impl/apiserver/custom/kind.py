"""A kind that a CustomResourceDefinition serves, in one version: its schema, its subresources, its columns.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/types.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from immutabledict import immutabledict

from ...api.kinds import Kind, Object, Unstructured
from ...api.values.frozen import EMPTY

Schema = Mapping[str, Any]
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@frozen
class Scale:
    """Where the scale subresource finds the replicas wanted, those there are, and their selector ("" nowhere)."""

    spec: str
    status: str
    selector: str = ""


@frozen
class ServedKind(Kind):
    """A custom kind as an API server serves it."""

    schema: immutabledict[str, Any] = EMPTY
    """The structural schema of the whole object; empty where all is kept as it is."""
    scale: Scale | None = None
    columns: tuple[immutabledict[str, Any], ...] = ()
    selectable: tuple[str, ...] = ()
    """Fields that field selectors may name, besides name and namespace."""
    warning: str = ""
    """What a client of a deprecated version is told; "" of one that is not."""
    list_kind: str = field(default="", eq=False)

    @property
    def whole_schema(self) -> Schema:
        """The schema with what every object has; references lead into Kubernetes' own OpenAPI document."""
        declared = {
            **(self.schema.get("properties") or {}),
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"$ref": f"#/definitions/{METADATA}"},
        }
        return {**self.schema, "properties": declared}


def served_kind(obj: Object) -> ServedKind | None:
    """Return the kind of an object that a CustomResourceDefinition serves; None of any other."""
    return obj.of if isinstance(obj, Unstructured) and isinstance(obj.of, ServedKind) else None
