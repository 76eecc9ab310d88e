"""What objects are made of: names, labels, selectors, amounts, and the fields that a schema alone tells how to fill.

Domains are small, so that what is drawn collides: two objects often have one name, one label, one port.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hypothesis import strategies as st

from ...impl.api.reading import schema

Json = dict[str, Any]
Drawn = st.SearchStrategy[Json]
WORDS = ("a", "b", "web", "db-1")


def names() -> st.SearchStrategy[str]:
    """Draw names that every kind takes: DNS labels, often the same few."""
    return st.one_of(st.sampled_from(WORDS), st.from_regex(r"[a-z]([-a-z0-9]{0,14}[a-z0-9])?", fullmatch=True))


def label_values() -> st.SearchStrategy[str]:
    """Draw values of labels, the empty one among them."""
    return st.sampled_from(("", "a", "b", "v1.2_x"))


def labels(*, least: int = 0) -> st.SearchStrategy[dict[str, str]]:
    """Draw labels, at least so many."""
    keys = st.sampled_from(("app", "tier", "example.com/part"))
    return st.dictionaries(keys, label_values(), min_size=least, max_size=2)


def optional(fields: Mapping[str, st.SearchStrategy[Any]]) -> Drawn:
    """Draw a map with any of some fields."""
    return st.fixed_dictionaries({}, optional=dict(fields))


def flags(definition: str, *, but: Collection[str] = ()) -> dict[str, st.SearchStrategy[bool]]:
    """Return strategies for the fields of a definition of the recorded OpenAPI document that are true or false.

    `but` names those that hang on other fields.
    """
    known = schema.table()["types"][definition]
    return {name: st.booleans() for name, kind in sorted(known.items()) if kind == "boolean" and name not in but}


def merged(*parts: Drawn) -> Drawn:
    """Draw a map with the fields of several."""
    return st.tuples(*parts).map(lambda drawn: {key: value for part in drawn for key, value in part.items()})


def metadata(*, name: st.SearchStrategy[str] | None = None, namespaced: bool = True) -> Drawn:
    """Draw the metadata of a new object, in the namespace `default` or in none that is said."""
    place = {"namespace": st.just("default")} if namespaced else {}
    more = {"labels": labels(), "annotations": st.dictionaries(names(), st.text(max_size=5), max_size=2), **place}
    return st.fixed_dictionaries({"name": names() if name is None else name}, optional=more)


def or_metadata(meta: Drawn | None) -> Drawn:
    """Return the strategy of metadata that is given, or the usual one."""
    return metadata() if meta is None else meta


def object_of(api_version: str, kind: str, meta: Drawn, **fields: Drawn | st.SearchStrategy[Any]) -> Drawn:
    """Draw an object of a kind with these fields."""
    fixed: dict[str, st.SearchStrategy[Any]] = {"apiVersion": st.just(api_version), "kind": st.just(kind)}
    return st.fixed_dictionaries({**fixed, "metadata": meta, **fields})


def selectors(*, least: int = 1) -> Drawn:
    """Draw label selectors: by labels, by an expression, or by both."""
    some = st.lists(st.sampled_from(("a", "b")), min_size=1, max_size=2, unique=True)
    key = st.sampled_from(("app", "tier"))
    within = st.fixed_dictionaries({"key": key, "operator": st.sampled_from(("In", "NotIn")), "values": some})
    there = st.fixed_dictionaries({"key": key, "operator": st.sampled_from(("Exists", "DoesNotExist"))})
    expressions = st.lists(within | there, min_size=1, max_size=2)
    by_labels = st.fixed_dictionaries({"matchLabels": labels(least=least)})
    return st.one_of(by_labels, merged(by_labels, st.fixed_dictionaries({"matchExpressions": expressions})))


def amounts() -> Drawn:
    """Draw amounts of resources that one asks for, or has."""
    cpu, memory = st.sampled_from(("1m", "100m", "0.5", "2")), st.sampled_from(("1", "64Mi", "1.5Gi", "1e9"))
    return optional({"cpu": cpu, "memory": memory})


def int_or_percent(*, most: int = 3, least: int = 0) -> st.SearchStrategy[int | str]:
    """Draw a number, or a share in percent."""
    return st.one_of(st.integers(least, most), st.sampled_from(("1%", "25%", "100%")))
