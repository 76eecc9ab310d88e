"""The Pods of a scenario by what becomes of them: those that are there, made or deleted from a step of the script on.

Pods of one template that share this are one `Life`. What steps write to workloads, Pods and NetworkPolicies is followed
in the place of the controllers, whatever the order in which they act; where that is not known, nothing is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from attrs import evolve, frozen

from ...impl.api.apps import DaemonSet, Deployment, Workload
from ...impl.api.batch import Job
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.networking import NetworkPolicy
from ...impl.api.requests import Delete
from ...impl.controllers.deployment.arithmetic import max_unavailable
from ...impl.kubectl import script as kubectl
from ...properties.placement.placement import Infeasible, feasible
from ...properties.reachability.network_policy import Policy, policy_of
from ..input.given import Done, carried_out
from ..input.priorities import may_preempt
from ..input.scenario import Scenario, Start, Switch
from ..world.at_rest.prepare import Prepared
from ..world.faults.registry import possible
from ..world.grains.network_policies.setup import Step
from .results import TooMuchError

KNOWN_STEPS = (
    kubectl.Apply | kubectl.SetImage | kubectl.Scale | kubectl.RolloutRestart | kubectl.DeleteObject | kubectl.DeletePod
)


@frozen
class Life:
    """Pods of one template that share their fate: from which step on they may be made, and from which they go."""

    number: int
    pod: Pod
    count: int
    maker: Ref | None
    present: bool = False
    """They run at the start."""
    since: int = 0
    until: int | None = None
    before: int | None = None
    """The life of which one must run before these go."""
    fits: bool = True

    @property
    def finishes(self) -> bool:
        """Whether their programs may end for good."""
        spec = self.pod.spec
        return spec.restart_policy in {"Never", "OnFailure"} or spec.active_deadline_seconds is not None


class History:
    """What the script makes of Pods and policies. Raises `TooMuchError` where that is not known."""

    def __init__(self, scenario: Scenario, prepared: Prepared) -> None:
        _refuse_unknown(scenario)
        self.objects = prepared.starts[0].objects
        self.nodes = [obj for obj in self.objects if isinstance(obj, Node)]
        if any(taint.effect == "NoExecute" for node in self.nodes for taint in node.spec.taints):
            raise TooMuchError("nodes that throw Pods out")
        self.lives: list[Life] = []
        self.script: list[Step] = []
        self.versions: list[tuple[Policy, ...]] = [()]
        self.changed: set[Ref] = set()
        for other in prepared.starts[1:]:
            if _running(other.objects) != _running(self.objects):
                raise TooMuchError("the states of rest to start from differ in which Pods run")
        if scenario.start is Start.EMPTY:
            self._first_apply(scenario)
        else:
            self.versions[0] = _policies(self.objects)
            self._found(scenario.switches)
        for done in carried_out(scenario, self.objects):
            self._step(_told(done), _policies(done.after.objects.values()), waits=scenario.wait_between_steps)
            for write in done.writes:
                self._write(done.before.objects.get(write.ref), write.object, write.ref)
            if isinstance(done.request, Delete):
                self._deleted(done.request.ref)

    # --- the start ---

    def _found(self, switches: frozenset[Switch]) -> None:
        """Take the Pods that are there at the start, those alike together."""
        alike: dict[tuple[Ref | None, bool, Hashable], list[Pod]] = {}
        for pod in (obj for obj in self.objects if isinstance(obj, Pod)):
            runs = pod.status.phase == "Running" and not pod.metadata.terminating
            if not runs and pod.spec.node_name and not pod.finished:
                raise TooMuchError(f"Pod {pod.metadata.name}, which neither waits nor runs at the start")
            if pod.finished and Switch.SETS_UNTIL_DELETED in switches:
                raise TooMuchError(f"Pod {pod.metadata.name}, which has ended by the start")
            if not pod.finished:
                maker = self._maker(pod)
                like = (pod.metadata.namespace, pod.metadata.labels, pod.spec.containers)
                alike.setdefault((maker, runs, like), []).append(pod)
        for (maker, runs, _), pods in alike.items():
            self._add(pods[0], len(pods), maker, present=runs)

    def _maker(self, pod: Pod) -> Ref | None:
        """Name what makes a Pod anew: its ReplicaSet's Deployment, or its ReplicaSet; None where nothing does."""
        owner = pod.metadata.controller
        if owner is None:
            return None
        ref = Ref(owner.kind, pod.metadata.namespace, owner.name)
        above = next((obj.metadata.controller for obj in self.objects if ref_of(obj) == ref), None)
        return ref if above is None else Ref(above.kind, pod.metadata.namespace, above.name)

    def _first_apply(self, scenario: Scenario) -> None:
        """Follow the manifests in their order, as steps."""
        stored = {ref_of(obj): obj for obj in self.objects}
        there: list[Policy] = []
        for manifest in scenario.objects:
            one = stored.get(ref_of(manifest))
            if one is None:
                raise TooMuchError(f"a {ref_of(manifest).kind} that gets its name from the API server")
            if isinstance(one, NetworkPolicy):
                there.append(policy_of(one))
            if isinstance(one, NetworkPolicy | Workload | Pod):
                self._step(f"applies {ref_of(one).kind} {one.metadata.name}", tuple(there), waits=False)
                self._write(None, one, ref_of(one))

    # --- steps ---

    def _step(self, told: str, policies: tuple[Policy, ...], *, waits: bool) -> None:
        if policies != self.versions[-1]:
            self.versions.append(policies)
        self.script.append(Step(told, len(self.versions) - 1, waits))

    def _write(self, old: Object | None, new: Object | None, ref: Ref) -> None:
        """Follow a write of the script."""
        if isinstance(new, Namespace) or isinstance(old, Namespace):
            raise TooMuchError(f"a step about a namespace: {ref.name}")
        if isinstance(new, Pod):
            if old is None:
                self._add(new, 1, None, since=len(self.script))
            elif isinstance(old, Pod) and old.metadata.labels != new.metadata.labels:
                raise TooMuchError(f"a Pod that bears other labels: {ref.name}")
        elif isinstance(new, Workload) and new.metadata.controller is None:
            self._resized(old if isinstance(old, Workload) else None, new)

    def _resized(self, old: Workload | None, new: Workload) -> None:
        """Replace the Pods of a workload that has another template, and bring their number in line."""
        ref, now = ref_of(new), len(self.script)
        mine = self._living(ref)
        if isinstance(new, DaemonSet):
            raise TooMuchError(f"a DaemonSet that is written: {ref.name}")
        if isinstance(new, Deployment) and new.spec.paused:
            raise TooMuchError(f"a Deployment that is paused: {ref.name}")
        before = None if old is None or isinstance(old, DaemonSet) else (old.spec.template, old.spec.wanted)
        if before not in {None, (new.spec.template, new.spec.wanted)}:
            self.changed.add(ref)
        if isinstance(new, Deployment) and old is not None and old.spec.template != new.spec.template:
            made = self._add(_template(new), new.spec.wanted, ref, since=now)
            if not made.fits:
                raise TooMuchError(f"a rollout whose Pods fit nowhere: {ref.name}")
            waits = new.spec.strategy.type != "Recreate" and not max_unavailable(new) and new.spec.wanted
            for life in mine:
                self._replace(evolve(life, until=now, before=made.number if waits else None))
            return
        there = sum(life.count for life in mine)
        if new.spec.wanted >= there:
            self._add(_template(new), new.spec.wanted - there, ref, since=now)
        elif not new.spec.wanted:
            self._end(mine)
        elif len(mine) > 1:
            raise TooMuchError(f"which Pods of {ref.name} go")
        else:
            self._split(mine[0], there - new.spec.wanted)

    def _deleted(self, ref: Ref) -> None:
        """Take Pods away that are deleted, or whose workload is; who has a workload is made again."""
        if any(ref_of(obj) == ref and obj.metadata.controller for obj in self.objects if not isinstance(obj, Pod)):
            raise TooMuchError(f"a step that deletes what is made again: {ref.kind} {ref.name}")
        if ref.kind != "Pod":
            self._end(self._living(ref))
            return
        pod = next((obj for obj in self.objects if ref_of(obj) == ref), None)
        maker = self._maker(pod) if isinstance(pod, Pod) else None
        if maker is not None and (maker in self.changed or len(self._living(maker)) != 1):
            raise TooMuchError(f"a Pod that is deleted after its workload has changed: {ref.name}")
        mine = self._living(maker) if maker is not None else [life for life in self.lives if ref_of(life.pod) == ref]
        if not mine:
            raise TooMuchError(f"a Pod that is deleted and was not there at the start: {ref.name}")
        self._split(mine[-1], 1)
        if maker is not None:
            self._add(mine[-1].pod, 1, maker, since=len(self.script))
            self.changed.add(maker)

    # --- lives ---

    def _living(self, maker: Ref) -> list[Life]:
        return [life for life in self.lives if life.maker == maker and life.until is None]

    def _add(
        self,
        pod: Pod,
        count: int,
        maker: Ref | None,
        *,
        present: bool = False,
        since: int = 0,
    ) -> Life:
        fits = present or not isinstance(feasible([_unbound(pod)], self.nodes), Infeasible)
        life = Life(len(self.lives), pod, count, maker, present=present, since=since, fits=fits)
        self.lives.append(life)
        return life

    def _replace(self, life: Life) -> None:
        self.lives[life.number] = life

    def _end(self, lives: Iterable[Life]) -> None:
        for life in lives:
            self._replace(evolve(life, until=len(self.script)))

    def _split(self, life: Life, going: int) -> None:
        """Let some Pods of a life go."""
        self._replace(evolve(life, count=life.count - going))
        self.lives.append(evolve(life, number=len(self.lives), count=going, until=len(self.script)))


