"""Recorded answers of kube-apiserver 1.32 to creations: the same code, the same words, the same defaulted object.

What is not modelled is counted, not hidden: the numbers below are how many of the recordings of modelled kinds agree.
"""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

from kubeproof.impl.api.kinds import BY_NAME
from kubeproof.impl.api.reading.convert import from_json, unstructure
from kubeproof.impl.api.requests import Create
from kubeproof.impl.apiserver import Config, Objects, handle
from kubeproof.impl.apiserver.validation.data import validate_data
from kubeproof.impl.apiserver.validation.field_error import aggregate
from places import VECTORS

FILE = VECTORS / "apiserver" / "validation.jsonl.xz"
CONFIG = Config(service_cluster_ip_range="10.96.0.0/16", dry_run=True)
CHOSEN_BY_SERVER = {"uid", "creationTimestamp", "managedFields", "resourceVersion", "lastTransitionTime", "nodePort"}
NOT_WRITTEN = {"serviceAccount", "lastProbeTime", "healthCheckNodePort"}
STORED_AS_GIVEN = {"CSINode", "PersistentVolume", "PersistentVolumeClaim", "StorageClass"}
"""Kinds the scheduler reads; nothing of them is defaulted or validated."""
DECODED = 400  # bodies that are no objects at all are the loader's to refuse

RECORDS, SAME_CODE, SAME_WORDS, SAME_OBJECT = 279, 277, 162, 107
UNMODELLED = (
    "runtimeClassName",
    "addressType=<deleted>",
)


def cleaned(value: Any) -> Any:
    """Leave out what the server chooses, what is not written here, and what says nothing."""
    if isinstance(value, dict):
        kept = {key: cleaned(one) for key, one in value.items() if key not in CHOSEN_BY_SERVER | NOT_WRITTEN}
        return {key: one for key, one in kept.items() if one not in ({}, [], None, "", 0, False)}
    if isinstance(value, list):
        return [cleaned(one) for one in value if not _token_volume(one)]
    return value


def _token_volume(one: Any) -> bool:
    return isinstance(one, dict) and str(one.get("name", "")).startswith("kube-api-access")


def records() -> list[dict[str, Any]]:
    with lzma.open(FILE, "rt") as lines:
        found = [json.loads(line) for line in lines]
    return [one for one in found if _modelled(one["request"].get("body")) and one["response"]["code"] != DECODED]


def _modelled(body: Any) -> bool:
    known = BY_NAME.keys() - STORED_AS_GIVEN
    return isinstance(body, dict) and body.get("kind") in known and "apiVersion" in body


def answer(record: dict[str, Any]) -> tuple[int, str, Any]:
    """Return code, message and cleaned object for a recorded request."""
    body = record["request"]["body"]
    _, found, place = record["request"]["path"].partition("/namespaces/")
    if found and BY_NAME[body["kind"]].namespaced:
        body.setdefault("metadata", {}).setdefault("namespace", place.partition("/")[0])
    store = Objects.of((from_json({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}),))
    request = Create(from_json(body))
    uid = record["response"]["body"]["metadata"].get("uid", "") if body["kind"] == "Job" else ""  # It is in its labels.
    response, _ = handle(store, request, suffix="12345", uid=uid, cluster_ip="10.96.0.0", config=CONFIG)
    made = None if response.object is None else cleaned(unstructure(response.object))
    return response.code, response.message, made


def expected(record: dict[str, Any]) -> tuple[int, str, Any]:
    body = record["response"]["body"]
    if record["response"]["code"] != 201:
        return record["response"]["code"], body["message"], None
    made = cleaned(body)
    if "generateName" in made["metadata"]:
        made["metadata"]["name"] = f"{made['metadata']['generateName']}12345"
    return 201, "", made


def test_the_share_of_recordings_that_agree_is_what_we_counted() -> None:
    pairs = [(answer(one), expected(one)) for one in records()]
    assert len(pairs) == RECORDS
    assert sum(mine[0] == theirs[0] for mine, theirs in pairs) == SAME_CODE
    refused = [(mine, theirs) for mine, theirs in pairs if theirs[0] >= 400]
    assert sum(mine[:2] == theirs[:2] for mine, theirs in refused) == SAME_WORDS
    made = [(mine, theirs) for mine, theirs in pairs if theirs[0] < 400]
    assert sum(mine == theirs for mine, theirs in made) == SAME_OBJECT


def test_only_what_is_not_modelled_gets_another_code() -> None:
    differing = [one for one in records() if answer(one)[0] != expected(one)[0]]
    unexplained = [one["name"] for one in differing if not any(part in one["name"] for part in UNMODELLED)]
    assert unexplained == []


def test_nothing_that_kubernetes_accepts_is_refused() -> None:
    accepted = [one for one in records() if one["response"]["code"] == 201]
    assert [one["name"] for one in accepted if answer(one)[0] != 201] == []


def test_secrets_and_config_maps_are_refused_as_recorded() -> None:
    with lzma.open(FILE, "rt") as lines:
        found = [json.loads(line) for line in lines]
    asked = [one for one in found if one["request"]["body"].get("kind") in {"Secret", "ConfigMap"}]
    small = [one for one in asked if "Too long" not in one["response"]["body"].get("message", "")]
    assert len(small) == 12
    for one in small:
        body, told = one["request"]["body"], one["response"]["body"].get("message", "")
        errors = validate_data(body["kind"], body)
        if one["response"]["code"] == 422:
            assert told == f'{body["kind"]} "{body["metadata"]["name"]}" is invalid: {aggregate(errors)}'
        else:
            assert [error.message for error in errors] == ([told] if told else [])


@pytest.mark.parametrize("kind", ["Pod", "Service", "Deployment", "ReplicaSet", "StatefulSet", "PodDisruptionBudget"])
def test_a_plain_object_is_defaulted_as_recorded(kind: str) -> None:
    made = [one for one in records() if one["request"]["body"]["kind"] == kind and one["response"]["code"] == 201]
    assert answer(made[0]) == expected(made[0])
