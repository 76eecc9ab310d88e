"""What functions of users see, and what kinds may be called."""

from __future__ import annotations

import pytest

from kubeproof import custom_resource, owned_by
from kubeproof.harness.own.kinds import UnknownKindError, kind_of_name
from kubeproof.harness.own.objects import Objects, as_json, from_json, version_of
from kubeproof.impl.api.core import Pod, Service
from kubeproof.impl.api.kinds import BY_NAME, Kind, Object
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference
from kubeproof.impl.api.values.frozen import strings

DATABASE = custom_resource("example.com/v1", "Database")


def seen(*objects: Object) -> Objects:
    return Objects(lambda kind: [one for one in objects if isinstance(one, kind.cls)])


def pod(name: str, namespace: str = "default", owner: str = "", **labels: str) -> Pod:
    owners = (OwnerReference("example.com/v1", "Database", "db", owner, controller=True),) if owner else ()
    return Pod(ObjectMeta(name=name, namespace=namespace, labels=strings(labels), owner_references=owners))


@pytest.mark.parametrize("given", ["Service", "v1/Service", Service, BY_NAME["Service"]], ids=str)
def test_a_kind_has_several_names(given: str | type | Kind) -> None:
    assert kind_of_name(given) == BY_NAME["Service"]


def test_a_kind_without_a_class_is_known_by_its_name() -> None:
    assert kind_of_name("ConfigMap").plural == "configmaps"
    assert kind_of_name("example.com/v1/Database") == DATABASE


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Databse", "a custom one is written with its group and version: example.com/v1/Databse"),
        ("Servise", "did you mean Service?"),
        ("v2/Service", "Service is v1, got v2"),
    ],
)
def test_a_kind_that_is_none_is_told(given: str, told: str) -> None:
    with pytest.raises(UnknownKindError, match=told.replace("?", r"\?")):
        kind_of_name(given)


def test_a_custom_kind_has_a_group_and_a_name_of_its_own() -> None:
    with pytest.raises(UnknownKindError, match="write group/version"):
        custom_resource("v1", "Database")
    with pytest.raises(UnknownKindError, match="the name of a kind of Kubernetes"):
        custom_resource("example.com/v1", "Service")


def test_objects_are_found_by_kind_name_labels_and_owner() -> None:
    view = seen(pod("b", app="x"), pod("a", app="y"), pod("a", "other"), pod("c", owner="u1"), pod("d", owner="u2"))
    assert [one["metadata"]["name"] for one in view.list("Pod")] == ["a", "b", "c", "d", "a"]
    assert [one["metadata"]["name"] for one in view.list("Pod", namespace="other")] == ["a"]
    assert [one["metadata"]["name"] for one in view.list("Pod", labels={"app": "x"})] == ["b"]
    assert [one["metadata"]["name"] for one in view.owned("Pod", {"metadata": {"uid": "u2"}})] == ["d"]
    assert view.get("Pod", "zero") is None
    found = view.get("Pod", "a", namespace="other")
    assert found is not None
    assert found["metadata"]["namespace"] == "other"


def test_what_is_seen_may_be_changed_and_nobody_notices() -> None:
    view = seen(pod("a"))
    found = view.list("Pod")[0]
    found["metadata"]["name"] = "b"
    assert view.list("Pod")[0]["metadata"]["name"] == "a"


def test_what_is_read_is_written_as_it_was() -> None:
    one = pod("a", app="x")
    assert from_json(as_json(one)) == one
    assert as_json(one)["metadata"]["resourceVersion"] == version_of(one) != version_of(pod("a", app="y"))


def test_an_owner_is_told_by_uid_and_namespace() -> None:
    db = {"apiVersion": "example.com/v1", "kind": "Database", "metadata": {"name": "d", "namespace": "n", "uid": "u"}}
    child = owned_by(db, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})
    assert child["metadata"]["namespace"] == "n"
    (owner,) = child["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"], owner["kind"]) == ("u", True, "Database")
