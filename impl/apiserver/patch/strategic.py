"""Strategic merge patch: a merge patch that knows which lists have items with names, and takes directives.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go (v1.32): mergeMap, mergeSlice,
mergePatchIntoOriginal, normalizeElementOrder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .json_patch import PatchError
from .schema import Schema, field, item, merge_key, strategies

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
ORDER = "$setElementOrder/"
DELETE_FROM = "$deleteFromPrimitiveList/"
Map = dict[str, Any]


def apply_strategic_patch(document: Map, patch: Map, schema: Schema) -> Map:
    """Return the document with the patch in it. Raises PatchError on a patch that makes no sense."""
    patch = dict(patch)
    match patch.pop(DIRECTIVE, "merge"):
        case "replace":
            plain: Map = without_directives(patch)
            return plain
        case "delete":
            return {}
        case "merge":
            return _merge_map(dict(document), patch, schema)
        case other:
            raise PatchError(f"Unknown patch type found: {other}")


def _merge_map(merged: Map, patch: Map, schema: Schema) -> Map:
    if RETAIN_KEYS in patch:
        kept = patch.pop(RETAIN_KEYS)
        if not isinstance(kept, list) or any(key not in kept for key in patch):
            raise PatchError(f"{RETAIN_KEYS} list doesn't contain all fields in the patch")
        merged = {key: value for key, value in merged.items() if key in kept}
    orders = {key.removeprefix(ORDER): patch.pop(key) for key in list(patch) if key.startswith(ORDER)}
    for key in [key for key in patch if key.startswith(DELETE_FROM)]:
        name, gone = key.removeprefix(DELETE_FROM), patch.pop(key)
        if isinstance(merged.get(name), list) and isinstance(gone, list):
            merged[name] = [element for element in merged[name] if element not in gone]
    before = {name: merged.get(name) for name in orders}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value, field(schema, key))
    for name, order in orders.items():
        if isinstance(merged.get(name), list) and isinstance(order, list):
            merged[name] = _ordered(merged[name], order, before[name] or [], merge_key(field(schema, name)))
    return merged


def _merged(old: Any, new: Any, schema: Schema) -> Any:
    if isinstance(old, dict) and isinstance(new, dict) and "replace" not in strategies(schema):
        return apply_strategic_patch(old, new, schema)
    if isinstance(old, list) and isinstance(new, list) and "merge" in strategies(schema):
        return _merge_list(old, new, schema)
    return without_directives(new)


def _merge_list(old: list[Any], new: list[Any], schema: Schema) -> list[Any]:
    key = merge_key(schema)
    if not key:
        return _ordered([*old, *(element for element in dict.fromkeys(new) if element not in old)], new, old, "")
    if not all(isinstance(element, dict) for element in new):
        raise PatchError("a list of maps cannot be patched with anything else")
    if any(element.get(DIRECTIVE) == "replace" for element in new):
        return [without_directives(element) for element in new if element.get(DIRECTIVE) != "replace"]
    merged = list(old)
    for element in new:
        if key not in element:
            raise PatchError(f"map: {element} does not contain declared merge key: {key}")
        place = next((at for at, other in enumerate(merged) if _value(other, key) == element[key]), None)
        if element.get(DIRECTIVE) == "delete":
            merged = [other for other in merged if _value(other, key) != element[key]]
        elif place is None:
            merged.append(without_directives(element))
        else:
            merged[place] = apply_strategic_patch(merged[place], element, item(schema))
    return _ordered(merged, [element for element in new if DIRECTIVE not in element], old, key)


def _ordered(found: list[Any], order: list[Any], before: list[Any], key: str) -> list[Any]:
    """Put what the order lists in that order; what only the server has stays where it was among the others."""

    def name(one: Any) -> Any:
        return _value(one, key) if key else one

    wanted, was = [name(element) for element in order], [name(element) for element in before]
    listed = sorted(
        (element for element in found if name(element) in wanted), key=lambda element: wanted.index(name(element))
    )
    others = [element for element in found if name(element) not in wanted]
    return _interleaved(others, listed, lambda left, right: _before(name(left), name(right), was))


def _before(left: Any, right: Any, order: list[Any]) -> bool:
    return left in order and right in order and order.index(left) < order.index(right)


def _interleaved(left: list[Any], right: list[Any], comes_first: Callable[[Any, Any], bool]) -> list[Any]:
    merged: list[Any] = []
    left, right = list(left), list(right)
    while left and right:
        merged.append(left.pop(0) if comes_first(left[0], right[0]) else right.pop(0))
    return [*merged, *left, *right]


def _value(one: Any, key: str) -> Any:
    return one.get(key) if isinstance(one, dict) else None


def without_directives(value: Any) -> Any:
    """Return a value of a patch as it is stored where there was none: without directives, and without nulls."""
    if isinstance(value, list):
        kept = (element for element in value if not (isinstance(element, dict) and DIRECTIVE in element))
        return [without_directives(element) for element in kept]
    if not isinstance(value, dict):
        return value
    return {
        key: without_directives(inner)
        for key, inner in value.items()
        if inner is not None and not key.startswith((DIRECTIVE, RETAIN_KEYS, ORDER, DELETE_FROM))
    }
