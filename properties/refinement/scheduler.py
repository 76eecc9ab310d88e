"""How a cluster is seen as a state of the scheduler's model, and the obligation: a step of the model, or none.

Reads objects with the specification in placement_nodes, never with the scheduler's own filters. What the model leaves
out must not occur: `in_scope` tells.
"""

from __future__ import annotations

from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.meta import Ref
from ...model.components.scheduling.scheduler import Bind, Place, State, Task, steps
from ..placement.nodes import asks, keeps_out, units
from ..placement.pods import means, terms
from ..placement.problem import Problem


def named(pod: Pod) -> str:
    """Name a Pod in the model."""
    return f"{pod.metadata.namespace}/{pod.metadata.name}"


def abstract(cache: Cache) -> State:
    """See a cluster as the model does: finished Pods are gone, and only nodes that exist are places."""
    nodes = cache.list(Node)
    pods = tuple(pod for pod in cache.list(Pod) if not pod.finished)
    spaces = {namespace.metadata.name: namespace.metadata.labels for namespace in cache.list(Namespace)}
    problem = Problem(pods, nodes, (), spaces)
    places = {
        node.metadata.name: Place(
            immutabledict((name, units(name, node.status.allocatable[name])) for name in node.status.allocatable),
            node.metadata.labels,
        )
        for node in nodes
    }
    return State(immutabledict(places), immutabledict((named(pod), _task(problem, pod)) for pod in pods))


def _task(problem: Problem, pod: Pod) -> Task:
    return Task(
        asks=immutabledict(asks(pod)),
        admitted=frozenset(node.metadata.name for node in problem.nodes if _admits(node, pod)),
        apart=frozenset(
            (term.topology_key, named(other))
            for term in terms(pod, "pod_anti_affinity")
            for other in problem.pods
            if other is not pod and means(problem, pod, term, other)
        ),
        gated=bool(pod.spec.scheduling_gates),
        node=pod.spec.node_name,
    )


def _admits(node: Node, pod: Pod) -> bool:
    """Whether a node's labels, taints and cordon let a Pod in; that it is there already does not narrow its choice."""
    return all(kind == "node name" for kind, _, _ in keeps_out(pod, node))


def in_scope(pod: Pod) -> bool:
    """Whether the model knows everything that decides where this Pod may go."""
    hard = any(constraint.when_unsatisfiable == "DoNotSchedule" for constraint in pod.spec.topology_spread_constraints)
    running = (*pod.spec.containers, *pod.spec.sidecars)
    ports = any(port.host_port for container in running for port in container.ports)
    return not hard and not ports and not terms(pod, "pod_affinity")


def refines(before: Cache, after: Cache) -> bool:
    """Whether what happened between two clusters is a binding the model allows, or nothing at all."""
    first, then = abstract(before), abstract(after)
    return first == then or any(action.apply(first) == then for action in steps(first))


def may_bind(cache: Cache, pod: Ref) -> tuple[str, ...]:
    """Return the nodes to which the model may bind a Pod, sorted."""
    state, name = abstract(cache), f"{pod.namespace}/{pod.name}"
    return tuple(node for node in sorted(state.places) if Bind(name, node).enabled(state))
