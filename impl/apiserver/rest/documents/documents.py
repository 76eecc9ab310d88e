"""The recorded documents, read once each: the OpenAPI ones are large and only read when somebody asks.

Recorded from kube-apiserver v1.32.13 by tests/make_documents.py.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


def _read(name: str) -> Any:
    packed = resources.files(__package__).joinpath(name).read_bytes()
    return json.loads(lzma.decompress(packed))


@cache
def discovery() -> Mapping[str, Any]:
    """Return the documents of discovery by path; those of aggregated discovery have `;aggregated` behind it."""
    found: Mapping[str, Any] = _read("discovery.json.xz")
    return found


@cache
def openapi() -> Mapping[str, Any]:
    """Return the OpenAPI documents by path."""
    found: Mapping[str, Any] = _read("openapi.json.xz")
    return found


@cache
def columns() -> Mapping[str, Any]:
    """Return the columns of tables by path of the group's version and resource: /apis/apps/v1/deployments."""
    found: Mapping[str, Any] = _read("columns.json.xz")
    return found
