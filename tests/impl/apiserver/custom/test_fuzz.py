"""Definitions and objects with anything in them: each is answered, and never with a failure of the server."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.apiserver import FOO
from scenes.definitions import DEFINITIONS, Cluster

FOOS = "/apis/example.com/v1/namespaces/default/foos"
MERGE, APPLY, PATCH = "application/merge-patch+json", "application/apply-patch+yaml", "application/json-patch+json"
WORDS = ("type", "items", "properties", "additionalProperties", "default", "enum", "x-kubernetes-validations", "not")
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(("", "a", "object", "{"))
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from((*WORDS, "k", "n")), inner, max_size=2),
    max_leaves=4,
)
Json = dict[str, Any]


def foo() -> Json:
    found: Json = yaml.safe_load(FOO.read_text())
    return {**found, "metadata": {"name": found["metadata"]["name"]}}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List every place in some JSON."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, one in inner for found in places(one, (*path, key)))]


def with_at(value: Any, path: tuple[Any, ...], wanted: Any) -> Any:
    """Return JSON with something else at a place."""
    if not path:
        return wanted
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_at(value[path[0]], path[1:], wanted)
    return copy


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_definition_with_anything_in_it_is_taken_or_refused(data: st.DataObject) -> None:
    crd = foo()
    for _ in range(data.draw(st.integers(1, 2))):
        crd = with_at(crd, data.draw(st.sampled_from([path for path in places(crd) if path])), data.draw(ANYTHING))
    cluster = Cluster()
    answer = cluster("POST", DEFINITIONS, crd)
    assert answer.code in {201, 400, 422}, answer.body
    if answer.code == 201:
        cluster.turn()
        assert cluster("POST", FOOS, {"metadata": {"name": "f"}, "spec": data.draw(ANYTHING)}).code < 500
        assert cluster("GET", "/openapi/v3/apis/example.com/v1").code in {200, 404}
        assert cluster("GET", FOOS, accept="application/json;as=Table;v=v1;g=meta.k8s.io").code in {200, 404}


CLUSTER: list[Cluster] = []


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_an_object_with_anything_in_it_is_taken_or_refused(data: st.DataObject) -> None:
    if not CLUSTER:
        cluster = Cluster()
        cluster.define(foo())
        CLUSTER.append(cluster)
    cluster = Cluster(CLUSTER[0].plane, CLUSTER[0].now)
    spec = {"n": 3, "s": "a", "list": [{"k": "a", "v": "b"}], "set": ["a"], "free": {"a": {"b": 1}}}
    body = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "f"}, "spec": spec, "status": {"x": 1}}
    assert cluster("POST", FOOS, body).code == 201
    odd = with_at(body, data.draw(st.sampled_from(places(body))), data.draw(ANYTHING))
    for method, path, media in (
        ("POST", FOOS, "application/json"),
        ("PUT", f"{FOOS}/f", "application/json"),
        ("PATCH", f"{FOOS}/f", MERGE),
        ("PATCH", f"{FOOS}/f/status", MERGE),
        ("PATCH", f"{FOOS}/f?fieldManager=m&force=true", APPLY),
        ("PATCH", f"{FOOS}/f", PATCH),
    ):
        answer = cluster(method, path, odd, media=media)
        known = "failed to create typed patch object" in str(answer.body)
        assert answer.code < 500 or known, (method, media, odd, answer.body)
