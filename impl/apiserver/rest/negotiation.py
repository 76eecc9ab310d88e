"""Which form an answer takes: JSON or YAML, the object itself, its metadata only, or a table.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{negotiation,response.go} (v1.32).
Left out on purpose: protobuf in answers; every client that asks for it takes JSON as well, kubectl among them.
"""

from __future__ import annotations

from attrs import frozen

from .http import JSON, YAML

META = "meta.k8s.io"
TRANSFORMS = frozenset({"Table", "PartialObjectMetadata", "PartialObjectMetadataList"})
ACCEPTED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
CAN = f"only the following media types are accepted: {ACCEPTED}"
UNKNOWN = f"406: Not Acceptable\n\nAvailable representations: {ACCEPTED}"


class NotAcceptableError(ValueError):
    """Nothing the client accepts can be served; the message is Kubernetes' own."""


@frozen
class View:
    """How an answer is written: its media type, and as what ("" the object itself)."""

    content_type: str = JSON
    shown_as: str = ""
    version: str = "v1"
    include: str = "Metadata"


def view_of(accept: str, include: str = "Metadata") -> View:
    """Return the first form the client accepts that can be served. Raises NotAcceptableError."""
    if not accept.strip():
        return View(include=include)
    known = False
    for clause in accept.split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        if media not in {JSON, YAML, "*/*", "application/*"}:
            continue
        known = True
        given = dict(part.split("=", 1) for part in parameters if "=" in part)
        shown_as, group = given.get("as", ""), given.get("g", META)
        if not shown_as:
            return View(YAML if media == YAML else JSON, include=include)
        if shown_as in TRANSFORMS and group == META and given.get("v", "v1") in {"v1", "v1beta1"}:
            return View(YAML if media == YAML else JSON, shown_as, given.get("v", "v1"), include)
    raise NotAcceptableError(CAN if known else UNKNOWN)
