"""The releases of Kubernetes that can be asked about: each a set of changes, and a change is a switch of its own.

A component takes a `Release` and asks it for the one change it is about, never for a number: so one change can be taken
back or taken early, and two releases differ in what is named here and in nothing else. 1.32 has none of the changes.
What decides otherwise was found by running the code of 1.32.13, 1.33, 1.34, 1.35 and 1.36.2 on the same inputs; the
records of 1.36.2 that differ are held against the implementation by tests/agreement.py. docs/releases.md lists what is
taken and what is not.
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Change(Enum):
    """What Kubernetes came to do otherwise: the name of its switch, since when, where upstream says so, and what."""

    BEST_EFFORT_UNRANKED = (
        "bestEffortBalance",
        "1.33",
        "kubernetes#130260",
        "NodeResourcesBalancedAllocation ranks no nodes for a Pod that asks for neither cpu nor memory",
    )
    BALANCE_GAINED = (
        "balanceScore",
        "1.36",
        "kubernetes#135573",
        "NodeResourcesBalancedAllocation scores by how much a Pod improves the balance of a node",
    )
    TOO_LARGE_UNRESOLVABLE = (
        "tooLargeRequests",
        "1.34",
        "kubernetes#131345",
        "preemption does not look at a node that never has as much as the Pod asks for",
    )
    TAINTS_UNNAMED = (
        "taintMessage",
        "1.35",
        "kubernetes#134740, kubernetes#135023",
        "the scheduler's message does not name the taint that is not tolerated",
    )
    VOLUME_AFFINITY_WORDS = (
        "volumeAffinityMessage",
        "1.33",
        "kubernetes#129887",
        "the scheduler's message about a volume out of reach has other words",
    )
    CLAIM_IN_USE_WORDS = (
        "claimInUseMessage",
        "1.34",
        "no line in the changelog",
        "the scheduler's message about a ReadWriteOncePod claim in use has other words",
    )
    DYNAMIC_RESOURCES = (
        "dynamicResources",
        "1.34",
        "KEP-4381",
        "DynamicResources is in the default profile: a Pod refused before any node is looked at evicts nobody",
    )
    LEAVING_VICTIMS_KEPT = (
        "leavingVictims",
        "1.35",
        "kubernetes#134927",
        "preemption neither marks nor deletes a victim that is already terminating",
    )
    NOMINATION_ENDS_SEEN = (
        "nominationEnds",
        "1.33",
        "kubernetes#129058",
        "in the scheduling queue: a Pod that is no longer nominated for a node wakes those that wait",
    )
    OWN_PODS_SEEN = (
        "ownWrites",
        "1.36",
        "KEP-5647, kubernetes#137254",
        "the StatefulSet controller does not act before it sees the Pods and claims that it wrote itself",
    )
    OWN_JOB_SEEN = (
        "jobs",
        "1.36",
        "KEP-5647, kubernetes#137210",
        "the Job controller does not act before it sees the Job as it wrote it itself",
    )
    OWN_WRITES_AWAITED = (
        "expectations",
        "1.36",
        "KEP-5647, kubernetes#137212",
        "the ReplicaSet, DaemonSet and Job controllers wait for the Pods that they wrote, however long that takes",
    )
    STARTED_COUNTS = (
        "startedContainers",
        "1.33",
        "KEP-753",
        "a Pod whose sidecar restarts is Running, not Pending, while a container that has started waits to restart",
    )
    ONE_PATH_OF_INIT = (
        "initContainers",
        "1.33",
        "KEP-753",
        "the kubelet treats the init containers of every Pod as it did those of Pods with sidecars",
    )
    RESTART_RULES = (
        "containerRestarts",
        "1.35",
        "KEP-5307, kubernetes#134631",
        "a Pod is Failed, not Running, where all has ended under OnFailure and what waits to restart had ended well",
    )
    STOP_SIGNAL_FIELD = (
        "stopSignalField",
        "1.33",
        "KEP-4960",
        "a template with lifecycle hooks has another hash: Lifecycle.stopSignal is a field",
    )
    FIELDS_OF_1_34 = (
        "templateFields",
        "1.34",
        "KEP-5307, KEP-3721, KEP-4762",
        "templates have another hash: restartPolicyRules, fileKeyRef and hostnameOverride are fields",
    )
    WORKLOAD_FIELD = (
        "workloadField",
        "1.35",
        "KEP-4671",
        "templates have another hash: workloadRef is a field",
    )
    SCHEDULING_GROUP_FIELD = (
        "schedulingGroupField",
        "1.36",
        "KEP-4671",
        "templates have another hash: schedulingGroup stands in the place of workloadRef",
    )
    EVERYWHERE_UNRESTRICTED = (
        "openSourceRanges",
        "1.34",
        "kubernetes#132722",
        "loadBalancerSourceRanges with a range that holds every address restrict nothing",
    )
    LIVING_ENDPOINT_COUNTS = (
        "endpointTwice",
        "1.36",
        "kubernetes#135593",
        "of two endpoints with one address kube-proxy takes the one that is not terminating, not the local one",
    )
    LABEL_KEY_WORDS = (
        "labelKeyMessage",
        "1.35",
        "no line in the changelog",
        "the message about a label key that is none has other words",
    )

    OWNER_WORDS = (
        "ownerMessage",
        "1.36",
        "no line in the changelog",
        "the message about an owner without a name, a kind or a uid has other words",
    )

    TOLERATION_WORDS = (
        "tolerationMessage",
        "1.35",
        "KEP-5471",
        "the message about a toleration with the operator Lt or Gt, which are off, names them, too",
    )

    PROC_MOUNT = (
        "procMount",
        "1.33",
        "KEP-4265",
        "a container that wants /proc without masks needs a user namespace of its own",
    )

    NO_SLEEP_AT_ALL = (
        "zeroSleep",
        "1.33",
        "KEP-4818",
        "a hook may sleep for 0 seconds, which is no wait",
    )
    SAME_ZONE_OR_NODE = (
        "nearEndpoints",
        "1.34",
        "KEP-3015",
        "trafficDistribution of a Service may be PreferSameZone or PreferSameNode, too",
    )
    VALUES_AS_JSON = (
        "shownValues",
        "1.34",
        "kubernetes#132314",
        "what is refused shows structs, maps and lists as JSON, not as Go writes them",
    )
    STATEFULSET_TEMPLATES = (
        "statefulSetTemplates",
        "1.34",
        "kubernetes#131790, kubernetes#132212",
        "the template and the volumeClaimTemplates of a StatefulSet are looked at when it is made",
    )
    PLAIN_SERVICE_NAMES = (
        "serviceNames",
        "1.36",
        "KEP-5311",
        "the name of a Service may begin with a digit",
    )
    POD_RESOURCES = (
        "podResources",
        "1.34",
        "KEP-2837",
        "what a Pod asks for as a whole is looked at; before, it is left out",
    )
    CLASS_WORDS = (
        "storageClassMessage",
        "1.36",
        "no line in the changelog",
        "the message about a StorageClass that may not change has other words",
    )
    AUTOSCALED_GROUP = (
        "autoscaledGroup",
        "1.35",
        "no line in the changelog",
        "an autoscaler names the API group of what it scales",
    )
    AUTOSCALER_WORDS = (
        "autoscalerMessage",
        "1.36",
        "no line in the changelog",
        "the message about an autoscaler without maxReplicas has other words",
    )
    OWN_TOLERANCE = (
        "autoscalerTolerance",
        "1.35",
        "KEP-4951",
        "an autoscaler may state how far what is used may be from its target before it acts",
    )

    def __init__(self, key: str, since: str, source: str, told: str) -> None:
        """Take the four words of a change apart."""
        self.key, self.since, self.source, self.told = key, since, source, told

    @property
    def before(self) -> str:
        """The value of its switch that takes it back."""
        return f"before-{self.since}"

    @property
    def after(self) -> str:
        """The value of its switch that takes it where the release does not have it yet."""
        return f"since-{self.since}"


@frozen
class Release:
    """A release of Kubernetes: its name, and what it does otherwise than 1.32."""

    name: str
    changes: frozenset[Change] = frozenset()

    def __contains__(self, change: Change) -> bool:
        return change in self.changes

    def __str__(self) -> str:
        return self.name

    def with_change(self, change: Change, *, done: bool) -> Release:
        """Return the release as if it had a change, or had it not."""
        return Release(self.name, self.changes | {change} if done else self.changes - {change})


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split("."))


def _release(name: str) -> Release:
    return Release(name, frozenset(change for change in Change if _numbers(change.since) <= _numbers(name)))


RELEASES = {name: _release(name) for name in ("1.32", "1.33", "1.34", "1.35", "1.36")}
OLDEST, NEWEST = RELEASES["1.32"], RELEASES["1.36"]
"""1.32 and 1.36 are those of which decisions are recorded."""
