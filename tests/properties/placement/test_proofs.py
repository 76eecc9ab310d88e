"""The proofs about the scheduler's filters hold, and every fault planted in a filter or in its specification fails one.

The larger shapes take a minute: `python tests/proofs.py placement`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

import proofs as listing
from kubeproof.properties.placement import scenes
from kubeproof.properties.placement.proofs import (
    FILTERS,
    KINDS,
    PROOFS,
    Answer,
    filter_agrees,
    victims_are_less_important,
)
from planted import planted

SMALL: dict[str, Callable[[], Answer]] = {
    "room": lambda: filter_agrees("NodeResourcesFit", scenes.room(scenes.DEVICE)),
    "port": lambda: filter_agrees("NodePorts", scenes.ports(1, 1), scenes.PORT_WORDS),
    "taint": lambda: filter_agrees("TaintToleration", scenes.taints(1, 1), scenes.TOLERATION_WORDS),
    "few victims": lambda: victims_are_less_important(2),
    "even": lambda: filter_agrees("PodTopologySpread", scenes.spread(policies=False, count=2), scenes.SPREAD_WORDS),
    "together": lambda: filter_agrees("InterPodAffinity", partial(scenes.near, count=2), scenes.NEAR_WORDS),
    "away": lambda: filter_agrees("InterPodAffinity", partial(scenes.apart, count=2), scenes.NEAR_WORDS),
    "wishes": lambda: filter_agrees("NodeAffinity", scenes.node_affinity(1), scenes.AFFINITY_WORDS),
}
"""The same claims for fewer Pods and fewer words; smaller shapes are included in the larger ones."""
QUICK = ("cordon", "name", "numbers", "requests", "circle")


@pytest.mark.parametrize("name", QUICK)
def test_a_claim_is_proved(name: str) -> None:
    answer = PROOFS[name].run()
    assert answer.proved, answer.refuted


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_claim_is_proved_for_a_smaller_shape(name: str) -> None:
    answer = SMALL[name]()
    assert answer.proved, answer.refuted


def test_every_filter_with_a_specification_has_a_proof() -> None:
    claimed = {name for name in FILTERS for proof in PROOFS.values() if proof.claim.startswith(f"{name} refuses")}
    assert claimed == set(KINDS)


def test_an_answer_that_was_never_both_ways_proves_nothing() -> None:
    assert Answer(3).proved
    assert not Answer(3, telling=False).proved
    assert not Answer(3, ("x = 1",)).proved
    assert not Answer(0).proved


def test_the_list_of_proofs_says_what_holds_for_which_inputs_and_fails_if_one_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert listing.main(["placement", "name"]) == 0
    assert capsys.readouterr().out.startswith("proved (symbolic, 6 cases, ")
    with planted(f"{SCHEDULER}.plugins.node_name", '{"", info.name}', '{"", "n2"}'):
        assert listing.main(["placement", "name"]) == 1
    assert "REFUTED" in capsys.readouterr().out


SCHEDULER, SPECIFICATION = "kubeproof.impl.scheduler", "kubeproof.properties.placement"


@pytest.mark.parametrize(
    ("module", "before", "after", "proof"),
    [
        (f"{SCHEDULER}.plugins.node_resources_fit", "wanted[name] > has", "wanted[name] >= has", "room"),
        (f"{SCHEDULER}.plugins.node_resources_fit", "len(info.pods) + 1 >", "len(info.pods) >", "room"),
        (f"{SPECIFICATION}.nodes", "if size > 0", "if size > 1", "room"),
        (f"{SCHEDULER}.plugins.node_ports", "ANY in {one[0], other[0]}", "one[0] == ANY", "port"),
        (f"{SCHEDULER}.plugins.node_ports", "one[1:] == other[1:]", "one[2:] == other[2:]", "port"),
        (f"{SPECIFICATION}.nodes", 'theirs.protocol or "TCP"', "theirs.protocol", "port"),
        (
            f"{SCHEDULER}.plugins.taint_toleration",
            'toleration.key not in {"", taint.key}',
            "toleration.key != taint.key",
            "taint",
        ),
        (f"{SCHEDULER}.plugins.taint_toleration", 'operator in {"", "Equal"}', 'operator in {"Equal"}', "taint"),
        (
            f"{SCHEDULER}.plugins.taint_toleration",
            "if taint.effect in REPELLING",
            "if taint.effect == REPELLING[0]",
            "taint",
        ),
        (f"{SPECIFICATION}.nodes", '(toleration.effect == "") | ', "", "taint"),
        (f"{SCHEDULER}.plugins.node_unschedulable", "or tolerated(", "and tolerated(", "cordon"),
        (f"{SCHEDULER}.plugins.node_name", '{"", info.name}', '{"", "n2"}', "name"),
        (
            f"{SCHEDULER}.plugins.node_affinity",
            "not term.match_expressions and not term",
            "False and not term",
            "wishes",
        ),
        (f"{SCHEDULER}.plugins.node_affinity", '"NotIn": not same', '"NotIn": same', "wishes"),
        (f"{SCHEDULER}.plugins.node_affinity", "all(matches_requirement", "any(matches_requirement", "wishes"),
        (
            "kubeproof.impl.api.values.selectors",
            "value is None or value not in",
            "value is not None and value not in",
            "wishes",
        ),
        ("kubeproof.impl.api.values.selectors", "mine > bound if", "mine >= bound if", "numbers"),
        (
            "kubeproof.impl.api.values.selectors",
            "number is not None and int64.fits(number)",
            "number is not None",
            "numbers",
        ),
        (f"{SCHEDULER}.plugins.pod_topology_spread", "> constraint.max_skew", ">= constraint.max_skew", "even"),
        (
            f"{SCHEDULER}.plugins.pod_topology_spread",
            "len(self.domains) < enough",
            "len(self.domains) <= enough",
            "even",
        ),
        (f"{SCHEDULER}.plugins.pod_topology_spread", "and not pod.metadata.terminating ", "", "even"),
        (f"{SPECIFICATION}.pods", "(constraint.min_domains or 1)", "1", "even"),
        (f"{SCHEDULER}.plugins.inter_pod_affinity", "first=not together and itself", "first=itself", "together"),
        (f"{SCHEDULER}.plugins.inter_pod_affinity", "all(domain in state.near", "any(domain in state.near", "together"),
        (
            f"{SCHEDULER}.plugins.pod_affinity_terms",
            "and not selects(term.namespace_selector",
            "or not selects(term.namespace_selector",
            "together",
        ),
        (
            f"{SCHEDULER}.plugins.inter_pod_affinity",
            "_matches(snapshot, term, existing, pod)",
            "_matches(snapshot, term, pod, pod)",
            "away",
        ),
        (f"{SCHEDULER}.plugins.inter_pod_affinity", "in state.far", "not in state.far", "away"),
        (
            "kubeproof.impl.api.values.qos",
            "_larger(peak, _plus(part(container), sidecars))",
            "_larger(peak, part(container))",
            "requests",
        ),
        (
            f"{SCHEDULER}.plugins.priority_sort",
            "return pod.spec.priority or 0",
            "return -(pod.spec.priority or 0)",
            "few victims",
        ),
    ],
)
def test_a_planted_fault_is_refuted_by_inputs(module: str, before: str, after: str, proof: str) -> None:
    run = SMALL[proof] if proof in SMALL else PROOFS[proof].run
    with planted(module, before, after):
        assert run().refuted
