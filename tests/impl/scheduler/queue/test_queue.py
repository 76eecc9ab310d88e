"""The scheduling queue, its hints, the nominator and the assume cache do what kube-scheduler v1.32 does."""

from __future__ import annotations

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.zoo.scheduler import node, pod
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Affinity,
    Container,
    ContainerPort,
    Node,
    Pod,
    PodAffinity,
    PodAffinityTerm,
    PodSchedulingGate,
    Taint,
    Toleration,
    TopologySpreadConstraint,
)
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.scheduler.queue.assume_cache import (
    Corrupted,
    SchedulerCache,
    add_node,
    add_pod,
    assume_pod,
    cleanup_assumed_pods,
    copied,
    finish_binding,
    forget_pod,
    remove_node,
    remove_pod,
    snapshot,
    update_pod,
)
from kubeproof.impl.scheduler.queue.cluster_event import (
    ASSIGNED_POD_ADD,
    ASSIGNED_POD_DELETE,
    NODE,
    NODE_ADD,
    NODE_DELETE,
    POD,
    UNSCHEDULABLE_POD,
    UNSCHEDULABLE_TIMEOUT,
    ActionType,
    ClusterEvent,
    node_scheduling_properties_change,
    pod_scheduling_properties_change,
)
from kubeproof.impl.scheduler.queue.cluster_event_handlers import Memory, see_node, see_pod
from kubeproof.impl.scheduler.queue.entry import NominationEnds, QueuedPodInfo, QueueSettings
from kubeproof.impl.scheduler.queue.nominator import Nominator
from kubeproof.impl.scheduler.queue.queue import (
    SchedulingQueue,
    activate,
    add,
    delete,
    done,
    events_since,
    flush_backoff_completed,
    pop,
)
from kubeproof.impl.scheduler.queue.queueing_hint_map import may_host
from kubeproof.impl.scheduler.queue.requeue import (
    AlreadyQueued,
    Strategy,
    add_unschedulable_if_not_present,
    assigned_pod_added,
    assigned_pod_updated,
    flush_unschedulable_leftover,
    move_all_to_active_or_backoff_queue,
    update,
    worth_requeuing,
)

PLAIN = QueueSettings()
HINTS = QueueSettings.of(queueing_hints=True)
FIT = frozenset({"NodeResourcesFit"})
A, B = pod("a", 1), pod("b", 1, 5)


def waiting(one: Pod, plugins: frozenset[str] = FIT, attempts: int = 1) -> QueuedPodInfo:
    return QueuedPodInfo(one, 0, attempts, 0, plugins)


def unschedulable(*infos: QueuedPodInfo) -> SchedulingQueue:
    queue = SchedulingQueue()
    for info in infos:
        queue = queue.in_unschedulable(info)
    return queue


def where(queue: SchedulingQueue, one: Pod) -> str:
    ref = ref_of(one)
    return next((name for name in ("active", "backoff", "unschedulable") if ref in getattr(queue, name)), "nowhere")


def failed(queue: SchedulingQueue, settings: QueueSettings, info: QueuedPodInfo, now: int = 0) -> SchedulingQueue:
    after = add_unschedulable_if_not_present(queue, settings, info, queue.scheduling_cycle, now)
    assert isinstance(after, SchedulingQueue)
    return after


# --- taking, failing, resting -----------------------------------------------------------------------------------------


def test_the_more_important_is_taken_first_and_then_the_one_that_waits_longer() -> None:
    late = evolve(A, metadata=evolve(A.metadata, name="0-late", uid="late"))
    queue = add(add(add(SchedulingQueue(), A, A, 1), late, late, 2), B, B, 3)
    names = []
    while queue.active:
        info, queue = pop(queue, PLAIN)
        assert info is not None
        names.append(info.pod.metadata.name)
        assert info.attempts == 1
    assert names == ["b", "a", "0-late"]
    assert queue.scheduling_cycle == 3
    assert pop(queue, PLAIN) == (None, queue)


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (60, 10)])
def test_a_back_off_doubles_from_one_second_to_ten(attempts: int, seconds: int) -> None:
    info = waiting(A, attempts=attempts)
    assert PLAIN.backoff(info) == seconds
    assert PLAIN.backing_off(info, seconds - 1)
    assert not PLAIN.backing_off(info, seconds)
    queue = SchedulingQueue().in_backoff(info)
    assert where(flush_backoff_completed(queue, PLAIN, seconds - 1), A) == "backoff"
    assert where(flush_backoff_completed(queue, PLAIN, seconds), A) == "active"


