"""Recorded sequences of etcd 3.5.16, replayed: the store answers each step as the real server did."""

from __future__ import annotations

import json
import lzma
from typing import Any

from oracles.etcd import judge
from places import VECTORS

FILE = VECTORS / "etcd" / "sequences.jsonl.xz"
EXPIRED = {"etcd-20", "etcd-46"}  # a lease of one second ran out between two steps: the store here has no clock
STEPS = 5808
AFTER_EXPIRY = 24


def records() -> list[dict[str, Any]]:
    with lzma.open(FILE, "rt") as lines:
        return [json.loads(line) for line in lines]


def test_every_step_is_answered_as_recorded_unless_a_lease_ran_out() -> None:
    differing = {record["id"]: judge(record)[1] for record in records()}
    assert {name for name, lines in differing.items() if lines} == EXPIRED


def test_the_recordings_hold_as_many_steps_as_we_counted() -> None:
    judged = [judge(record) for record in records()]
    assert sum(count for count, _ in judged) == STEPS
    assert sum(len(lines) for _, lines in judged) == AFTER_EXPIRY


def test_a_recording_that_was_tampered_with_is_noticed() -> None:
    record = records()[0]
    step = next(number for number, one in enumerate(record["steps"]) if one["op"] == "put" and one["httpCode"] == 200)
    record["steps"][step]["response"]["header"]["revision"] = "99"
    _, differing = judge(record)
    assert [one.step for one in differing] == [step]
