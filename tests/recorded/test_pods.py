"""Recorded runs of scheduler and kubelet are ours, and what neither would do is noticed."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from typing import Any

import pytest

from places import VECTORS
from recorded.pods import judge

Record = dict[str, Any]


def record(name: str) -> Record:
    found: Record = json.loads(lzma.decompress((VECTORS / "controller" / f"{name}.json.xz").read_bytes()))
    return found


def pods(given: Record) -> list[Record]:
    return [event["object"] for event in given["events"] if event["object"]["kind"] == "Pod"]


def condition(pod: Record, kind: str) -> Record:
    found: Record = next((one for one in pod["status"].get("conditions", []) if one["type"] == kind), {})
    return found


@pytest.mark.parametrize("name", ["pod-bare-lifecycle", "pod-unschedulable", "preemption-live"])
def test_a_recorded_run_is_ours(name: str) -> None:
    assert judge(record(name)) is None


def goes_elsewhere(given: Record) -> None:
    for pod in pods(given):
        if pod["spec"].get("nodeName"):
            pod["spec"]["nodeName"] = "node-0"


def is_told_otherwise(given: Record) -> None:
    for pod in pods(given):
        if condition(pod, "PodScheduled").get("status") == "False":
            condition(pod, "PodScheduled")["message"] = "0/3 nodes are available: 3 Too many pods."


def another_goes(given: Record) -> None:
    marked = next(pod for pod in pods(given) if condition(pod, "DisruptionTarget"))
    low0 = next(pod for pod in pods(given) if pod["metadata"]["name"] == "low0" and pod["status"]["phase"] == "Running")
    low0["status"]["conditions"].append(condition(marked, "DisruptionTarget"))


def is_promised_another(given: Record) -> None:
    for pod in pods(given):
        if pod["status"].get("nominatedNodeName"):
            pod["status"]["nominatedNodeName"] = "node-9"


def has_failed(given: Record) -> None:
    for pod in pods(given):
        if pod["status"]["phase"] == "Succeeded":
            pod["status"]["phase"] = "Failed"


def has_time(given: Record) -> None:
    for pod in pods(given):
        if "deletionTimestamp" in pod["metadata"]:
            pod["metadata"]["deletionGracePeriodSeconds"] = 30


@pytest.mark.parametrize(
    ("name", "change", "subject"),
    [
        ("pod-unschedulable", goes_elsewhere, "event 4: p node-0"),
        ("pod-unschedulable", is_told_otherwise, "event 2: p is told"),
        ("preemption-live", another_goes, "low0 is evicted"),
        ("preemption-live", is_promised_another, "high is told"),
        ("pod-bare-lifecycle", has_failed, "event 5: p phase"),
        ("pod-bare-lifecycle", has_time, "event 6: p grace"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_run_is_not_ours_in_which(name: str, change: Callable[[Record], None], subject: str) -> None:
    given = record(name)
    change(given)
    found = judge(given)
    assert found is not None
    assert found.subject.endswith(subject)
