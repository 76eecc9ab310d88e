"""Each fault that somebody might make in a controller is noticed by the check that is there for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from places import TESTS, load
from planted import planted

QUICK = settings(
    max_examples=60,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)

REPLICASET = "properties/refinement/controllers/test_replicaset:ReplicaSetLockstep"
DEPLOYMENT = "properties/refinement/controllers/test_deployment:DeploymentLockstep"
ROLLOUT = "properties/refinement/controllers/test_deployment:test_a_rollout_and_a_resize_come_to_an_end_within_bounds"
SLICES = "properties/refinement/controllers/test_endpointslice:EndpointSliceLockstep"
NODE = "properties/refinement/controllers/test_nodelifecycle:NodeLifecycleLockstep"
BUDGET = "properties/refinement/controllers/test_disruption:test_each_count_is_the_models"
COLLECTOR = "properties/refinement/controllers/test_podgc:test_it_collects_what_the_model_collects"
TTL = "properties/refinement/controllers/test_ttlafterfinished:TtlLockstep"
WAITING = "properties/refinement/test_expectations:ExpectationsLockstep"
ARITHMETIC = "impl/controllers/test_vectors:test_rollout_arithmetic_is_kubernetes"
ORDER = "impl/controllers/test_vectors:test_pods_go_in_kubernetes_order"

STATEFULSET = "properties/refinement/controllers/test_statefulset:test_any_turn_is_the_models"
STATEFULSET_RUNS = "impl/controllers/statefulset/test_statefulset:test_every_recorded_run_is_ours"
STATEFULSET_ROLLS = (
    "impl/controllers/statefulset/test_statefulset:test_the_last_old_pod_is_replaced_and_the_next_once_it_is_ready"
)

FAULTS = [
    (
        "nobody waits for who is going",
        "statefulset.statefulset",
        "not pod.metadata.terminating and self._is_av",
        "self._is_av",
        STATEFULSET,
    ),
    (
        "who has failed stays",
        "statefulset.statefulset",
        "(Delete(ref_of(pod)),), True\n        if not _is",
        "(), True\n        if not _is",
        STATEFULSET,
    ),
    ("all come at once", "statefulset.statefulset", "Create(pod)), self.ordered", "Create(pod)), False", STATEFULSET),
    (
        "the first surplus goes first",
        "statefulset.statefulset",
        "key=ordinal, reverse=True",
        "key=ordinal",
        STATEFULSET,
    ),
    ("surplus goes though others are unwell", "statefulset.statefulset", "if not ended:", "if True:", STATEFULSET),
    (
        "an unready surplus goes out of turn",
        "statefulset.statefulset",
        "return (), True\n        return (Delete",
        "pass\n        return (Delete",
        STATEFULSET,
    ),
    (
        "surplus that is going is not waited for",
        "statefulset.statefulset",
        "return (), self.ordered\n        if self",
        "return (), False\n        if self",
        STATEFULSET,
    ),
    (
        "the first old one is replaced first",
        "statefulset.statefulset",
        "in reversed(self.replicas[partition:])",
        "in self.replicas[partition:]",
        STATEFULSET,
    ),
    ("the partition is ignored", "statefulset.statefulset", "self.replicas[partition:]", "self.replicas", STATEFULSET),
    (
        "the next is replaced before the last is ready",
        "statefulset.statefulset",
        "if not _is_healthy(pod):\n                return None",
        "if not _is_made(pod):\n                return None",
        STATEFULSET,
    ),
    (
        "on delete all are replaced",
        "statefulset.statefulset",
        "ended or self.owner.spec.update_strategy.type == ON_DELETE",
        "ended",
        STATEFULSET,
    ),
    (
        "below the partition Pods are made of the new template",
        "statefulset.statefulset",
        "chosen = revisions.current if old else revisions.update",
        "chosen = revisions.update",
        STATEFULSET,
    ),
    (
        "a rollout is complete before all are ready",
        "statefulset.statefulset",
        "counted.updated == counted.ready == wanted",
        "counted.updated == wanted",
        STATEFULSET,
    ),
    (
        "terminating Pods are of a revision",
        "statefulset.statefulset",
        "for pod in made if not pod.metadata.terminating",
        "for pod in made",
        STATEFULSET_RUNS,
    ),
    (
        "a replaced Pod still counts",
        "statefulset.statefulset",
        "counted.current - replaced",
        "counted.current",
        STATEFULSET_ROLLS,
    ),
    (
        "a template that comes back is no news",
        "statefulset.revisions",
        "(Update(newest, equal[-1]),)",
        "()",
        STATEFULSET_RUNS,
    ),
    (
        "Pods have no index",
        "statefulset.identity",
        "POD_INDEX: str(number), REVISION_HASH",
        "REVISION_HASH",
        STATEFULSET_RUNS,
    ),
    (
        "claims lack the labels of the set",
        "statefulset.identity",
        "**owner.spec.selector.match_labels",
        "",
        STATEFULSET_RUNS,
    ),
    (
        "terminating Pods count as replicas",
        "replicaset.replicaset",
        "if pod.active))",
        "if not pod.finished))",
        REPLICASET,
    ),
    (
        "one Pod too many is made",
        "replicaset.replicaset",
        "min(-surplus, BURST)",
        "min(1 - surplus, BURST)",
        REPLICASET,
    ),
    ("one surplus Pod is kept", "replicaset.replicaset", "min(surplus, BURST)", "min(surplus - 1, BURST)", REPLICASET),
    (
        "Pods are managed while expectations are open",
        "replicaset.replicaset",
        "if not satisfied or",
        "if",
        REPLICASET,
    ),
    (
        "unready Pods count as ready",
        "replicaset.replicaset",
        "ready_replicas=len(ready)",
        "ready_replicas=len(pods)",
        REPLICASET,
    ),
    (
        "ready Pods go first",
        "replicaset.deletion",
        "pod.ready, deletion_cost(pod)",
        "not pod.ready, deletion_cost(pod)",
        REPLICASET,
    ),
    ("crowded Pods go last", "replicaset.deletion", "-one.rank", "one.rank", REPLICASET),
    (
        "only one choice among equals is offered",
        "replicaset.deletion",
        "yield Victims(certain, tie, left) if 0 < left < len(tie) else Victims(",
        "yield Victims(",
        REPLICASET,
    ),
    (
        "fewer restarts go first",
        "replicaset.deletion",
        "return restarts > their_restarts",
        "return restarts < their_restarts",
        ORDER,
    ),
    ("a plus sign is a cost", "replicaset.deletion", "INTEGER.fullmatch(text)", "INTEGER.search(text)", ORDER),
    ("the first event settles all", "replicaset.expectations", "self.creations - 1", "0", WAITING),
    ("any Pod that goes settles all", "replicaset.expectations", "self.deletions - {pod}", "frozenset()", WAITING),
    (
        "the surge is rounded down",
        "deployment.arithmetic",
        "desired, round_up=True",
        "desired, round_up=False",
        ARITHMETIC,
    ),
    (
        "unavailability is rounded up",
        "deployment.arithmetic",
        "desired, round_up=False",
        "desired, round_up=True",
        ARITHMETIC,
    ),
    (
        "the surge is ignored",
        "deployment.arithmetic",
        "round_up=True) - total",
        "round_up=True) - total + 1",
        DEPLOYMENT,
    ),
    (
        "one more than may be is unavailable",
        "deployment.arithmetic",
        "return deployment.spec.wanted - max_unavailable(deployment)",
        "return deployment.spec.wanted - max_unavailable(deployment) - 1",
        DEPLOYMENT,
    ),
    (
        "unavailable new Pods are forgotten",
        "deployment.rolling",
        "- min_available(turn.deployment) - unavailable",
        "- min_available(turn.deployment) + 9",
        DEPLOYMENT,
    ),
    ("Recreate does not wait for old sets", "deployment.rolling", "if active(sets.old):", "if not sets:", DEPLOYMENT),
    (
        "a rollout keeps an old Pod",
        "deployment.rolling",
        "fewer = min(spare, rs.spec.wanted)",
        "fewer = min(spare, rs.spec.wanted - 1)",
        ROLLOUT,
    ),
    ("the revision is not raised", "deployment.revisions", "revision = 1 + max(", "revision = 0 + max(", ROLLOUT),
    ("a terminating endpoint is ready", "endpointslice.endpoints", "(serving and not terminating)", "serving", SLICES),
    ("an endpoint is kept too long", "endpointslice.endpoints", "if pod.finished or not", "if not", SLICES),
    (
        "a changed endpoint is not written",
        "endpointslice.slices",
        "if one.endpoints == endpoints and",
        "if one.endpoints and",
        SLICES,
    ),
    ("a slice holds one too many", "endpointslice.slices", "max(0, most - len", "max(0, most + 1 - len", SLICES),
    (
        "the placeholder is forgotten",
        "endpointslice.endpointslice",
        "return evolve(plan, create=(placeholder,))",
        "return plan",
        SLICES,
    ),
    (
        "a silent node stays ready",
        "nodelifecycle",
        'if condition.type in REPORTED and condition.status != "Unknown"',
        'if condition.type not in REPORTED and condition.status != "Unknown"',
        NODE,
    ),
    ("a strangers taint is dropped", "nodelifecycle", "or taint.key not in ours or", "or", NODE),
    ("a promised Pod counts as healthy", "disruption", "DELETION_TIMEOUT > now)", "DELETION_TIMEOUT < now)", BUDGET),
    (
        "maxUnavailable is rounded down",
        "disruption",
        "scaled_value(maximum, expected, round_up=True)",
        "scaled_value(maximum, expected, round_up=False)",
        BUDGET,
    ),
    (
        "a leaving Pod counts as healthy",
        "disruption",
        "pod.ready\n        and not pod.metadata.terminating\n",
        "pod.ready\n",
        BUDGET,
    ),
    (
        "the set counts, not its Deployment",
        "disruption",
        "above.kind in SCALED",
        "above.kind not in SCALED",
        BUDGET,
    ),
    (
        "a Pod of a live node is collected",
        "podgc",
        "doomed = pod.metadata.terminating and out_of_service(node)",
        "doomed = out_of_service(node)",
        COLLECTOR,
    ),
    (
        "a waiting Pod without node is collected",
        "podgc",
        "doomed = pod.metadata.terminating\n",
        "doomed = True\n",
        COLLECTOR,
    ),
    (
        "a Job goes a second too early",
        "ttlafterfinished",
        "now >= expires",
        "now + 1 >= expires",
        TTL,
    ),
    (
        "a Job that was given more time goes nevertheless",
        "ttlafterfinished",
        "(live or cache).get",
        "cache.get",
        TTL,
    ),
]


@cache
def loaded(name: str) -> ModuleType:
    """Load a test module by its file; tests are no package."""
    settings.register_profile("planted", QUICK)
    before = settings.get_current_profile_name()
    settings.load_profile("planted")  # Its tests inherit what is current now: a fault need not be shrunk.
    try:
        return load(TESTS / f"{name}.py")
    finally:
        settings.load_profile(before)


def run(check: str) -> None:
    """Run a state machine or a test function, given as `file:name`."""
    file, _, name = check.partition(":")
    found = getattr(loaded(file), name)
    if isinstance(found, type) and issubclass(found, RuleBasedStateMachine):
        run_state_machine_as_test(found, settings=QUICK)
    else:
        test: Callable[[], None] = found
        test()


def notices(check: str) -> bool:
    try:
        run(check)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    ("module", "before", "after", "check"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS]
)
def test_the_fault_is_noticed(module: str, before: str, after: str, check: str) -> None:
    with planted(f"kubeproof.impl.controllers.{module}", before, after):
        assert notices(check)


@pytest.mark.parametrize("check", sorted({one[-1] for one in FAULTS}))
def test_without_a_fault_the_check_is_content(check: str) -> None:
    assert not notices(check)
