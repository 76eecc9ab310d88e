"""Reachability while things change, judged: every Pod by itself, and a suspicion confirmed in a run of the cluster.

The machines are in `world.one_pod`, with the argument why one Pod is enough. Which Pods ever go while a Service selects
them is seen in the core (`premises`): where none does, no connection can be lost. Pods whose hooks, ports and labels
are the same go alike, so one of them is looked at.

Without a propagation bound the question is up to which one the claim holds: as long as the shortest hook of those Pods.

Hooks whose length nobody can read off are looked at twice: as if they had no end, when every breach is one whatever
they do, and as what they surely take, when a breach hangs on them: then nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import partial

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.apps import ReplicaSet, ReplicaSetSpec, StatefulSet, Workload
from ...impl.api.claim_names import REACHABILITY, SENTENCES
from ...impl.api.core import Container, Pod, PodSpec, PodTemplateSpec, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.policy import EndpointSlice
from ...impl.api.runtime import PodRuntime, Stage
from ...impl.api.values.frozen import Strings, strings
from ...impl.api.well_known import IDENTITY, MADE_LABELS
from ...impl.api.workloads import pod_labels
from ...impl.controllers.statefulset.identity import with_claims
from ...impl.kubelet.timings import DEFAULT_GRACE_SECONDS, pre_stop_seconds, told_ports
from ...model.checker.explore import explore
from ...model.checker.options import Options
from ...model.checker.results import Exploration, Limits, Progress, Status, Trace, Verdict
from ...model.checker.traces import states
from ...model.machine import Invariant, Sometimes, Timer, View
from ...properties.reachability.answers import is_headless, is_judged, selects, targets
from ..claims.answers import services_of
from ..claims.convergence import objects_of
from ..input.given import stages, versions, versions_of_services
from ..input.scenario import Consistency, Faults, Mixed, Scenario
from ..world import one_pod as reach
from ..world.at_rest.prepare import Prepared
from ..world.cluster import Cluster, build
from ..world.nodes import led
from ..world.nodes.kubelets import proxy_slot, runtime_slot
from ..world.parts import Parts
from ..world.timers import propagation
from . import clock
from .advice import hook_advice, hook_blame, unread_blame
from .blame.blame import written
from .results import Claim

IN_MOTION = "in motion"
"""The kind of a breach of reachability while things change, found with views that are current."""
LAGGING = "in motion, on old views"
"""The same, found only where components act on old views."""
MOVING = frozenset({IN_MOTION, LAGGING})
"""The kinds of breach that no state at rest shows."""
Labels = tuple[tuple[str, str], ...]
Pairs = tuple[tuple[Service, ReplicaSet], ...]
"""Services, each with a ReplicaSet whose Pods it selects."""
LIVES = 2
"""How often the one Pod is made when the question is whether it is dropped in the end."""
SEARCH = Limits(max_states=400_000)
"""How far a suspicion is followed up unless the caller sets tighter limits."""
NOBODY_GOES = "in motion: a Pod that a Service selects is taken away"
"""The half of the claim that is about nothing where no Pod goes."""
OTHERS = "goes: a Pod of no known template"
AT_ONCE = "goes: a Pod that is killed after its object was taken away"

OBJECT_FIRST = (
    "the object of a Pod is taken away before its containers stop (it is deleted by force, its node is deleted, or it "
    "has no grace period): "
    "when they stop, and whether every kube-proxy knows by then, is not looked at"
)
OF_NO_TEMPLATE = "a Pod behind a Service goes whose template no step leads to: its connections are not looked at"
BY_MADE_LABEL = (
    "a Service selects Pods by a label that their controller gives: connections to those that go are not looked at"
)
"""Why reachability in motion is not known."""


@frozen
class Likeness:
    """What decides how a Pod goes: its containers with hooks, ports and what is probed, its grace period and labels."""

    namespace: str
    labels: frozenset[tuple[str, str]]
    containers: Hashable
    grace: int | None


def like(scenario: Scenario, namespace: str, labels: tuple[tuple[str, str], ...], spec: PodSpec) -> Likeness:
    """Return a Pod's likeness; labels that controllers add tell nobody anything, but who it is where a Service asks."""
    image = scenario.image_behaviour
    containers = tuple(
        (_stops(container), container.image if image else "") for container in (*spec.containers, *spec.sidecars)
    )
    asked = {key for obj in scenario.everything if isinstance(obj, Service) for key in obj.spec.selector}
    ignored = MADE_LABELS - (IDENTITY & asked)
    kept = frozenset((key, value) for key, value in labels if key not in ignored)
    return Likeness(namespace, kept, containers, spec.termination_grace_period_seconds)


