"""Steps of Pods that nobody watches: each is taken at one fixed time instead of at any.

In a plain rollout on one node that stands for all (`roomy`) a Pod's own steps (bound, started and ready; stopped and
gone) read and write that Pod and what runs for it, and of others only its ReplicaSet's controller looks at them. Take a
run and move each such step to another time at which nobody has looked meanwhile: it is still a run, with the same
writes to ReplicaSets and Deployments in the same order, and it ends in the same state. So these runs are enough:

- A Pod is **bound** as soon as it is made. There is room, on the one node, and a Pod that is not bound yet and one that
  is look the same to its ReplicaSet's controller, as long as that deletes none of them.
- The controller **sees its Pods as they are**. That it sees late that one is ready is that the Pod gets ready late: the
  Pod's steps are moved behind what the controller did on the old view. Its view of the ReplicaSet itself stays old for
  as long as it may be, and so does what it has begun to send.
- Pods **end last**: those that are being deleted stop when nothing else can happen but the next command. Whom nobody
  counts any more nobody misses; the places of Pods have to do for all of them at once, which they may have to anyway.
  Only where there is no Service: who answers, and until when, is asked where there is one.

What a claim says of a state in which a Pod is ready and its controller does not know it, it says as well of the state
in which the Pod is not ready yet: that is reached, too, and fewer answer in it. What is bound, created and deleted, and
how many there are at most, is the same in both runs.

What would break it is kept out: whoever else reads Pods (`is_plain`: evictions, budgets, quotas, Recreate, a
StatefulSet, a Job, a bare Pod, faults, finalizers), and, while the search runs, a ReplicaSet that deletes though one of
its Pods is not ready: whom it chooses hangs on what it knows of them. That is `Hurried`, and nothing of the search is
used. Of a breach nothing is used either: it is looked for again on all nodes, with all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve

from ....impl.api.apps import Deployment
from ....impl.api.cache import Cache
from ....impl.api.core import Pod, PodSpec, Service
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Delete
from ....impl.kubectl import script as kubectl
from ....model.world.turn import sent
from ....model.world.world import Alternatives, Process, Transform, Watch
from ...input.priorities import may_preempt
from ...input.scenario import Consistency, Faults, Scenario, Start
from .roomy import nowhere_else

KINDS = frozenset(
    {
        "ConfigMap",
        "Deployment",
        "Namespace",
        "Node",
        "PodDisruptionBudget",
        "PriorityClass",
        "Secret",
        "Service",
        "ServiceAccount",
        "StorageClass",
    }
)
"""Kinds of which it is known that nobody who acts on them here reads Pods (a budget is for those who evict)."""


BEHAVIOUR = "kubeproof/"
"""What annotations begin with that tell what programs do: get ready when others are, take memory from others."""


class Hurried(Exception):  # noqa: N818 - it says what was done too soon
    """A ReplicaSet deletes Pods though one of them is not ready: it would matter what it has seen of them."""


def is_plain(scenario: Scenario) -> bool:
    """Tell whether nobody but ReplicaSets' controllers reads Pods, and no Deployment gets two new templates."""
    rollouts = [one for one in scenario.script if isinstance(one, kubectl.SetImage | kubectl.RolloutRestart)]
    rolling = {(one.kind, one.namespace or scenario.namespace, one.name) for one in rollouts}
    return (
        nowhere_else(scenario)
        and scenario.start is Start.SETTLED
        and scenario.consistency is Consistency.SESSION
        and scenario.faults == Faults()
        and not (scenario.wait_between_steps or scenario.image_behaviour or scenario.switches)
        and not (scenario.absent_owners or scenario.holders or may_preempt(scenario))
        and not scenario.own
        and scenario.descheduler is None
        and not (scenario.webhooks or scenario.aggregated or scenario.sizes)
        and len(scenario.script) == len(rollouts) == len(rolling)
        and all(map(_is_plain, scenario.everything))
    )


def _is_plain(obj: Object) -> bool:
    """Tell whether an object is of a kind that is known here, nothing holds it, and its Pods go when they are told."""
    meta = obj.metadata
    if ref_of(obj).kind not in KINDS or meta.terminating or meta.finalizers or meta.owner_references:
        return False
    if not isinstance(obj, Deployment):
        return True
    made = obj.spec.template.metadata
    says = any(name.startswith(BEHAVIOUR) for name in made.annotations)
    return obj.spec.strategy.type != "Recreate" and not made.finalizers and not says


def ends_unseen(scenario: Scenario) -> bool:
    """Tell whether nobody is asked while Pods end."""
    return not any(isinstance(one, Service) for one in scenario.everything)


def prompt(process: Process) -> Process:
    """Return a scheduler that acts as soon as it can."""
    return evolve(process, prompt=True)


def counting(process: Process) -> Process:
    """Return a ReplicaSet's process that sees its Pods as they are and looks at no more of them than it counts.

    Raises `Hurried`, while it decides, where that is too little.
    """
    watches = tuple(_counted(one) if one.kind == "Pod" else one for one in process.watches)
    return evolve(process, watches=watches, act=partial(_at_ease, process.act))


def _counted(watch: Watch) -> Watch:
    return evolve(watch, transform=partial(_bare, watch.transform), at_once=True)


def _bare(keep: Transform, uid: str, obj: Object | None) -> Object | None:
    """Forget of a Pod whether it is bound and runs: it counts, and it may be ready."""
    kept = keep(uid, obj)
    return evolve(kept, spec=PodSpec(), status=evolve(kept.status, phase="")) if isinstance(kept, Pod) else kept


def _at_ease(act: Callable[[Cache, Ref], Alternatives], cache: Cache, key: Ref) -> Alternatives:
    found = act(cache, key)
    deletes = any(isinstance(one, Delete) for requests in found for part in requests for one in sent(part))
    if deletes and not all(pod.ready for pod in cache.list(Pod)):
        raise Hurried(str(key))
    return found
