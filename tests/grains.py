"""Grains: a component that is looked at closely shows nothing that the coarse look at it cannot show.

`check` looks at each component as coarsely as its claims allow. What is said of coarse worlds holds of fine ones if
each run of a fine world is, for who looks at what both show, one of the coarse world, which also rests where the fine
one does. For each pair of grains the checker proves that of small worlds (`model/checker/inclusion.py`):
`python tests/proofs.py grains` prints it, `tests/test_grains.py` breaks each.

Left out on purpose: kubelets with their network plugin (`harness/world/grains/network_policies`), which make no object;
API servers and members of etcd (`properties/watching`, `properties/refinement/raft.py`); old views as queues of events,
which are held against the cheap ones store by store (`tests/model/world/test_views.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import pairwise

import yaml
from attrs import evolve, frozen
from immutabledict import immutabledict

from kubeproof.harness.check.detail import flows, scheduling_queue
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster, build
from kubeproof.harness.world.grains.connections.connections import data_path, machine
from kubeproof.harness.world.grains.connections.setup import DataPath, Flow, known_slot
from kubeproof.harness.world.nodes.kubelets import proxy_slot
from kubeproof.harness.world.nodes.led import chosen
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.core import Pod
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.model.checker.clock.clocked import clocked
from kubeproof.model.checker.inclusion import INCLUDED, MOVES, RESTS, includes
from kubeproof.model.checker.results import Limits, Status
from kubeproof.model.machine import Machine, View
from kubeproof.model.world.store import name_in
from kubeproof.properties.proof import Answer, Proof

NODE = """
apiVersion: v1
kind: Node
metadata: {{name: {name}}}
status: {{allocatable: {{cpu: "4", memory: 8Gi, pods: "110"}}, conditions: [{{type: Ready, status: "True"}}]}}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: web}}}}
spec:
  {where}
  containers:
  - {{name: a, image: nginx, resources: {{requests: {{cpu: "3"}}}}, ports: [{{containerPort: 53, protocol: UDP}}]}}