def _stops(container: Container) -> Hashable:
    """Return what decides how a container goes, and whether a Service leads to it: not which ports of its node it has.

    A Pod in the network of its node has those of all its ports, its template of none.
    """
    ports = tuple((port.name, port.container_port, port.protocol) for port in container.ports)
    return container.name, container.restart_policy, container.lifecycle, ports, told_ports(container)


def owners_of(scenario: Scenario, prepared: Prepared) -> dict[Likeness, ReplicaSet]:
    """Return for each likeness of Pods that there can be a ReplicaSet that would make such Pods."""
    found: dict[Likeness, ReplicaSet] = {}
    for obj in (*versions(scenario, prepared.objects), *prepared.replicasets):
        ways: tuple[Strings, ...] = (obj.metadata.labels,)
        if isinstance(obj, Workload):
            template, ways = obj.spec.template, pod_labels(obj)
            if isinstance(obj, StatefulSet):  # its containers may mount what only its claims are
                template = evolve(template, spec=with_claims(obj, template.spec, obj.spec.first))
        elif isinstance(obj, Pod) and obj.metadata.controller is None:
            template = PodTemplateSpec(ObjectMeta(labels=obj.metadata.labels), evolve(obj.spec, node_name=""))
        else:
            continue
        name, namespace = obj.metadata.name, obj.metadata.namespace
        for labels in ways:
            kept = like(scenario, namespace, tuple(labels.items()), template.spec)
            plain = evolve(template, metadata=evolve(template.metadata, labels=strings(kept.labels)))
            owner = ReplicaSet(ObjectMeta(name=name, namespace=namespace), ReplicaSetSpec(template=plain))
            found.setdefault(kept, owner)
    return found


# --- who ever goes ----------------------------------------------------------------------------------------------------


@frozen
class Scripted:
    """The Services that are judged, and what Pods by themselves bear, at the start or after some steps."""

    services: tuple[Service, ...]
    labels: immutabledict[Ref, Labels]


@frozen
class Behind:
    """Which Pods may stand behind a Service for those who have not caught up: as it was at any stage of the script.

    A Pod that leaves a Service, by its labels or by the Service's selector, is led to until slices and proxies have
    seen it. Where each step waits for quiet they have, before the next one takes the Pod away: what is so now decides.
    """

    scenario: Scenario
    stages: tuple[Scripted, ...]

    @classmethod
    def of(cls, scenario: Scenario, prepared: Prepared) -> Behind:
        """Return what the manifests and the script lead to."""
        return cls(scenario, tuple(map(_stage, stages(scenario, prepared.objects))))

    def moved(self) -> tuple[Ref, ...]:
        """Return the Pods by themselves that bear other labels at one stage of the script than at another."""
        borne: dict[Ref, set[Labels]] = {}
        for stage in self.stages:
            for ref, labels in stage.labels.items():
                borne.setdefault(ref, set()).add(labels)
        return tuple(sorted(ref for ref, labels in borne.items() if len(labels) > 1))

    def led(self, there: tuple[Service, ...], obj: Object | None) -> Iterator[Likeness]:
        """Yield what a Pod that is going may be taken for, in front of the Services that are there."""
        if not isinstance(obj, Pod) or not obj.metadata.terminating:
            return
        namespace, now = obj.metadata.namespace, tuple(obj.metadata.labels.items())
        seen = [(there, now)]
        if not self.scenario.wait_between_steps:
            names = set(map(ref_of, there))
            for stage in self.stages:
                services = tuple(service for service in stage.services if ref_of(service) in names)
                seen.append((services, stage.labels.get(ref_of(obj), now)))
        for some in sorted({labels for services, labels in seen if _any_selects(services, namespace, labels)}):
            yield like(self.scenario, namespace, some, obj.spec)


def _stage(objects: tuple[Object, ...]) -> Scripted:
    services = tuple(obj for obj in objects if isinstance(obj, Service) and is_judged(obj))
    alone = (obj for obj in objects if isinstance(obj, Pod) and obj.metadata.controller is None)
    return Scripted(services, immutabledict((ref_of(pod), tuple(pod.metadata.labels.items())) for pod in alone))


