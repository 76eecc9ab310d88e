"""The Pod garbage collector removes the Pods its model removes, and no others."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, NodeCondition, NodeSpec, NodeStatus, Pod, PodSpec, Taint
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.controllers import podgc
from kubeproof.model.components.nodes.podgc import steps
from kubeproof.properties.refinement.controllers.podgc import abstract, refines
from kubeproof.properties.refinement.granted import all_granted, without_object

TAINT = Taint("node.kubernetes.io/out-of-service", "NoExecute")
POD = st.tuples(st.sampled_from(["", "n1", "n2", "n3"]), st.booleans())
NODE = st.tuples(st.booleans(), st.sampled_from(["True", "False", "Unknown"]))


def store_of(pods: list[tuple[str, bool]], nodes: list[tuple[bool, str]]) -> Cache:
    return Cache.of(
        [
            *(
                Pod(
                    ObjectMeta(name=f"p{number}", namespace="d", deletion_timestamp=0 if leaving else None),
                    PodSpec(node_name=node),
                )
                for number, (node, leaving) in enumerate(pods)
            ),
            *(
                Node(
                    ObjectMeta(name=f"n{number}"),
                    NodeSpec(taints=(TAINT,) if tainted else ()),
                    NodeStatus(conditions=(NodeCondition("Ready", ready),)),
                )
                for number, (tainted, ready) in enumerate(nodes, start=1)
            ),
        ]
    )


@settings(max_examples=150)
@given(st.lists(POD, max_size=4), st.lists(NODE, max_size=2))
def test_it_collects_what_the_model_collects(pods: list[tuple[str, bool]], nodes: list[tuple[bool, str]]) -> None:
    store = store_of(pods, nodes)
    for pod in store.list(Pod):
        before = abstract(store)
        allowed = {action.name for action in steps(before)}
        requests = podgc.reconcile(store, ref_of(pod))
        assert bool(requests) == (f"d/{pod.metadata.name}" in allowed)
        store = all_granted(store, requests, "")
        assert refines(before, abstract(store))
    assert steps(abstract(store)) == ()


def test_a_node_the_api_server_still_has_is_not_gone() -> None:
    live = store_of([("n1", False)], [(False, "True")])
    stale = without_object(live, live.list(Node)[0])
    key = ref_of(live.list(Pod)[0])
    assert podgc.reconcile(stale, key, live=live) == ()
    assert len(podgc.reconcile(stale, key)) == 1
    assert podgc.reconcile(stale, evolve(key, name="other")) == ()
