"""A scenario: one cluster, what happens to it, what may go wrong, and what is expected to hold.

The values only; `scenario_file` reads them from a folder and `cluster` makes a machine of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import Enum

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.api.apps import DaemonSet, Sized, StatefulSet
from ...impl.api.autoscaling import HorizontalPodAutoscaler
from ...impl.api.batch import Job
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.kinds import Object, kind_of, ref_of
from ...impl.api.meta import Ref
from ...impl.api.releases import NEWEST, Release
from ...impl.api.webhooks import Aggregated, Webhook
from ...impl.apiserver.admission.admission import ALWAYS_THERE
from ...impl.descheduler.policy import Policy
from ...impl.kubectl.script import AddNode, Apply, DeleteNode, DeleteObject, DeletePod, Scale, Step
from ...properties.reachability.network_policy import NO_WALLS, Walls
from ..own.controllers import NOTHING, Own
from .cron_runs import runs_of
from .metrics import tell_metrics


class Consistency(Enum):
    """How old a component's view may be."""

    LINEARIZABLE = "linearizable"
    """Every component acts on the store as it is."""
    SESSION = "session"
    """Watch caches lag, and never go back: the default."""
    RESETTABLE = "resettable"
    """As session, but a restarted component may list from an API server that lags."""


class Start(Enum):
    """Where the exploration begins."""

    EMPTY = "empty"
    """The nodes are there; applying the manifests is the first step of the script."""
    SETTLED = "settled"
    """The manifests are applied and the cluster has come to rest."""
    CLUSTER = "cluster"
    """A live cluster, as a dump of it shows it; manifests are applied to it by the script."""


class Expected(Enum):
    """The verdict a scenario's author expects of a claim."""

    HOLDS = "HOLDS"
    VIOLATED = "VIOLATED"
    UNKNOWN = "UNKNOWN"


CRON_STARTS = 2
"""So many starts of each CronJob come due: one, and one beside or after it."""
MOST_PODS = 150_000
"""The Pods of the largest cluster that Kubernetes is made for."""
DEFAULT_SCHEDULER = "default-scheduler"
DEFAULT_FAILURES = 6
"""spec.backoffLimit of a Job where it is absent (batch/v1)."""


EVERYWHERE = frozenset(
    {
        "budgetStatus",
        "endpoints",
        "jobIndexes",
        "minReadySeconds",
        "missedStarts",
        "nodeOutage",
        "podStatus",
        "rejectedPods",
        "revisions",
    }
)
"""Keys of switches that need no closer look."""


