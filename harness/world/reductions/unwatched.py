"""Steps that nobody watches: each is taken at one fixed time instead of at any, or left out.

In a plain rollout on one node that stands for all (`roomy`) a Pod's own steps (bound, started and ready; stopped and
gone) read and write that Pod and what runs for it, and of others only its ReplicaSet's controller looks at them. That
controller in turn tells others, who are Deployments' controllers, only what it writes into its ReplicaSet. Take a run
and move each such step to another time at which nobody has looked meanwhile: it is still a run, with the same writes to
ReplicaSets and Deployments in the same order, and it ends in the same state. So these runs are enough:

- A Pod is **bound** as soon as it is made. There is room, on the one node, and a Pod that is not bound yet and one that
  is look the same to its ReplicaSet's controller, as long as that deletes none of them.
- A Pod **starts** right before a sync of its ReplicaSet's controller, the first that sees it ready. Nobody has looked
  before: what is left of the sync under way was decided already. Pods of one ReplicaSet that have not started are
  alike, so that their number is all there is to choose.
- A sync writes **in one go** what it writes of Pods, as it begins: who else would look counts no Pods. Its status,
  which others read, follows whenever it likes. Which of its Pods it deletes makes no difference where all are alike.
- It **sees** its ReplicaSet and its Pods **as they are**. On an old view of its Pods: they get ready late. On an old
  view of its ReplicaSet: the status of such a sync is refused, for the ReplicaSet has changed, or (since 1.36) written
  once more over it, as one that was left of the turn is here (`tries_again`); and what it does to Pods hangs on the
  wanted number and on how many there are, not on who is ready. So it is as well done right before that change, and Pods
  that get ready in between do so later.
- A **status** in which only the number of Pods and the generation are new is not written, nor kept (`as_read`):
  Deployments' controllers read which Pods are available. It is seen by one thing: whoever is about to write that
  ReplicaSet on an older view is refused. That somebody who has not begun is refused is that he begins later, or has
  seen more. That what is left of a turn is refused may happen at any time here (`refused`), with or without cause: that
  adds runs, and takes away none. At rest the numbers left out are those of the Pods, or the controller would act;
  where all are ready they are those that are kept, and where not all are nothing has converged.
- A **crash** takes what is left of a turn, and the view. Where it comes between two Pods of one sync the next sync sees
  to the others, for a new ReplicaSet only grows in a rollout, and an old one only shrinks: so they are as well made, or
  deleted, before it.
- Pods **end last**: those that are being deleted stop when nothing else can happen but the next command. Whom nobody
  counts any more nobody misses; the places of Pods have to do for all of them at once, which they may have to anyway.
  Only where there is no Service: who answers, and until when, is asked where there is one.

What a claim says of a state in which a Pod is ready, or not yet deleted, that is not so in the moved run, it says there
as well: deletions and creations come earlier than they did and starts later, so that fewer answer at any time and there
are more Pods. What is bound, created and deleted, and how many there are at most, is the same in both runs.

What would break it is kept out: whoever else reads Pods (`is_plain`: evictions, budgets, quotas, Recreate, a
StatefulSet, a Job, a bare Pod, faults but crashes, finalizers), and, while the search runs, a ReplicaSet that deletes
though one of its Pods is not ready: whom it chooses hangs on what it knows of them; and Pods that start in more than
one way. That is `Hurried`, and nothing of the search is used. Of a breach nothing is used either: it is looked for
again on all nodes, with all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from attrs import evolve

from ....impl.api.apps import Deployment, ReplicaSet
from ....impl.api.cache import Cache
from ....impl.api.core import Pod, PodSpec, Service
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Delete, Request, Response, Update
from ....impl.kubectl import script as kubectl
from ....model.machine import View
from ....model.world.store import Stored, Updates, reference
from ....model.world.turn import Part, chosen, sent
from ....model.world.world import Alternatives, Form, Process, Serve, Transform, Watch, Who, Writes
from ...input.priorities import may_preempt
from ...input.scenario import Consistency, Faults, Scenario, Start
from ..nodes.kubelets import Kubelets, starts
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
    """A ReplicaSet deletes Pods though one of them is not ready, or Pods start in several ways: it would matter who."""


def is_plain(scenario: Scenario) -> bool:
    """Tell whether nobody but ReplicaSets' controllers reads Pods, and no Deployment gets two new templates."""
    rollouts = [step for step in scenario.script if isinstance(step, kubectl.SetImage | kubectl.RolloutRestart)]
    rolling = {(rollout.kind, rollout.namespace or scenario.namespace, rollout.name) for rollout in rollouts}
    return (
        nowhere_else(scenario)
        and scenario.start is Start.SETTLED
        and scenario.consistency is Consistency.SESSION
        and evolve(scenario.faults, crash=0) == Faults()
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
    return not any(isinstance(obj, Service) for obj in scenario.everything)


def prompt(process: Process) -> Process:
    """Return a scheduler that acts as soon as it can."""
    return evolve(process, prompt=True)


def refused(process: Process) -> Process:
    """Return a Deployment's process that may be refused whatever it has begun, for what nobody else reads."""
    return evolve(process, refused=True)


def counting(process: Process) -> Process:
    """Return a ReplicaSet's process that sees things as they are, looks at no more than it counts, and writes at once.

    Raises `Hurried`, while it decides, where that is too little.
    """
    watches = tuple(_counted(watch) if watch.kind == "Pod" else watch for watch in process.watches)
    act = partial(_telling, partial(_at_ease, process.act))
    return evolve(process, watches=watches, act=act, form=Form.CURRENT, in_one_go=frozenset({"Pod"}), narrow=None)


def _counted(watch: Watch) -> Watch:
    return evolve(watch, transform=partial(_bare, watch.transform))


def _bare(keep: Transform, uid: str, obj: Object | None) -> Object | None:
    """Forget of a Pod whether it is bound and runs: it counts, and it may be ready."""
    kept = keep(uid, obj)
    return evolve(kept, spec=PodSpec(), status=evolve(kept.status, phase="")) if isinstance(kept, Pod) else kept


def _at_ease(act: Callable[[Cache, Ref], Alternatives], cache: Cache, key: Ref) -> Alternatives:
    found = act(cache, key)
    if not any(isinstance(request, Delete) for requests in found for part in requests for request in sent(part)):
        return found
    pods = [pod for pod in cache.list(Pod) if pod.active]
    if not all(pod.ready for pod in pods):
        raise Hurried(str(key))
    decided = (turn for turns in found for turn in chosen(turns))
    return tuple(islice(decided, 1) if len(set(map(_nameless, pods))) == 1 else decided)


def _telling(act: Callable[[Cache, Ref], Alternatives], cache: Cache, key: Ref) -> Alternatives:
    return tuple(tuple(part for part in requests if not _tells_nothing(part)) for requests in act(cache, key))


def _tells_nothing(part: Part) -> bool:
    """Tell whether a request writes a status in which nothing has changed that anybody reads."""
    if not isinstance(part, Update) or part.subresource != "status" or part.base is None:
        return False
    return as_read(part.object) == as_read(part.base)


def as_read(obj: Object) -> Object:
    """Return an object as far as anybody reads it: of a ReplicaSet's counts, how many are ready and available."""
    if not isinstance(obj, ReplicaSet):
        return obj
    ready = obj.status.ready_replicas
    status = evolve(obj.status, replicas=ready, fully_labeled_replicas=ready, observed_generation=1)
    return evolve(obj, metadata=evolve(obj.metadata, generation=1), status=status)


def served(serve: Serve, stored: Stored, user: Who, request: Request, suffix: str) -> tuple[Response, Writes]:
    """Let an API server handle a request, and keep what it writes as far as anybody reads it."""
    response, writes = serve(stored, user, request, suffix)
    return response, tuple((ref, None if obj is None else as_read(obj)) for ref, obj in writes)


def _nameless(pod: Pod) -> Pod:
    return evolve(pod, metadata=evolve(pod.metadata, name="", uid=""))


def starting(process: Process, kubelets: Kubelets) -> Process:
    """Return a ReplicaSet's process right before whose syncs its Pods start, any number of them, and at no other time.

    Raises `Hurried`, while they do, where it matters which of them.
    """
    watch = next(known for known in process.watches if known.kind == "Pod")
    return evolve(process, before=partial(_started, kubelets, watch, str(process.key)))


def _started(kubelets: Kubelets, watch: Watch, owner: str, view: View) -> Iterator[Updates]:
    """Yield what there is once one more of a ReplicaSet's Pods has started, those in the first places first."""
    key = view.via(reference, owner)
    if key is None:
        return
    updates: Updates = {}
    alike: set[Pod] = set()
    for place in watch.slots:
        pod = view.via(watch.keep(f"{key.kind}/{key.namespace}/{key.name}"), place)
        if pod is None or not pod.active or pod.ready:
            continue
        started = _as_far_as_it_goes(kubelets, place, Stored(view, kubelets.world.layout, dict(updates)))
        if started != updates:
            alike.add(_nameless(pod))
            updates = started
            yield dict(updates)
    if len(alike) > 1:
        raise Hurried(owner)


def _as_far_as_it_goes(kubelets: Kubelets, place: str, stored: Stored) -> Updates:
    while found := tuple(starts(kubelets, place, stored)):
        if len(found) > 1:
            raise Hurried(place)
        stored = Stored(stored.view, stored.layout, {**stored.updates, **found[0].updates})
    return stored.updates
