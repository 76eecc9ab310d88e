"""Recorded sequences of etcd 3.5.16, replayed: the store answers each step as the real server did."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

from oracles import etcd
from oracles.etcd import judge
from places import VECTORS

FILE = VECTORS / "etcd" / "sequences.jsonl.xz"
EXPIRED = {"etcd-20", "etcd-46"}  # a lease of one second ran out between two steps
STEPS = 5808


def records() -> list[dict[str, Any]]:
    with lzma.open(FILE, "rt") as lines:
        return [json.loads(line) for line in lines]


def test_every_step_is_answered_as_recorded() -> None:
    judged = [judge(record) for record in records()]
    assert [differing for _, differing in judged if differing] == []
    assert sum(count for count, _ in judged) == STEPS


def test_leases_run_out_in_two_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etcd, "LONGEST", 0)
    assert {record["id"] for record in records() if judge(record)[1]} == EXPIRED


def test_a_recording_that_was_tampered_with_is_noticed() -> None:
    record = records()[0]
    step = next(number for number, one in enumerate(record["steps"]) if one["op"] == "put" and one["httpCode"] == 200)
    record["steps"][step]["response"]["header"]["revision"] = "99"
    _, differing = judge(record)
    assert [one.step for one in differing] == [step]