class Switch(Enum):
    """What Kubernetes did once: a field of `switches` in scenario.yaml, its value, and what a report says of it."""

    UNCOUNTED_NOMINATIONS = (
        "nominations",
        "before-1.9",
        "a scheduler does not count the Pods for which it has made room, as before Kubernetes 1.9",
    )
    """k/k#54501; since then they count for Pods of no higher priority."""
    EARLY_STATUS = (
        "podStatus",
        "before-1.27",
        "a kubelet may report a Pod as over before its containers are gone, as before Kubernetes 1.27",
    )
    """k/k#106884."""
    UNSEEN_SLICES = (
        "endpoints",
        "before-1.21",
        "EndpointSlice syncs do not wait for what they wrote, and are not woken by it, as before Kubernetes 1.21",
    )
    """k/k#93374, k/k#92928, k/k#100033; PR #99345, PR #100103."""
    RESUBMITTED_BUDGETS = (
        "budgetStatus",
        "before-1.16",
        "a disruption controller writes what it has counted over evictions since, as before Kubernetes 1.16",
    )
    """k/k#82149, PR #82152: a conflict made it read the budget anew and write the same status again."""
    REPEATED_INDEXES = (
        "jobIndexes",
        "before-1.21",
        "an index of a Job that has succeeded twice counts twice, as before Kubernetes 1.21",
    )
    """k/k PR #99865."""
    MISSED_STARTS = (
        "missedStarts",
        "before-1.21",
        "a CronJob that has missed more than a hundred starts is never started again, as before Kubernetes 1.21",
    )
    """k/k#42649, k/k#45825, k/k#36311."""
    ONE_LOOK = (
        "minReadySeconds",
        "before-1.15",
        "a DaemonSet's controller looks once whether a Pod is ready for long enough, as before Kubernetes 1.15",
    )
    """k/k#77203, PR #77208: since then it looks again until all are available."""
    DOUBLED_REVISIONS = (
        "revisions",
        "before-1.12",
        "a StatefulSet's revision that its controller does not see yet is made again, as before Kubernetes 1.12",
    )
    """k/k#55159, k/k#58347, k/k#69967; PR #67039: since then a name that is taken by the same template is that one."""
    REJECTED_COUNT = (
        "rejectedPods",
        "counted",
        "a kubelet counts a Pod that it has rejected until the API server tells it of that",
    )
    """k/k#135296, open in 2026; k/k#105523 was alike, in 1.22."""
    LONE_EVICTIONS = (
        "nodeOutage",
        "before-1.4",
        "Pods are driven out also where no node is ready, as before Kubernetes 1.4",
    )
    """k/k#24597, k/k#28832, PR #28897: since then that is taken to be the controller's own fault."""
    LATE_NOMINATIONS = (
        "nominations",
        "before-1.14",
        "a scheduler remembers a nomination once it has seen it written, as before Kubernetes 1.14",
    )
    """k/k#72124, PR #72259. In the scheduling queue."""
    WIPED_WAKE_UPS = (
        "wakeUps",
        "before-1.14",
        "a scheduler marks that something happened during a trial, the next wipes it out, as before Kubernetes 1.14",
    )
    """k/k#72122, PR #72558. In the scheduling queue."""
    ADDING_LISTS = (
        "relist",
        "before-1.10",
        "a scheduler does not learn from a new list what is gone, as before Kubernetes 1.10",
    )
    """k/k#55587, PR #58712. In the scheduling queue."""
    KEPT_NODES = (
        "missingNodes",
        "before-1.10",
        "a node that is not found stays in the scheduler's cache, as before Kubernetes 1.10",
    )
    """k/k#56261, PR #56622. In the scheduling queue."""
    DROPPED_NODES = (
        "missingNodes",
        "since-1.10",
        "a node that is not found is refused, and leaves the scheduler's cache, as in Kubernetes 1.10",
    )
    """What repairs `KEPT_NODES`; later nobody asks whether the node is there (k/k#94437)."""
    NUMBERED_NODES = (
        "nodeNumbers",
        "before-1.11",
        "a scheduler counts the changes of a node from 0 when it comes again under its name, as before Kubernetes 1.11",
    )
    """k/k#63262, PR #63264: a copy of the former node may pass for the newest. In the scheduling queue."""
    FORGOTTEN_PODS = (
        "removedNodes",
        "before-1.19",
        "a scheduler forgets with a node which Pods are on it, and may end of what it then sees, as in Kubernetes 1.18",
    )
    """k/k#89552, k/k PR #86964, PR #89908, PR #93938. In the scheduling queue."""
    EVERY_EVENT = (
        "queueingHints",
        "before-1.32",
        "a scheduler tries a Pod again after every event that a refusing plugin waits for, as before Kubernetes 1.32",
    )
    """SchedulerQueueingHints (KEP-4247) is on since 1.32, later than all the others here. In the scheduling queue."""
    FLOWS_NEVER = ("conntrack", "never", "kube-proxy clears no UDP flow, as before k/k#22573")
    """k/k#19029."""
    FLOWS_OF_REMOVED = ("conntrack", "removed-endpoints", "kube-proxy clears UDP flows of removed endpoints alone")
    """k/k#48370."""
    FLOWS_BY_EVENTS = ("conntrack", "events", "kube-proxy clears UDP flows by events, as up to Kubernetes 1.31")
    """k/k#126130."""
    FLOWS_OF_EMPTY = ("conntrack", "empty-ports", "kube-proxy compares UDP flows with ports without endpoints, too")
    """What repairs k/k#139628, which 1.32 has."""
    FLOWS_OF_DELETED = ("conntrack", "deleted-services", "kube-proxy compares UDP flows with deleted Services, too")
    """What repairs k/k#141371, which 1.32 has."""

    READY_ALONE = (
        "terminatingEndpoints",
        "before-1.26",
        "kube-proxy sends to ready endpoints alone, as before Kubernetes 1.26",
    )
    """KEP-1669, k/k#85643: since then a node of which all endpoints terminate sends to those that still serve."""
    OPEN_SANDBOXES = ("sandboxes", "open", "a network plugin wires Pods up open, and closes them when it sees them run")
    """kube-router#873, k3s#13432, aws-network-policy-agent#271."""
    UNTRACKED = ("connections", "untracked", "a network plugin does not know the connections from before its walls")
    """aws-network-policy-agent#186."""
    ENDED = ("connections", "ended", "a network plugin ends the connections that new policies do not allow")
    """What NetworkPolicy leaves to the plugin (kubernetes/website#43438); kube-network-policies#268 does so."""
    SETS_BY_ADDRESS = ("addressSets", "by-address", "a network plugin takes out an address whoever has it by then")
    """weave#3177."""
    SETS_UNTIL_DELETED = (
        "addressSets",
        "until-deleted",
        "a network plugin lets in the address of a Pod that has finished, until its object is gone",
    )
    """azure-container-networking#428."""
    SETS_REBUILT = ("addressSets", "rebuilt", "a network plugin makes all its sets of addresses anew at every change")
    """What repairs kube-router#378."""
    SETS_REBUILT_WHOLE = (
        "addressSets",
        "rebuilt-if-all-run",
        "a network plugin makes its sets of addresses anew, but not while a Pod that belongs in has no address",
    )
    """kube-router#378."""

    def __init__(self, key: str, value: str, told: str) -> None:
        """Take the three words of a switch apart."""
        self.key, self.value_of_key, self.told = key, value, told

    @property
    def of(self) -> Detail | None:
        """What has to be looked at more closely for it to be seen; None: nothing."""
        if self.key in EVERYWHERE or self is Switch.UNCOUNTED_NOMINATIONS:
            return None
        if self.key in {"sandboxes", "connections", "addressSets"}:
            return Detail.POLICIES
        return Detail.CONNECTIONS if self.key in {"conntrack", "terminatingEndpoints"} else Detail.QUEUE