def _refuse_unknown(scenario: Scenario) -> None:
    if odd := [fault.told for name, _, fault in possible(scenario) if name != "lost_response"]:
        raise TooMuchError(f"what becomes of Pods after a {odd[0]}")
    if may_preempt(scenario):
        raise TooMuchError("Pods that may evict others")
    if any(isinstance(obj, Job) for obj in scenario.everything):
        raise TooMuchError("Pods of a Job, which end and are followed by others")
    if scenario.image_behaviour:
        raise TooMuchError("images that behave as they are called")
    if odd_steps := [step for step in scenario.script if not isinstance(step, KNOWN_STEPS)]:
        raise TooMuchError(f"what becomes of Pods after a step: {odd_steps[0]}")
    orphans = [step for step in scenario.script if isinstance(step, kubectl.DeleteObject) and step.cascade == "orphan"]
    if orphans:
        raise TooMuchError(f"what becomes of Pods that are left behind: {orphans[0]}")
    pods = [step for step in scenario.script if isinstance(step, kubectl.DeletePod)]
    if pods and scenario.start is Start.EMPTY:
        raise TooMuchError(f"which Pod a step is about: {pods[0]}")


def _running(objects: Iterable[Object]) -> set[tuple[Ref, str]]:
    return {(ref_of(obj), obj.status.phase) for obj in objects if isinstance(obj, Pod)}


def _policies(objects: Iterable[Object]) -> tuple[Policy, ...]:
    found = sorted((obj for obj in objects if isinstance(obj, NetworkPolicy)), key=ref_of)
    return tuple(policy_of(policy) for policy in found)


def _told(done: Done) -> str:
    request = done.request
    verb = {"Create": "creates", "Delete": "deletes"}.get(type(request).__name__, "changes")
    return f"{verb} {', '.join(_names(done))}"


def _names(done: Done) -> Iterator[str]:
    yield from dict.fromkeys(f"{write.ref.kind} {write.ref.name}" for write in done.writes)


def _template(workload: Workload) -> Pod:
    meta = ObjectMeta(
        name=workload.metadata.name,
        namespace=workload.metadata.namespace,
        labels=workload.spec.template.metadata.labels,
    )
    return Pod(meta, workload.spec.template.spec)


def _unbound(pod: Pod) -> Pod:
    return evolve(pod, spec=evolve(pod.spec, node_name=""))
