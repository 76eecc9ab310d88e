"""The documented failures of proxies, load balancers and nodes are found, and their repairs hold."""

from __future__ import annotations

import re
from functools import partial

import pytest
from attrs import evolve, fields

from kubeproof.harness import face
from kubeproof.harness.zoo import reachability as zoo_reachability
from kubeproof.harness.zoo.catalogue import Pair, as_documented
from kubeproof.harness.zoo.folders import FAILURES
from kubeproof.model.checker import Status

PAIRS = zoo_reachability.PAIRS
ENDS = {
    "lost-node-published-for-ever": "kube-proxy node-2: syncs: programs 1 Service with 2 ready endpoints on node-2",
    "lost-node-served-for-long": "observer: looks at node-1: node-1 is dead for longer than 12 s",
}
"""What the last line of each trace says."""


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_failure_is_found_and_the_repair_holds(pair: Pair) -> None:
    faulty, repaired = pair.faulty(), pair.repaired()
    assert as_documented(faulty, repaired), (faulty, repaired)
    assert ENDS[pair.name] in faulty.lines[-1]
    assert faulty.claim == repaired.claim
    assert not faulty.vacuous


def test_every_pair_has_a_name_of_its_own_and_says_where_it_is_documented() -> None:
    names = [one.name for one in PAIRS]
    assert sorted(names) == sorted(ENDS)
    for one in PAIRS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", one.name)
        assert all(re.search(r"#\d+$|^KEP-\d+$", source) for source in one.sources)
        assert one.sources
        assert one.what.endswith(".")
        assert one.repair.endswith(".")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda one: one.name)
def test_the_two_runs_of_a_pair_differ_in_one_thing(pair: Pair) -> None:
    assert isinstance(pair.faulty, partial)
    assert isinstance(pair.repaired, partial)
    one, other = pair.faulty.args[0], pair.repaired.args[0]
    differing = [name.name for name in fields(type(one)) if getattr(one, name.name) != getattr(other, name.name)]
    assert len(differing) == 1
    if differing == ["objects"]:
        assert len(set(one.objects) - set(other.objects)) == 1


def test_the_relation_stands_below_a_breach_in_a_rollout() -> None:
    report = face.check(FAILURES / "rollout-drops-connections" / "faulty").outcome
    (claim,) = (one for one in report.claims if one.name == "reachability")
    assert claim.lines[-1] == (
        "no new connection is sent to the Pod after its SIGTERM if and only if preStop >= 5 and grace >= 5 "
        "(seconds; now preStop 0, grace 30)"
    )


def test_a_pair_of_which_both_hold_or_both_fail_is_not_as_documented() -> None:
    pair = zoo_reachability.PAIRS[0]
    faulty, repaired = pair.faulty(), pair.repaired()
    assert not as_documented(repaired, repaired)
    assert not as_documented(faulty, faulty)
    assert not as_documented(faulty, evolve(repaired, vacuous=True))
    assert not as_documented(evolve(faulty, lines=()), repaired)
    assert not as_documented(faulty, evolve(repaired, status=Status.UNKNOWN))
