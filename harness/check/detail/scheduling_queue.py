"""Placement with the scheduling queue: `detail: {scheduler: queue}`.

Elsewhere any Pod that waits may be tried at any time. Here it is tried when the queue says so, on what the scheduler's
cache says, after events that come one by one (`scheduling_queue`), and nothing that it sees may end it. What there is
comes from the scenario: nodes, Pods, one workload whose Pods are made again, and what its script does with Pods and
nodes. Where there is more, the queue was not looked at, and the claim is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from attrs import evolve, frozen

from ....impl.api.apps import DaemonSet, ReplicaSet, StatefulSet, Workload
from ....impl.api.batch import Job
from ....impl.api.core import Node, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import ObjectMeta
from ....impl.api.releases import Change
from ....impl.api.requests import Create
from ....impl.apiserver.access.authentication import ADMIN
from ....impl.apiserver.handler import handle
from ....impl.apiserver.storage import Objects
from ....impl.kubectl import script as kubectl
from ....impl.scheduler.plugins.volumes.volume_claims import claim_names
from ....impl.scheduler.queue.entry import NominationEnds, QueueSettings, Remembers
from ....model.checker.explore import explore
from ....model.checker.results import Limits, Progress, Status
from ....model.machine import Machine
from ...input.assumed.surroundings import config_of
from ...input.priorities import pod_specs
from ...input.scenario import Detail, Scenario, Switch
from ...world.at_rest.prepare import Prepared
from ...world.grains.scheduling_queue.claims import PLACED, STANDS, machine, placed, stands
from ...world.grains.scheduling_queue.queue import NAMESPACE, V1_32, Scene, Step, Ways
from ..results import Claim, TooMuchError

IN_QUEUE = "in the queue"
"""The kind of a breach that is found there."""
SPARE = 1
"""How many more Pods of a workload there may be than it wants, while some terminate."""


def judge(
    scenario: Scenario, prepared: Prepared, claim: Claim, limits: Limits, progress: Callable[[Progress], None] | None
) -> Claim:
    """Look at the queue, too, where that is asked for and the claim is not broken anyway."""
    if Detail.QUEUE not in scenario.detail or claim.status is Status.VIOLATED:
        return claim
    try:
        scenes = _scenes(scenario, prepared)
    except TooMuchError as much:
        return evolve(claim, status=Status.UNKNOWN, kind=IN_QUEUE, lines=(f"the queue was not looked at: {much}",))
    searched = explore(_machine(scenario, scenes), (placed(scenes[0]), stands()), limits=limits, progress=progress)
    found = searched[STANDS if searched[STANDS].status is Status.VIOLATED else PLACED]
    if found.status is Status.HOLDS:
        told = f"with the scheduling queue: {searched.states:,} states"
        return evolve(claim, vacuous=claim.vacuous and found.vacuous, lines=(*claim.lines, told))
    lines = found.evidence if found.status is Status.VIOLATED else (found.reason,)
    return evolve(claim, status=found.status, kind=IN_QUEUE, lines=lines, trace=found.trace, vacuous=False)


def machine_of(scenario: Scenario, prepared: Prepared, _kind: str = IN_QUEUE) -> Machine:
    """Return the machine of a scenario's scheduler with its queue. Raises `TooMuchError`."""
    return _machine(scenario, _scenes(scenario, prepared))


def _scenes(scenario: Scenario, prepared: Prepared) -> list[Scene]:
    """Return what there is in each of the states to start from. Raises `TooMuchError`."""
    scenes = [_scene(scenario, prepared, initial.objects) for initial in prepared.starts]
    if len({scene.every_pod for scene in scenes}) > 1:
        raise TooMuchError("the states of rest to start from differ in which Pods there are")
    return scenes


def _machine(scenario: Scenario, scenes: list[Scene]) -> Machine:
    whole = [machine(scene, ways_of(scenario)) for scene in scenes]
    return Machine(tuple(start for look in whole for start in look.initial), whole[0].actions)


