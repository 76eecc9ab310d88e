"""The list of proofs: its kinds are as many as counted, each claim can be refuted, and some of it is proved here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve

from kubeproof.impl.kubeproxy.chains import MARK_MASQ
from kubeproof.impl.kubeproxy.rule import Rule, RuleSet
from kubeproof.properties.proof import Answer
from kubeproof.properties.reachability import proofs as reachability_proofs
from kubeproof.properties.reachability.kinds import ENDS, HERE, kinds, many
from kubeproof.properties.reachability.proofs import PROOFS


def test_the_kinds_are_counted() -> None:
    plain, doors = 2 * 2 * len(ENDS), 2 * 2 * 3 * 2 * len(ENDS)  # policies, affinity; policies, ranges, affinity
    for family in ("IPv4", "IPv6"):
        every = list(kinds(family))
        assert len(every) == plain + doors == 196
        assert len({(one.service, one.slices) for one in every}) == 196
        assert {one.config.family for one in every} == {family}
    assert "196 kinds" in PROOFS["delivered"].sizes


def some(family: str = "IPv4") -> list[object]:
    """Return one kind in 40."""
    return list(kinds(family))[3::40]


@pytest.mark.parametrize("name", ["delivered", "masqueraded", "no-dead-rule", "nftables-is-iptables"])
def test_claims_on_every_kind_are_proved_for_a_share_of_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability_proofs, "kinds", some)
    answer = PROOFS[name].run()
    assert (answer.proved, answer.paths) == (True, 2 * 5)


def test_partial_syncs_and_fair_shares_are_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability_proofs, "kinds", some)
    assert PROOFS["partial-sync-is-full"].run() == Answer(5)
    assert reachability_proofs._fair(12) == Answer(12)
    assert reachability_proofs._all_delivered(20, 3) == Answer(2 * 20)


def without(condition: Callable[[Rule], bool]) -> Callable[[RuleSet], RuleSet]:
    return lambda ruled: evolve(ruled, rules=tuple(rule for rule in ruled.rules if not condition(rule)))


def doubled(ruled: RuleSet) -> RuleSet:
    return evolve(
        ruled, rules=(*ruled.rules, *(evolve(one, comment="again") for one in ruled.rules if one.target == "DNAT"))
    )


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("delivered", without(lambda rule: rule.target.startswith("KUBE-EXT"))),
        ("delivered", without(lambda rule: rule.chain == "KUBE-PROXY-FIREWALL" or bool(rule.source))),
        ("masqueraded", without(lambda rule: rule.target == MARK_MASQ and rule.chain.startswith("KUBE-EXT"))),
        ("no-dead-rule", doubled),
        ("nftables-is-iptables", without(lambda rule: rule.chain == "KUBE-PROXY-FIREWALL")),
    ],
    ids=["no way from outside", "no firewall", "no mark", "rules behind a DNAT", "no refusal by the firewall"],
)
def test_each_claim_can_be_refuted(
    name: str, fault: Callable[[RuleSet], RuleSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = reachability_proofs._ruled
    monkeypatch.setattr(
        reachability_proofs, "kinds", lambda family: [one for one in list(kinds(family))[3::25] if "Local" in str(one)]
    )
    monkeypatch.setattr(reachability_proofs, "_ruled", lambda kind: fault(honest(kind)))
    answer = PROOFS[name].run()
    assert not answer.proved
    assert answer.refuted


def test_an_unfair_share_and_a_stale_service_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    services, slices = many(3, 3)
    fewer = [evolve(one, endpoints=one.endpoints[:2]) for one in slices]
    stale = reachability_proofs.rules(services, fewer, HERE)
    monkeypatch.setattr(reachability_proofs, "rules", lambda *_: stale)
    assert not reachability_proofs._all_delivered(3, 3).proved
    even = evolve(stale, rules=tuple(evolve(rule, probability=rule.probability and 0.4) for rule in stale.rules))
    monkeypatch.setattr(reachability_proofs, "rules", lambda *_: even)
    assert reachability_proofs._fair(1).refuted


def test_a_list_without_anything_to_prove_is_no_proof() -> None:
    assert not Answer(0).proved
    assert Answer(1).proved
    assert not Answer(1, ("x",)).proved
