"""Whatever stands in a field of the input, it is read or it is told as a mistake: nothing else comes of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from immutabledict import immutabledict

from kubeproof.harness.input.files.scenario_file import BOUNDS, DEADLINE, FAULTS, FIELDS, load_scenario
from kubeproof.harness.input.script.script import ACTIONS
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.values.frozen import freeze

WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}],
                "containers": [
                    {
                        "name": "app",
                        "image": "nginx:1",
                        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                    }
                ],
            },
        },
    },
}
OTHERS: tuple[dict[str, Any], ...] = (
    {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "w"},
        "webhooks": [
            {
                "name": "a.b.c",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"url": "https://a"},
                "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}],
            }
        ],
    },
    {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "w", "annotations": {"a": "b"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "d"},
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                }
            ],
        },
    },
    {"apiVersion": "x.y/v1", "kind": "StatefulSet", "metadata": {"name": "w"}, "spec": {"replicas": "x"}},
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "w"},
        "spec": {"ingressClassName": "x"},
    },
)
VALUES: tuple[Any, ...] = (5, "x", {"a": 1}, None, -1, "", 10**30, [None])


def is_told(files: dict[str, str], **options: Any) -> bool:
    """Load an input: whether it was bad, and BadInput says so. Anything else that is raised fails the test."""
    given = immutabledict({name: freeze(value) for name, value in {"nodes": 1, **options}.items()})
    try:
        load_scenario("it", files, given)
    except BadInput as bad:
        return bool(str(bad))
    return False


def texts(*objects: dict[str, Any]) -> dict[str, str]:
    return {"web.yaml": yaml.safe_dump_all(objects)}


def asked() -> Iterator[dict[str, Any]]:
    """Yield options with every field set to every value."""
    for value in VALUES:
        yield from ({field: value} for field in FIELDS)
        yield from ({"faults": {field: value}} for field in FAULTS)
        yield from ({"bounds": {field: value}} for field in BOUNDS)
        yield from ({"deadline": {field: value}} for field in DEADLINE)


def test_no_value_of_a_field_of_the_scenario_is_a_defect() -> None:
    found = [is_told(texts(WEB), **options) for options in asked()]
    assert 0.5 < sum(found) / len(found) < 1


RIGHT = {"kind": "Deployment", "name": "web", "image": "a", "replicas": 1, "node": "node-1", "labels": {"a": "b"}}


@pytest.mark.parametrize("action", ACTIONS)
def test_no_value_of_an_argument_of_a_step_is_a_defect(action: str) -> None:
    needed, optional = ACTIONS[action].needed, ACTIONS[action].optional
    found = [is_told(texts(WEB), script=[{action: value}]) for value in VALUES]
    for field in (*needed, *optional):
        arguments = {name: RIGHT[name] for name in needed}
        found += [is_told(texts(WEB), script=[{action: {**arguments, field: value}}]) for value in VALUES]
    assert any(found)


def inside(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything below a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from inside(item, (*path, key))


@pytest.mark.parametrize("obj", [WEB, *OTHERS], ids=lambda one: f"{one['kind']} of {one['apiVersion']}")
def test_no_value_of_a_field_of_a_manifest_is_a_defect(obj: dict[str, Any]) -> None:
    found = []
    for path in inside(obj):
        for value in VALUES:
            changed = copy.deepcopy(obj)
            holder = changed
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = value
            found.append(is_told(texts(*([] if obj is WEB else [WEB]), changed)))
    assert any(found)
    assert not all(found)