def test_a_pod_that_failed_is_not_queued_twice() -> None:
    queue = add(SchedulingQueue(), A, A, 0)
    assert add_unschedulable_if_not_present(queue, PLAIN, waiting(A), 0, 0) == AlreadyQueued(ref_of(A))


def test_a_gated_pod_is_not_taken_and_no_event_moves_it_but_its_own_change() -> None:
    gated = evolve(A, spec=evolve(A.spec, scheduling_gates=(PodSchedulingGate("g"),)))
    queue = add(SchedulingQueue(), gated, gated, 0)
    assert where(queue, A) == "unschedulable"
    assert queue.unschedulable[ref_of(A)].gated
    assert queue.unschedulable[ref_of(A)].unschedulable_plugins == {"SchedulingGates"}
    timeout = move_all_to_active_or_backoff_queue(queue, PLAIN, UNSCHEDULABLE_TIMEOUT, None, None, 0)
    assert where(timeout, A) == "unschedulable"
    for settings in (PLAIN, HINTS):
        assert where(update(queue, settings, gated, A, A, 0), A) == "active"


@pytest.mark.parametrize(("seconds", "place"), [(300, "unschedulable"), (301, "active")])
def test_who_has_waited_for_more_than_five_minutes_is_tried_again(seconds: int, place: str) -> None:
    assert where(flush_unschedulable_leftover(unschedulable(waiting(A)), PLAIN, seconds), A) == place


def test_activating_moves_who_waits_and_who_rests_and_nobody_else() -> None:
    queue = unschedulable(waiting(A)).in_backoff(waiting(B))
    moved = activate(queue, (ref_of(A), ref_of(B), ref_of(pod("c", 1))), 0)
    assert (where(moved, A), where(moved, B)) == ("active", "active")
    assert len(moved.active) == 2


def test_without_hints_a_change_of_a_pod_that_is_being_tried_queues_it_a_second_time() -> None:
    changed = evolve(A, metadata=evolve(A.metadata, labels=strings({"x": "1"})))
    for settings, place in ((PLAIN, "active"), (HINTS, "nowhere")):
        _, queue = pop(add(SchedulingQueue(), A, A, 0), settings)
        assert where(update(queue, settings, A, changed, changed, 0), A) == place


def test_without_hints_a_pod_that_waits_is_tried_again_when_it_changes_but_not_for_its_status() -> None:
    named = evolve(A, status=evolve(A.status, nominated_node_name="n"))
    changed = evolve(A, metadata=evolve(A.metadata, labels=strings({"x": "1"})))
    queue = unschedulable(waiting(A))
    assert where(update(queue, PLAIN, A, named, named, 0), A) == "unschedulable"
    assert update(queue, PLAIN, A, named, named, 0).nominator.node_of(A) == "n"
    assert where(update(queue, PLAIN, A, changed, changed, 0), A) == "backoff"
    assert where(update(queue, PLAIN, A, changed, changed, 9), A) == "active"
    assert where(update(queue, PLAIN, None, changed, changed, 9), A) == "unschedulable"


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_that_came_during_a_trial_are_looked_at_and_forgotten_after_the_last_who_needs_them() -> None:
    first, queue = pop(add(add(SchedulingQueue(), A, A, 0), B, B, 0), HINTS)
    queue = move_all_to_active_or_backoff_queue(queue, HINTS, ASSIGNED_POD_DELETE, pod("v", 1, on="n"), None, 0)
    second, queue = pop(queue, HINTS)
    assert first is not None
    assert second is not None
    assert len(events_since(queue, "b")) == 1
    assert events_since(queue, "a") == ()
    later = failed(queue, HINTS, evolve(second, unschedulable_plugins=FIT))
    assert where(later, A) == "unschedulable"
    assert where(failed(later, HINTS, evolve(first, unschedulable_plugins=FIT)), B) == "backoff"
    assert done(later, "b").in_flight == ()


