"""Which claim may hang on what of the input is not modelled, object by object.

Most of it is said by the kind alone (`impl.api.reading.unmodelled_kinds`). What is not: whose Pods a Service or a
budget selects. A Service whose Pods come from a workload without a class here, or may come from an operator, has
endpoints nobody knows; a workload whose Pods a budget counts changes what that budget allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from attrs import evolve, frozen
from immutabledict import immutabledict

from ....impl.api.apps import ReplicaSet
from ....impl.api.batch import CronJob
from ....impl.api.claim_names import ALL, BUDGET, CONNECTIVITY, CONVERGENCE, ISOLATION, QUOTA, REACHABILITY
from ....impl.api.core import Namespace, Pod, Service
from ....impl.api.kinds import BY_NAME, Object, ref_of
from ....impl.api.meta import LabelSelector, Ref
from ....impl.api.networking import NetworkPolicy
from ....impl.api.policy import EndpointSlice, PodDisruptionBudget, Role
from ....impl.api.quota import ResourceQuota
from ....impl.api.reading.load import Note, Other
from ....impl.api.reading.nearest import did_you_mean
from ....impl.api.reading.unmodelled_kinds import REFUSES
from ....impl.api.values.selectors import Labelled, matches_map, selects
from ....impl.api.well_known import SERVICE_NAME
from ....impl.apiserver.admission.pod_security import APP_ARMOR, ENFORCE, VERSION, allows, forbids
from ....impl.apiserver.admission.pod_standards import PRIVILEGED
from ....impl.apiserver.resources import kind_named
from ....impl.controllers.endpointslice.slices import MANAGED_BY, MANAGER
from ....impl.quota.usage import ALIASES, names_of
from ....properties.reachability.answers import is_judged
from ...world.reductions.room import enough, pod_of
from ..files.manifests import Manifests
from ..ports import declared, has_moved, number_of, pairs
from ..priorities import classes_of, rank_of
from ..scenario import Detail, Scenario
from ..workloads import Template, by_label, pod_annotations, templates
from . import network_policies

CLOSE = "spec.trafficDistribution"
"""A wish for endpoints that are close by, which only Services have: only a closer look at UDP flows hangs on it."""


@frozen
class Outside:
    """What is not modelled and the claims on it, and the Services that it serves."""

    notes: tuple[Note, ...]
    served_elsewhere: frozenset[Ref]

    def by_claim(self) -> immutabledict[str, tuple[str, ...]]:
        """Return for each claim that may hang on something the objects and fields, by name."""
        return immutabledict(
            (claim, found)
            for claim in ALL
            if (found := tuple(dict.fromkeys(note.subject for note in self.notes if claim in note.claims)))
        )


def outside(manifests: Manifests, scenario: Scenario) -> Outside:
    """Sort out what is not modelled, of the manifests and of what the script brings."""
    objects = (*manifests.objects, *scenario.applied)
    known = tuple(templates(objects))
    labelled = by_label(known)
    elsewhere: set[Ref] = set()
    told: list[Note] = []
    more: dict[str, set[str]] = {}
    for service in objects:
        if isinstance(service, Service) and service.spec.selector and service.spec.type != "ExternalName":
            makers = [
                other for other in manifests.others if _serves(other, service.metadata.namespace, service.spec.selector)
            ]
            for maker in makers:
                more.setdefault(str(maker.ref), set()).add(REACHABILITY)
            note, unknown = _of_service(service, labelled, makers, manifests)
            told += [] if note is None else [note]
            elsewhere |= {ref_of(service)} if unknown else set()
        elif isinstance(service, PodDisruptionBudget):
            for other in manifests.others:
                if _counts(other, service.metadata.namespace, service.spec.selector):
                    more.setdefault(str(other.ref), set()).add(BUDGET)
    told += _guarded(manifests, objects)
    told += _moved(manifests, scenario)
    told += _by_hand(manifests, objects)
    told += _left_alone(manifests, scenario)
    told += _taken_in(manifests)
    told += network_policies.notes(manifests, scenario)
    told += _uncounted(manifests, objects)
    if Detail.POLICIES in scenario.detail and any(isinstance(obj, NetworkPolicy) for obj in objects):
        for other in manifests.others:
            if other.labels is not None:
                more.setdefault(str(other.ref), set()).update((ISOLATION, CONNECTIVITY))
    for other in manifests.others:
        if other.labels is not None and any(_is_quota_of(quota, other.ref.namespace) for quota in objects):
            more.setdefault(str(other.ref), set()).update((QUOTA, REACHABILITY))
    if not enough(objects, manifests.others, scenario.pods):
        for other in manifests.others:
            if other.labels is not None:
                more.setdefault(str(other.ref), set()).add(REACHABILITY)
                if _outranks(other, objects, known):
                    more[str(other.ref)].add(BUDGET)
    closer = Detail.CONNECTIONS in scenario.detail
    widened = tuple(_widened(note, more) for note in manifests.notes if closer or note.field != CLOSE)
    return Outside((*widened, *dict.fromkeys(told)), frozenset(elsewhere))


def _guarded(manifests: Manifests, objects: tuple[Object, ...]) -> Iterator[Note]:
    """Note the namespaces of which it is not known whether they refuse a Pod for what it may do."""
    for obj in objects:
        level = obj.metadata.labels.get(ENFORCE, PRIVILEGED) if isinstance(obj, Namespace) else PRIVILEGED
        if level != PRIVILEGED and not _is_plain(obj, level, objects):
            why = f"the Pod Security Standard {level!r} may refuse Pods that are let in here"
            yield manifests.note(obj, "metadata.labels", why, REFUSES)


def _is_plain(namespace: Object, level: str, objects: tuple[Object, ...]) -> bool:
    """Tell whether a namespace certainly lets each Pod of the input in, or certainly refuses it."""
    meta = namespace.metadata
    here = tuple(obj for obj in objects if obj.metadata.namespace in {"", meta.name})
    jobs = (obj.spec.job_template.spec.template.metadata.annotations for obj in here if isinstance(obj, CronJob))
    annotations = chain.from_iterable((*pod_annotations(here), *jobs))
    if any(name.startswith(APP_ARMOR) for name in annotations):
        return False
    latest = meta.labels.get(VERSION, "latest") == "latest"
    specs = [template.spec for template in templates(here)]
    return all(allows(level, spec) or (latest and forbids(level, spec)) for spec in specs)


def _moved(manifests: Manifests, scenario: Scenario) -> Iterator[Note]:
    """Note the ports that a version of a template has moved away from while a Service may still send there."""
    versions = tuple(templates((*manifests.objects, *scenario.applied)))
    for pair in pairs(manifests.objects, scenario.script, wait=scenario.wait_between_steps):
        for index, port in enumerate(pair.service.spec.ports):
            number = number_of(port)
            if number is not None and has_moved(pair.maker, number, port.protocol, versions):
                mine = ", ".join(map(str, sorted(declared(pair.maker.spec, port.protocol))))
                why = f"a version of {pair.maker.ref} declares {mine} in place of {number}: whether it listens there"
                yield manifests.note(pair.service, f"spec.ports[{index}]", f"{why} is not known")


def _by_hand(manifests: Manifests, objects: tuple[Object, ...]) -> Iterator[Note]:
    """Note endpoints that somebody wrote beside those of a selector: kube-proxy sends to both, and nobody cleans up."""
    selecting = {ref_of(obj) for obj in objects if isinstance(obj, Service) and obj.spec.selector}
    for obj in objects:
        if isinstance(obj, EndpointSlice) and obj.metadata.labels.get(MANAGED_BY) != MANAGER:
            service = Ref("Service", obj.metadata.namespace, obj.metadata.labels.get(SERVICE_NAME, ""))
            if service in selecting and obj.endpoints:
                why = f"{service} sends there as well as to the Pods it selects: whether anybody answers is not known"
                yield manifests.note(obj, "endpoints", why)


def _left_alone(manifests: Manifests, scenario: Scenario) -> Iterator[Note]:
    """Note the Services whose Pods a step stops to look for: their slices stay as they are then, whoever goes.

    Upstream: syncService in pkg/controller/endpointslice/endpointslice_controller.go (v1.32) returns at once without
    a selector.
    """
    before = {ref_of(obj) for obj in manifests.objects if isinstance(obj, Service) and is_judged(obj)}
    for obj in scenario.applied:
        if isinstance(obj, Service) and ref_of(obj) in before and not is_judged(obj):
            why = "a step takes its selector: the endpoints that it has stay, and nobody takes out a Pod that goes"
            yield manifests.note(obj, "spec.selector", why)


def _taken_in(manifests: Manifests) -> Iterator[Note]:
    """Note the Pods by themselves that a ReplicaSet of the same input may take for one of its own that is too many.

    It has made its Pods by the time a later document is applied; here all documents are applied at once, and one that
    is there first is only counted.
    """
    sets = [obj for obj in manifests.objects if isinstance(obj, ReplicaSet)]
    for pod in manifests.objects:
        place = manifests.sources.get(ref_of(pod))
        if place is None or not isinstance(pod, Pod) or pod.metadata.controller is not None:
            continue
        for replicaset in sets:
            made = manifests.sources.get(ref_of(replicaset))
            near = replicaset.metadata.namespace == pod.metadata.namespace and selects(
                replicaset.spec.selector, pod.metadata.labels
            )
            if made is not None and made.number < place.number and near:
                why = (
                    f"{ref_of(replicaset)}, which is applied before it, takes it for one of its own and deletes one "
                    f"that is too many: put the Pod before it, or give it other labels"
                )
                yield manifests.note(pod, "metadata.labels", why, (CONVERGENCE, REACHABILITY))


def _is_quota_of(obj: Object, namespace: str) -> bool:
    return isinstance(obj, ResourceQuota) and obj.metadata.namespace == namespace


def _uncounted(manifests: Manifests, objects: tuple[Object, ...]) -> Iterator[Note]:
    """Note the ceilings for objects without a class here: how many of them there are is not known, only the input's."""
    for quota in (obj for obj in objects if isinstance(obj, ResourceQuota)):
        space = quota.metadata.namespace
        given = Counter(kind_named(other.ref.kind).plural for other in manifests.others if other.ref.namespace == space)
        for name, most in sorted(quota.spec.hard.items()):
            plural = name.removeprefix("count/").partition(".")[0]
            known = any(names_of(kind, (name,)) for kind in BY_NAME.values())
            if not known and (name.startswith("count/") or name in ALIASES) and most.value() < given[plural] + SPARE:
                why = f"{plural} are not counted here: whether {most} are enough is not known"
                yield manifests.note(quota, "spec.hard", why, REFUSES)


