"""Quorums and changes of members are decided as the tables of etcd's raft library say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oracles.raft_tables import judge_confchange, judge_quorum
from places import VECTORS
from planted import planted

ROWS = {"quorum": 127, "confchange": 9}


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / "etcd-raft" / f"{name}.jsonl").read_text().splitlines()]


def differing(name: str) -> list[Any]:
    judge = judge_quorum if name == "quorum" else judge_confchange
    return [one for record in records(name) for one in judge(record)]


@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_decided_as_there(name: str) -> None:
    assert len(records(name)) == ROWS[name]
    assert differing(name) == []


FAULTS = [
    ("quorum", "quorum", "return known[len(voters) // 2]", "return known[(len(voters) - 1) // 2]"),
    ("quorum", "quorum", "needed = len(voters) // 2 + 1", "needed = (len(voters) + 1) // 2"),
    ("quorum", "quorum", "return Vote.LOST if Vote.LOST in both else Vote.PENDING", "return Vote.PENDING"),
    ("quorum", "quorum", "    return min(majority_committed(incoming", "    return max(majority_committed(incoming"),
    ("confchange", "membership", "if member in config.outgoing:\n", "if False:\n"),
    ("confchange", "membership", "if len(config.voters ^ after[0].voters) > 1:", "if False:"),
    ("confchange", "membership", "learners = config.learners | config.learners_next", "learners = config.learners"),
    ("confchange", "membership", "        if change.member:\n", "        if True:\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "module", "before", "after"), FAULTS, ids=[f"{one[1]}: {one[3]}" for one in FAULTS])
def test_a_fault_is_noticed(name: str, module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.etcd.raft.{module}", before, after):
        assert differing(name) != []
