"""The documented failures of watch caches are found, each by its claim and by no other, and their repairs hold."""

from __future__ import annotations

import re

import pytest

from kubeproof.harness.zoo.catalogue import Pair, as_documented
from kubeproof.harness.zoo.registry import topics
from kubeproof.harness.zoo.watching import PAIRS

ENDS = {
    "stale-list-after-restart": "s1: answers: lists as of 1",
    "first-event-missed-by-watch": "s0: tells: bookmark at 2",
    "deletion-lost-by-compaction": "s0: is watched: is watched from 3",
}
"""What the last line of each trace says."""


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_failure_is_found_and_the_repair_holds(pair: Pair) -> None:
    faulty, repaired = pair.faulty(), pair.repaired()
    assert as_documented(faulty, repaired), (faulty, repaired)
    assert faulty.lines[-1] == ENDS[pair.name]
    assert not faulty.vacuous


def test_the_pairs_are_a_topic_and_say_where_they_are_documented() -> None:
    assert topics()["api-server"][-len(PAIRS) :] == PAIRS
    assert sorted(pair.name for pair in PAIRS) == sorted(ENDS)
    sources = {source for pair in PAIRS for source in pair.sources}
    assert {"k/k#59848", "k/k#49956", "k/k#123072", "etcd#18089"} <= sources
    assert all(re.search(r"#\d+$|^KEP-\d+$", source) for source in sources)