def _any_selects(services: tuple[Service, ...], namespace: str, labels: Labels) -> bool:
    return any(selects(service, namespace, labels) for service in services)


def premises(core: Cluster, prepared: Prepared) -> tuple[Sometimes, ...]:
    """Return for each likeness whether a Pod of it ever goes while a Service leads to it, and whether any other does.

    A Pod without a grace period is never seen to go: its object leaves the store at once, and what ran for it runs on
    until the kubelet hears of that.
    """
    known = tuple(owners_of(core.scenario, prepared))
    behind = Behind.of(core.scenario, prepared)
    if not versions_of_services(core.scenario, prepared.objects, is_judged):
        return ()
    doc = "A Pod goes that a Service leads to."
    each = [
        Sometimes(_premise(number), doc, partial(_goes, core, behind, labels)) for number, labels in enumerate(known)
    ]
    others = Sometimes(OTHERS, doc, partial(_another_goes, core, behind, known))
    return (*each, others, Sometimes(AT_ONCE, "A Pod is gone, and runs.", partial(_runs_on, core)))


def _premise(number: int) -> str:
    return f"goes: a Pod of template {number}"


def goes(searched: Exploration, number: int) -> bool:
    """Tell whether a Pod of a template, by its number in `owners_of`, was seen to go while a Service led to it."""
    return any(verdict.name == _premise(number) and verdict.status is Status.HOLDS for verdict in searched.verdicts)


def _goes(core: Cluster, behind: Behind, kind: Likeness, view: View) -> bool:
    keep = partial(_going, behind, services_of(core, view), kind)
    return any(view.via(keep, slot) for slot in core.world.layout.pools["Pod"])


def _going(behind: Behind, services: tuple[Service, ...], kind: Likeness, obj: Object | None) -> bool:
    return kind in behind.led(services, obj)


def _another_goes(core: Cluster, behind: Behind, known: tuple[Likeness, ...], view: View) -> bool:
    keep = partial(_odd, behind, services_of(core, view), known)
    return any(view.via(keep, slot) for slot in core.world.layout.pools["Pod"])


def _odd(behind: Behind, services: tuple[Service, ...], known: tuple[Likeness, ...], obj: Object | None) -> bool:
    return any(likeness not in known for likeness in behind.led(services, obj))


def _absent(obj: Object | None) -> bool:
    return obj is None


def _runs_on(core: Cluster, view: View) -> bool:
    pods = core.world.layout.pools["Pod"]
    return any(view.via(_absent, slot) and view.via(_runs, runtime_slot(slot)) for slot in pods)


def _runs(runtime: PodRuntime | None) -> bool:
    return runtime is not None and runtime.stage in {Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING}


# --- judged -----------------------------------------------------------------------------------------------------------


def judge(
    scenario: Scenario,
    prepared: Prepared,
    searched: Exploration,
    at_rest: Claim,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
) -> Claim:
    """Judge the claim about connections, given what the core says of it and of who ever goes."""
    services = versions_of_services(scenario, prepared.objects, is_judged)
    if not services:
        return evolve(at_rest, vacuous=True)
    owners = owners_of(scenario, prepared)
    killed = searched[AT_ONCE]
    at_once = killed.status is not Status.VIOLATED
    going = [
        (kind, owner)
        for number, (kind, owner) in enumerate(owners.items())
        if searched[_premise(number)].status is not Status.VIOLATED or (at_once and kind.grace == 0)
    ]
    hashed = any(MADE_LABELS - IDENTITY & service.spec.selector.keys() for service in services)
    others = searched[OTHERS].status is Status.HOLDS
    object_first = killed.reason if killed.status is Status.UNKNOWN else OBJECT_FIRST
    odd = object_first if at_once else OF_NO_TEMPLATE if others else BY_MADE_LABEL if hashed and going else ""
    pairs = tuple(reach.pairs(services, tuple(owner for _, owner in going)))
    if not pairs and not odd:
        return evolve(at_rest, vacuous=(NOBODY_GOES,))
    suspected = _suspected(scenario, prepared, pairs, at_rest, limits, most=True)
    if suspected is not None:
        if suspected[0].status is not Status.HOLDS:
            return suspected[0]
        whose = f"a Pod of {suspected[2].metadata.name} behind Service {suspected[1].metadata.name}"
        return _confirm(scenario, prepared, at_rest, limits, progress, whose=whose)
    unread = tuple(pair for pair in pairs if hangs(*pair))
    hanging = _suspected(scenario, prepared, unread, at_rest, limits, most=False)
    if hanging is not None:
        return _hangs_on_hook(scenario, prepared, *hanging)
    if odd:
        return evolve(at_rest, status=Status.UNKNOWN, kind=IN_MOTION, lines=(odd,))
    return evolve(at_rest, lines=(*at_rest.lines, *_how_long(scenario, pairs)))


