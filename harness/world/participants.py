"""Who takes part in a world: every component that is modelled, as a value."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve

from ...impl.api.apps import Workload
from ...impl.api.batch import Job
from ...impl.api.core import Node, PodTemplateSpec, Service
from ...impl.api.kinds import Object, Unstructured, ref_of
from ...impl.api.meta import Ref
from ...impl.api.policy import PodDisruptionBudget
from ...impl.api.workloads import SPREADING
from ...impl.kubectl import script as kubectl
from ...model.machine import Action, View
from ...model.world import faults as world_faults
from ...model.world import steps
from ...model.world import world as worlds
from ...model.world.component import Component, component, constantly, nobody
from ...model.world.store import Layout
from ...model.world.world import Form, Process, World
from ...properties.convergence import plain_template
from ..input.assumed.surroundings import behaviour_of
from ..input.scenario import Consistency, Mixed, Scenario, Switch
from ..own import processes as own_processes
from . import scheduling
from .controllers import (
    accounts,
    asleep,
    autoscaling,
    cron,
    descheduler,
    disruption,
    endpointslice,
    evicted_names,
    failed_jobs,
    garbage,
    metrics,
    namespace,
    node_controllers,
    quotas,
    taint_eviction,
    ttl,
    volumes,
    workloads,
)
from .controllers.views import Quiet, form_of, remembering
from .faults import leader_change
from .faults import registry as faults
from .nodes import kubelets, node_state, pressure
from .nodes.static_pods import static_pods
from .parts import Parts
from .reductions import unwatched
from .reductions.roomy import nowhere_else
from .script import environment


def processes_for(scenario: Scenario, objects: tuple[Object, ...], layout: Layout, parts: Parts) -> tuple[Process, ...]:
    """Return the processes of all components that take part."""
    pools = dict(layout.pools)
    constants = tuple(layout.constants.values())
    linear = scenario.consistency is Consistency.LINEARIZABLE

    def form(lagging: int) -> Form:
        return form_of(lagging, linearizable=linear, mixed=scenario.bounds.mixed_views is not Mixed.NOBODY)

    everyone = (*objects, *scenario.applied, *scenario.runs, *scenario.own.made)
    found: list[Process] = []
    found += workloads.processes(
        everyone,
        pools,
        constants,
        form=form,
        quiet=partial(_unchanging, scenario, frozenset(autoscaling.targets(everyone))),
        status=parts.deployment_status,
        release=scenario.release,
        repeats=Switch.REPEATED_INDEXES in scenario.switches,
        doubles=Switch.DOUBLED_REVISIONS in scenario.switches,
        one_look=Switch.ONE_LOOK in scenario.switches,
    )
    past_returns = scenario.consistency is Consistency.RESETTABLE
    selecting = (
        None if past_returns or scenario.faults.leader_change else partial(_selectors_stay, len(scenario.script), pools)
    )
    at_once = "Node" in pools or "PersistentVolumeClaim" in pools
    together = 2 if scenario.bounds.mixed_views is Mixed.ALL else 1
    kinds = together if at_once or not any(kind in pools for kind in SPREADING) else 2
    found += scheduling.processes(
        scenario.schedulers,
        pools,
        constants,
        quiet=selecting,
        form=Form.CURRENT if nowhere_else(scenario) else form(kinds),
        scores=scenario.bounds.scores,
        switches=scenario.switches,
        crowd=scenario.crowd,
        release=scenario.release,
    )
    if scenario.descheduler is not None:
        found.append(descheduler.process(scenario.descheduler, pools, constants))
    if parts.endpoints:
        tracks = scenario.tracks_slices
        views = form(together) if tracks else Form.SNAPSHOT
        found += [
            endpointslice.process(service, pools, constants, form=views, tracks=tracks)
            for service in workloads.distinct(everyone, Service)
        ]
    if parts.budgets:
        resubmits = Switch.RESUBMITTED_BUDGETS in scenario.switches
        found += [
            disruption.process(budget, pools, constants, form=form(together), resubmits=resubmits)
            for budget in workloads.distinct(everyone, PodDisruptionBudget)
        ]
    if parts.unwatched:
        found = [_unwatched(process) for process in found]
    found += autoscaling.processes(everyone, pools, constants)
    found += quotas.processes(everyone, pools, constants, form=form(2), idle=quotas.roomy(scenario))
    others = frozenset(kind.name for kind in scenario.own.kinds if kind.cls is Unstructured)
    found.append(garbage.process(pools, constants, scenario.absent_owners, others))
    held = frozenset(holder.ref.namespace for holder in scenario.holders)
    spaces = pools.get("Namespace", ())
    needed = scenario.aggregated
    found += [namespace.process(place, pools, constants, held, others, needed) for place in spaces]
    found += own_processes.processes(scenario.own, everyone, pools, constants, form=form)
    back = faults.nodes_come_back(scenario)
    found += node_controllers.processes(
        pools,
        constants,
        lags=taint_eviction.lags(scenario, back=back),
        back=back,
        outage=Switch.LONE_EVICTIONS not in scenario.switches,
        at_once=parts.tainted_at_once,
        unplaced=node_controllers.waited_for(scenario),
    )
    return tuple(remembering(process) for process in found)


def _unwatched(process: Process) -> Process:
    """Return a process where nobody watches some steps of Pods."""
    if process.user == scheduling.USER:
        return unwatched.prompt(process)
    if process.user == workloads.DEPLOYMENTS.controller:
        return unwatched.refused(process)
    return unwatched.counting(process) if process.user in workloads.REPLICATED else process


def _as_component(
    scenario: Scenario, parts: Parts, works: Callable[[World], kubelets.Kubelets], process: Process
) -> Component[World]:
    """Return a process as a component, with what may go on right before its syncs, and what it may sleep over."""
    if Switch.ONE_LOOK in scenario.switches and process.group == workloads.DAEMONSETS.controller:
        return asleep.sleeper(process)
    return _starting(process, works) if parts.unwatched else component(process)


def _starting(process: Process, works: Callable[[World], kubelets.Kubelets]) -> Component[World]:
    """Return a process as a component, before whose syncs Pods start that nobody else watches."""
    if process.user not in workloads.REPLICATED:
        return component(process)
    return evolve(
        component(process), actions=lambda world: steps.actions(world, unwatched.starting(process, works(world)))
    )


def _selectors_stay(steps: int, pools: dict[str, tuple[str, ...]], view: View) -> bool:
    """Tell whether no ReplicaSet will be made any more: the script is over and every Deployment has its current one.

    Not so where a restarted controller may see the past again.
    """
    if not environment.past(steps, view):
        return False
    made = {view.via(_template, slot) for slot in pools.get("ReplicaSet", ())}
    return all(view.via(_template, slot) in made for slot in pools.get("Deployment", ()))


def _template(obj: Object | None) -> PodTemplateSpec | None:
    """Return the template of a workload without the hash; None where there is no workload, which every place may be."""
    return plain_template(obj.spec.template) if isinstance(obj, Workload) else None


def _unchanging(scenario: Scenario, scaled: frozenset[Ref], workload: Workload) -> Quiet:
    """Return what tells that nobody but its own controller will change a workload; where others always may, never."""
    # A former leader may write at any time, whatever is over by then.
    expires = isinstance(workload, Job) and workload.spec.ttl_seconds_after_finished is not None
    if scenario.own or scenario.faults.leader_change or expires or ref_of(workload) in scaled:
        return _never
    return partial(environment.past, _last_change(scenario, workload))


def _never(_view: View) -> bool:
    return False


def _last_change(scenario: Scenario, one: Workload) -> int:
    """Return the number of script steps after which nothing in the script changes a workload."""
    touching = [
        number + 1
        for number, step in enumerate(scenario.script)
        if getattr(step, "name", "") == one.metadata.name or isinstance(step, kubectl.Apply | kubectl.DeleteObject)
    ]
    return max(touching, default=0)


# --- everybody ------------------------------------------------------------------------------------------------------


def components_of(
    scenario: Scenario, parts: Parts, objects: tuple[Object, ...], layout: Layout, processes: tuple[Process, ...]
) -> tuple[Component[World], ...]:
    """Return everybody who takes part, in the order in which what they may do is listed."""
    struck = faults.struck_nodes(scenario, objects)
    works = partial(kubelets_for, scenario, parts, struck)
    slices, made = layout.pools.get("EndpointSlice", ()), scenario.own.made
    found = [
        _store(scenario, layout),
        environment.component(scenario),
        *(_as_component(scenario, parts, works, process) for process in processes),
        taint_eviction.component(scenario, layout.pools, struck=bool(struck), back=faults.nodes_come_back(scenario)),
        evicted_names.component(layout.pools),
        Component("volumes", volumes.actions),
        cron.component(scenario, objects),
        *([accounts.component(scenario)] if scenario.without_accounts else []),
        *([failed_jobs.component()] if "Job" in layout.pools else []),
        *([] if scenario.jobs_stay else [ttl.component((*objects, *scenario.applied, *scenario.runs), made)]),
        Component("kubelets", lambda world: kubelets.actions(works(world))),
        Component("metrics", lambda world: metrics.actions(works(world), scenario, objects)),
        *(kubelets.proxy(node, slices, struck=node in struck) for node in proxies_of(parts, objects)),
    ]
    if pressure.possible(scenario):
        found.append(Component("pressure", lambda world: pressure.actions(works(world))))
    befalls = partial(_faults, scenario, processes, works) if parts.faults else nobody
    found.append(Component("faults", befalls, constantly(faults.budgets(scenario))))
    if scenario.faults.leader_change:
        found.append(leader_change.component(processes))
    if struck:
        found += [
            node_state.component(struck, faults.silent_nodes(scenario)),
            node_controllers.silence(
                faults.nodes_of(scenario, objects), back=faults.nodes_come_back(scenario), acts=parts.faults
            ),
        ]
    if parts.faults and scenario.consistency is Consistency.RESETTABLE:
        found.append(Component("a server that lags", world_faults.stalling))
    return tuple(found)


TELLING = ("PodDisruptionBudget", "Job", "EndpointSlice", "PersistentVolume")
"""Kinds whose objects name other objects beside their owners."""


def _store(scenario: Scenario, layout: Layout) -> Component[World]:
    """Return what everybody has in common: the store, whether it has room, and a server that may lag behind it."""
    lagging = scenario.consistency is Consistency.RESETTABLE
    memories = [slot for kind in TELLING for slot in layout.pools.get(kind, ())]
    memories += [worlds.STALLED] if lagging else []
    if scenario.own:  # They may keep names and uids of each other wherever they like, and see the past again.
        memories += [*layout.slots(), worlds.STALLED]
    slots = {worlds.OVERFLOW: "", worlds.LAGGING: int(lagging), worlds.STALLED: None}
    return Component("store", slots=constantly(slots), memories=tuple(memories))


def _faults(
    scenario: Scenario, processes: tuple[Process, ...], works: Callable[[World], kubelets.Kubelets], world: World
) -> tuple[Action, ...]:
    return faults.actions(faults.Struck(scenario, world, processes, works(world)))


def kubelets_for(scenario: Scenario, parts: Parts, struck: tuple[str, ...], world: World) -> kubelets.Kubelets:
    """Return the kubelets of a world."""
    return kubelets.Kubelets(
        world,
        world.layout.pools["Pod"],
        behaviour_of(scenario),
        fine=parts.fine_kubelets,
        struck=struck,
        forced=scenario.deletes_by_force,
        early=Switch.EARLY_STATUS in scenario.switches,
        counts_rejected=Switch.REJECTED_COUNT in scenario.switches,
        led=parts.unwatched,
        static=static_pods(scenario.objects, scenario.namespace),
        last=parts.unwatched and unwatched.ends_unseen(scenario),
        mounts=True,
    )


def proxies_of(parts: Parts, objects: tuple[Object, ...]) -> tuple[str, ...]:
    """Name the nodes whose kube-proxies take part."""
    nodes = tuple(ref_of(obj).name for obj in objects if isinstance(obj, Node)) if parts.endpoints else ()
    return nodes[:1] if parts.one_proxy else nodes
