"""One sync of a ReplicaSet, request by request."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.impl.api.apps import ReplicaSet, ReplicaSetSpec, ReplicaSetStatus, WorkloadCondition
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, Pod, PodCondition, PodSpec, PodStatus, PodTemplateSpec
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference
from kubeproof.impl.api.requests import Create, Delete, PatchMetadata, Recheck, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers.replicaset.deletion import (
    deletion_choices,
    deletion_order,
    goes_before,
    ranked,
    victims_of,
)
from kubeproof.impl.controllers.replicaset.replicaset import BURST, after_failure, reconcile, reconcile_all

LABELS = strings({"app": "web"})
OWNER = OwnerReference("apps/v1", "ReplicaSet", "web", "u1", controller=True, block_owner_deletion=True)


def web(replicas: int = 1, *, uid: str = "u1", **spec: Any) -> ReplicaSet:
    template = PodTemplateSpec(
        ObjectMeta(labels=strings({"app": "web", "tier": "front"}), annotations=strings({"note": "x"})),
        PodSpec((Container("c", "image"),)),
    )
    metadata = ObjectMeta(name="web", namespace="d", uid=uid, generation=3)
    return ReplicaSet(metadata, ReplicaSetSpec(replicas, selector=LabelSelector(LABELS), template=template, **spec))


def pod(
    name: str,
    *,
    phase: str = "Running",
    ready: bool = True,
    node: str = "n1",
    owner: OwnerReference | None = OWNER,
    since: int | None = None,
    **metadata: Any,
) -> Pod:
    meta = ObjectMeta(
        name=name,
        namespace="d",
        uid=f"Pod/{name}",
        owner_references=(owner,) if owner else (),
        **{"labels": LABELS, **metadata},
    )
    condition = PodCondition("Ready", "True" if ready else "False", last_transition_time=since)
    return Pod(meta, PodSpec(node_name=node), PodStatus(phase, (condition,)))


def sync(*objects: Any, **arguments: Any) -> tuple[Any, ...]:
    return reconcile(Cache.of(objects), ref_of(web()), **arguments)


def status_of(requests: tuple[Any, ...]) -> ReplicaSetStatus:
    update = requests[-1]
    assert isinstance(update, Update)
    assert update.subresource == "status"
    assert isinstance(update.object, ReplicaSet)
    return update.object.status


def test_a_missing_pod_is_made_from_the_template_and_owned() -> None:
    create, update = sync(web(1))
    assert create == Create(
        Pod(
            ObjectMeta(
                generate_name="web-",
                namespace="d",
                labels=strings({"app": "web", "tier": "front"}),
                annotations=strings({"note": "x"}),
                owner_references=(OWNER,),
            ),
            PodSpec((Container("c", "image"),)),
        )
    )
    assert update.object.status == ReplicaSetStatus(observed_generation=3)


def test_the_status_counts_what_was_seen_before_anything_was_made() -> None:
    requests = sync(web(3), pod("a"), pod("b", ready=False))
    assert [type(one) for one in requests] == [Create, Update]
    assert status_of(requests) == ReplicaSetStatus(2, 0, 1, 1, 3)


def test_only_pods_with_all_template_labels_are_fully_labelled() -> None:
    both = strings({"app": "web", "tier": "front"})
    assert status_of(sync(web(2), pod("a"), pod("b", labels=both))).fully_labeled_replicas == 1


def test_terminating_and_finished_pods_are_replaced() -> None:
    requests = sync(web(2), pod("a", deletion_timestamp=1), pod("b", phase="Failed"), pod("c", phase="Succeeded"))
    assert sum(isinstance(one, Create) for one in requests) == 2
    assert status_of(requests).replicas == 0


def test_absent_replicas_mean_one() -> None:
    absent = web()
    requests = sync(evolve(absent, spec=evolve(absent.spec, replicas=None)))
    assert sum(isinstance(one, Create) for one in requests) == 1


def test_a_sync_makes_no_more_than_a_burst() -> None:
    assert sum(isinstance(one, Create) for one in sync(web(BURST + 100))) == BURST


def test_nothing_is_managed_while_expectations_are_open_or_the_set_is_going() -> None:
    assert [type(one) for one in sync(web(2), satisfied=False)] == [Update]
    going = evolve(web(2), metadata=evolve(web(2).metadata, deletion_timestamp=1))
    assert [type(one) for one in sync(going)] == [Update]
    assert sync() == ()


def test_an_orphan_is_adopted_and_counts() -> None:
    owner, orphans = web(2), (pod("a", owner=None), pod("b", owner=None))
    requests = sync(owner, *orphans)
    assert requests[0] == Recheck(ref_of(owner), "u1")
    assert requests[1:3] == tuple(PatchMetadata(ref_of(one), one.metadata.uid, add_owner=OWNER) for one in orphans)
    assert status_of(requests).replicas == 2
    assert len(requests) == 4


def test_a_stray_is_released_and_a_strangers_pod_is_left_alone() -> None:
    other = evolve(OWNER, uid="u2")
    requests = sync(web(0), pod("a", labels=strings({"app": "db"})), pod("b", owner=other))
    assert requests[0] == PatchMetadata(ref_of(pod("a")), "Pod/a", remove_owners=("u1",))
    assert len(requests) == 2
    assert status_of(requests).replicas == 0


def test_a_set_that_is_going_neither_adopts_nor_releases() -> None:
    going = evolve(web(0), metadata=evolve(web(0).metadata, deletion_timestamp=1))
    requests = sync(going, pod("a", labels=strings({"app": "db"})), pod("b", owner=None))
    assert [type(one) for one in requests] == [Update]


def test_a_pod_is_available_once_it_was_ready_long_enough() -> None:
    slow = web(3, min_ready_seconds=10)
    pods = [pod("a", since=90), pod("b", since=89), pod("c", ready=False, since=1)]
    status = status_of(sync(slow, *pods, now=100))
    assert (status.ready_replicas, status.available_replicas) == (2, 1)
    assert status_of(sync(slow, *pods, now=101)).available_replicas == 2
    assert status_of(sync(slow, pod("a", since=None), now=100)).available_replicas == 0
    assert status_of(sync(slow, pod("a", since=None))).available_replicas == 1


def test_a_failure_is_written_once_and_forgotten_after_a_good_sync() -> None:
    cache = Cache.of([web(2), pod("a")])
    (update,) = after_failure(cache, ref_of(web()), message="quota", now=7)
    assert isinstance(update, Update)
    assert isinstance(update.object, ReplicaSet)
    failed = update.object
    assert failed.status.conditions == (WorkloadCondition("ReplicaFailure", "True", "FailedCreate", "quota", None, 7),)
    again = Cache.of([failed, pod("a")])
    assert after_failure(again, ref_of(web()), message="quota again") == ()
    assert status_of(sync(failed, pod("a"))).conditions == ()
    surplus = after_failure(Cache.of([web(0), pod("a")]), ref_of(web()), message="no")
    assert status_of(surplus).conditions[0].reason == "FailedDelete"


def test_who_is_worth_least_goes_first() -> None:
    cheap = strings({"controller.kubernetes.io/pod-deletion-cost": "-1"})
    pods = [
        pod("alone", node="n2"),
        pod("crowded"),
        pod("cheap", node="n3", annotations=cheap),
        pod("waiting", phase="Pending", ready=False),
        pod("nowhere", node="", phase="Pending", ready=False),
        pod("unready", ready=False),
    ]
    order = [one.metadata.name for one in deletion_order(pods, pods, 0)]
    assert order == ["nowhere", "waiting", "unready", "cheap", "crowded", "alone"]


def test_crowding_counts_the_pods_of_the_sister_sets() -> None:
    parent = OwnerReference("apps/v1", "Deployment", "web", "d1", controller=True)
    mine = evolve(web(1), metadata=evolve(web(1).metadata, owner_references=(parent,)))
    sister = evolve(web(1, uid="u2"), metadata=evolve(mine.metadata, name="web-2", uid="u2"))
    theirs = pod("x", owner=evolve(OWNER, name="web-2", uid="u2"), node="n2")
    requests = sync(mine, sister, pod("a", node="n1"), pod("b", node="n2"), theirs)
    assert requests[0] == Delete(ref_of(pod("b")))


def test_every_choice_among_equals_is_offered_and_the_first_is_by_name() -> None:
    cache = Cache.of([web(1), pod("a"), pod("b"), pod("c", ready=False)])
    victims = [
        [one.ref.name for one in requests if isinstance(one, Delete)]
        for requests in reconcile_all(cache, ref_of(web()))
    ]
    assert victims == [["c", "a"], ["c", "b"]]
    assert reconcile(cache, ref_of(web())) == reconcile_all(cache, ref_of(web()))[0]


def test_of_ready_pods_the_youngest_goes_and_like_ages_are_a_tie() -> None:
    old, young, younger = pod("old", since=1), pod("young", since=900), pod("younger", since=901)
    pods = [old, young, younger]
    choices = [[one.metadata.name for one in some] for some in deletion_choices(pods, (), 1, 1000)]
    assert choices == [["young"], ["younger"]]
    assert [[one.metadata.name for one in some] for some in deletion_choices(pods, (), 1, 0)] == [["younger"]]
    assert [len(some) for some in deletion_choices(pods, (), 5, 1000)] == [3]


def test_what_must_go_is_no_choice() -> None:
    """Thirty that are not ready go before any that is: among what is left one is chosen, not 31 of 60."""
    lost = [pod(f"lost-{number}", ready=False) for number in range(30)]
    pods = [*lost, *(pod(f"fine-{number}") for number in range(30))]
    choices = list(deletion_choices(pods, (), 31, 1000))
    assert len(choices) == 30
    assert all({one.metadata.name for one in lost} < {one.metadata.name for one in some} for some in choices)


AGES = [0, 100, 600, 900, 990, 999]


@given(
    st.lists(st.builds(partial(pod, "x"), ready=st.booleans(), since=st.sampled_from(AGES)), min_size=1, max_size=6),
    st.integers(0, 6),
    st.sampled_from([0, 1000]),
)
def test_every_set_is_named_once_of_which_nobody_stays_who_goes_before_another(
    alike: list[Pod], count: int, now: int
) -> None:
    pods = [evolve(one, metadata=evolve(one.metadata, name=f"p{at}")) for at, one in enumerate(alike)]
    first = deletion_order(pods, (), now)[:count]
    order = ranked(pods, ())
    sets = {
        frozenset(one.pod.metadata.name for one in some)
        for some in combinations(order, min(count, len(pods)))
        if not any(goes_before(stays, one, now) for stays in order if stays not in some for one in some)
    }
    found = [[one.metadata.name for one in some] for some in deletion_choices(pods, (), count, now)]
    assert found[0] == [one.metadata.name for one in first]
    assert {frozenset(some) for some in found} - sets <= {frozenset(found[0])}
    assert sets <= {frozenset(some) for some in found}
    assert len(found) == len(set(map(frozenset, found)))


def test_any_half_of_forty_alike_is_one_way_to_say_who_goes() -> None:
    lost = pod("lost", ready=False)
    (victims,) = victims_of([*(pod(f"p{number}") for number in range(40)), lost], (), 21, 0)
    assert (victims.certain, len(victims.open), victims.count) == ((lost,), 40, 20)