@pytest.mark.parametrize(
    ("waits_for", "happens", "matches"),
    [
        (ClusterEvent(POD, ActionType.DELETE), ASSIGNED_POD_DELETE, True),
        (ClusterEvent(POD, ActionType.DELETE), ASSIGNED_POD_ADD, False),
        (ASSIGNED_POD_DELETE, ClusterEvent(UNSCHEDULABLE_POD, ActionType.DELETE), False),
        (ClusterEvent(NODE, ActionType.UPDATE), ClusterEvent(NODE, ActionType.UPDATE_NODE_LABEL), True),
        (ClusterEvent(NODE, ActionType.ADD), NODE_DELETE, False),
        (UNSCHEDULABLE_TIMEOUT, NODE_ADD, True),
    ],
)
def test_who_waits_for_pods_hears_of_bound_and_of_waiting_ones(
    waits_for: ClusterEvent, happens: ClusterEvent, *, matches: bool
) -> None:
    assert waits_for.matches(happens) is matches


def test_an_update_is_any_change_of_an_object_that_is_there_before_and_after() -> None:
    assert ActionType.UPDATE == ActionType.ALL & ~(ActionType.ADD | ActionType.DELETE)
    assert set(ActionType.UPDATE) == set(ActionType) - {ActionType.ADD, ActionType.DELETE}


def test_a_change_of_a_node_gives_an_event_for_each_property_that_matters() -> None:
    old = node("n", 1)
    new = evolve(
        old,
        metadata=evolve(old.metadata, labels=strings({"zone": "a"})),
        status=evolve(old.status, allocatable=old.status.allocatable.set("cpu", parse_quantity("2"))),
    )
    events = node_scheduling_properties_change(old, new)
    assert events == (
        ClusterEvent(NODE, ActionType.UPDATE_NODE_ALLOCATABLE),
        ClusterEvent(NODE, ActionType.UPDATE_NODE_LABEL),
    )
    cordoned = evolve(old, spec=evolve(old.spec, unschedulable=True))
    assert node_scheduling_properties_change(cordoned, old) == (ClusterEvent(NODE, ActionType.UPDATE_NODE_TAINT),)
    assert node_scheduling_properties_change(old, cordoned) == ()


def test_a_change_of_a_pod_that_matters_to_nobody_is_a_general_update() -> None:
    tolerant = evolve(A, spec=evolve(A.spec, tolerations=(Toleration(operator="Exists"),)))
    assert pod_scheduling_properties_change(A, tolerant) == (
        ClusterEvent(UNSCHEDULABLE_POD, ActionType.UPDATE_POD_TOLERATION),
    )
    assert pod_scheduling_properties_change(A, A) == (ClusterEvent(UNSCHEDULABLE_POD, ActionType.UPDATE_OTHER),)


TAINTED = evolve(node("n", 2), spec=evolve(node("n", 2).spec, taints=(Taint("k", "NoSchedule"),)))
CORDONED = evolve(node("n", 2), spec=evolve(node("n", 2).spec, unschedulable=True))
ZONED = evolve(node("n", 2), metadata=evolve(node("n", 2).metadata, labels=strings({"zone": "a"})))
LABELLED = evolve(pod("w", 1, on="n"), metadata=evolve(pod("w", 1).metadata, labels=strings({"app": "w"})))
CHOOSY = evolve(A, spec=evolve(A.spec, node_selector=strings({"zone": "a"})))
TERM = PodAffinityTerm(LabelSelector(strings({"app": "w"})), topology_key="zone")
NEAR = evolve(A, spec=evolve(A.spec, affinity=Affinity(pod_affinity=PodAffinity((TERM,)))))
FAR = evolve(A, spec=evolve(A.spec, affinity=Affinity(pod_anti_affinity=PodAffinity((TERM,)))))
SPREAD = evolve(
    A,
    spec=evolve(
        A.spec,
        topology_spread_constraints=(
            TopologySpreadConstraint(1, "zone", "DoNotSchedule", LabelSelector(strings({"app": "w"}))),
        ),
    ),
)


