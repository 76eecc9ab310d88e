"""What a sync of a Pod decides is what the kubelets of 1.32 and 1.36 decided, record by record."""

from __future__ import annotations

import pytest

import agreement
from kubeproof.impl.api.releases import RELEASES
from places import VECTORS
from planted import planted

RECORDED = {"pod_actions": 2802, "1.36/pod_actions": 80, "1.36/pod_actions_moved_field_only": 265}


def score(name: str) -> agreement.Score:
    release, _, file = name.rpartition("/")
    root = VECTORS / release if release else VECTORS
    judge = agreement.judge_for(f"kubelet/{file}", root, RELEASES[release or "1.32"])
    assert judge is not None
    return agreement.score(name, root / "kubelet" / f"{file}.jsonl.xz", judge)


@pytest.mark.parametrize(("name", "count"), RECORDED.items())
def test_every_recorded_sync_is_decided_alike(name: str, count: int) -> None:
    found = score(name)
    assert found.differences == ()
    assert (found.agreeing, found.records) == (count, count)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('policy == "OnFailure" and exit_code != 0', 'policy == "OnFailure"'),
        ("return self.deleted and one.state is State.EXITED and", "return one.state is State.EXITED and"),
        ("            ran = True  #", "            #"),
        ("if ran and not container.sidecar:", "if ran:"),
        ("if not keeps and not start:", "if not start:"),
        ("any(container.state in {State.CREATED, State.RUNNING} for", "any(container.state is State.RUNNING for"),
        ("return False, Decided(start_init=(0,))", "return False, Decided()"),
        ("container.sidecar and container.state is State.RUNNING and container.changed", "False"),
        ("return one.state is State.UNKNOWN and self._starts(one)", "return False"),
        ('if self.policy == "Never" and attempt and known:', 'if self.policy == "Never" and attempt:'),
    ],
)
def test_another_decision_is_a_difference(before: str, after: str) -> None:
    with planted("kubeproof.impl.kubelet.actions", before, after):
        assert any(score(name).differences for name in RECORDED)
