"""The bounds of a check in sentences: what a verdict rests on, printed beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...impl.api.apps import DaemonSet
from ...impl.api.autoscaling import HorizontalPodAutoscaler
from ...impl.api.batch import CronJob
from ...impl.api.core import Node, Pod, Service
from ...impl.api.kinds import ref_of
from ...impl.api.networking import NetworkPolicy
from ...impl.api.quota import ResourceQuota
from ...impl.api.releases import RELEASES, Change
from ...impl.kubectl import script as kubectl
from ...impl.kubelet.static_pods import is_mirror
from ..input.given import each_node_asked
from ..input.priorities import may_preempt, pod_specs
from ..input.scenario import Consistency, Detail, Mixed, Scenario, Start, Switch
from ..world.controllers import quotas
from ..world.controllers.taint_eviction import lags
from ..world.faults import registry as faults
from ..world.reductions.roomy import all_the_same

if TYPE_CHECKING:
    from ..world.at_rest.prepare import Prepared

_VIEWS = {
    Consistency.LINEARIZABLE: "every component acts on the store as it is",
    Consistency.SESSION: "every component acts on watch caches that lag by any amount and never go back",
    Consistency.RESETTABLE: (
        "watch caches lag by any amount; a component that restarts may list from a second API server "
        "that stood still once; a kubelet then starts Pods of StatefulSets again that are gone, and does not stop "
        "what is newer than its list"
    ),
}


_ALL_AT_ONCE = (
    "the EndpointSlice and disruption controllers and, where nodes or claims change, the scheduler: all kinds at once "
    "(each by itself: bounds.mixedViews: all)"
)
_AS_THINGS_ARE = (
    "the node, taint eviction, garbage and volume controllers, which only do what they could as well do later: as "
    "things are"
)


_NODE_STEPS = (kubectl.Cordon, kubectl.DeleteNode, kubectl.Drain, kubectl.LabelNode, kubectl.Taint)
"""Steps that make a node unfit for a decision that has been taken."""


_IN_A_ROW = (
    "of the syncs of one key, two in a row may rest on views older than the first one's commit, not three; of a key "
    "whose object is gone, or on its way, one may"
)


MOST_AT_FULL_RATE = 2
"""Nodes of a zone that may be silent before evictions slow down (ComputeZoneState in pkg/controller/nodelifecycle)."""
NO_CLOCKS = "no clocks: progress deadlines, back-offs and lease renewals neither fire nor run out"
OWN_GRACE = "Pods are deleted with their own grace period"
EQUAL_RANK = (
    "which of several equally ranked Pods a ReplicaSet deletes is left open (age and restarts do not decide; how "
    "crowded their nodes are is seen as it is when the sync begins)"
)


def bounds_of(scenario: Scenario, prepared: Prepared | None = None) -> tuple[str, ...]:
    """Return the bounds of a scenario, one sentence each; `prepared` says what it starts from, None: from nothing."""
    return tuple(
        line
        for line in (
            _start(scenario, prepared),
            f"views: {_VIEWS[scenario.consistency]}{_mixed(scenario)}",
            "" if scenario.consistency is Consistency.LINEARIZABLE else _IN_A_ROW,
            f"faults: {_faults(scenario)}",
            *_nodes(scenario),
            _propagation(scenario),
            _balancers(scenario),
            _requests(scenario),
            _policies(scenario),
            size_of(scenario),
            _scores(scenario),
            *_placement(scenario),
            *_scaling(scenario),
            *_own(scenario),
            NO_CLOCKS,
            OWN_GRACE,
            EQUAL_RANK,
            _images(scenario),
            _cron(scenario),
            "what is not modelled is taken not to matter" if scenario.accept_unmodelled and scenario.unmodelled else "",
        )
        if line
    )


def general(scenario: Scenario) -> frozenset[str]:
    """Return the bounds that are the same for every input: how views are old by default, what has no clock."""
    usual = Scenario(scenario.name, scenario.objects, scenario.script)
    return frozenset(
        {
            f"views: {_VIEWS[usual.consistency]}{_mixed(usual)}",
            _IN_A_ROW,
            NO_CLOCKS,
            OWN_GRACE,
            EQUAL_RANK,
            size_of(usual),
        }
    )


def size_of(scenario: Scenario) -> str:
    """Say how many Pods there may be at one time, and which copies of what else."""
    return f"at most {scenario.pods} Pods at a time; {_etcd(scenario)}, {_parts(scenario)}"


def _start(scenario: Scenario, prepared: Prepared | None) -> str:
    if scenario.start is Start.CLUSTER:
        return "start: the cluster as the dump shows it"
    if scenario.start is Start.EMPTY:
        return "start: the nodes are there and the manifests are just applied"
    if prepared is None:
        return "start: the manifests are applied, and the cluster does not come to rest"
    count = len(prepared.starts)
    if prepared.why:
        which = f"in {count} of the states of rest that this may lead to, not all"
    else:
        alike = "nodes and Pods that are alike taken for each other"
        which = f"in every state of rest that this may lead to ({count}; {alike})"
    return f"start: the manifests are applied and the cluster is at rest, {which}"


def _cron(scenario: Scenario) -> str:
    named = any(isinstance(obj, CronJob) for obj in scenario.everything)
    return f"at most {scenario.cron_starts} starts of each CronJob come due, at any time" if named else ""


def _own(scenario: Scenario) -> Iterator[str]:
    """Say what is taken for granted of controllers that the user has written."""
    for controller in scenario.own.controllers:
        kinds = [kind for kind in controller.owns if kind.name != "Pod"]
        made = "".join(f", at most {scenario.own.places(kind.name)} more {kind.plural}" for kind in kinds)
        seen = ", ".join(sorted(controller.sees_own)) or "nothing"
        told = f"may do anything (its RBAC is not looked at){made}; of its own writes it waits to see {seen}"
        yield f"{controller.name}: {told}"
    if scenario.own.controllers:
        yield (
            "your controllers: one worker for each object, without back-off; what is read in a row is read at one "
            "moment, and an update that changes nothing is granted"
        )


def _mixed(scenario: Scenario) -> str:
    if scenario.consistency is Consistency.LINEARIZABLE:
        return ""
    told = {
        Mixed.NOBODY: ", all kinds at once (bounds.mixedViews is off)",
        Mixed.MOST: f", each kind by itself ({_ALL_AT_ONCE}; {_AS_THINGS_ARE})",
        Mixed.ALL: f", each kind by itself ({_AS_THINGS_ARE})",
    }
    return told[scenario.bounds.mixed_views]


def _faults(scenario: Scenario) -> str:
    return ", ".join(f"at most {count} x {fault.told}" for _, count, fault in faults.possible(scenario)) or "none"


def _etcd(scenario: Scenario) -> str:
    return "etcd as one copy" if Detail.RAFT in scenario.detail else "one etcd member"


def _parts(scenario: Scenario) -> str:
    names = scenario.schedulers.names
    several = f"{len(names)} schedulers that are all active ({', '.join(names)})"
    return f"{'one scheduler' if len(names) == 1 else several}, Kubernetes {scenario.release}"


def _scores(scenario: Scenario) -> str:
    """Say what decides between feasible nodes, where that may make a difference."""
    if all_the_same(scenario):
        return ""
    if not scenario.bounds.scores:
        return "a Pod goes to any feasible node: scores are left open"
    named = any(obj.status.images for obj in scenario.objects if isinstance(obj, Node))
    images = "the images that the Node objects name, none pulled later" if named else "no images on any node"
    return (
        f"a Pod goes to one of the nodes that score best, given the Pods of the input and {images} "
        "(bounds.scores: false, any feasible node)"
    )


def _placement(scenario: Scenario) -> Iterator[str]:
    """Say what is assumed of Pods that are evicted for others, and of older releases, where it matters."""
    if may_preempt(scenario):
        yield (
            "the Pods that one preemption evicts go one after the other, the most important first; "
            "which of several Pods of equal priority started first is left open; a Pod that nobody makes again may go"
        )
    if _spreads(scenario) and scenario.consistency is not Consistency.LINEARIZABLE:
        yield (
            "spread constraints are judged at rest, not at each binding: Pods may have left since the scheduler looked"
        )
    if scenario.deadline is not None:
        one = scenario.deadline
        yield (
            f"deadline: a scheduler acts within {one.decision_seconds} s of when it may, back-offs included; a victim "
            f"is gone {one.stop_seconds} s after its grace period; containers run {one.start_seconds} s after a binding"
        )
    if any(isinstance(obj, Pod) and is_mirror(obj) for obj in scenario.objects):
        yield "mirror Pods are of static ones, which their nodes run from files: they come back, and nobody stops them"
    if not scenario.tracks_slices:
        yield "slices of a settled start are in order; informers do not resync (in truth they do every 12 to 24 h)"
    yield from (choice.told for choice in (*Switch, *Detail) if choice in {*scenario.switches, *scenario.detail})
    usual = RELEASES[scenario.release.name]
    for change in (known for known in Change if (known in scenario.release) != (known in usual)):
        when = "since" if change in scenario.release else "before"
        yield f"as {when} Kubernetes {change.since}: {change.key} ({change.told})"


def _scaling(scenario: Scenario) -> Iterator[str]:
    """Say what is assumed of the load of autoscalers, and of quotas that have room for all."""
    if any(isinstance(obj, HorizontalPodAutoscaler) for obj in scenario.everything):
        if scenario.faults.load:
            yield "a change of the load: an autoscaler asks for any number within its bounds that its policies allow"
        if scenario.measures:
            yield (
                "autoscalers measure what annotations tell, of a Pod as soon as it is ready (in truth within a minute "
                "or so); what their windows and periods hold up may be anywhere on the way, and a window "
                "downwards is longer than all that happens by itself"
            )
        elif not scenario.faults.load:
            yield (
                "autoscalers find no metrics, as where there is no metrics server: they only keep replicas within "
                "their bounds (--fault load=1, the load changes)"
            )
    if any(isinstance(obj, ResourceQuota) for obj in scenario.everything):
        yield "a ResourceQuota of the manifests has been counted before anything else of them is made"
    if idle := quotas.roomy(scenario):
        names = ", ".join(sorted(ref.name for ref in idle))
        yield (
            f"ResourceQuota {names}: room for all Pods that there may be at one time, so nobody is refused for longer "
            "than until what is gone has been counted out; that moment is left out"
        )


def _spreads(scenario: Scenario) -> bool:
    constraints = (constraint for spec in pod_specs(scenario) for constraint in spec.topology_spread_constraints)
    return any(constraint.when_unsatisfiable == "DoNotSchedule" for constraint in constraints)


def _throws_out(scenario: Scenario) -> bool:
    """Tell whether a node may come to a NoExecute taint without dying: it has it, is not ready, or a step puts it."""
    if any(isinstance(step, kubectl.Taint) and step.effect == "NoExecute" for step in scenario.script):
        return True
    joins = (step.object for step in scenario.script if isinstance(step, kubectl.AddNode))
    nodes = [obj for obj in (*scenario.everything, *joins) if isinstance(obj, Node)]
    taints = (taint for node in nodes for taint in node.spec.taints)
    ready = (node.status.condition("Ready") for node in nodes)
    return any(taint.effect == "NoExecute" for taint in taints) or any(
        condition and condition.status != "True" for condition in ready
    )


def _nodes(scenario: Scenario) -> Iterator[str]:
    """Say what is assumed about nodes, timers and names, where it matters."""
    throws_out, silent = _throws_out(scenario), faults.strike_nodes(scenario)
    yield from dict.fromkeys(line for _, _, fault in faults.possible(scenario) for line in fault.assumed)
    if faults.silent_nodes(scenario):
        yield "a node whose Ready is Unknown at the start stays down, and a Pod that is being deleted there stays so"
    if silent and sum(isinstance(obj, Node) for obj in scenario.objects) > MOST_AT_FULL_RATE:
        yield "Pods are evicted at any rate, also where so many nodes are silent that Kubernetes slows down or stops"
    if silent or throws_out:
        held = "; a breach is held against a clock (docs/time.md)" if scenario.clock else ""
        told = "run out at any time after they are armed, and do in the end"
        yield f"timers (node leases, tolerationSeconds) {told}{held}"
    if throws_out and not silent and not lags(scenario, back=False):
        yield (
            "a Pod that is bound while another one of its node is being deleted is not evicted before that one is "
            "gone, if its tolerationSeconds are more than the other's grace period and 5 s"
        )
    if any(isinstance(obj, Node) for obj in scenario.objects):
        yield "nodes are older than what is applied: their taints are in line with their conditions and cordons"
    dying = scenario.faults.node_crash or faults.silent_nodes(scenario)
    if dying and any(isinstance(obj, DaemonSet) for obj in scenario.everything):
        yield "a DaemonSet is asked nothing of a node that has died: its Pod there neither runs nor goes"
    if any(isinstance(step, kubectl.DeleteNode) for step in scenario.script):
        yield "the kubelet of a node that is deleted does nothing any more"
    gone = {(step.kind, step.name) for step in scenario.script if isinstance(step, kubectl.DeleteObject)}
    made = {
        (ref_of(step.object).kind, step.object.metadata.name)
        for step in scenario.script
        if isinstance(step, kubectl.Apply)
    }
    there = {ref_of(obj) for obj in scenario.objects if isinstance(obj, Service)}
    if any(isinstance(obj, Service) and ref_of(obj) in there for obj in scenario.applied):
        yield "a kube-proxy sees a Service and its slices up to the same moment"
    own = {kind.name for kind in scenario.own.kinds}
    if any(kind not in own for kind, _ in gone & made):
        yield "an object that is deleted and applied again under its name counts as the same object"
    if any(isinstance(step, _NODE_STEPS) for step in scenario.script) or silent:
        what = "a cordon, taint, new label or deletion of a node"
        yield f"{what} between a scheduler's decision and its binding breaks no placement"
    if sum(step.new_template and "Deployment" in step.reads for step in scenario.script) > 1:
        yield "ReplicaSets of one Deployment are made more than a second after each other: which is the oldest is known"
    if any("Namespace" in step.changes for step in scenario.script):
        yield "a scheduler may not have seen yet what labels namespaces have: what it binds so breaks no placement"


def _propagation(scenario: Scenario) -> str:
    seconds = scenario.bounds.propagation_seconds
    if seconds is None:
        return "propagation: no time is stated, and reachability says up to which one it holds (--propagation)"
    return (
        f"propagation: {seconds} s after a Pod's deletion no kube-proxy routes to it any more, and no name leads to "
        "it, restarts included"
    )


def _balancers(scenario: Scenario) -> str:
    """Say how fast load balancers are, where they ask every node by itself."""
    if not any(isinstance(obj, Service) and each_node_asked(obj) for obj in scenario.everything):
        return ""
    if Detail.CONNECTIONS not in scenario.detail:
        closer = "detail: {proxy: connections} gives their health checks time"
        return f"load balancers send nothing to a node without ready Pods, at once ({closer})"
    seconds = scenario.bounds.check_seconds
    return "" if seconds is None else f"load balancers: {seconds} s after its health checks fail a node is sent no more"


def _requests(scenario: Scenario) -> str:
    """Say how long connections last, where that is looked at."""
    seconds = scenario.bounds.request_seconds
    if seconds is None:
        return ""
    return f"a connection that is accepted lasts {seconds} s at most; after its SIGTERM a program goes on serving it"


def _policies(scenario: Scenario) -> str:
    """Say what is taken of the network plugin where there is something for it to do."""
    if any(isinstance(obj, NetworkPolicy) for obj in scenario.everything):
        return "reachability: whom NetworkPolicies let in, a network plugin has let in by the time a Pod is ready"
    return ""


def _images(scenario: Scenario) -> str:
    """Say how images behave where their names tell; else that they are good is listed with what is assumed."""
    if scenario.image_behaviour:
        return "images called bad, crash, nopull, slow, slowstop and job behave as they are called"
    return ""