def on_port(name: str, port: int, on: str = "") -> Pod:
    plain = pod(name, 1, on=on)
    return evolve(
        plain, spec=evolve(plain.spec, containers=(Container("c", ports=(ContainerPort(80, host_port=port),)),))
    )


TOLERANT = evolve(A, spec=evolve(A.spec, tolerations=(Toleration(operator="Exists"),)))
UPDATED = ClusterEvent(UNSCHEDULABLE_POD, ActionType.UPDATE_POD_TOLERATION)
LABEL = ClusterEvent(NODE, ActionType.UPDATE_NODE_LABEL)
ROOM = ClusterEvent(NODE, ActionType.UPDATE_NODE_ALLOCATABLE)
TAINT = ClusterEvent(NODE, ActionType.UPDATE_NODE_TAINT)

HINTED = [
    ("NodeResourcesFit", A, ASSIGNED_POD_DELETE, pod("v", 1, on="n"), None, True),
    ("NodeResourcesFit", A, ASSIGNED_POD_DELETE, pod("v", 1), None, False),
    ("NodeResourcesFit", A, NODE_ADD, None, node("n", 1), True),
    ("NodeResourcesFit", A, NODE_ADD, None, node("n", 0), False),
    ("NodeResourcesFit", A, ROOM, node("n", 1), node("n", 2), True),
    ("NodeResourcesFit", A, ROOM, node("n", 2), node("n", 1), False),
    ("NodeResourcesFit", A, LABEL, node("n", 2), ZONED, False),
    ("NodeResourcesFit", pod("z", 0), ROOM, node("n", 1), node("n", 2), False),
    ("TaintToleration", A, TAINT, TAINTED, node("n", 2), True),
    ("TaintToleration", A, TAINT, node("n", 2), TAINTED, False),
    ("TaintToleration", A, TAINT, TAINTED, TAINTED, False),
    ("TaintToleration", A, UPDATED, A, TOLERANT, True),
    ("TaintToleration", B, UPDATED, A, TOLERANT, False),
    ("NodeUnschedulable", A, TAINT, CORDONED, node("n", 2), True),
    ("NodeUnschedulable", A, NODE_ADD, None, CORDONED, False),
    ("NodeUnschedulable", A, UPDATED, A, TOLERANT, True),
    ("NodeUnschedulable", A, UPDATED, A, A, False),
    ("NodeAffinity", CHOOSY, LABEL, node("n", 2), ZONED, True),
    ("NodeAffinity", CHOOSY, LABEL, ZONED, ZONED, False),
    ("NodeAffinity", CHOOSY, LABEL, ZONED, node("n", 2), False),
    ("NodeName", A, NODE_ADD, None, node("m", 1), True),
    ("NodePorts", on_port("a", 80), ASSIGNED_POD_DELETE, on_port("v", 80, "n"), None, True),
    ("NodePorts", on_port("a", 80), ASSIGNED_POD_DELETE, on_port("v", 81, "n"), None, False),
    ("NodePorts", on_port("a", 80), ASSIGNED_POD_DELETE, on_port("v", 80), None, False),
    ("InterPodAffinity", NEAR, ASSIGNED_POD_ADD, None, LABELLED, True),
    ("InterPodAffinity", NEAR, ASSIGNED_POD_ADD, None, pod("v", 1, on="n"), False),
    ("InterPodAffinity", NEAR, ASSIGNED_POD_DELETE, LABELLED, None, False),
    ("InterPodAffinity", FAR, ASSIGNED_POD_DELETE, LABELLED, None, True),
    ("InterPodAffinity", FAR, ASSIGNED_POD_ADD, None, LABELLED, False),
    ("InterPodAffinity", FAR, NODE_ADD, None, ZONED, True),
    ("InterPodAffinity", FAR, NODE_ADD, None, node("n", 1), False),
    ("PodTopologySpread", SPREAD, ASSIGNED_POD_DELETE, LABELLED, None, True),
    ("PodTopologySpread", SPREAD, ASSIGNED_POD_DELETE, pod("v", 1, on="n"), None, False),
    ("PodTopologySpread", SPREAD, NODE_DELETE, ZONED, None, True),
    ("PodTopologySpread", SPREAD, NODE_DELETE, node("n", 1), None, False),
    ("PodTopologySpread", SPREAD, LABEL, node("n", 2), ZONED, True),
    ("PodTopologySpread", SPREAD, TAINT, ZONED, ZONED, False),
]


