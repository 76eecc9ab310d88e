"""Every documented failure of placement is found without its repair, and gone with it."""

from __future__ import annotations

import pytest

from kubeproof.harness.zoo.catalogue import Pair, as_documented
from kubeproof.harness.zoo.placement import PAIRS

LAST = {
    "anti-affinity-rollout-deadlock": "creates Pod web-",
    "spread-lost-in-rollout": "deletes Pod web-",
    "tainted-node-counts-as-empty": "binds Pod web-",
    "cordoned-node-counts-as-empty": "creates Pod web-",
    "evicted-pods-come-back-first": "binds Pod web-",
    "two-active-schedulers": "scheduler 2: sends: binds Pod web-",
    "room-reported-free-too-early": "reject OutOfcpu",
}
"""What must be seen in the trace of each failure."""


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_failure_is_found_and_its_repair_proved(pair: Pair) -> None:
    faulty, repaired = pair.faulty(), pair.repaired()
    assert as_documented(faulty, repaired)
    assert any(LAST[pair.name] in line for line in faulty.lines)
    assert faulty.claim == repaired.claim


def test_names_and_sources_are_given_once_each() -> None:
    assert sorted(LAST) == sorted(pair.name for pair in PAIRS)
    assert len({pair.what for pair in PAIRS}) == len(PAIRS)
    assert all(pair.sources and pair.repair for pair in PAIRS)