class Detail(Enum):
    """What is looked at more closely: a field of `detail` in scenario.yaml, its value, and what a report says of it."""

    QUEUE = (
        "scheduler",
        "queue",
        "placement is also looked at with the scheduler's queue, cache and events; waiting Pods are never flushed",
    )

    CONNECTIONS = (
        "proxy",
        "connections",
        "on current views, on two nodes: one sender of each UDP port that keeps its socket; who goes behind a balancer",
    )

    POLICIES = (
        "network",
        "policies",
        "isolation, connectivity: any two Pods and a third that goes, on one node with room",
    )

    APISERVERS = (
        "apiservers",
        "2",
        (
            "two API servers behind a balancer, one of which may lag: proved, a client that restarts may go back to "
            "what there was, by its first list only; where nobody crashes that is as with one"
        ),
    )

    RAFT = (
        "etcd",
        "raft",
        (
            "three members of etcd, seen as the one copy that they refine (proved); when their leader changes, a "
            "request may be done and its answer lost"
        ),
    )

    def __init__(self, key: str, value: str, told: str) -> None:
        """Take the three words apart."""
        self.key, self.value_of_key, self.told = key, value, told


@frozen
class Schedulers:
    """The schedulers that run: a name twice is two replicas that do not elect a leader."""

    names: tuple[str, ...] = (DEFAULT_SCHEDULER,)