def _suspected(
    scenario: Scenario, prepared: Prepared, pairs: Pairs, at_rest: Claim, limits: Limits, *, most: bool
) -> tuple[Claim, Service, ReplicaSet] | None:
    """Look at one Pod of each template behind each Service: the first answer that is not well, and of which."""
    bounds = evolve(scenario.bounds, propagation_seconds=_bound(scenario, pairs, most=most))
    assumed = evolve(scenario, bounds=bounds)
    for service, owner in pairs:
        found = _one_by_one(assumed, prepared, service, owner, at_rest, limits, most=most)
        if found is not None:
            return found, service, owner
    return None


def _bound(scenario: Scenario, pairs: Pairs, *, most: bool) -> int | None:
    """Return the propagation bound: the one stated, or else the longest that the hooks allow."""
    stated = scenario.bounds.propagation_seconds
    if stated is not None or not pairs:
        return stated
    return min(int(before_sigterm(service, owner, most=most)) for service, owner in pairs) or None


def _how_long(scenario: Scenario, pairs: Pairs) -> Iterator[str]:
    """Say for which propagation time the claim holds, where none is stated."""
    if scenario.bounds.propagation_seconds is None and pairs:
        longest = _bound(scenario, pairs, most=False) or 0
        yield (
            f"it holds if no kube-proxy routes to a Pod more than {longest} s after its deletion: the shortest preStop "
            "delay of the Pods that go (--propagation asks for a time)"
        )


def before_sigterm(service: Service, owner: ReplicaSet, *, most: bool) -> float:
    """Return the seconds from the deletion of a Pod to the SIGTERM of the first container that a Service leads to."""
    spec = owner.spec.template.spec
    grace = spec.termination_grace_period_seconds
    seconds = pre_stop_seconds(spec, asked_of(service, owner), most=most)
    return min(seconds, float(DEFAULT_GRACE_SECONDS if grace is None else grace))


def asked_of(service: Service, owner: ReplicaSet) -> frozenset[int]:
    """Return the numbers of the container ports that a Service leads to."""
    template = owner.spec.template
    return targets((service,), owner.metadata.namespace, template.metadata.labels.items(), template.spec)


def hangs(service: Service, owner: ReplicaSet) -> bool:
    """Tell whether how long a Pod goes on answering hangs on a hook whose length nobody can read off."""
    return before_sigterm(service, owner, most=True) > before_sigterm(service, owner, most=False)


def _of_one(limits: Limits) -> Limits:
    """Return the limits of a search of one Pod: it is small, what was given is meant for the states of a cluster."""
    return evolve(limits, max_states=None, max_depth=None)


def _one_by_one(
    scenario: Scenario,
    prepared: Prepared,
    service: Service,
    owner: ReplicaSet,
    at_rest: Claim,
    limits: Limits,
    *,
    most: bool,
) -> Claim | None:
    """Look at one Pod of a template behind a Service: None if all is well, a claim that HOLDS if it is suspected."""
    scenario = _where_it_matters(scenario, service, owner, most=most)
    one = reach.one_pod(scenario, prepared.objects, service, owner, most=most)
    mortal = reach.one_pod(scenario, prepared.objects, service, owner, lives=LIVES, most=most)
    search = partial(explore, options=Options("auto"), limits=_of_one(limits))
    dropped = search(mortal.machine, [mortal.dropped, mortal.room])
    verdict = dropped[mortal.dropped.name]
    if verdict.status is Status.VIOLATED:
        return _never_dropped(at_rest, verdict)
    found = search(one.machine, [one.claim, one.room, one.made])
    if Status.UNKNOWN in {verdict.status, found[one.claim.name].status}:
        why = verdict.reason or found[one.claim.name].reason
        return evolve(at_rest, status=Status.UNKNOWN, kind=IN_MOTION, lines=(why,))
    for premise in (dropped[one.room.name], found[one.room.name], found[one.made.name]):
        if premise.status is not Status.HOLDS:
            return evolve(at_rest, status=Status.UNKNOWN, kind=IN_MOTION, lines=premise.evidence)
    if found[one.claim.name].vacuous and _serves(scenario, prepared, owner):
        why = f"a Pod of {owner.metadata.name} by itself is never sent a connection, and in the cluster one is"
        return evolve(at_rest, status=Status.UNKNOWN, kind=IN_MOTION, lines=(why,))
    return None if found[one.claim.name].status is Status.HOLDS else evolve(at_rest, status=Status.HOLDS)


