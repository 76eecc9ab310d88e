"""Rollout arithmetic and deletion order agree with every decision recorded from the real controllers."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from typing import Any

from kubeproof.impl.api.apps import Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.reading.convert import structure
from kubeproof.impl.api.values.timestamps import parse_time
from kubeproof.impl.controllers.deployment.arithmetic import (
    max_surge,
    max_unavailable,
    new_rs_replicas,
    resolve_fenceposts,
)
from kubeproof.impl.controllers.replicaset import deletion
from places import VECTORS

RECORDED = VECTORS / "misc"


def records(name: str) -> Iterator[dict[str, Any]]:
    with lzma.open(RECORDED / f"{name}.jsonl.xz", "rt") as lines:
        yield from map(json.loads, lines)


def amount(text: str) -> int | str:
    return text if text.endswith("%") else int(text)


def decided(record: dict[str, Any]) -> dict[str, Any]:
    surge, unavailable, wanted = amount(record["maxSurge"]), amount(record["maxUnavailable"]), record["desired"]
    strategy = DeploymentStrategy("RollingUpdate", RollingUpdateDeployment(unavailable, surge))
    deployment = Deployment(spec=DeploymentSpec(replicas=wanted, strategy=strategy))
    resolved = resolve_fenceposts(surge, unavailable, wanted)
    before = record["newReplicasBefore"]
    total = sum(record["oldReplicas"] or ()) + before
    return {
        "resolvedSurge": resolved[0],
        "resolvedUnavailable": resolved[1],
        "effectiveMaxSurge": max_surge(deployment),
        "effectiveMaxUnavailable": max_unavailable(deployment),
        "newReplicasAfter": new_rs_replicas(deployment, total, before),
    }


def test_rollout_arithmetic_is_kubernetes() -> None:
    judged = [(record, decided(record)) for record in records("deployment_math")]
    assert [record for record, mine in judged if any(record[key] != mine[key] for key in mine)] == []
    assert len(judged) == 1035


def test_pods_go_in_kubernetes_order() -> None:
    wrong, count = [], 0
    for record in records("replicaset_delete_order"):
        pods = [structure(one, Pod) for one in record["pods"]]
        ranked = [deletion.Ranked(pod, rank) for pod, rank in zip(pods, record["rank"], strict=True)]
        now = parse_time(record["now"])
        assert now is not None
        order = [one.pod.metadata.name for one in deletion.in_order(ranked, now)]
        count += 1
        if order != record["deleteOrder"]:
            wrong.append((record["deleteOrder"], order))
    assert wrong == []
    assert count == 342