@frozen
class Deadline:
    """When a Pod that may evict others has to run, and how long each thing on the way takes at most, in seconds."""

    seconds: int
    decision_seconds: int = 11
    """Until a scheduler has acted on what it may act on: a back-off of at most 10 s, and its work."""
    stop_seconds: int = 5
    """Until a victim is gone, beyond its grace period."""
    start_seconds: int = 10
    """From the binding until the containers run."""


@frozen
class Faults:
    """How often each fault may strike, anywhere in a run."""

    crash: int = 0
    """A control plane component (controller, scheduler, kubelet, kube-proxy) crashes and restarts."""
    node_crash: int = 0
    """A node dies: its containers stop, its kubelet reports no more."""
    lost_response: int = 0
    """A request is committed but its sender learns nothing and tries again from what it sees."""
    container_crash: int = 0
    """A container exits and is restarted."""
    probe_failure: int = 0
    """The readiness probe of a Pod that runs fails as often as its threshold says, and succeeds again later."""
    node_reboot: int = 0
    """A node goes down and comes up again."""
    partition: int = 0
    """A node is cut off from the API server and in touch again later; what runs there runs on."""
    expired_expectations: int = 0
    """A controller does not see what it wrote for five minutes, and acts as if it had written nothing."""
    late_clock: int = 0
    """A controller looks by a clock that is behind: a Pod that is ready for long enough is not, by it."""
    load: int = 0
    """The load of an autoscaler's target changes, so that it asks for another number of replicas."""
    lost_event: int = 0
    """An event of a watch that something is gone is lost, and nobody notices."""
    controller_outage: int = 0
    """The controllers are down for so long that each CronJob misses a hundred starts more."""
    api_server_restart: int = 0
    """The API server restarts: what it has not sent it never sends, and whoever watches lists anew."""
    leader_change: int = 0
    """Another replica of a controller or the scheduler takes over; the former one still sends what it was about to."""


class Mixed(Enum):
    """Which of the components that read several kinds may have older views of some of them than of others."""

    NOBODY = "nobody"
    MOST = "most"
    """All but the EndpointSlice and disruption controllers, and the scheduler where nodes or claims change."""
    ALL = "all"


@frozen
class Bounds:
    """What the exploration is limited to; printed beside every verdict."""

    propagation_seconds: int | None = None
    """From a Pod's deletion until every kube-proxy has dropped it, at most; None: no bound is assumed."""
    pods: int | None = None
    """Pods that may exist at one time (places); needing more makes the verdict UNKNOWN. None: see `Scenario.pods`."""
    starts: int | None = None
    """States of rest to start from that count as enough; None: all of them, and where they are too many, UNKNOWN."""
    scores: bool = True
    """A Pod goes to a node with the highest score; False: to any that is feasible, whatever else there is in truth."""
    mixed_views: Mixed = Mixed.MOST
    """Who may combine an old view of one kind with a newer view of another."""
    check_seconds: int | None = None
    """From when a node's health checks fail until load balancers send it nothing more, at most; None: not stated."""
    request_seconds: int | None = None
    """How long a connection lasts that a Pod has accepted, at most; None: those that last are not looked at."""


@frozen
class Sizes:
    """How many Pods a workload has at any time: so many ready ones at least, so many in all at most (None: any).

    `failed` is how many of its Pods may have failed and still be there.
    """

    of: Ref
    least: int = 0
    most: int | None = None
    failed: int | None = None


@frozen
class Holder:
    """An object of a kind without a class here that is never gone: finalizers hold it, or the Pods that it makes."""

    ref: Ref
    finalizers: tuple[str, ...]


