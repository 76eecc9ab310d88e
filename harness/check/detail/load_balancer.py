"""Behind a load balancer: `detail: {proxy: connections}`, and a Service of type LoadBalancer with policy Local.

Such a balancer asks each node's health check port and sends connections to a node until enough checks have failed. The
node has its own Pods to offer, so those that come after its last ready Pod has been deleted and before the balancer has
noticed are dropped, or go to Pods that terminate (KEP-1669). Who goes so is seen in the core (`premises`): a Pod that
takes connections is deleted, its node has no other that stays, and another node has one. What a connection meets then
is searched in a scene of `connections`, with a clock: that Pod on one node, another one that stays on a second. A
second one goes from the first node, too, where that occurs: its end may come while the balancer relies on the first.

A scene is the worst that can happen: more ready Pods on the node only help, other nodes only have to be there. Ready
Pods that stop without being deleted (crashes) leave connections unanswered at once, which `claims.answers` tells.
Hooks and grace periods are those of the Pods, and how long slices, proxies and health checks take is asked of the
scenario (`bounds`). What else the input has that would make a difference leaves the claim UNKNOWN (`unknown`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attrs import evolve, frozen
from immutabledict import immutabledict

from ....impl.api.apps import ReplicaSet
from ....impl.api.core import (
    Container,
    ExecAction,
    Lifecycle,
    LifecycleHandler,
    Node,
    Pod,
    PodSpec,
    Service,
    ServicePort,
)
from ....impl.api.kinds import ref_of
from ....impl.api.meta import ObjectMeta
from ....impl.api.requests import Delete
from ....impl.kubectl import script as kubectl
from ....model.checker.results import Exploration, Limits, Progress, Status
from ....model.machine import Machine, Sometimes, View
from ....properties.reachability.answers import Backend, accepts, backend, selects
from ...claims.answers import services_of
from ...input.given import each_node_asked, versions_of_services
from ...input.scenario import Detail, Scenario, Switch
from ...world.at_rest.prepare import Prepared
from ...world.cluster import Cluster
from ...world.faults.registry import possible
from ...world.grains.connections import claims
from ...world.grains.connections.connections import data_path, machine
from ...world.grains.connections.setup import Balancer, Delays, Setup
from ...world.nodes.kubelets import runtime_slot
from .. import clock, motion
from ..advice import balanced_advice, hook_field, unread_blame
from ..results import Blame, Claim
from .flows import registered

BEHIND = "behind the load balancer of"
"""What the kind of a breach begins with."""
ALONE, TOGETHER = "goes last from its node", "goes last from its node, while another one goes"
KNOWN_FAULTS = frozenset({"crash", "lost_response"})
"""Rules stay while a proxy restarts, and how long it takes is what the propagation bound says."""
LEAVING, STAYING = "leaving", "staying"
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"


# --- who goes ---------------------------------------------------------------------------------------------------------


@frozen
class _Going:
    """A Pod in front of Services: what others know of it, and its likeness if it is being deleted."""

    behind: Backend
    like: motion.Likeness | None


def premises(core: Cluster, prepared: Prepared) -> tuple[Sometimes, ...]:
    """Return for each likeness of Pods whether one is ever the last of its node to go, alone or with another one."""
    scenario = core.scenario
    if Detail.CONNECTIONS not in scenario.detail or not versions_of_services(
        scenario, prepared.objects, each_node_asked
    ):
        return ()
    doc = "A Pod goes that is the last of its node, while another node has one."
    return tuple(
        Sometimes(_premise(number, how), doc, partial(_goes_last, core, kind, how))
        for number, kind in enumerate(motion.owners_of(scenario, prepared))
        for how in (ALONE, TOGETHER)
    )


def _premise(number: int, how: str) -> str:
    return f"a Pod of template {number} {how}"


def _goes_last(core: Cluster, kind: motion.Likeness, how: str, view: View) -> bool:
    services = tuple(service for service in services_of(core, view) if each_node_asked(service))
    if not services:
        return False
    keep = partial(_going, core.scenario, services)
    found = [(view.via(keep, slot), view.via(accepts, runtime_slot(slot))) for slot in core.world.layout.pools["Pod"]]
    there = [(kept, kept.behind.uid == uid) for kept, uid in found if kept is not None]
    return any(_is_last(kept, there, how) for kept, _ in there if kept.like == kind)


def _is_last(last: _Going, there: list[tuple[_Going, bool]], how: str) -> bool:
    """Tell whether a Pod that is going leaves its node without one for some port, while another node has one."""
    mine = last.behind
    for port in mine.first | mine.last:
        others = [pair for pair in there if pair[0] is not last and port in pair[0].behind.first | pair[0].behind.last]
        here = [other for other, _ in others if other.behind.node == mine.node]
        elsewhere = any(takes for other, takes in others if other.behind.node != mine.node)
        if elsewhere and all(other.like is not None for other in here) and bool(here) == (how == TOGETHER):
            return True
    return False


def _going(scenario: Scenario, services: tuple[Service, ...], obj: object) -> _Going | None:
    behind = backend(services, obj)
    if behind is None or not isinstance(obj, Pod):
        return None
    meta = obj.metadata
    labels = tuple(meta.labels.items())
    return _Going(behind, motion.like(scenario, meta.namespace, labels, obj.spec) if meta.terminating else None)


# --- scenes -----------------------------------------------------------------------------------------------------------


@frozen
class Scene:
    """A port of a Service behind a load balancer, a template of its Pods, and how many of them go from one node."""

    service: Service
    port: ServicePort
    number: int
    owner: ReplicaSet
    how: str

    @property
    def kind(self) -> str:
        """The kind of a breach in it."""
        meta = self.service.metadata
        return f"{BEHIND} {meta.namespace}/{meta.name}:{self.port.port}, {_premise(self.number, self.how)}"

    @property
    def targets(self) -> frozenset[int]:
        """The numbers of the container ports that the port leads to."""
        return motion.asked_of(self.asked, self.owner)

    @property
    def asked(self) -> Service:
        """The Service with this port alone."""
        return evolve(self.service, spec=evolve(self.service.spec, ports=(self.port,)))

    def setup(self, scenario: Scenario, prepared: Prepared, *, most: bool) -> Setup:
        """Return the world to be searched; `most`: a hook of unknown length takes all of the grace period."""
        there = sorted((obj for obj in prepared.objects if isinstance(obj, Node)), key=ref_of)[:2]
        nodes = [node.metadata.name for node in there]
        seconds = int(motion.before_sigterm(self.asked, self.owner, most=most))
        going = [
            stripped(self.owner, f"{LEAVING}-{at}", nodes[0], seconds) for at in range(2 if self.how == TOGETHER else 1)
        ]
        bounds = scenario.bounds
        return Setup(
            (*map(registered, there), self._front(), *going, stripped(self.owner, STAYING, nodes[1], seconds)),
            script=tuple(Delete(ref_of(pod)) for pod in going),
            balancer=Balancer(self.port.node_port),
            release=scenario.release,
            terminating_endpoints=Switch.READY_ALONE not in scenario.switches,
            delays=Delays(
                endpoints=(0, 0), proxies=(0, bounds.propagation_seconds or 0), checks=(0, bounds.check_seconds or 0)
            ),
        )

    def _front(self) -> Service:
        """Return the Service as it is applied, with a port for health checks, which the API server gives to each."""
        spec = self.service.spec
        taken = {port.node_port for port in spec.ports}
        free = next(number for number in range(30000, 32768) if number not in taken)
        extra = immutabledict({"healthCheckNodePort": free, **spec.extra})
        meta = self.service.metadata
        return Service(ObjectMeta(name=meta.name, namespace=meta.namespace), evolve(spec, extra=extra))


def stripped(owner: ReplicaSet, name: str, node: str, seconds: int) -> Pod:
    """Return a Pod of a template with all that counts here: its ports, and how long it takes to its SIGTERM."""
    template = owner.spec.template
    spec = template.spec
    plain = PodSpec(
        containers=tuple(_bare(container, seconds) for container in spec.containers),
        init_containers=tuple(_bare(container, 0) for container in spec.sidecars),
        node_name=node,
        termination_grace_period_seconds=spec.termination_grace_period_seconds,
    )
    return Pod(ObjectMeta(name=name, namespace=owner.metadata.namespace, labels=template.metadata.labels), plain)


def _bare(one: Container, seconds: int) -> Container:
    hook = Lifecycle(LifecycleHandler(exec=ExecAction(("sleep", str(seconds))))) if seconds else None
    return Container(one.name, one.image, ports=one.ports, lifecycle=hook, restart_policy=one.restart_policy)


def scenes(scenario: Scenario, prepared: Prepared) -> Iterator[Scene]:
    """Yield every scene there could be."""
    for service in versions_of_services(scenario, prepared.objects, each_node_asked):
        for number, (kind, owner) in enumerate(motion.owners_of(scenario, prepared).items()):
            if selects(service, kind.namespace, kind.labels):
                yield from (
                    Scene(service, port, number, owner, how) for how in (ALONE, TOGETHER) for port in service.spec.ports
                )


def machine_of(scenario: Scenario, prepared: Prepared, kind: str) -> Machine:
    """Return the machine that a breach of this kind was found on."""
    scene = next(found for found in scenes(scenario, prepared) if found.kind == kind)
    return machine(scene.setup(scenario, prepared, most=True))


# --- judged -----------------------------------------------------------------------------------------------------------


def judge(
    core: Cluster,
    prepared: Prepared,
    searched: Exploration,
    claim: Claim,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
) -> Claim:
    """Join to reachability what connections meet that load balancers send.

    `claim` is what is known without them: nothing (`motion.judge`) where not every run was looked at.
    """
    if Detail.CONNECTIONS not in core.scenario.detail:
        return claim
    found = tuple(_Judge(core.scenario, prepared, searched, claim, limits, progress).parts())
    worst = (
        looked for status in (Status.VIOLATED, Status.UNKNOWN) for looked in (claim, *found) if looked.status is status
    )
    return next(worst, evolve(claim, lines=(*claim.lines, *(line for looked in found for line in looked.lines))))


@frozen
class _Judge:
    """Everything a scene is judged by."""

    scenario: Scenario
    prepared: Prepared
    searched: Exploration
    claim: Claim
    limits: Limits
    progress: Callable[[Progress], None] | None

    def parts(self) -> Iterator[Claim]:
        """Yield the claim as far as each scene tells, and as far as something leaves it open."""
        for scene in scenes(self.scenario, self.prepared):
            if self.searched[_premise(scene.number, scene.how)].status is Status.HOLDS:
                yield self.looked_at(scene)
        for service, field, why in unknown(self.scenario, self.prepared):
            yield self.open(service, field, why)
        if Switch.READY_ALONE in self.scenario.switches:
            why = "where all Pods terminate is looked at behind load balancers alone, as things were before 1.26"
            yield self.said(Status.UNKNOWN, BEHIND, why)

    def said(self, status: Status, kind: str, *lines: str) -> Claim:
        """Return the claim with another status."""
        return evolve(self.claim, status=status, kind=kind, lines=lines, trace=None, blame=(), vacuous=False)

    def open(self, service: Service, field: str, why: str) -> Claim:
        """Return the claim left open by something about a Service."""
        told = f"what a load balancer sends to Service {service.metadata.name} is not looked at: {why}"
        return evolve(self.said(Status.UNKNOWN, BEHIND, told), blame=(Blame(ref_of(service), field, why),))

    def looked_at(self, scene: Scene) -> Claim:
        """Search a scene that occurs: with hooks that have no end if nobody can read off their length, then without."""
        bounds = self.scenario.bounds
        if bounds.propagation_seconds is None or bounds.check_seconds is None:
            why = "how long it takes is not stated (bounds: {propagation: 5s, healthChecks: 24s})"
            return self.open(scene.service, "spec.externalTrafficPolicy", why)
        found = self.search(scene, most=True)
        if found.status is Status.VIOLATED:
            return self.broken(scene, found)
        if found.status is Status.HOLDS and motion.hangs(scene.asked, scene.owner):
            short = self.search(scene, most=False)
            return self.hangs(scene) if short.status is Status.VIOLATED else short
        return found

    def search(self, scene: Scene, *, most: bool) -> Claim:
        """Search a scene."""
        setup = scene.setup(self.scenario, self.prepared, most=most)
        asked = claims.balanced(data_path(setup))
        limits = evolve(self.limits, max_states=None, max_depth=None)
        made = machine(setup)
        searched = clock.searched(made, asked, limits, self.progress)
        verdict = searched[asked.name]
        if verdict.status is Status.HOLDS:
            status = Status.UNKNOWN if verdict.vacuous else Status.HOLDS
            return self.said(status, scene.kind, f"{scene.kind}: {searched.states:,} states")
        lines = verdict.evidence if verdict.status is Status.VIOLATED else (verdict.reason,)
        found = evolve(self.said(verdict.status, scene.kind, *lines), trace=verdict.trace)
        return clock.timed(self.scenario, made, found)

    def hangs(self, scene: Scene) -> Claim:
        """Return the claim left open by a hook whose length nobody can read off."""
        why = "whether connections of a load balancer are lost hangs on a preStop hook whose length nobody can read off"
        ref = motion.made_by(self.scenario, self.prepared, scene.owner)
        blame = unread_blame(_seconds(self.scenario), ref, scene.owner.spec.template.spec, scene.targets)
        return evolve(self.said(Status.UNKNOWN, BEHIND, why), blame=(blame,))

    def broken(self, scene: Scene, found: Claim) -> Claim:
        """Return a breach with what repairs it, and a run of the cluster that comes to where it begins."""
        ref, seconds = motion.made_by(self.scenario, self.prepared, scene.owner), _seconds(self.scenario)
        spec, lines = scene.owner.spec.template.spec, found.lines
        if Switch.READY_ALONE in self.scenario.switches:
            what = "with Cluster no node drops what it is sent, and sources are hidden"
            blame = Blame(ref_of(scene.service), "spec.externalTrafficPolicy", what)
        elif scene.how == TOGETHER:
            blame = Blame(ref, "", "two of its Pods go from one node at once: podAntiAffinity keeps them apart")
        else:
            what = f"a preStop delay of {seconds} s is the smallest that is long enough"
            blame = Blame(ref, hook_field(ref, spec, scene.targets, most=True), what)
            lines = (*lines, *balanced_advice(seconds, spec, scene.targets))
        trace = self.searched[_premise(scene.number, scene.how)].trace
        steps = () if trace is None else trace.steps
        run = (f"a run of the cluster comes to that: {step.by or step.action}: {step.label}" for step in steps[-1:])
        return evolve(found, lines=(*lines, *run), blame=(blame,))


def _seconds(scenario: Scenario) -> int:
    """Return the seconds after the deletion of a node's last Pod until a load balancer sends nothing more there."""
    return (scenario.bounds.propagation_seconds or 0) + (scenario.bounds.check_seconds or 0)