def _serves(scenario: Scenario, prepared: Prepared, owner: ReplicaSet) -> bool:
    """Tell whether in some state to start from a Pod that goes as those of a template do is a ready endpoint."""
    template, namespace = owner.spec.template, owner.metadata.namespace
    kind = like(scenario, namespace, tuple(template.metadata.labels.items()), template.spec)
    for start in prepared.starts:
        to = led.routed(tuple(obj for obj in start.objects if isinstance(obj, EndpointSlice)))
        pods = (obj for obj in start.objects if isinstance(obj, Pod) and obj.metadata.uid in to)
        metas = ((pod.metadata, pod.spec) for pod in pods)
        if any(kind == like(scenario, meta.namespace, tuple(meta.labels.items()), spec) for meta, spec in metas):
            return True
    return False


def _where_it_matters(scenario: Scenario, service: Service, owner: ReplicaSet, *, most: bool) -> Scenario:
    """Return a scenario without a propagation bound that is longer than the hook: it forbids no order of steps."""
    bound = scenario.bounds.propagation_seconds
    if bound is None or before_sigterm(service, owner, most=most) >= bound:
        return scenario
    return evolve(scenario, bounds=evolve(scenario.bounds, propagation_seconds=None))


def _never_dropped(at_rest: Claim, verdict: Verdict) -> Claim:
    """Report an endpoint that is never removed: then no propagation bound is true."""
    lines = ("one Pod by itself, created and deleted by anybody:", *verdict.evidence)
    if verdict.trace is not None:
        lines = (*lines, *verdict.trace.lines())
    return evolve(at_rest, status=Status.VIOLATED, kind=IN_MOTION, lines=lines)


def _hangs_on_hook(
    scenario: Scenario, prepared: Prepared, suspected: Claim, service: Service, owner: ReplicaSet
) -> Claim:
    """Say which hook decides whether connections are lost, where nobody can read off how long it takes."""
    if suspected.status is not Status.HOLDS:
        return suspected
    blame = unread_blame(
        scenario.bounds.propagation_seconds,
        made_by(scenario, prepared, owner),
        owner.spec.template.spec,
        asked_of(service, owner),
    )
    why = "whether connections are lost hangs on a preStop hook, and nobody can read off how long it takes"
    return evolve(suspected, status=Status.UNKNOWN, kind=IN_MOTION, lines=(why,), blame=(blame,))


def made_by(scenario: Scenario, prepared: Prepared, owner: ReplicaSet) -> Ref:
    """Return the object that somebody wrote of which the Pods of `owners_of` come."""
    meta = owner.metadata
    known = (*versions(scenario, prepared.objects), *prepared.replicasets)
    maker = next(
        obj
        for obj in known
        if isinstance(obj, Workload | Pod)
        and (obj.metadata.namespace, obj.metadata.name) == (meta.namespace, meta.name)
    )
    return written(maker, known)


# --- confirmed --------------------------------------------------------------------------------------------------------


