"""What the server tells of a custom resource, beside what a real one told of the same."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import yaml

from oracles.apiserver import FOO
from scenes.definitions import DEFINITIONS, Cluster

RECORDED = Path(__file__).parents[4] / "vectors" / "apiserver" / "discovery"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def told(path: str, **more: Any) -> Any:
    crd = yaml.safe_load(FOO.read_text())
    cluster = Cluster()
    kept = {key: crd[key] for key in ("apiVersion", "kind", "spec")}
    cluster.define({**kept, "metadata": {"name": crd["metadata"]["name"]}})
    assert cluster("GET", f"{DEFINITIONS}/{crd['metadata']['name']}").code == 200
    answer = cluster("GET", path, **more)
    assert answer.code == 200
    return json.loads(json.dumps(answer.body))


def recorded(name: str) -> Any:
    with lzma.open(RECORDED / f"{name}.json.xz", "rt") as file:
        return json.load(file)["body"]


def test_discovery_is_as_recorded() -> None:
    assert told("/apis/example.com/v1") == recorded("apis_example.com_v1")


def test_the_openapi_document_is_as_recorded() -> None:
    assert told("/openapi/v3/apis/example.com/v1") == recorded("openapi_v3_apis_example.com_v1")


def test_the_group_is_in_the_lists_of_groups_and_documents() -> None:
    assert {"groupVersion": "example.com/v1", "version": "v1"} in [
        one["preferredVersion"] for one in told("/apis")["groups"]
    ]
    (group,) = (one for one in told("/apis", accept=AGGREGATED)["items"] if one["metadata"]["name"] == "example.com")
    assert [one["resource"] for one in group["versions"][0]["resources"]] == ["foos"]
    assert told("/openapi/v3")["paths"]["apis/example.com/v1"]["serverRelativeURL"].startswith(
        "/openapi/v3/apis/example.com/v1?hash="
    )


def test_the_document_of_version_2_keeps_what_it_can_say() -> None:
    document = told("/openapi/v2", accept="application/json")
    definition = document["definitions"]["com.example.v1.Foo"]
    one = document["paths"]["/apis/example.com/v1/namespaces/{namespace}/foos/{name}"]
    assert sorted(one) == ["delete", "get", "parameters", "patch", "put"]
    assert one["put"]["parameters"][0]["schema"] == {"$ref": "#/definitions/com.example.v1.Foo"}
    spec = definition["properties"]["spec"]["properties"]
    assert spec["n"] == {"type": "integer", "minimum": 1}
    assert spec["free"] == {"x-kubernetes-preserve-unknown-fields": True}
    assert definition["properties"]["metadata"]["$ref"].endswith("ObjectMeta")
