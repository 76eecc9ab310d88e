"""JSON patch (RFC 6902) as kube-apiserver applies it.

Upstream: gopkg.in/evanphx/json-patch.v4 (v4.12), which Kubernetes v1.32 uses, and its leniences: `replace` of a missing
key adds it, indices may count from the end or begin with zeros, `test` of what is missing compares with null. Libraries
that keep to the RFC refuse those.
"""

from __future__ import annotations

import copy
import re
from typing import Any

INDEX = re.compile(r"-?[0-9]+", re.ASCII)
OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})


class PatchError(ValueError):
    """A patch that cannot be applied to the document."""


def apply_json_patch(document: Any, operations: list[Any]) -> Any:
    """Return the document after all operations. Raises PatchError."""
    patched = copy.deepcopy(document)
    for operation in operations:
        if not isinstance(operation, dict) or operation.get("op") not in OPERATIONS:
            raise PatchError("Unexpected kind: unknown operation")
        patched = _apply(patched, operation)
    return patched


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    path = _steps(operation.get("path"))
    match operation["op"]:
        case "add":
            return _put(document, path, _value(operation), insert=True)
        case "replace":
            return _put(document, path, _value(operation), insert=False)
        case "remove":
            _remove(document, path)
            return document
        case "move":
            source = _steps(operation.get("from"))
            moved = _get(document, source)
            _remove(document, source)
            return _put(document, path, moved, insert=True)
        case "copy":
            return _put(document, path, copy.deepcopy(_get(document, _steps(operation.get("from")))), insert=True)
        case _:
            if _looked_up(document, path) != operation.get("value"):
                raise PatchError(f"testing value {operation['path']} failed")
            return document


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise PatchError(f"{operation['op']} operation without a value")
    return copy.deepcopy(operation["value"])


def _steps(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise PatchError(f"{pointer!r} is no JSON pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _index(step: str, length: int) -> int:
    """Return the place of an item that is there."""
    if not INDEX.fullmatch(step) or not -length <= int(step) < length:
        raise PatchError(f"Unable to access invalid index: {step}")
    return int(step) % length


def _get(document: Any, path: list[str]) -> Any:
    for step in path:
        if isinstance(document, list):
            document = document[_index(step, len(document))]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            raise PatchError(f"missing value at {step}")
    return document


def _looked_up(document: Any, path: list[str]) -> Any:
    """Return what a test compares: null where there is nothing of that name in a map."""
    if not path:
        return document
    holder = _get(document, path[:-1])
    return holder.get(path[-1]) if isinstance(holder, dict) else _get(holder, path[-1:])


def _put(document: Any, path: list[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    holder, last = _get(document, path[:-1]), path[-1]
    if isinstance(holder, dict):
        holder[last] = value
    elif not isinstance(holder, list):
        raise PatchError(f"missing path: {last}")
    elif not insert:
        holder[_index(last, len(holder))] = value
    elif last == "-":
        holder.append(value)
    else:
        holder.insert(_index(last, len(holder) + 1), value)
    return document


def _remove(document: Any, path: list[str]) -> None:
    if not path:
        raise PatchError("the whole document cannot be removed")
    holder, last = _get(document, path[:-1]), path[-1]
    if isinstance(holder, list):
        del holder[_index(last, len(holder))]
    elif isinstance(holder, dict) and last in holder:
        del holder[last]
    else:
        raise PatchError(f"Unable to remove nonexistent key: {last}")