SPARE = 2
"""Objects of a kind that a namespace may have by itself, as the ConfigMap kube-root-ca.crt."""


def _serves(one: Other, namespace: str, selector: Mapping[str, str]) -> bool:
    return one.labels is not None and one.ref.namespace == namespace and matches_map(selector, one.labels)


def _outranks(one: Other, objects: tuple[Object, ...], known: tuple[Template, ...]) -> bool:
    """Tell whether Pods of a workload without a class could preempt modelled ones that a budget counts.

    One whose class is not in the input may be of any rank.
    """
    classes = classes_of(objects)
    budgets = [budget for budget in objects if isinstance(budget, PodDisruptionBudget)]
    counted = [
        maker
        for maker in known
        if any(
            budget.metadata.namespace == maker.ref.namespace and selects(budget.spec.selector, maker.labels)
            for budget in budgets
        )
    ]
    pod = pod_of(one)
    mine = None if pod is None else rank_of(pod.spec, classes)
    if mine is None or not counted:
        return bool(counted)
    theirs = (rank_of(maker.spec, classes) for maker in counted)
    return mine.preempts and any(mine.priority > (0 if rank is None else rank.priority) for rank in theirs)


def _counts(one: Other, namespace: str, selector: LabelSelector | None) -> bool:
    return one.labels is not None and one.ref.namespace == namespace and selects(selector, one.labels)


