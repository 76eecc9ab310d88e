"""Realistic faults in the scheduler, one line each, and the check that notices each of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test

from kubeproof.properties.placement.filters import disagreements
from planted import planted
from scenes.scheduling_strategies import Scene, scenes
from scheduler_lockstep import SchedulerLockstep

Check = Callable[[str], None]

SEARCH = settings(
    max_examples=150,
    stateful_step_count=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


def lockstep(feature: str) -> None:
    """Run the scheduler beside its model on clusters that show one feature."""
    machine = type("Lockstep", (SchedulerLockstep,), {"only": frozenset({feature})})
    run_state_machine_as_test(machine, settings=settings(SEARCH, max_examples=25))


def specification(feature: str) -> None:
    """Compare each filter with the placement specification on clusters that show one feature."""

    @SEARCH
    @given(scenes(only=frozenset({feature})))
    def no_filter_disagrees(scene: Scene) -> None:
        assert list(disagreements(scene.problem, scene.cache)) == []

    no_filter_disagrees()


SCHEDULER = "kubeproof.impl.scheduler"

FAULTS: tuple[tuple[str, str, str, str, Check, str], ...] = (
    (
        "a Pod that fits exactly is refused",
        f"{SCHEDULER}.plugins.node_resources_fit",
        "wanted[name] > has.get(name, 0)",
        "wanted[name] >= has.get(name, 0)",
        lockstep,
        "room",
    ),
    (
        "the incoming Pod does not count itself against the limit of Pods",
        f"{SCHEDULER}.plugins.node_resources_fit",
        "len(info.pods) + 1 >",
        "len(info.pods) >",
        lockstep,
        "room",
    ),
    (
        "finished Pods keep their room",
        f"{SCHEDULER}.framework",
        "if not pod.finished]",
        "if pod]",
        lockstep,
        "room",
    ),
    (
        "NoExecute taints are ignored",
        f"{SCHEDULER}.plugins.taint_toleration",
        "if taint.effect in REPELLING",
        'if taint.effect == "NoSchedule"',
        lockstep,
        "taints",
    ),
    (
        "the anti-affinity of Pods already there is not asked",
        f"{SCHEDULER}.plugins.inter_pod_affinity",
        "return UNWELCOME",
        "return None",
        lockstep,
        "apart",
    ),
    (
        "gated Pods are scheduled",
        f"{SCHEDULER}.plugins.scheduling_gates",
        'if gates else ""',
        'if gates == "other" else ""',
        lockstep,
        "room",
    ),
    (
        "a skew of exactly maxSkew is refused",
        f"{SCHEDULER}.plugins.pod_topology_spread",
        "> constraint.max_skew",
        ">= constraint.max_skew",
        specification,
        "spread",
    ),
    (
        "exactly minDomains domains are taken for too few",
        f"{SCHEDULER}.plugins.pod_topology_spread",
        "len(self.domains) < enough",
        "len(self.domains) <= enough",
        specification,
        "spread",
    ),
    (
        "Pods being deleted count for spreading",
        f"{SCHEDULER}.plugins.pod_topology_spread",
        "and not pod.metadata.terminating",
        "and pod.metadata.name",
        specification,
        "spread",
    ),
    (
        "host ports of different protocols clash",
        f"{SCHEDULER}.plugins.node_ports",
        "one[1:] == other[1:]",
        "one[2:] == other[2:]",
        specification,
        "ports",
    ),
    (
        "a Pod that matches its own affinity may start a second group",
        f"{SCHEDULER}.plugins.inter_pod_affinity",
        "first=not together and itself",
        "first=itself",
        specification,
        "affinity",
    ),
    (
        "the model demands more room than is asked for",
        "kubeproof.model.components.scheduling.scheduler",
        "amount <= state.left(",
        "amount < state.left(",
        lockstep,
        "room",
    ),
)


@pytest.mark.parametrize(("check", "feature"), sorted({fault[-2:] for fault in FAULTS}, key=str))
def test_without_a_fault_nothing_is_noticed(check: Check, feature: str) -> None:
    check(feature)


@pytest.mark.parametrize(
    ("module", "before", "after", "check", "feature"),
    [pytest.param(*fault, id=sentence) for sentence, *fault in FAULTS],
)
def test_a_planted_fault_is_noticed(module: str, before: str, after: str, check: Check, feature: str) -> None:
    with planted(module, before, after), pytest.raises(AssertionError):
        check(feature)
