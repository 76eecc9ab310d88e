"""Each command changes what a person means by it, and nothing else."""

# ruff: noqa: D102 - the names of the rules are sentences
from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from kubeproof.impl.api.apps import Deployment, DeploymentSpec
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, Node, Pod, PodSpec, PodTemplateSpec
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference
from kubeproof.impl.kubectl import script
from kubeproof.model.components.control_plane import kubectl as model
from kubeproof.properties.refinement.kubectl import abstract, action, run

nodes = st.sampled_from(["n1", "n2", "n3"])
keys = st.sampled_from(["k", "l"])
effects = st.sampled_from(["NoSchedule", "NoExecute"])
workloads = st.sampled_from(["web", "api", "none"])
steps = st.one_of(
    st.builds(script.Cordon, nodes),
    st.builds(script.Uncordon, nodes),
    st.builds(script.Drain, nodes, force=st.just(value=True), ignore_daemonsets=st.just(value=True)),
    st.builds(script.Taint, nodes, keys, st.sampled_from(["1", "2"]), effects, st.booleans()),
    st.builds(script.Untaint, nodes, keys, effects),
    st.builds(
        script.LabelNode, nodes, st.dictionaries(keys, st.sampled_from(["1", "2", None]), min_size=1), st.booleans()
    ),
    st.builds(
        script.SetImage,
        st.just("Deployment"),
        workloads,
        st.sampled_from(["i:1", "i:2"]),
        st.sampled_from(["app", "side"]),
    ),
    st.builds(script.Scale, st.just("Deployment"), workloads, st.integers(0, 3)),
    st.builds(script.DeletePod, st.sampled_from(["p1", "p2", "p3", "none"])),
)


def start() -> Cache:
    spec = PodSpec(containers=(Container(name="app", image="i:1"), Container(name="side", image="i:1")))
    template = PodTemplateSpec(spec=spec)
    daemon = OwnerReference("apps/v1", "DaemonSet", "ds", "u", controller=True)
    return Cache.of(
        (
            *(
                Deployment(ObjectMeta(name=name, namespace="d"), DeploymentSpec(2, template=template))
                for name in ("web", "api")
            ),
            *(Node(ObjectMeta(name=name)) for name in ("n1", "n2")),
            *(
                Pod(ObjectMeta(name=f"p{n}", namespace="d"), PodSpec(node_name="n1" if n < 3 else "n2"))
                for n in (1, 2, 3)
            ),
            Pod(ObjectMeta(name="ds-1", namespace="d", owner_references=(daemon,)), PodSpec(node_name="n1")),
        )
    )


class Lockstep(RuleBasedStateMachine):
    """One command after the other, on the objects and in the model."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = start()

    @rule(step=steps)
    def a_command_runs(self, step: script.Step) -> None:
        expected = abstract(self.cache)
        for one in action(step):
            expected = model.after(expected, one)
        self.cache = run(step, self.cache, "d")
        assert abstract(self.cache) == expected


TestLockstep = Lockstep.TestCase


def test_the_model_lists_what_is_possible() -> None:
    doors, pods = 2 * 2, 4
    assert len(model.steps(abstract(start()))) == doors + 2 + pods
