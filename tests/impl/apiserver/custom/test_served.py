"""Custom resources as clients see them: from their definition to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeproof.harness.serve import streams
from kubeproof.harness.serve.database import Database
from kubeproof.harness.serve.recording import Began
from kubeproof.impl.apiserver import User
from kubeproof.impl.apiserver.rest.custom.columns import found_at
from scenes.definitions import DEFINITIONS, Cluster, definition, of_spec, version

FOOS = "/apis/example.com/v1/namespaces/default/foos"
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
SIZED = {
    "status": {},
    "scale": {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    },
}
SCHEMA = of_spec({"replicas": {"type": "integer", "minimum": 0, "default": 1}, "color": {"type": "string"}})
SCHEMA["properties"]["status"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
Json = dict[str, Any]
OUTSIDE = {"specReplicasPath": ".a", "statusReplicasPath": ".status.r"}
ODD = {"name": "A", "type": "x", "jsonPath": "a"}


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    columns = [{"name": "Color", "type": "string", "jsonPath": ".spec.color"}]
    selectable = [{"jsonPath": ".spec.color"}]
    found.define(
        definition(version(SCHEMA, subresources=SIZED, additionalPrinterColumns=columns, selectableFields=selectable))
    )
    return found


def made(cluster: Cluster, name: str, **spec: Any) -> Json:
    answer = cluster("POST", FOOS, {"metadata": {"name": name}, "spec": spec})
    assert answer.code == 201, answer.body
    body: Json = answer.body
    return body


def test_a_definition_is_established_and_its_group_is_there(cluster: Cluster) -> None:
    crd = cluster("GET", f"{DEFINITIONS}/foos.example.com").body
    said = {one["type"]: (one["status"], one["reason"]) for one in crd["status"]["conditions"]}
    assert said == {"NamesAccepted": ("True", "NoConflicts"), "Established": ("True", "InitialNamesAccepted")}
    assert crd["status"]["acceptedNames"] == {"plural": "foos", "singular": "foo", "kind": "Foo", "listKind": "FooList"}
    assert [one["name"] for one in cluster("GET", "/apis/example.com/v1").body["resources"]] == [
        "foos",
        "foos/status",
        "foos/scale",
    ]
    assert cluster("GET", "/apis/example.com").body["preferredVersion"]["version"] == "v1"


def test_before_a_definition_is_looked_at_nothing_of_it_is_served() -> None:
    cluster = Cluster()
    assert cluster("POST", DEFINITIONS, definition(version(SCHEMA))).code == 201
    assert cluster("GET", FOOS).code == cluster("GET", "/apis/example.com/v1").code == 404
    cluster.turn()
    assert cluster("GET", FOOS).code == 200


def test_unknown_fields_are_pruned_warned_of_or_refused(cluster: Cluster) -> None:
    body = {"metadata": {"name": "f", "nope": 1}, "spec": {"bogus": 1}}
    told = cluster("POST", f"{FOOS}?dryRun=All", body)
    assert (told.code, told.warnings) == (201, ('unknown field "metadata.nope"', 'unknown field "spec.bogus"'))
    assert told.body["spec"] == {"replicas": 1}
    strict = cluster("POST", f"{FOOS}?fieldValidation=Strict", body)
    said = 'strict decoding error: unknown field "metadata.nope", unknown field "spec.bogus"'
    assert (strict.code, strict.body["message"].partition(": ")[2]) == (400, said)
    made(cluster, "f")
    patched = cluster("PATCH", f"{FOOS}/f?fieldValidation=Strict", {"spec": {"bogus": 1}}, media=MERGE)
    assert (patched.code, 'unknown field "spec.bogus"' in patched.body["message"]) == (422, True)
    assert cluster("PATCH", f"{FOOS}/f", {"spec": {"bogus": 1}}, media=MERGE).warnings == (
        'unknown field "spec.bogus"',
    )
    applied = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "f"}, "spec": {"bogus": 1}}
    refused = cluster("PATCH", f"{FOOS}/f?fieldManager=m", applied, media=APPLY)
    assert (refused.code, ".spec.bogus: field not declared in schema" in refused.body["message"]) == (500, True)


def test_the_status_is_apart_and_the_generation_counts_wishes(cluster: Cluster) -> None:
    assert made(cluster, "f")["metadata"]["generation"] == 1
    both = cluster("PATCH", f"{FOOS}/f", {"spec": {"color": "red"}, "status": {"replicas": 9}}, media=MERGE).body
    assert (both["metadata"]["generation"], "status" in both) == (2, False)
    status = cluster("PATCH", f"{FOOS}/f/status", {"spec": {"color": "x"}, "status": {"replicas": 2}}, media=MERGE).body
    assert (status["metadata"]["generation"], status["spec"]["color"], status["status"]) == (2, "red", {"replicas": 2})


def test_the_scale_is_where_the_definition_says(cluster: Cluster) -> None:
    made(cluster, "f", replicas=3)
    cluster("PATCH", f"{FOOS}/f/status", {"status": {"replicas": 2, "selector": "a=b"}}, media=MERGE)
    scale = cluster("GET", f"{FOOS}/f/scale").body
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 3},
        {"replicas": 2, "selector": "a=b"},
    )
    assert cluster("PATCH", f"{FOOS}/f/scale", {"spec": {"replicas": 5}}, media=MERGE).body["spec"] == {"replicas": 5}
    there = cluster("GET", f"{FOOS}/f").body
    assert (there["spec"]["replicas"], there["metadata"]["generation"]) == (5, 2)
    refused = cluster("PATCH", f"{FOOS}/f/scale", {"spec": {"replicas": -1}}, media=MERGE)
    assert (refused.code, "should be a non-negative integer" in refused.body["message"]) == (422, True)


def test_tables_and_field_selectors_are_those_of_the_definition(cluster: Cluster) -> None:
    made(cluster, "f", color="red")
    made(cluster, "g", color="blue")
    table = cluster("GET", FOOS, accept=TABLE).body
    assert [one["name"] for one in table["columnDefinitions"]] == ["Name", "Color"]
    assert [row["cells"] for row in table["rows"]] == [["f", "red"], ["g", "blue"]]
    found = cluster("GET", f"{FOOS}?fieldSelector=spec.color%3Dblue").body
    assert (found["kind"], [one["metadata"]["name"] for one in found["items"]]) == ("FooList", ["g"])
    assert cluster("GET", f"{FOOS}?fieldSelector=spec.replicas%3D1").code == 400


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.a", [1]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[0].type", ["Ready"]),
        (".status.conditions[*].type", ["Ready", "Other"]),
        (".metadata.labels['a.b/c']", ["d"]),
        (".metadata.labels.a\\.b/c", []),
        ("..type", ["Ready", "Other"]),
        (".nope.nope", []),
        ("{{", []),
    ],
)
def test_a_column_finds_what_its_path_leads_to(path: str, found: list[Any]) -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]
    obj = {"spec": {"a": 1}, "status": {"conditions": conditions}, "metadata": {"labels": {"a.b/c": "d"}}}
    assert list(found_at(obj, path)) == found


def test_one_object_is_seen_in_every_version_and_kept_in_one() -> None:
    cluster = Cluster()
    new = of_spec({"color": {"type": "string", "default": "green"}})
    old = version(of_spec({}), "v1beta1", storage=False, deprecated=True)
    cluster.define(definition(version(new), old))
    made(cluster, "f", color="red")
    beta = "/apis/example.com/v1beta1/namespaces/default/foos/f"
    seen = cluster("GET", beta)
    assert (seen.body["apiVersion"], seen.body["spec"]) == ("example.com/v1beta1", {})
    assert seen.warnings == ("example.com/v1beta1 Foo is deprecated",)
    revision = cluster.plane.revision
    assert cluster("PATCH", f"{beta}?fieldManager=b", {"metadata": {"labels": {"a": "b"}}}, media=MERGE).code == 200
    there = cluster("GET", f"{FOOS}/f").body
    assert (there["apiVersion"], there["metadata"]["labels"]) == ("example.com/v1", {"a": "b"})
    owners = [(one["manager"], one["apiVersion"]) for one in there["metadata"]["managedFields"]]
    assert ("b", "example.com/v1beta1") in owners
    assert cluster.plane.revision == revision + 1
    versions = cluster("GET", "/apis/example.com").body["versions"]
    assert [one["version"] for one in versions] == ["v1", "v1beta1"]


def test_a_watch_shows_objects_in_its_version(cluster: Cluster) -> None:
    watch = cluster("GET", f"{FOOS}?watch=1")
    position, first = streams.first(cluster.plane.server, watch, cluster.now)
    made(cluster, "f")
    _, events = streams.more(cluster.plane.server, watch, position, cluster.now)
    assert (first, [(one["type"], one["object"]["apiVersion"]) for one in events]) == (
        (),
        [("ADDED", "example.com/v1")],
    )


def test_two_groups_may_have_kinds_of_one_name_also_one_of_kubernetes() -> None:
    cluster = Cluster()
    cluster.define(definition(version(SCHEMA), kind="Service", group="a.example.com"))
    cluster.define(definition(version(SCHEMA), kind="Service", group="b.example.com", scope="Cluster"))
    first, second = "/apis/a.example.com/v1/namespaces/default/services", "/apis/b.example.com/v1/services"
    assert cluster("POST", first, {"metadata": {"name": "1.one"}}).code == 201
    assert cluster("POST", second, {"metadata": {"name": "two"}}).code == 201
    named = [[one["metadata"]["name"] for one in cluster("GET", path).body["items"]] for path in (first, second)]
    assert named == [["1.one"], ["two"]]
    assert "1.one" not in json.dumps(cluster("GET", "/api/v1/services").body)
    missing = cluster("GET", f"{first}/nope").body
    assert missing["message"] == 'services.a.example.com "nope" not found'


def test_a_name_that_another_kind_of_the_group_has_is_not_accepted(cluster: Cluster) -> None:
    other = definition(version(SCHEMA), kind="Bar")
    other["spec"]["names"] |= {"shortNames": ["foos"], "singular": "foo"}
    crd = cluster.define(other)
    said = {one["type"]: (one["status"], one["reason"], one["message"]) for one in crd["status"]["conditions"]}
    assert said["NamesAccepted"] == ("False", "ShortNamesConflict", '"foos" is already in use')
    assert said["Established"][:2] == ("False", "NotAccepted")
    assert cluster("GET", "/apis/example.com/v1/namespaces/default/bars").code == 404
    assert cluster("DELETE", f"{DEFINITIONS}/foos.example.com").code == 200
    cluster.turn()
    crd = cluster("GET", f"{DEFINITIONS}/bars.example.com").body
    assert {one["type"]: one["status"] for one in crd["status"]["conditions"]}["Established"] == "True"


def test_what_names_objects_cannot_be_changed_and_a_new_version_is_kept_in_mind(cluster: Cluster) -> None:
    path = f"{DEFINITIONS}/foos.example.com"
    crd = cluster("GET", path).body
    refused = cluster("PATCH", path, {"spec": {"scope": "Cluster", "names": {"kind": "Bar"}}}, media=MERGE)
    assert refused.code == 422
    assert 'spec.scope: Invalid value: "Cluster": field is immutable' in refused.body["message"]
    assert 'spec.names.kind: Invalid value: "Bar": field is immutable' in refused.body["message"]
    first = {**crd["spec"]["versions"][0], "storage": False}
    second = {**first, "name": "v2", "storage": True}
    changed = cluster(
        "PATCH", path, {"spec": {"versions": [first, {**first, "name": "v2", "storage": True}]}}, media=MERGE
    )
    assert (changed.code, changed.body["status"]["storedVersions"]) == (200, ["v1", "v2"])
    gone = cluster("PATCH", path, {"spec": {"versions": [second]}}, media=MERGE)
    assert (gone.code, "status.storedVersions[0]" in gone.body["message"]) == (422, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"group": "example"}, "should be a domain with at least one dot"),
        ({"scope": "Global"}, 'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'),
        ({"names": {"plural": "Foos", "kind": "Foo"}}, 'spec.names.plural: Invalid value: "Foos": a DNS-1035 label'),
        ({"names": {"plural": "foos", "kind": "Foo", "listKind": "Foo"}}, "kind and listKind may not be the same"),
        ({"versions": [version(SCHEMA), version(SCHEMA, storage=False)]}, "must contain unique version names"),
        ({"versions": [{"name": "v1", "served": True, "storage": True}]}, "because otherwise all fields are pruned"),
        ({"conversion": {"strategy": "Webhook"}}, "this server calls no webhooks: only None is served"),
        (
            {"versions": [version(SCHEMA, additionalPrinterColumns=[ODD])]},
            "must be one of boolean,date,integer,number,string",
        ),
        ({"versions": [version(SCHEMA, subresources={"scale": OUTSIDE})]}, "should be a json path under .spec"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_field(change: Json, said: str) -> None:
    crd = definition(version(SCHEMA))
    answer = Cluster()("POST", DEFINITIONS, {**crd, "spec": {**crd["spec"], **change}})
    assert (answer.code, said in answer.body["message"]) == (422, True), answer.body["message"]


def test_a_definition_takes_its_objects_with_it_and_waits_for_finalizers(cluster: Cluster) -> None:
    made(cluster, "f")
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    assert cluster("POST", FOOS, held).code == 201
    deleted = cluster("DELETE", f"{DEFINITIONS}/foos.example.com").body
    assert deleted["status"]["conditions"][-1]["reason"] == "InstanceDeletionPending"
    refused = cluster("POST", FOOS, {"metadata": {"name": "late"}})
    assert (
        refused.code,
        "create not allowed while custom resource definition is terminating" in refused.body["message"],
    ) == (403, True)
    cluster.turn()
    assert [one["metadata"]["name"] for one in cluster("GET", FOOS).body["items"]] == ["held"]
    assert cluster("PATCH", f"{FOOS}/held", {"metadata": {"finalizers": None}}, media=MERGE).code == 200
    cluster.turn()
    assert cluster("GET", f"{DEFINITIONS}/foos.example.com").code == 404
    assert cluster("GET", FOOS).code == 404
    cluster.define(definition(version(SCHEMA)))
    assert cluster("GET", FOOS).body["items"] == []


def test_an_owner_that_is_a_custom_resource_takes_what_it_owns_with_it(cluster: Cluster) -> None:
    owner = made(cluster, "f")["metadata"]
    reference = {"apiVersion": "example.com/v1", "kind": "Foo", "name": "f", "uid": owner["uid"]}
    maps = "/api/v1/namespaces/default/configmaps"
    assert cluster("POST", maps, {"metadata": {"name": "m", "ownerReferences": [reference]}}).code == 201
    assert cluster("POST", FOOS, {"metadata": {"name": "g", "ownerReferences": [reference]}}).code == 201
    cluster.turn()
    assert cluster("GET", f"{maps}/m").code == cluster("GET", f"{FOOS}/g").code == 200
    assert cluster("DELETE", f"{FOOS}/f").code == 200
    cluster.turn()
    assert cluster("GET", f"{maps}/m").code == cluster("GET", f"{FOOS}/g").code == 404


def test_a_namespace_takes_its_custom_resources_with_it(cluster: Cluster) -> None:
    assert cluster("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}}).code == 201
    there = "/apis/example.com/v1/namespaces/n/foos"
    assert cluster("POST", there, {"metadata": {"name": "f"}}).code == 201
    assert cluster("DELETE", "/api/v1/namespaces/n").code == 200
    cluster.turn()
    assert cluster("GET", "/api/v1/namespaces/n").code == 404
    assert cluster("GET", "/apis/example.com/v1/foos").body["items"] == []


def test_nobody_reaches_custom_resources_without_a_right(cluster: Cluster) -> None:
    jane = User("jane", ("system:authenticated",))
    refused = cluster("GET", FOOS, user=jane)
    said = 'foos.example.com is forbidden: User "jane" cannot list resource "foos" in API group "example.com"'
    assert (refused.code, refused.body["message"].startswith(said)) == (403, True)
    role = {
        "metadata": {"name": "r"},
        "rules": [{"apiGroups": ["example.com"], "resources": ["foos"], "verbs": ["list"]}],
    }
    bound = {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
    }
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    assert cluster("POST", f"{rbac}/roles", role).code == 201
    assert (
        cluster("POST", f"{rbac}/rolebindings", {**bound, "subjects": [{"kind": "User", "name": "jane"}]}).code == 201
    )
    assert cluster("GET", FOOS, user=jane).code == 200
    assert cluster("GET", f"{FOOS}/f", user=jane).code == 403


def test_an_object_is_read_as_its_definition_is_by_now(cluster: Cluster) -> None:
    made(cluster, "f", color="red")
    path = f"{DEFINITIONS}/foos.example.com"
    crd = cluster("GET", path).body
    schema = of_spec({"size": {"type": "integer", "default": 7}})
    crd["spec"]["versions"][0] |= {"schema": {"openAPIV3Schema": schema}, "selectableFields": []}
    assert cluster("PUT", path, crd).code == 200
    assert cluster("GET", f"{FOOS}/f").body["spec"] == {"size": 7}


def test_custom_resources_outlive_a_restart(cluster: Cluster, tmp_path: Path) -> None:
    made(cluster, "f", color="red")
    kept = Database(tmp_path / "c.db")
    kept.begin(cluster.plane, Began(1, cluster.now, 1))
    kept.close()
    again = Database(tmp_path / "c.db")
    plane = again.load()
    assert plane is not None
    again.close()
    restarted = Cluster(plane, cluster.now)
    assert restarted("GET", f"{FOOS}/f").body == cluster("GET", f"{FOOS}/f").body
    assert restarted("POST", FOOS, {"metadata": {"name": "f"}}).code == 409