"""
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: a, image: nginx, resources: {requests: {cpu: 500m}}}]}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 53, protocol: UDP}]}
"""
HIGH = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 10
"""
MOST = Limits(max_states=20_000)
Shown = Callable[[View], Hashable]


@frozen
class Pair:
    """A small world at two grains: both machines, and what there is to be seen of each."""

    world: str
    fine: Machine
    coarse: Machine
    of_fine: Shown
    of_coarse: Shown

    def searched(self) -> Answer:
        """Search for a step, or an end, of the fine one that the coarse one cannot show."""
        found = includes(self.fine, self.coarse, self.of_fine, self.of_coarse, limits=MOST)
        for verdict in (found[INCLUDED], found[RESTS]):
            if verdict.status is Status.VIOLATED and verdict.trace is not None:
                steps = (step.label for step in verdict.trace.steps)
                return Answer(found.states, (f"{self.world}:", *steps, *verdict.evidence))
        if not found.complete or found[MOVES].status is not Status.HOLDS:
            return Answer(found.states, (f"{self.world}: {found.why_incomplete or 'nothing is ever shown'}",))
        return Answer(found.states)


def proof(claim: str, pairs: Callable[[], Iterator[Pair]]) -> Proof:
    """Return the proof of some pairs; the docstring of the function that makes them says in which worlds."""

    def run() -> Answer:
        states = 0
        for pair in pairs():
            answer = pair.searched()
            states += answer.paths
            if answer.refuted is not None:
                return evolve(answer, paths=states)
        return Answer(states)

    sizes = (pairs.__doc__ or "").removeprefix("Yield ").rstrip(".")
    return Proof(claim, sizes, "every way, by the checker", run)


def scenario(*manifests: str, **options: object) -> Scenario:
    """Return a small scenario."""
    return load_scenario("small", {"all.yaml": "---".join(manifests)}, options).scenario


def node(name: str) -> str:
    """Return a node with four CPUs."""
    return NODE.format(name=name)


def pod(name: str, where: str = "") -> str:
    """Return a Pod that asks for three CPUs; `where`: a field of its spec."""
    return POD.format(name=name, where=where)


def applied(manifest: str) -> dict[str, object]:
    """Return the step that applies a manifest."""
    return {"apply": {"object": yaml.safe_load(manifest)}}


def deleted(name: str) -> dict[str, object]:
    """Return the step that deletes a Pod."""
    return {"deletePod": {"name": name}}


def rollout(**options: object) -> Scenario:
    """Return the rollout of one Pod."""
    script = [{"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}]
    return scenario(WEB, script=script, **{"nodes": 1, **options})


def cluster(world: Scenario, parts: Parts = Parts()) -> Cluster:  # noqa: B008 - frozen
    """Return a scenario as a cluster."""
    return build(world, parts, *prepare(world).starts)


def stored(made: Cluster) -> Shown:
    """Return what is seen of a cluster: all that is stored."""
    slots = made.world.layout.slots()
    return lambda view: tuple(view[slot] for slot in slots)


# --- kubelets ---------------------------------------------------------------------------------------------------------


ON_1 = "nodeName: node-1"
CROWDED = scenario(node("node-1"), pod("a", ON_1), pod("b", ON_1), start="empty")
"""Two Pods on a node with room for one of them."""


def kubelets() -> Iterator[Pair]:
    """Yield a rollout, also with a crash, a Pod on a node that is cut off, two with room for one, one for another."""
    yield of_kubelets("a rollout", rollout())
    yield of_kubelets("a crash", rollout(consistency="linearizable", faults={"crash": 1}))
    cut = scenario(node("node-1"), pod("a", ON_1), script=[deleted("a")], faults={"partition": 1})
    yield of_kubelets("a partition", cut)
    yield of_kubelets("two with room for one", CROWDED)
    replaced = [deleted("a"), applied(pod("b", ON_1))]
    yield of_kubelets("one in place of another", scenario(node("node-1"), pod("a", ON_1), script=replaced))


def of_kubelets(name: str, world: Scenario) -> Pair:
    """Return a world with kubelets step by step, and with kubelets that go on to the next request."""
    fine, coarse = cluster(world, Parts(fine_kubelets=True)), cluster(world)
    return Pair(name, fine.machine, coarse.machine, stored(fine), stored(coarse))


# --- views and clocks -------------------------------------------------------------------------------------------------


def views() -> Iterator[Pair]:
    """Yield a rollout on the store as it is, on views of all kinds at once, and on views of each kind by itself."""
    worlds = rollout(consistency="linearizable"), rollout(bounds={"mixedViews": False}), rollout()
    made = [cluster(world) for world in worlds]
    for fine, coarse in pairwise(made):
        yield Pair("a rollout", fine.machine, coarse.machine, stored(fine), stored(coarse))


def clocks() -> Iterator[Pair]:
    """Yield a rollout and a node that dies, with clocks for every wait."""
    dies = scenario(WEB, nodes=2, consistency="linearizable", faults={"nodeCrash": 1})
    for name, world in (("a rollout", rollout(consistency="linearizable")), ("a node dies", dies)):
        coarse = cluster(world)
        fine = clocked(coarse.machine, frozenset(timer.kind for timer in coarse.machine.timers))
        yield Pair(name, fine, coarse.machine, stored(coarse), stored(coarse))


# --- the scheduler ----------------------------------------------------------------------------------------------------


def queues() -> Iterator[Pair]:
    """Yield Pods that find room, wait for it, and make it by preemption, also with a scheduler that crashes."""
    low, high = applied(pod("low")), applied(pod("high", "priorityClassName: high"))
    one, two = (node("node-1"), HIGH, pod("first")), (node("node-1"), node("node-2"), HIGH, pod("first"))
    yield of_queue("room", scenario(*two, script=[low, deleted("first")], detail=QUEUE))
    yield of_queue("no room yet", scenario(*one, script=[low, deleted("first")], detail=QUEUE))
    yield of_queue("preemption", scenario(*one, script=[high, low], detail=QUEUE))
    yield of_queue("a crash", scenario(*one, script=[high], faults={"crash": 1}, detail=QUEUE))


QUEUE = {"scheduler": "queue"}


def of_queue(name: str, world: Scenario) -> Pair:
    """Return a world in which a Pod is tried when the queue says so, and one in which any that waits may be next."""
    fine = scheduling_queue.machine_of(world, prepare(world))
    plain = evolve(world, detail=frozenset())
    coarse = cluster(plain, Parts.core(plain))
    places = coarse.world.layout.pools["Pod"]
    return Pair(name, fine, coarse.machine, _bound(fine.slots()), _bound(places))


def _bound(slots: tuple[str, ...]) -> Shown:
    """Return what is seen of Pods: where each is bound, and whether it is to go."""

    def shown(view: View) -> Hashable:
        there = {one for slot in slots if slot.startswith(("api ", "store/")) and isinstance(one := view[slot], Pod)}
        return frozenset((one.metadata.name, one.spec.node_name, one.metadata.terminating) for one in there)

    return shown


# --- proxies ----------------------------------------------------------------------------------------------------------


def proxies() -> Iterator[Pair]:
    """Yield a UDP Service on two nodes, one of whose two Pods is deleted, and whose one Pod is replaced."""
    base = node("node-1"), node("node-2"), SERVICE, pod("a", ON_1)
    other = pod("b", "nodeName: node-2")
    yield of_proxies("one of two goes", scenario(*base, other, script=[deleted("a")], detail=CONNECTIONS))
    yield of_proxies("replaced", scenario(*base, script=[applied(other), deleted("a")], detail=CONNECTIONS))


CONNECTIONS = {"proxy": "connections"}


def of_proxies(name: str, world: Scenario) -> Pair:
    """Return a Service with rules and connections, and with proxies that have programmed slices."""
    prepared = prepare(world)
    (door,) = flows.doors(world, prepared)
    setup = flows.setup_of(world, prepared, *door)
    path = data_path(setup)
    (flow,) = setup.flows
    plain = evolve(world, detail=frozenset())
    coarse = cluster(plain, Parts.everything())

    places = coarse.world.layout.pools["Pod"]

    def programmed(view: View) -> Hashable:
        led = tuple(frozenset(map(name_in, chosen(view[proxy_slot(node)]))) for node in setup.nodes)
        return led, _lives(places, view)

    return Pair(name, machine(setup), coarse.machine, _answers(path, flow), programmed)


def _answers(path: DataPath, flow: Flow) -> Shown:
    """Return what is seen of rules: the Pods that a new connection is sent to, node by node."""
    names = {f"{path.setup.pod_ip(name)}:{flow.packet.port}": name for name in path.setup.pods}

    def shown(view: View) -> Hashable:
        ruled = (destinations(path.rules(view[known_slot(node)], node), flow.packet) for node in path.setup.nodes)
        led = tuple(frozenset(names[way.destination] for way in ways if way.destination) for ways in ruled)
        return led, _lives(path.places, view)

    return shown


def _lives(places: tuple[str, ...], view: View) -> Hashable:
    """Return what is seen of Pods beside: which are ready, which are to go; what has stopped is as good as gone."""
    there = [one for place in places if isinstance(one := view[place], Pod) and not one.finished]
    return frozenset((one.metadata.name, "goes" if one.metadata.terminating else one.ready) for one in there)


PROOFS: immutabledict[str, Proof] = immutabledict(
    {
        "clocks": proof("What happens with clocks may happen without.", clocks),
        "kubelets": proof("Kubelets step by step show what those show that go on to the next request.", kubelets),
        "proxies": proof("New connections go where proxies lead that look at slices alone.", proxies),
        "queue": proof("With its queue the scheduler binds and evicts as one that may try any Pod next.", queues),
        "views": proof("Fresher views lead nowhere where older ones do not.", views),
    }
)
