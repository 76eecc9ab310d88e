"""The claims: their names, for whatever says which of them it may change, and what each says.

A claim that is judged by what is seen of a cluster has a file in `harness/claims`, called like it.
"""

from __future__ import annotations

CONVERGENCE = "convergence"
PLACEMENT = "placement"
PRIORITY = "priority"
DEADLINE = "deadline"
SPREAD = "spread"
REACHABILITY = "reachability"
BUDGET = "budget"
QUOTA = "quota"
AUTOSCALING = "autoscaling"
COMPLETION = "completion"
AVAILABILITY = "availability"
IDENTITY = "identity"
OWNERSHIP = "ownership"
FLOWS = "flows"
ISOLATION = "isolation"
CONNECTIVITY = "connectivity"

SENTENCES = {
    CONVERGENCE: (
        "After the script and the faults, every fair run reaches a state where observed equals desired, and stays "
        "there."
    ),
    PLACEMENT: (
        "Every binding satisfies, when it is made, what the scheduler promises; nothing stays Pending that could run."
    ),
    PRIORITY: "No Pod that may evict others waits for ever for room that Pods of lower priority take.",
    DEADLINE: (
        "A Pod that may evict others, or that a quota has refused, runs by the deadline, counted from when nothing but "
        "lower priorities is in its way."
    ),
    SPREAD: "At rest the skew of every constraint that says DoNotSchedule is at most its maxSkew.",
    REACHABILITY: (
        "No new connection is sent to an endpoint that does not accept it, somebody answers wherever somebody did or "
        "should, and at rest every packet to a Service arrives."
    ),
    BUDGET: "No eviction, nor preemption, leaves fewer healthy Pods than a disruption budget asks for.",
    QUOTA: "No step lets the objects of a namespace take more than a ResourceQuota allows.",
    AUTOSCALING: (
        "No Pod of an autoscaled workload is given up because fewer are asked for than its autoscaler keeps at the "
        "least."
    ),
    COMPLETION: (
        "A Job's work is done as often as it should: each success is counted once, no Pod starts beyond what is left "
        "to do or may run at once, and only a Job that is done is Complete."
    ),
    AVAILABILITY: (
        "Of the workloads that the scenario names there are never fewer ready Pods, nor more Pods, than it says."
    ),
    IDENTITY: "Of a StatefulSet no two Pods of one name run at once on two nodes.",
    OWNERSHIP: "No controller deletes a Pod that it has been let go of, as one that is orphaned.",
    FLOWS: (
        "After the script no UDP sender that keeps its socket is held by an endpoint that the rules no longer choose, "
        "and whoever can be answered is."
    ),
    ISOLATION: (
        "A Pod that is made under NetworkPolicies runs behind a wall from its first container on, and in the end "
        "nobody gets in whom they do not allow, nor stays from before them."
    ),
    CONNECTIVITY: (
        "In the end what NetworkPolicies allow gets through, and a connection that may be opened has its answer."
    ),
}
"""By name, in the order in which a report tells them."""
ALL = tuple(SENTENCES)
ALWAYS = (CONVERGENCE, PLACEMENT, REACHABILITY)
"""Those that are made about every cluster."""