@pytest.mark.parametrize(("plugin", "one", "event", "old", "new", "worth"), HINTED)
def test_with_hints_an_event_queues_only_who_it_may_help(
    plugin: str, one: Pod, event: ClusterEvent, old: Pod | Node | None, new: Pod | Node | None, *, worth: bool
) -> None:
    info = waiting(one, frozenset({plugin}))
    assert (worth_requeuing(HINTS, info, event, old, new) is Strategy.AFTER_BACKOFF) is worth
    assert worth_requeuing(HINTS, waiting(one, frozenset({"ImageLocality"})), event, old, new) is Strategy.SKIP


def test_without_hints_every_registered_event_queues_and_new_labels_count_for_all_who_wait_for_nodes() -> None:
    assert worth_requeuing(PLAIN, waiting(A), ASSIGNED_POD_DELETE, pod("v", 1), None) is Strategy.AFTER_BACKOFF
    assert worth_requeuing(PLAIN, waiting(A), LABEL, node("n", 1), ZONED) is Strategy.AFTER_BACKOFF
    assert worth_requeuing(PLAIN, waiting(A), ASSIGNED_POD_ADD, None, LABELLED) is Strategy.SKIP


def test_a_plugin_that_asked_to_wait_has_its_pod_tried_without_a_back_off() -> None:
    info = QueuedPodInfo(A, 0, 1, 0, frozenset(), FIT)
    assert worth_requeuing(PLAIN, info, NODE_ADD, None, node("n", 1)) is Strategy.IMMEDIATELY
    queue = move_all_to_active_or_backoff_queue(unschedulable(info), PLAIN, NODE_ADD, None, node("n", 1), 0)
    assert where(queue, A) == "active"


def test_a_bound_pod_wakes_only_those_that_look_across_nodes() -> None:
    affine = waiting(NEAR, frozenset({"InterPodAffinity"}))
    for settings in (PLAIN, HINTS):
        moved = assigned_pod_added(unschedulable(affine, waiting(B)), settings, LABELLED, strings(), 0)
        assert (where(moved, NEAR), where(moved, B)) == ("backoff", "unschedulable")
    spread = waiting(SPREAD, frozenset({"PodTopologySpread"}))
    event = ClusterEvent("AssignedPod", ActionType.UPDATE_POD_LABEL)
    unlabelled = evolve(LABELLED, metadata=evolve(LABELLED.metadata, labels=strings()))
    moved = assigned_pod_updated(unschedulable(spread), PLAIN, LABELLED, unlabelled, event, strings(), 0)
    assert where(moved, SPREAD) == "backoff"


@pytest.mark.parametrize(
    ("one", "there", "pods", "takes"),
    [
        (A, node("n", 1), (), True),
        (A, node("n", 1), (pod("v", 1, on="n"),), False),
        (A, TAINTED, (), False),
        (CHOOSY, node("n", 2), (), False),
        (CHOOSY, ZONED, (), True),
        (on_port("a", 80), node("n", 2), (on_port("v", 80, "n"),), False),
    ],
)
def test_without_hints_a_node_wakes_only_pods_that_it_may_host(
    one: Pod, there: Node, pods: tuple[Pod, ...], *, takes: bool
) -> None:
    assert may_host(one, there, pods) is takes