@frozen
class Crowd:
    """The Pods of other islands (`harness.islands`), of which a scheduler knows, and nothing else here does.

    Either `placed`, which stay where they are, or at most so much in all, wherever: amounts by resource.
    """

    requested: immutabledict[str, int] = immutabledict()
    presumed: immutabledict[str, int] = immutabledict()
    """The same, where containers that ask for nothing are presumed to use some (`impl.scheduler.amounts`)."""
    fills: bool = False
    """It may fill a node, but never all that a Pod can go to."""
    stops_drains: bool = False
    """A drain may be refused because of one of them."""
    on: frozenset[str] = frozenset()
    """The nodes that one of them may be on."""
    refused: frozenset[int] = frozenset()
    """The steps of the script that are drains which are refused because of one of them, in every run."""
    placed: tuple[Pod, ...] = ()


NOBODY = Crowd()


@frozen
class Scenario:
    """Everything a check needs to know."""

    name: str
    objects: tuple[Object, ...]
    """Nodes and everything else, in the order the manifests give them."""
    script: tuple[Step, ...] = ()
    wait_between_steps: bool = False
    """Each script step only once the cluster is quiet (as the end-to-end recordings do)."""
    faults: Faults = Faults()
    consistency: Consistency = Consistency.SESSION
    start: Start = Start.SETTLED
    release: Release = NEWEST
    """The release of Kubernetes, with the changes that `switches` take from it or give to it."""
    schedulers: Schedulers = Schedulers()
    switches: frozenset[Switch] = frozenset()
    """What is done as Kubernetes did it once."""
    detail: frozenset[Detail] = frozenset()
    """What is looked at more closely."""
    image_behaviour: bool = False
    """Images called bad:, crash:, nopull:, slow:, slowstop:, job: behave as they are called."""
    bounds: Bounds = Bounds()
    deadline: Deadline | None = None
    sizes: tuple[Sizes, ...] = ()
    """What the claim `availability` is asked about."""
    expected: tuple[tuple[str, Expected], ...] = ()
    """Claim name (convergence, placement, priority, deadline, spread, reachability, budget) to expected verdict."""
    accept_unmodelled: bool = False
    """What the manifests say that is not modelled is taken not to matter."""
    unmodelled: immutabledict[str, tuple[str, ...]] = immutabledict()
    """By claim, what the manifests say that is not modelled and that it may hang on: objects and fields by name."""
    walls: Walls = NO_WALLS
    """The NetworkPolicies, if some port that a Service leads to lets nobody in."""
    served_elsewhere: frozenset[Ref] = frozenset()
    """The Services whose Pods come, or may come, from what is not modelled: nothing is known of their endpoints."""
    absent: frozenset[Ref] = frozenset()
    """What is used and known not to exist, because the input is all there is (`complete`)."""
    holders: tuple[Holder, ...] = ()
    """What stays for ever in the namespaces that are deleted."""
    absent_owners: frozenset[str] = frozenset()
    """The uids of owners of kinds without a class here that do not exist."""
    webhooks: tuple[Webhook, ...] = ()
    """Those that must be asked (failurePolicy Fail): what they are asked about is refused while nobody serves them."""
    aggregated: tuple[Aggregated, ...] = ()
    """Groups of the API that a Service answers for: no namespace is ever gone while one of them is not served."""
    descheduler: Policy | None = None
    """What the descheduler does that runs in the cluster; None: there is none."""
    contents: immutabledict[Ref, frozenset[str]] = immutabledict()
    """The keys of the ConfigMaps and Secrets of the input, where nothing in it may add more."""
    clock: bool = True
    """A breach that is found has a timetable; without, the order of its steps is all that is said of time."""
    complete: bool = False
    """The input is all there is: what it uses and does not have is missing, not assumed."""
    jobs_stay: bool = False
    """The seconds after which a Job that is over goes are not over yet."""
    cron_starts: int = CRON_STARTS
    """How many starts of each CronJob may come due."""
    namespace: str = "default"
    title: str = ""
    crowd: Crowd = NOBODY
    own: Own = NOTHING
    """Controllers and properties that the user has written."""
    runtimes: Mapping[str, Hashable] = field(default=immutabledict(), converter=immutabledict)
    """By Pod uid what runs in the live cluster that is started from."""

    @property
    def tracks_slices(self) -> bool:
        """Whether the EndpointSlice controller waits until it sees what it wrote, or acts on the store as it is."""
        return self.consistency is Consistency.LINEARIZABLE or Switch.UNSEEN_SLICES not in self.switches

    @property
    def deletes_by_force(self) -> bool:
        """Whether a Pod whose name is given again may be gone from the API before its kubelet has stopped it.

        That is by force, with its node (the garbage collector then uses force), or of a grace period of 0 seconds.
        """
        forced = (isinstance(step, DeletePod) and step.force for step in self.script)
        at_once = (
            isinstance(obj, StatefulSet) and obj.spec.template.spec.termination_grace_period_seconds == 0
            for obj in self.everything
        )
        return any(forced) or any(isinstance(step, DeleteNode) for step in self.script) or any(at_once)

    @property
    def applied(self) -> tuple[Object, ...]:
        """Return the objects that the script applies, in its order."""
        return tuple(step.object for step in self.script if isinstance(step, Apply))

    @property
    def without_accounts(self) -> tuple[str, ...]:
        """Name the namespaces that the script makes, and then a Pod by itself in them: their accounts come later."""
        found, new = dict[str, None](), set[str]()
        there = {obj.metadata.name for obj in self.objects if isinstance(obj, Namespace)}
        for obj in self.applied:
            if isinstance(obj, Namespace) and obj.metadata.name not in there | ALWAYS_THERE:
                new.add(obj.metadata.name)
            elif isinstance(obj, Pod) and obj.metadata.namespace in new:
                found[obj.metadata.namespace] = None
        return tuple(sorted(found))

    @property
    def runs(self) -> tuple[Job, ...]:
        """Return the Jobs that CronJobs may come to make."""
        given = (*self.objects, *self.applied)
        return tuple(
            {
                ref_of(job): job
                for job in runs_of(given, self.namespace, self.cron_starts, self.faults.controller_outage)
            }.values()
        )

    @property
    def everything(self) -> tuple[Object, ...]:
        """Return the objects of the manifests, what the script applies, and what CronJobs and own controllers make."""
        return (*self.objects, *self.applied, *self.runs, *self.own.made)

    @property
    def asked_for(self) -> tuple[tuple[Ref, tuple[Ref, ...]], ...]:
        """Return what the manifests and the script ask for, each object with the owners it names.

        What a controller makes again is its business, not asked for by itself: in a live cluster all that has one.
        """
        there = {ref_of(obj) for obj in self.objects}
        found = {
            placed(obj, self.namespace): _owners(obj)
            for obj in (*self.objects, *self.applied)
            if obj.metadata.controller is None
            or (self.start is not Start.CLUSTER and not there.intersection(_owners(obj)))
        }
        return tuple((ref, found[ref]) for ref in sorted(found))

    def brings(self, number: int) -> Ref | None:
        """Return what a step of the script applies, if it is such a step."""
        step = self.script[number]
        return placed(step.object, self.namespace) if isinstance(step, Apply) else None

    @property
    def deletes_objects(self) -> bool:
        """Whether a step deletes something by its name, and with it what it owns, or a namespace and all in it."""
        return any(isinstance(step, DeleteObject) for step in self.script)

    @property
    def expiring(self) -> frozenset[Ref]:
        """Return the Jobs of the manifests and the script that go by themselves once they are over."""
        jobs = (obj for obj in (*self.objects, *self.applied) if isinstance(obj, Job))
        return frozenset(placed(job, self.namespace) for job in jobs if job.spec.ttl_seconds_after_finished is not None)

    @property
    def pods(self) -> int:
        """How many Pods may exist at one time: as the bounds say, or enough for two of every replica ever asked for.

        At least 12: small scenarios have Pods that wait to be replaced, too. At most `MOST_PODS`.
        """
        if self.bounds.pods is not None:
            return self.bounds.pods
        return min(max(12, 2 * self.replicas + 2), MOST_PODS)

    @property
    def replicas(self) -> int:
        """How many Pods the manifests ask for, at the most that a step scales their workloads to."""
        makers, nodes, scalers = (*self.objects, *self.runs, *self.own.made), self.nodes, self._scalers
        return sum(self._most(maker, nodes, scalers) for maker in makers) + self._failures

    def most_of(self, obj: Object) -> int:
        """Return the most replicas a workload is ever asked for, by the manifests, a step or an autoscaler."""
        return self._most(obj, self.nodes, self._scalers)

    @property
    def _scalers(self) -> tuple[HorizontalPodAutoscaler, ...]:
        return tuple(obj for obj in self.everything if isinstance(obj, HorizontalPodAutoscaler))

    @property
    def measures(self) -> bool:
        """Tell whether autoscalers find metrics: the manifests tell what is measured."""
        return tell_metrics(self.everything)

    def _most(self, obj: Object, nodes: int, scalers: tuple[HorizontalPodAutoscaler, ...]) -> int:
        """Return the same, on so many nodes and with these autoscalers: thousands of workloads may be asked about."""
        asked = [most_replicas(obj, self.script, nodes)]
        for scaler in scalers if isinstance(obj, Sized) else ():
            scaled, space = scaler.spec.scale_target_ref, scaler.metadata.namespace or self.namespace
            bound = scaler.spec.max_replicas if self.faults.load or self.measures else scaler.spec.least
            asked += [bound] if Ref(scaled.kind, space, scaled.name) == placed(obj, self.namespace) else []
        return max(asked)

    @property
    def orphans(self) -> bool:
        """Tell whether a step deletes something and keeps what it owns."""
        return any(isinstance(step, DeleteObject) and step.cascade == "orphan" for step in self.script)

    @property
    def nodes(self) -> int:
        """How many nodes there may be."""
        joining = sum(isinstance(step, AddNode) for step in self.script)
        return joining + sum(isinstance(obj, Node) for obj in self.everything)

    @property
    def _failures(self) -> int:
        """How many Pods of Jobs may fail, and stay beside those that succeed: as programs are called, and by faults."""
        jobs = [obj for obj in self.everything if isinstance(obj, Job)]
        named = sum(_failures_of(job) for job in jobs) if self.image_behaviour else 0
        return named + (self.faults.container_crash if jobs else 0)


