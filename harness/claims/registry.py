"""The claims about a cluster as properties of its machine. Each claim has a file here."""

from __future__ import annotations

from functools import partial

from ...impl.api.claim_names import CONNECTIVITY, FLOWS, ISOLATION
from ...model.machine import Converges, Invariant, LeadsTo, Property, StepProperty, View
from ...model.world.verbs import IN_MIND, Verb
from ...model.world.world import OVERFLOW
from ..input.priorities import may_preempt
from ..world import scheduling
from ..world.cluster import Cluster
from ..world.script_slots import SCRIPT, under_way
from . import answers, budget, convergence, deadline, placement, reachability, spread

ROOM = "world/room"
ANSWERED = "answered at rest"
ANSWERS = "answers in motion"
PENDING = "left pending"

NOT_LEFT = "Nothing stays Pending that could run."
CONVERGENCE = (
    "After the script and the faults, every fair run reaches a state where observed equals desired, and stays there."
)
PLACEMENT = (
    "Every binding satisfies, when it is made, what the scheduler promises; nothing stays Pending that could run."
)
REACHABILITY = (
    "No new connection is sent to an endpoint that does not accept it, somebody answers wherever somebody did or "
    "should, and at rest every packet to a Service arrives."
)
PRIORITY = "No Pod that may evict others waits for ever for room that Pods of lower priority take."
SPREAD = "At rest the skew of every constraint that says DoNotSchedule is at most its maxSkew."
BUDGET = "No eviction, nor preemption, leaves fewer healthy Pods than a disruption budget asks for."

FLOW = (
    "After the script no UDP sender that keeps its socket is held by an endpoint that the rules no longer choose, and "
    "whoever can be answered is."
)

ISOLATED = (
    "A Pod that is made under NetworkPolicies runs behind a wall from its first container on, and in the end nobody "
    "gets in whom they do not allow, nor stays from before them."
)
CONNECTED = "In the end what NetworkPolicies allow gets through, and a connection that may be opened has its answer."

SENTENCES = {
    "convergence": CONVERGENCE,
    "placement": PLACEMENT,
    "priority": PRIORITY,
    "deadline": deadline.SENTENCE,
    "spread": SPREAD,
    "reachability": REACHABILITY,
    "budget": BUDGET,
    FLOWS: FLOW,
    ISOLATION: ISOLATED,
    CONNECTIVITY: CONNECTED,
}
ALWAYS = ("convergence", "placement", "reachability")
"""Those that are made about every cluster."""


def of(cluster: Cluster) -> tuple[Property, ...]:
    """Give the properties of a cluster's machine: the claims, and what `check` must know to judge them."""
    over = partial(script_over, cluster)
    binds = cluster.actions(scheduling.USER, Verb.SENDS)
    acts = cluster.except_for(IN_MIND)
    found: list[Property] = [
        Converges("convergence", CONVERGENCE, convergence.goal(cluster), over),
        StepProperty("placement", PLACEMENT, placement.check(cluster), binds),
        LeadsTo(PENDING, NOT_LEFT, placement.waiting(cluster, over), placement.left_pending(cluster)),
        Invariant("reachability", REACHABILITY, reachability.check(cluster)),
        Converges(ANSWERED, "Somebody answers at every port that is served.", answers.at_rest(cluster), over),
        StepProperty(ANSWERS, "Whoever takes connections goes on taking them.", answers.check(cluster), acts),
        Invariant(ROOM, "The world has a place for every object.", _no_room),
    ]
    if may_preempt(cluster.scenario):
        found.append(LeadsTo("priority", PRIORITY, over, placement.outranked(cluster)))
        found += deadline.properties(cluster) if cluster.scenario.deadline else ()
    if spread.is_constrained(cluster):
        found.append(Converges("spread", SPREAD, spread.even(cluster), over))
    if cluster.parts.budgets and "PodDisruptionBudget" in cluster.world.layout.pools:
        found.append(
            StepProperty(
                "budget",
                BUDGET,
                budget.check(cluster),
                budget.evictions(cluster),
                budget.premise(cluster),
            )
        )
    return tuple(found)


def script_over(cluster: Cluster, view: View) -> bool:
    """Tell whether the script is over, or at a drain that has to end, in a world that has been large enough."""
    return not view[OVERFLOW] and bool(view.via(partial(_finished, len(cluster.scenario.script)), SCRIPT))


def _finished(steps: int, done: int) -> bool:
    return done >= steps or under_way(done)


def _no_room(view: View) -> tuple[str, ...]:
    kind = view[OVERFLOW]
    return (f"needs one more place for a {kind}",) if kind else ()