# --- what events do to all that is remembered -------------------------------------------------------------------------


def remembering(*pods: Pod, nodes: tuple[Node, ...] = (), settings: QueueSettings = PLAIN) -> Memory:
    memory = Memory()
    for one in nodes:
        memory = see_node(memory, settings, one.metadata.name, one, 0)
    for each in pods:
        memory = see_pod(memory, settings, ref_of(each), each, 0)
    return memory


def test_a_pod_moves_from_the_queue_to_the_cache_when_it_gets_a_node_and_wakes_others_when_it_goes() -> None:
    memory = remembering(A, nodes=(node("n", 1),))
    assert where(memory.queue, A) == "active"
    memory = evolve(memory, queue=evolve(memory.queue, unschedulable=unschedulable(waiting(B)).unschedulable))
    bound = evolve(A, spec=evolve(A.spec, node_name="n"))
    memory = see_pod(memory, PLAIN, ref_of(A), bound, 0)
    assert where(memory.queue, A) == "nowhere"
    assert memory.cache.pods_of("n") == (bound,)
    assert where(memory.queue, B) == "unschedulable"
    finished = evolve(bound, status=evolve(bound.status, phase="Succeeded"))
    memory = see_pod(memory, PLAIN, ref_of(A), finished, 0)
    assert memory.cache.pods_of("n") == ()
    assert where(memory.queue, B) == "backoff"


def test_changes_of_a_pod_that_was_given_a_node_do_not_queue_it_again() -> None:
    memory = remembering(A, nodes=(node("n", 1),))
    _, queue = pop(memory.queue, PLAIN)
    cache = assume_pod(memory.cache, A, "n")
    assert isinstance(cache, SchedulerCache)
    labelled = evolve(A, metadata=evolve(A.metadata, labels=strings({"x": "1"})))
    memory = see_pod(evolve(memory, cache=cache, queue=queue), PLAIN, ref_of(A), labelled, 0)
    assert where(memory.queue, A) == "nowhere"


def test_a_node_that_is_full_wakes_nobody_without_hints() -> None:
    memory = remembering(pod("v", 1, on="n"))
    memory = evolve(memory, queue=unschedulable(waiting(A)))
    assert where(see_node(memory, PLAIN, "n", node("n", 1), 0).queue, A) == "unschedulable"
    assert where(see_node(memory, PLAIN, "n", node("n", 2), 0).queue, A) == "backoff"
    assert where(see_node(memory, HINTS, "n", node("n", 1), 0).queue, A) == "backoff"


@pytest.mark.parametrize(
    ("ends", "status", "place"),
    [
        (NominationEnds.UNNOTICED, "n", "unschedulable"),
        (NominationEnds.SEEN, "n", "backoff"),
        (NominationEnds.SEEN, "", "unschedulable"),
        (NominationEnds.REMEMBERED, "", "backoff"),
    ],
)
def test_who_was_kept_away_by_a_nominated_pod_is_told_of_its_deletion(
    ends: NominationEnds, status: str, place: str
) -> None:
    settings = QueueSettings(nomination_ends=ends)
    preemptor = pod("h", 1, 9)
    preemptor = evolve(preemptor, status=evolve(preemptor.status, nominated_node_name=status))
    memory = remembering(preemptor, settings=settings)
    nominator = memory.queue.nominator.add(preemptor, "n", preemptor)
    queue = evolve(memory.queue.in_unschedulable(waiting(A)), nominator=nominator)
    memory = see_pod(evolve(memory, queue=queue), settings, ref_of(preemptor), None, 0)
    assert where(memory.queue, A) == place
    assert memory.queue.nominator == Nominator()


# --- promises and assumptions -----------------------------------------------------------------------------------------