def _widened(note: Note, more: Mapping[str, set[str]]) -> Note:
    """Add the claims that hang on a workload because something selects its Pods."""
    added = set() if note.field else more.get(note.object, set())
    return evolve(note, claims=tuple(claim for claim in ALL if claim in note.claims or claim in added))


def _of_service(
    service: Service, known: Labelled[Template], makers: list[Other], manifests: Manifests
) -> tuple[Note | None, bool]:
    """Say who serves a Service that no modelled Pod serves, and whether its endpoints are unknown."""
    space = service.metadata.namespace
    near = (template for template in known.bearing(service.spec.selector) if template.ref.namespace == space)
    if any(matches_map(service.spec.selector, template.labels) for template in near):
        return None, bool(makers)
    if makers:
        whose = ", ".join(f"{maker.ref} ({maker.source.file}:{maker.source.line})" for maker in makers)
        why = f"its Pods come from {whose}: nothing is said of its endpoints"
        return manifests.note(service, "spec.selector", why), True
    selector = f"selects {_show(service.spec.selector)}, which no Pod template of the input has"
    custom = sorted({other.ref.kind for other in manifests.others if other.custom and other.labels is None})
    if custom:
        why = (
            f"it {selector}; its Pods may come from an operator ({', '.join(custom)}): nothing is said of its endpoints"
        )
        return manifests.note(service, "spec.selector", why), True
    hint = _did_you_mean(
        service.spec.selector, [template.labels for template in known.all if template.ref.namespace == space]
    )
    if role := next(
        (ref_of(obj) for obj in manifests.objects if isinstance(obj, Role) and _may_label(obj, space)), None
    ):
        why = f"it {selector}{hint}; whoever has {role} may label Pods: nothing is said of its endpoints"
        return manifests.note(service, "spec.selector", why), True
    return manifests.note(service, "spec.selector", f"it {selector}{hint}", ()), False


def _may_label(role: Role, namespace: str) -> bool:
    """Tell whether a program with a role may give Pods of a namespace labels, as one that leads others does."""
    return role.metadata.namespace in {"", namespace} and any(
        {"", "*"} & {*rule.api_groups}
        and {"pods", "*"} & {*rule.resources}
        and {"patch", "update", "*"} & {*rule.verbs}
        and not rule.resource_names
        for rule in role.rules
    )


def _did_you_mean(selector: Mapping[str, str], known: list[Mapping[str, str]]) -> str:
    """Suggest the labels of a template that look most like the selector; else list what there is."""
    shown = {_show({key: labels[key] for key in labels if key in selector} or labels) for labels in known}
    there = f"labels of Pod templates: {'; '.join(sorted(map(_show, known))) or 'there are none'}"
    return f" ({did_you_mean(_show(selector), shown, there)})"


def _show(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def folded(subjects: Iterable[str]) -> Iterator[str]:
    """Name things one by one, and a kind of which there are more than two by its number."""
    by_kind: dict[str, list[str]] = {}
    for subject in subjects:
        by_kind.setdefault(subject.partition(" ")[0], []).append(subject)
    for kind, found in by_kind.items():
        yield from [f"{len(found)} x {kind}"] if len(found) > 2 else found