def unknown(scenario: Scenario, prepared: Prepared) -> Iterator[tuple[Service, str, str]]:
    """Yield what a scene does not know: the Service, its field, and why."""
    fronts = versions_of_services(scenario, prepared.objects, each_node_asked)
    odd = [fault.told for name, _, fault in possible(scenario) if name not in KNOWN_FAULTS]
    moved = motion.Behind.of(scenario, prepared).moved()
    steps = [step for step in scenario.script if isinstance(step, kubectl.DeleteNode | kubectl.LabelNode)]
    nodes = (obj.metadata for obj in prepared.objects if isinstance(obj, Node))
    excluded = [meta.name for meta in nodes if EXCLUDED in meta.labels]
    for service in fronts:
        if odd:
            yield service, "", f"what becomes of its nodes after a {odd[0]}"
        yield from ((service, "", f"which nodes it asks after a step: {step}") for step in steps)
        yield from ((service, "", f"{node} is labelled {EXCLUDED}") for node in excluded)
        if scenario.image_behaviour:
            yield service, "", "images behave as they are called"
        if moved:
            yield service, "spec.selector", f"a step gives {moved[0]} other labels"
        if any(other.spec != service.spec and ref_of(other) == ref_of(service) for other in fronts):
            yield service, "spec", "a step changes it"
        if "loadBalancerClass" in service.spec.extra:
            yield service, "spec.loadBalancerClass", "how balancers of a class find nodes is their own business"
        if service.spec.extra.get("allocateLoadBalancerNodePorts") is False:
            yield (
                service,
                "spec.allocateLoadBalancerNodePorts",
                "a balancer without node ports finds Pods by itself",
            )
        if "IPv4" not in service.spec.ip_families:
            yield service, "spec.ipFamilies", "it has no IPv4 address"