def test_what_is_remembered_of_a_nomination_survives_updates_that_do_not_know_it() -> None:
    promised = Nominator().add(A, "n", A)
    changed = evolve(A, metadata=evolve(A.metadata, labels=strings({"x": "1"})))
    assert promised.update(A, changed, changed).node_of(A) == "n"
    named = evolve(A, status=evolve(A.status, nominated_node_name="m"))
    assert promised.update(A, named, named).node_of(A) == "m"
    assert promised.update(named, A, A).node_of(A) == ""
    assert promised.promised("n") == (ref_of(A),)


def test_nothing_is_promised_to_a_pod_that_is_gone_or_has_a_node() -> None:
    assert Nominator().add(A, "n", None) == Nominator()
    assert Nominator().add(A, "n", evolve(A, spec=evolve(A.spec, node_name="m"))) == Nominator()
    assert Nominator().add(A, "n", A).add(A, "", A) == Nominator()
    assert delete(evolve(SchedulingQueue(), nominator=Nominator().add(A, "n", A)), A).nominator == Nominator()


def test_an_assumed_pod_counts_until_it_is_forgotten_or_confirmed() -> None:
    cache = assume_pod(add_node(SchedulerCache(), node("n", 1)), A, "n")
    assert isinstance(cache, SchedulerCache)
    assert cache.is_assumed(A)
    assert [one.metadata.name for one in snapshot(cache, Nominator(), Cache()).nodes[0].pods] == ["a"]
    assert isinstance(assume_pod(cache, A, "n"), Corrupted)
    assert forget_pod(cache, A) == add_node(SchedulerCache(), node("n", 1))
    bound = evolve(A, spec=evolve(A.spec, node_name="n"))
    confirmed = add_pod(finish_binding(cache, A, 0, ttl=5), bound)
    assert not confirmed.is_assumed(A)
    assert isinstance(forget_pod(confirmed, A), Corrupted)
    assert cleanup_assumed_pods(confirmed, 1000) == confirmed
    assert remove_pod(confirmed, A) == add_node(SchedulerCache(), node("n", 1))


@pytest.mark.parametrize(("ttl", "now", "there"), [(5, 5, True), (5, 6, False), (0, 1000, True)])
def test_an_assumed_pod_expires_only_where_a_duration_is_set(ttl: int, now: int, *, there: bool) -> None:
    cache = assume_pod(SchedulerCache(), A, "n")
    assert isinstance(cache, SchedulerCache)
    assert cleanup_assumed_pods(cache, now) == cache
    waits = finish_binding(cache, A, 0, ttl)
    assert (ref_of(A) in cleanup_assumed_pods(waits, now).pods) is there


def test_events_that_contradict_the_cache_are_told_and_not_taken_in() -> None:
    bound = pod("v", 1, on="n")
    cache = add_pod(SchedulerCache(), bound)
    assert isinstance(update_pod(cache, pod("v", 1, on="m")), Corrupted)
    assert isinstance(remove_pod(cache, pod("v", 1, on="m")), Corrupted)
    assert isinstance(remove_pod(SchedulerCache(), bound), Corrupted)
    assert isinstance(update_pod(SchedulerCache(), bound), Corrupted)


def test_which_contradictions_end_the_process() -> None:
    cache = add_pod(SchedulerCache(), pod("v", 1, on="n"))
    ends = [update_pod(cache, pod("v", 1, on="m")), remove_pod(cache, pod("v", 1, on="m"))]
    logged = [remove_pod(SchedulerCache(), pod("v", 1, on="n")), update_pod(SchedulerCache(), pod("v", 1, on="n"))]
    assert [one.ends for one in (*ends, *logged) if isinstance(one, Corrupted)] == [True, True, False, False]