def moving(scenario: Scenario, prepared: Prepared, kind: str = IN_MOTION) -> tuple[Cluster, Invariant]:
    """Return the machine in which connections matter: every kubelet step, the slices and a proxy; no faults, one view.

    On current views an EndpointSlice controller or proxy that is late still is: it has just not acted yet. So most
    breaches are found there, in far fewer states; with `LAGGING` every component acts on old views as well.

    A hook whose length nobody can read off has no end there: what is found happens whatever it does.
    """
    bounds = evolve(scenario.bounds, mixed_views=Mixed.NOBODY)
    views = scenario.consistency if kind == LAGGING else Consistency.LINEARIZABLE
    plain = evolve(scenario, bounds=bounds, faults=Faults(), consistency=views)
    cluster = build(plain, Parts(endpoints=True, fine_kubelets=True, one_proxy=True), *prepared.starts)
    pods = cluster.world.layout.pools["Pod"]
    judged = versions_of_services(scenario, prepared.objects, is_judged)
    addressed = {_named(service) for service in judged if not is_headless(service)}
    headless = frozenset(map(_named, filter(is_headless, judged))) - addressed
    check = partial(reach.breaches, pods, proxies_of(cluster), led.chosen, headless)
    machine = evolve(cluster.machine, timers=tuple(_waits(scenario, prepared, cluster)))
    return evolve(cluster, machine=machine), Invariant(IN_MOTION, SENTENCES[REACHABILITY], check)


def _named(service: Service) -> tuple[str, str]:
    return service.metadata.namespace, service.metadata.name


def _waits(scenario: Scenario, prepared: Prepared, cluster: Cluster) -> Iterator[Timer]:
    """Yield the timers of a cluster, of its hooks those that count for the Services; without the clock only these."""
    layout, bound = cluster.world.layout, scenario.bounds.propagation_seconds
    usual = cluster.machine.timers if scenario.clock else ()
    yield from (timer for timer in usual if bound is None or timer.kind not in propagation.KINDS)
    if bound is not None:
        slots = (*layout.memories, *layout.pools.get("EndpointSlice", ()))
        followed = propagation.Followed(
            bound, slots, versions_of_services(scenario, prepared.objects, is_judged), most=True
        )
        yield from propagation.timers(followed, layout.pools["Pod"])


def proxies_of(cluster: Cluster) -> tuple[str, ...]:
    """Name the slots of a cluster's kube-proxies."""
    return tuple(map(proxy_slot, cluster.proxies))


def _confirm(
    scenario: Scenario,
    prepared: Prepared,
    at_rest: Claim,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
    *,
    whose: str,
) -> Claim:
    """Look for the breach in runs of the cluster itself."""
    tighter = evolve(limits, max_states=min(limits.max_states or SEARCH.max_states or 0, SEARCH.max_states or 0))
    kinds = (IN_MOTION,) if scenario.consistency is Consistency.LINEARIZABLE else (IN_MOTION, LAGGING)
    reason = ""
    for kind in kinds:
        cluster, claim = moving(scenario, prepared, kind)
        options = Options("auto", stop_at_first=True)
        search = explore(cluster.machine, [claim], options, limits=tighter, progress=progress)
        verdict = clock.decided(cluster.machine, claim, search[claim.name], tighter)
        if verdict.status is Status.VIOLATED and verdict.trace is not None:
            broken = evolve(at_rest, status=Status.VIOLATED, kind=kind, lines=verdict.evidence, trace=verdict.trace)
            return _repaired(broken, scenario.bounds.propagation_seconds, cluster, verdict.trace)
        reason = verdict.reason
    why = (
        f"{whose} may be led to when it has stopped, looked at by itself; no run of the cluster was found that shows it"
    )
    if reason:
        why = f"{why}: {reason}"
    return evolve(at_rest, status=Status.UNKNOWN, kind=IN_MOTION, lines=(why,))


def _repaired(claim: Claim, bound: int | None, cluster: Cluster, trace: Trace) -> Claim:
    """Name the repair of the Pod that is hit."""
    last = states(cluster.machine, trace)[-1]
    pod = _hit(cluster, last)
    if pod is None:
        return claim
    objects = objects_of(cluster, last)
    services = [obj for obj in objects if isinstance(obj, Service)]
    asked = targets(services, pod.metadata.namespace, pod.metadata.labels.items(), pod.spec)
    blame = (hook_blame(bound, pod, asked, objects),)
    return evolve(claim, lines=(*claim.lines, *hook_advice(bound, pod, asked)), blame=blame)


def _hit(cluster: Cluster, view: View) -> Pod | None:
    """Return the Pod that is sent connections and does not take them."""
    pods = cluster.world.layout.pools["Pod"]
    for place, _, _ in reach.refusing(pods, proxies_of(cluster), led.chosen, view):
        if isinstance(pod := view[place], Pod):
            return pod
    return None
