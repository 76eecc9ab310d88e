"""The hash of a template covers every field Kubernetes has, in Kubernetes' order."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.core import PodTemplateSpec
from kubeproof.impl.api.reading.convert import structure
from kubeproof.impl.api.reading.schema import table
from kubeproof.impl.api.releases import NEWEST, OLDEST, RELEASES, Change
from kubeproof.impl.api.values.go_dump import dump
from kubeproof.impl.api.values.go_structs import STRUCTS, structs_of
from kubeproof.impl.api.values.template_hash import fnv32a, hash_of_json, pod_template_hash, safe_encode

TYPES = table()["types"]
NEWEST_STRUCTS = structs_of(NEWEST)
SCALARS = {
    "bool": "boolean",
    "int32": "integer",
    "int64": "long",
    "resource.Quantity": "quantity",
    "intstr.IntOrString": "intOrString",
    "v1.Time": "time",
    "v1.FieldsV1": "any",
}


def go_fields(struct: str) -> dict[str, str]:
    """List the JSON fields of a Go struct with their types, those of inlined structs included."""
    fields: dict[str, str] = {}
    for one in NEWEST_STRUCTS[struct]:
        fields |= {one.json: one.type} if one.json else go_fields(one.type)
    return fields


def as_schema(go: str) -> Any:
    """Say a Go type in the words of the schema; references only as such."""
    go = go.removeprefix("*")
    if go.startswith("[]"):
        return [as_schema(go[2:])]
    if go.startswith("map["):
        return {"": as_schema(go.split("]", 1)[1])}
    if go == "v1.ResourceList":
        return {"": "quantity"}
    if go in SCALARS:
        return SCALARS[go]
    return "#" if go in NEWEST_STRUCTS else "string"


def without_names(kind: Any) -> Any:
    match kind:
        case [item]:
            return [without_names(item)]
        case {"": item}:
            return {"": without_names(item)}
        case _:
            return "#" if kind.startswith("#") else kind


@pytest.mark.parametrize("struct", sorted(NEWEST_STRUCTS.keys() - {"v1.WorkloadReference"}))
def test_the_go_structs_have_the_fields_and_types_of_the_api_servers_schema(struct: str) -> None:
    name = struct.removeprefix("v1.")
    found = TYPES.get(f"io.k8s.api.core.v1.{name}") or TYPES.get(f"io.k8s.apimachinery.pkg.apis.meta.v1.{name}")
    if found is None:
        inlined = {one.type for fields in NEWEST_STRUCTS.values() for one in fields if not one.json}
        assert struct in inlined | {"v1.FieldsV1"}, "a struct the schema does not know is one that is inlined"
        return
    assert {field: as_schema(go) for field, go in go_fields(struct).items()} == {
        field: without_names(kind) for field, kind in found.items()
    }


TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "nginx:1.25", "resources": {}}], "hostUsers": False},
}


def test_a_field_without_a_class_changes_the_hash() -> None:
    plain = structure({**TEMPLATE, "spec": {"containers": TEMPLATE["spec"]["containers"]}}, PodTemplateSpec)  # type: ignore[index]
    assert pod_template_hash(structure(TEMPLATE, PodTemplateSpec), None, NEWEST) != pod_template_hash(
        plain, None, NEWEST
    )


def test_collisions_change_the_hash_and_none_is_not_zero() -> None:
    template = structure(TEMPLATE, PodTemplateSpec)
    assert len({pod_template_hash(template, count, NEWEST) for count in (None, 0, 1, 2, 256)}) == 5


def test_labels_are_hashed_in_order() -> None:
    one = structure({"metadata": {"labels": {"a": "1", "b": "2"}}}, PodTemplateSpec)
    other = structure({"metadata": {"labels": {"b": "2", "a": "1"}}}, PodTemplateSpec)
    assert pod_template_hash(one, None, NEWEST) == pod_template_hash(other, None, NEWEST)
    assert "(map[string]string)map[a:1 b:2]" in dump(
        {"metadata": {"labels": {"b": "2", "a": "1"}}}, "v1.PodTemplateSpec", STRUCTS
    )


def test_the_spelling_of_a_quantity_is_hashed() -> None:
    def limited(cpu: str) -> dict[str, Any]:
        return {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": cpu}}}]}}

    assert hash_of_json(limited("0.5"), None, NEWEST) != hash_of_json(limited("500m"), None, NEWEST)
    big = dump(limited("9223372036854775808"), "v1.PodTemplateSpec", STRUCTS)
    assert "abs:(big.nat)[0 500000000]} scale:(inf.Scale)9}" in big


@pytest.mark.parametrize(
    ("json", "kind", "text"),
    [
        (None, "*int64", "(*int64)<nil>"),
        (30, "*int64", "(*int64)30"),
        (None, "[]string", "([]string)<nil>"),
        (["a", "b"], "[]string", "([]string)[a b]"),
        (80, "intstr.IntOrString", "(intstr.IntOrString){Type:(intstr.Type)0 IntVal:(int32)80 StrVal:(string)}"),
        ("http", "intstr.IntOrString", "(intstr.IntOrString){Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string)http}"),
        (True, "bool", "(bool)true"),
        ("Always", "v1.RestartPolicy", "(v1.RestartPolicy)Always"),
        ({"seconds": 5}, "*v1.SleepAction", "(*v1.SleepAction){Seconds:(int64)5}"),
    ],
)
def test_values_are_written_as_spew_writes_them(json: Any, kind: str, text: str) -> None:
    assert dump(json, kind, STRUCTS) == text


def test_a_time_is_counted_from_the_year_one() -> None:
    assert "ext:(int64)62135596801" in dump("1970-01-01T00:00:01Z", "v1.Time", STRUCTS)
    assert "ext:(int64)0" in dump(None, "v1.Time", STRUCTS)


def test_fnv_1a_has_its_published_values() -> None:
    assert fnv32a(b"") == 0x811C9DC5
    assert fnv32a(b"a") == 0xE40C292C
    assert fnv32a(b"foobar") == 0xBF9CF968


def test_safe_encoding_maps_digits_to_consonants_and_digits() -> None:
    assert safe_encode("0123456789") == "456789bcdf"


def test_the_template_is_not_touched() -> None:
    template = structure(TEMPLATE, PodTemplateSpec)
    pod_template_hash(template, 1, NEWEST)
    assert template == evolve(template) == structure(TEMPLATE, PodTemplateSpec)


def test_each_release_has_fields_of_its_own_and_a_type_for_each() -> None:
    for release in RELEASES.values():
        structs = structs_of(release)
        held = {one.type.lstrip("*[]") for fields in structs.values() for one in fields}
        assert {f"v1.{name}" for name in ("FileKeySelector", "PodSchedulingGroup")} <= structs.keys()
        assert held >= {"v1.Container"}
    assert structs_of(OLDEST)["v1.PodSpec"] == STRUCTS["v1.PodSpec"]
    last = [one.name for one in structs_of(NEWEST)["v1.PodSpec"]][-3:]
    assert last == ["Resources", "HostnameOverride", "SchedulingGroup"]
    assert [one.name for one in structs_of(RELEASES["1.35"])["v1.PodSpec"]][-1] == "WorkloadRef"
    odd = structs_of(OLDEST.with_change(Change.SCHEDULING_GROUP_FIELD, done=True))["v1.PodSpec"]
    assert odd[-1].name == "SchedulingGroup"


def test_hashes_of_one_template_differ_wherever_a_release_brought_fields() -> None:
    template = structure(TEMPLATE, PodTemplateSpec)
    hashes = {name: pod_template_hash(template, None, release) for name, release in RELEASES.items()}
    assert hashes["1.32"] == hashes["1.33"]
    assert len(set(hashes.values())) == 4
    hooked = structure(
        {"spec": {"containers": [{"name": "c", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}]}}, PodTemplateSpec
    )
    assert len({pod_template_hash(hooked, None, release) for release in RELEASES.values()}) == 5