def ways_of(scenario: Scenario) -> Ways:
    """Return how the scheduler goes about it, by the release and the switches."""
    has = scenario.switches.__contains__
    hints = not any(switch.of is Detail.QUEUE for switch in scenario.switches)  # What is older had none.
    flag, seen = has(Switch.WIPED_WAKE_UPS), Change.NOMINATION_ENDS_SEEN in scenario.release
    return Ways(
        queue=evolve(
            QueueSettings.of(queueing_hints=hints),
            remembers=Remembers.FLAG if flag else Remembers.CYCLE,
            nomination_ends=NominationEnds.SEEN if seen else NominationEnds.UNNOTICED,
            removes_entries=has(Switch.FORGOTTEN_PODS),
        ),
        failure=tuple(step for step in V1_32 if step is not Step.NOMINATE) if has(Switch.LATE_NOMINATIONS) else V1_32,
        waits_for_failure=not flag,
        counts_nominated=not has(Switch.UNCOUNTED_NOMINATIONS),
        drops_missing_nodes=not has(Switch.KEPT_NODES),
        replaces=not has(Switch.ADDING_LISTS),
        numbers_restart=has(Switch.NUMBERED_NODES),
        release=scenario.release,
    )


# --- what there is ----------------------------------------------------------------------------------------------------


def _scene(scenario: Scenario, prepared: Prepared, objects: tuple[Object, ...]) -> Scene:
    """Return what there is in one of the states to start from. Raises `TooMuchError`."""
    if scenario.faults.leader_change:
        raise TooMuchError("it knows one scheduler, not one that another one takes over from")
    spaces = {obj.metadata.namespace for obj in objects if isinstance(obj, Pod | Workload)} - {NAMESPACE}
    if spaces:
        raise TooMuchError(f"it knows the namespace {NAMESPACE} alone, not {', '.join(sorted(spaces))}")
    sets = (obj for obj in scenario.everything if isinstance(obj, StatefulSet))
    named = any(any(True for _ in claim_names(Pod(spec=spec))) for spec in pod_specs(scenario))
    if named or any(statefulset.spec.volume_claim_templates for statefulset in sets):
        raise TooMuchError("it knows no claims of volumes")
    deeds = tuple(_deeds(scenario, objects))
    made = _replicated(scenario, prepared, objects)
    faults = scenario.faults
    return Scene(
        nodes=tuple(_known_by_name(obj) for obj in objects if isinstance(obj, Node)),
        pods=tuple(_known_by_name(obj) for obj in objects if isinstance(obj, Pod)),
        later=tuple(deed.made for deed in deeds if isinstance(deed.made, Pod)),
        replicas=made.wanted,
        replicated=made.pods,
        deletable=tuple(deed.name for deed in deeds if deed.verb == "deletes"),
        removable=tuple(deed.name for deed in deeds if deed.verb == "removes"),
        joining=tuple(deed.made for deed in deeds if isinstance(deed.made, Node)),
        order=tuple(f"{deed.verb} {deed.name}" for deed in deeds),
        waits=scenario.wait_between_steps,
        lookup=bool({Switch.KEPT_NODES, Switch.DROPPED_NODES} & scenario.switches),
        losses=faults.lost_event,
        restarts=faults.api_server_restart,
        crashes=faults.crash,
    )


@frozen
class Deed:
    """What a step of the script does: it creates a Pod or deletes one, removes a node or adds one."""

    verb: str
    name: str
    made: Pod | Node | None = None


