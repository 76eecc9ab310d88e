"""Grains: every pair is proved, and what is broken in one of the two is found."""

from __future__ import annotations

import pytest

import grains
from kubeproof.properties.proof import Answer
from planted import planted


@pytest.mark.parametrize("name", grains.PROOFS)
def test_every_pair_of_grains_is_proved(name: str) -> None:
    answer = grains.PROOFS[name].run()
    assert answer.proved, answer.refuted


def refuted(answer: Answer) -> tuple[str, ...]:
    assert answer.refuted is not None
    return answer.refuted


KUBELETS = "kubeproof.harness.world.nodes.kubelets"


def test_kubelets_that_start_and_report_at_once_on_a_crowded_node_are_found() -> None:
    with planted(KUBELETS, "(room and crowded())", "False"):
        found = refuted(grains.of_kubelets("", grains.CROWDED).searched())
    assert "kubelet 1: works: node-1: report status (b)" in found
    assert found[-1] == "the abstract machine cannot show this"


def test_older_views_show_more() -> None:
    fine, coarse = grains.cluster(grains.rollout()), grains.cluster(grains.rollout(consistency="linearizable"))
    pair = grains.Pair("", fine.machine, coarse.machine, grains.stored(fine), grains.stored(coarse))
    assert refuted(pair.searched())


def test_a_queue_that_loses_a_wake_up_rests_where_a_plain_scheduler_goes_on() -> None:
    waits = [grains.applied(grains.pod("low")), grains.deleted("first")]
    world = grains.scenario(grains.node("node-1"), grains.pod("first"), script=waits, detail=grains.QUEUE)
    moved = "move_all_to_active_or_backoff_queue(memory.queue, settings, ASSIGNED_POD_DELETE, old, None, now)"
    with planted("kubeproof.impl.scheduler.queue.cluster_event_handlers", moved, "memory.queue"):
        found = refuted(grains.of_queue("", world).searched())
    assert found[-1] == "the abstract machine has still something to do, wherever it is"


def test_rules_that_send_to_endpoints_that_are_not_ready_are_found() -> None:
    ready = "if address.ready and (not zone"
    with planted("kubeproof.impl.kubeproxy.endpoints", ready, "if (not zone"):
        _, replaced = grains.proxies()
        found = refuted(replaced.searched())
    assert found[-1] == "the abstract machine cannot show this"
