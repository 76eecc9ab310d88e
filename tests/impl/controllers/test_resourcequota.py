"""The quota controller: what it counts, when it writes, and the recorded run.

Upstream: pkg/controller/resourcequota/resource_quota_controller_test.go (TestSyncResourceQuota) (v1.32).
"""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.quota import ResourceQuota
from kubeproof.impl.api.reading.convert import from_json, structure
from kubeproof.impl.api.requests import Update
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.controllers.resourcequota import TRANSFORM, reconcile
from places import VECTORS

ASKS = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}


def pod(name: str, phase: str = "Running", space: str = "testing", resources: Any = None) -> Pod:
    containers = [{"name": "ctr", "image": "image", "resources": ASKS if resources is None else resources}]
    meta = {"name": name, "namespace": space}
    return structure({"metadata": meta, "spec": {"containers": containers}, "status": {"phase": phase}}, Pod)


TESTING = (pod("pod-running"), pod("pod-running-2"), pod("pod-failed", "Failed"), pod("pod-elsewhere", space="other"))


def quota(hard: Any, status: Any = None, **spec: Any) -> ResourceQuota:
    meta = {"name": "quota", "namespace": "testing"}
    return structure({"metadata": meta, "spec": {"hard": hard, **spec}, "status": status or {}}, ResourceQuota)


def written(one: ResourceQuota, *objects: Object) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the ceilings and the amounts that a sync writes, None where it writes nothing."""
    found = reconcile(Cache.of((one, *objects)), ref_of(one))
    if not found:
        return None
    (update,) = found
    assert isinstance(update, Update)
    assert isinstance(update.object, ResourceQuota)
    assert (update.subresource, update.base) == ("status", one)
    status = update.object.status
    return tuple({name: str(part[name]) for name in part} for part in (status.hard, status.used))  # type: ignore[return-value]


CASES: list[tuple[str, Any, Any, Any]] = [
    (
        "pods",
        {"cpu": "3", "memory": "100Gi", "pods": "5"},
        None,
        {"cpu": "2", "memory": "2Gi", "pods": "2"},
    ),
    ("quota-spec-hard-updated", {"cpu": "4"}, {"hard": {"cpu": "3"}, "used": {"cpu": "0"}}, {"cpu": "2"}),
    ("services", {"services": "4"}, None, {"services": "0"}),
    (
        "a status that is as it should be",
        {"pods": "5"},
        {"hard": {"pods": "5"}, "used": {"pods": "2"}},
        None,
    ),
    (
        "what nobody here counts keeps what it had",
        {"foo/bar": "4", "pods": "5"},
        {"used": {"foo/bar": "1"}},
        {"foo/bar": "1", "pods": "2"},
    ),
    ("finished ones by their count", {"count/pods": "9", "pods": "9"}, None, {"count/pods": "3", "pods": "2"}),
]


@pytest.mark.parametrize(("hard", "status", "used"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_sync_counts_what_there_is(hard: Any, status: Any, used: Any) -> None:
    expected = None if used is None else (hard, used)
    assert written(quota(hard, status), *TESTING) == expected


def test_scopes_leave_pods_out() -> None:
    idle = pod("idle", resources={})
    assert written(quota({"pods": "9"}, scopes=["BestEffort"]), *TESTING, idle) == ({"pods": "9"}, {"pods": "1"})
    assert written(quota({"pods": "9"}, scopes=["NotBestEffort"]), *TESTING, idle) == ({"pods": "9"}, {"pods": "2"})


def test_a_quota_that_is_gone_is_left() -> None:
    assert reconcile(Cache.of(TESTING), ref_of(quota({}))) == ()


def test_an_overdue_pod_frees_what_it_took_once_there_is_a_clock() -> None:
    meta = evolve(TESTING[0].metadata, deletion_timestamp=100, deletion_grace_period_seconds=30)
    one = quota({"pods": "9"})
    cache = Cache.of((one, evolve(TESTING[0], metadata=meta), TESTING[1]))
    counts = [reconcile(cache, ref_of(one), now=now)[0].object.status.used["pods"] for now in (0, 130, 131)]  # type: ignore[union-attr]
    assert counts == [parse_quantity(text) for text in ("2", "2", "1")]


def test_on_slim_objects_it_counts_the_same() -> None:
    one = quota({"cpu": "3", "limits.memory": "9Gi", "pods": "5"}, scopes=["NotTerminating"])
    slim = [kept for obj in TESTING if (kept := TRANSFORM["Pod"](obj)) is not None]
    assert written(one, *slim) == written(one, *TESTING)


def test_it_writes_what_the_recorded_one_wrote() -> None:
    """Every status of the recorded run is what a sync writes at some moment, admission's counts among them."""
    with lzma.open(VECTORS / "controller" / "quota-status.json.xz", "rt") as file:
        events = json.load(file)["events"]
    there: dict[Any, Object] = {}
    seen = {json.dumps({"hard": {}, "used": {}})}
    told: list[str] = []
    for event in events:
        shown = event["object"]
        if shown["kind"] == "ResourceQuota":
            told.append(json.dumps({part: shown.get("status", {}).get(part, {}) for part in ("hard", "used")}))
        if shown["kind"] in {"ResourceQuota", "Pod"}:
            obj = from_json(shown)
            there.pop(ref_of(obj), None)
            there |= {} if event["type"] == "DELETED" else {ref_of(obj): obj}
        quotas = [one for one in there.values() if isinstance(one, ResourceQuota)]
        for one in quotas:
            found = written(one, *there.values())
            now = found or tuple(
                {name: str(part[name]) for name in part} for part in (one.status.hard, one.status.used)
            )
            seen.add(json.dumps({"hard": now[0], "used": now[1]}))
    assert len(set(told)) >= 5
    assert set(told) <= seen