def test_an_entry_that_goes_with_its_node_leaves_its_pods_in_none() -> None:
    """TestSchedulerCache_updateNodeInfoSnapshotList and the test of k/k PR #89908 do the like."""
    one, other = pod("one", 1, on="n"), pod("other", 1, on="n")
    cache = add_pod(add_pod(add_node(SchedulerCache(), node("n", 2)), one), other)
    gone = remove_node(cache, "n", with_entry=True)
    assert gone.pods_of("n") == ()
    # Alone it is passed over; a Pod that changes makes an entry without the other one, and without a node.
    assert isinstance(remove_pod(gone, other), SchedulerCache)
    placeholder = update_pod(gone, one)
    assert isinstance(placeholder, SchedulerCache)
    assert placeholder.pods_of("n") == (one,)
    assert remove_pod(placeholder, other) == Corrupted(ref_of(other), "is not among the Pods of n", ends=True)
    assert remove_pod(placeholder, one) == gone.without_pod(one)
    # With its node again the entry has a name, and an error is logged.
    again = add_node(placeholder, node("n", 2))
    assert remove_pod(again, other) == Corrupted(ref_of(other), "is not among the Pods of n")
    assert remove_node(cache, "n").pods_of("n") == (one, other)


def test_an_entry_counts_its_changes_from_when_it_is_there() -> None:
    """NodeInfo.generation before 1.11 (pkg/scheduler/schedulercache/node_info.go): one up in each method."""
    cache = add_node(SchedulerCache(numbered=frozenset({"n"})), node("n", 1))
    assert cache.numbers == {"n": 1}
    assumed = assume_pod(cache, A, "n")
    assert isinstance(assumed, SchedulerCache)
    bound = evolve(A, spec=evolve(A.spec, node_name="n"))
    confirmed = add_pod(finish_binding(assumed, A, 0), bound)
    assert (assumed.numbers, confirmed.numbers) == ({"n": 2}, {"n": 2})
    updated, removed = update_pod(confirmed, bound), remove_pod(confirmed, bound)
    assert isinstance(updated, SchedulerCache)
    assert isinstance(removed, SchedulerCache)
    assert (updated.numbers, removed.numbers) == ({"n": 4}, {"n": 3})
    # A Pod keeps the entry, so the number goes on; with nothing left the next one begins anew.
    assert remove_node(confirmed, "n").numbers == {"n": 3}
    assert remove_node(removed, "n").numbers == {}
    assert add_node(remove_node(removed, "n"), node("n", 2)).numbers == {"n": 1}
    assert add_node(SchedulerCache(), node("n", 1)).numbers == {}


def test_a_copy_of_the_same_number_passes_for_the_newest() -> None:
    cache = copied(add_node(SchedulerCache(numbered=frozenset({"n"})), node("n", 1)))
    again = copied(add_node(remove_node(cache, "n"), node("n", 2)))
    (shown,) = snapshot(again, Nominator(), Cache()).nodes
    assert shown.node == node("n", 1)
    (newer,) = snapshot(copied(add_node(again, node("n", 2))), Nominator(), Cache()).nodes
    assert newer.node == node("n", 2)
    # Who looks while it is gone forgets it; an entry that all draw numbers for is never taken for another.
    seen_gone = copied(remove_node(cache, "n"))
    (fresh,) = snapshot(copied(add_node(seen_gone, node("n", 2))), Nominator(), Cache()).nodes
    assert fresh.node == node("n", 2)


def test_a_node_that_is_gone_is_not_shown_though_its_pods_are_not_gone_yet() -> None:
    cache = add_pod(add_node(SchedulerCache(), node("n", 1)), pod("v", 1, on="n"))
    gone = remove_node(cache, "n")
    assert snapshot(gone, Nominator(), Cache()).nodes == ()
    assert gone.pods_of("n") == (pod("v", 1, on="n"),)


def test_a_snapshot_shows_promised_pods_that_the_informer_still_has() -> None:
    cache = add_node(SchedulerCache(), node("n", 1))
    nominator = Nominator(immutabledict({ref_of(A): "n", ref_of(B): "n"}))
    assert snapshot(cache, nominator, Cache.of([A])).nominated == {"n": (A,)}