def placed(obj: Object, namespace: str) -> Ref:
    """Return the reference an object has where what names no namespace goes to this one."""
    ref = ref_of(obj)
    return ref if ref.namespace or not kind_of(obj).namespaced else evolve(ref, namespace=namespace)


def _owners(obj: Object) -> tuple[Ref, ...]:
    return tuple(
        Ref(reference.kind, obj.metadata.namespace, reference.name) for reference in obj.metadata.owner_references
    )


def most_replicas(obj: Object, script: tuple[Step, ...], nodes: int) -> int:
    """Return the most replicas a workload is ever asked for on so many nodes; 1 for a bare Pod. Those of a Job stay."""
    if isinstance(obj, Pod):
        return 1
    if isinstance(obj, DaemonSet):
        return nodes
    if isinstance(obj, Job):
        return max(obj.spec.completions or 0, obj.spec.at_once)
    if not isinstance(obj, Sized):
        return 0
    sizes = [obj.spec.wanted]
    sizes += [step.replicas for step in script if isinstance(step, Scale) and step.name == obj.metadata.name]
    return max(sizes)


MOST_FAILURES = 20
"""So many failed Pods of a Job have a place; more are told of."""


def _failures_of(job: Job) -> int:
    """Return how many Pods of a Job may fail whose program does."""
    if not any(container.image.startswith("crash:") for container in job.spec.template.spec.containers):
        return 0
    limit = job.spec.backoff_limit
    return min(DEFAULT_FAILURES if limit is None else limit, MOST_FAILURES) + 1