def _deeds(scenario: Scenario, objects: tuple[Object, ...]) -> Iterator[Deed]:
    done = set[tuple[str, str]]()
    for step in scenario.script:
        match step:
            case kubectl.Apply(Pod() as pod) if ref_of(pod) not in map(ref_of, objects):
                deed = Deed("creates", pod.metadata.name, _stored(scenario, objects, pod))
            case kubectl.DeletePod(name) | kubectl.DeleteObject("Pod", name) if name:
                deed = Deed("deletes", name)
            case kubectl.DeleteNode(name):
                deed = Deed("removes", name)
            case kubectl.AddNode(node):
                deed = Deed("adds", node.metadata.name, _stored(scenario, objects, node))
            case _:
                raise TooMuchError(f"a step that does something else than make or delete a Pod or a node: {step}")
        # A name is that of one Pod; a node may go and come again, each once.
        if deed.name in {name for verb, name in done if verb == deed.verb or not _of_nodes(verb, deed.verb)}:
            raise TooMuchError(f"two steps about {deed.name}")
        done.add((deed.verb, deed.name))
        yield deed


def _of_nodes(*verbs: str) -> bool:
    return {"removes", "adds"}.issuperset(verbs)


@frozen
class Replicated:
    """The Pods of the workload whose Pods are made again: how many are wanted, and all that there may be."""

    wanted: int = 0
    pods: tuple[Pod, ...] = ()


def _replicated(scenario: Scenario, prepared: Prepared, objects: tuple[Object, ...]) -> Replicated:
    if any(isinstance(obj, DaemonSet) for obj in scenario.everything):
        raise TooMuchError("it knows Pods that may go anywhere, not those of a DaemonSet")
    if any(isinstance(obj, StatefulSet) for obj in scenario.everything):
        raise TooMuchError("it knows Pods whose names are not used again, not those of a StatefulSet")
    if any(isinstance(obj, Job) for obj in scenario.everything):
        raise TooMuchError("it knows Pods that do not end by themselves, not those of a Job")
    sets = [obj for obj in objects if isinstance(obj, ReplicaSet) and obj.spec.wanted]
    sets += [
        replicaset
        for replicaset in prepared.replicasets
        if replicaset.spec.wanted and ref_of(replicaset) not in map(ref_of, sets)
    ]
    if len(sets) > 1:
        raise TooMuchError(f"it knows one workload, not {len(sets)}")
    if not sets:
        return Replicated()
    (owner,) = sets
    mine = [obj for obj in objects if isinstance(obj, Pod) and obj.metadata.controller is not None]
    given = {pod.metadata.name: _waiting(pod) for pod in mine}
    template = owner.spec.template
    while len(given) < owner.spec.wanted + SPARE:
        name = f"{owner.metadata.name}-p{len(given)}"
        meta = ObjectMeta(name=name, namespace=owner.metadata.namespace, labels=template.metadata.labels)
        given[name] = _stored(scenario, objects, Pod(meta, template.spec))
    return Replicated(owner.spec.wanted, tuple(given.values()))


def _waiting(pod: Pod) -> Pod:
    """Return a Pod as it is made."""
    made = _known_by_name(pod)
    return Pod(made.metadata, evolve(made.spec, node_name=""))


Named = TypeVar("Named", Node, Pod)


def _stored(scenario: Scenario, objects: tuple[Object, ...], made: Named) -> Named:
    """Return a Pod or a node as the API server would store it."""
    there = Objects.of(obj for obj in objects if not isinstance(obj, Pod) and ref_of(obj) != ref_of(made))
    tainted = Switch.NUMBERED_NODES not in scenario.switches  # NodeTaint is a plugin of the API server since 1.12.
    config = evolve(config_of(scenario), taint_new_nodes=tainted)
    response, _ = handle(there, Create(made), user=ADMIN, config=config)
    if not isinstance(response.object, type(made)):
        raise TooMuchError(f"{ref_of(made).kind} {made.metadata.name} is refused: {response.message}")
    return _known_by_name(response.object)


def _known_by_name(obj: Named) -> Named:
    """Return an object whose uid is its name: a name stands for one Pod at a time."""
    return evolve(obj, metadata=evolve(obj.metadata, uid=obj.metadata.name))
