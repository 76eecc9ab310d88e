"""Webhooks and aggregated APIs of the input: whom the API server has to ask, and which Service must be served for it.

Upstream: admissionregistration.k8s.io/v1 (v1.32): failurePolicy is Fail where it is absent, operations and resources
are lists, `*` is all. One without a Service of the input asks somebody of whom nothing is known, unless the input is
all there is.

Many leave out the namespace that they live in, or the Pods that serve them. One whose namespaceSelector takes no
namespace of the input is asked about none of its objects: controllers make objects where their owners are. What lives
in no namespace is in scope for all (pkg/admission/plugin/webhook/predicates/namespace): of that only what is applied,
what claims make, and nodes where a step or a fault is about them, are written. One that is about Pods alone and whose
objectSelector selects none of theirs is asked about none: a Pod's labels, old and new, are those of its template
(pkg/admission/plugin/webhook/predicates/object); an Eviction or a Binding, which has none, is a subresource by name.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen
from cattrs import ClassValidationError, structure

from ....impl.api.apps import ControllerRevision, Workload
from ....impl.api.batch import CronJob
from ....impl.api.core import Namespace, Node, Pod, Service
from ....impl.api.kinds import KINDS, Kind, Object, kind_of, ref_of
from ....impl.api.meta import LabelSelector, LabelSelectorRequirement, Ref
from ....impl.api.reading.load import Other
from ....impl.api.reading.unmodelled_kinds import WEBHOOKS, asks_of_modelled
from ....impl.api.values.frozen import as_map, strings
from ....impl.api.values.selectors import selects
from ....impl.api.webhooks import Aggregated, Rule, Webhook
from ....impl.api.well_known import MADE_LABELS, REGION, ZONE
from ....impl.apiserver.admission.webhooks import NAME_LABEL
from ..files.manifests import Manifests
from ..scenario import Faults, Scenario, placed
from .assumptions import Assumption

RBAC = "rbac.authorization.k8s.io"
ELSEWHERE = "its selectors leave out what is in the input"
LATER = MADE_LABELS | {ZONE, REGION}
"""Labels of Pods that no template has: who makes or binds a Pod adds them."""
MODELLED = frozenset({"CREATE", "UPDATE"})
"""The operations that a webhook is asked about here."""


@frozen
class Asked:
    """The webhooks that may refuse because nobody serves them, and the objects of which that is all there is to say."""

    webhooks: tuple[Webhook, ...] = ()
    aggregated: tuple[Aggregated, ...] = ()
    understood: frozenset[str] = frozenset()
    """Configurations, as notes name them, of which nothing is left but what their webhooks answer."""
    elsewhere: frozenset[str] = frozenset()
    """Those that are asked about nothing of the input."""


def asked(manifests: Manifests, scenario: Scenario) -> Asked:
    """Read whom the API server asks; where the input is all there is, a Service that is not in it is missing."""
    complete, scope = scenario.complete, _Scope.of(manifests, scenario)
    services = {ref_of(obj) for obj in manifests.objects if isinstance(obj, Service)}
    webhooks: list[Webhook] = []
    understood: set[str] = set()
    elsewhere: set[str] = set()
    for other in manifests.others:
        if other.ref.kind not in WEBHOOKS:
            continue
        about = tuple(entry for entry in _entries(other) if asks_of_modelled({"webhooks": (entry,)}))
        entries = tuple(entry for entry in about if scope.takes(entry))
        if about and not entries:
            elsewhere.add(str(other.ref))
            continue
        found = [_webhook(other.ref, entry) for entry in entries]
        known = [hook for hook in found if hook is not None and (complete or hook.service in services)]
        webhooks += (hook for hook in known if hook.fails)
        validates = other.ref.kind.startswith("Validating")
        if validates and len(known) == len(entries) and all(map(_is_plain, entries)):
            understood.add(str(other.ref))
    aggregated = tuple(_aggregated(manifests, services, complete=complete))
    return Asked(tuple(webhooks), aggregated, frozenset(understood), frozenset(elsewhere))


@frozen
class _Scope:
    """What webhooks may be asked about: the namespaces of the input, and what is written that lives in none.

    `namespaces` and `pods` are the labels that each may have; None where those of some are not known.
    """

    namespaces: tuple[Mapping[str, str], ...] | None
    pods: tuple[Mapping[str, str], ...] | None
    others: frozenset[Kind]

    @classmethod
    def of(cls, manifests: Manifests, scenario: Scenario) -> _Scope:
        """Find what a scenario writes. Who may do what is nobody's business here."""
        told = (obj for obj in manifests.objects if ref_of(obj) in manifests.sources)
        objects = (*told, *scenario.applied, *scenario.runs)
        known = [(obj.metadata.name, obj.metadata.labels) for obj in objects if isinstance(obj, Namespace)]
        kinds = {kind_of(obj) for obj in objects}
        used = {placed(obj, scenario.namespace).namespace for obj in objects if kind_of(obj).namespaced}
        written = {
            kind for kind in kinds if not (kind.namespaced or kind.cls in {Namespace, Node} or kind.group == RBAC)
        }
        if scenario.faults != Faults() or any("Node" in step.changes for step in scenario.script):
            written |= {kind for kind in KINDS if kind.cls is Node}
        if any(kind.name in {"PersistentVolumeClaim", "StatefulSet"} for kind in kinds):
            written |= {kind for kind in KINDS if kind.name == "PersistentVolume"}
        revised = any(isinstance(obj, ControllerRevision) for obj in objects)
        pods = None if scenario.own or revised else tuple(_labels_of_pods(objects))
        if used - {name for name, _ in known} or scenario.own:
            return cls(None, pods, frozenset(written))
        return cls(tuple({**labels, NAME_LABEL: name} for name, labels in known), pods, frozenset(written))

    def takes(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether a webhook may be asked about something that is written."""
        if self._passes_over(entry):
            return False
        selector = _read_selector(entry.get("namespaceSelector"))
        if (
            self.namespaces is None
            or selector is None
            or any(selects(selector, namespace) for namespace in self.namespaces)
        ):
            return True
        rules = [_rule(as_map(rule)) for rule in entry.get("rules") or ()]
        return any(
            _has(rule.groups, kind.group)
            and _has({resource.partition("/")[0] for resource in rule.resources}, kind.plural)
            for kind in self.others
            for rule in rules
        )

    def _passes_over(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether a webhook is about Pods alone, and by their labels about none that may be."""
        selector = _read_selector(entry.get("objectSelector"))
        about = {str(name) for rule in entry.get("rules") or () for name in as_map(rule).get("resources") or ()}
        if selector is None or self.pods is None or about != {"pods"}:
            return False
        keys = {*selector.match_labels, *(expression.key for expression in selector.match_expressions)}
        return not keys & LATER and not any(selects(selector, labels) for labels in self.pods)


def _labels_of_pods(objects: Iterable[Object]) -> Iterator[Mapping[str, str]]:
    """Yield the labels of every Pod there is, and of every template, without those that controllers add."""
    for obj in objects:
        if isinstance(obj, Pod):
            yield obj.metadata.labels
        elif isinstance(obj, Workload):
            yield obj.spec.template.metadata.labels
        elif isinstance(obj, CronJob):
            yield obj.spec.job_template.spec.template.metadata.labels


def _has(among: Container[str], name: str) -> bool:
    return "*" in among or name in among


def _read_selector(found: Any) -> LabelSelector | None:
    try:
        return _selector(found)
    except (ClassValidationError, TypeError):
        return None


def answers(manifests: Manifests, understood: frozenset[str]) -> Iterator[Assumption]:
    """Yield what is assumed of webhooks: whoever is reached allows what it is asked about."""
    for other in manifests.others:
        if str(other.ref) in understood:
            about = "webhooks that are reached allow what they are asked about"
            told = "it allows what it is asked about where it is reached"
            yield Assumption(
                other.source.file, other.source.line_of("webhooks"), str(other.ref), "webhooks", told, about
            )


def _entries(other: Other) -> Iterator[Mapping[str, Any]]:
    yield from map(as_map, other.source.document.value.get("webhooks") or ())


def _is_plain(entry: Mapping[str, Any]) -> bool:
    """Tell whether a webhook is asked about nothing but what is asked here."""
    rules = [as_map(rule) for rule in entry.get("rules") or ()]
    operations = {str(name) for rule in rules for name in rule.get("operations") or ()}
    subresources = any("/" in str(name) for rule in rules for name in rule.get("resources") or ())
    return operations <= MODELLED and not subresources and not entry.get("matchConditions")


def _webhook(configuration: Ref, entry: Mapping[str, Any]) -> Webhook | None:
    """Read a webhook that a Service serves; None for one that is elsewhere, or that is not understood."""
    service = as_map(as_map(entry.get("clientConfig")).get("service"))
    if entry.get("matchConditions") or not service:
        return None
    try:
        return Webhook(
            str(entry.get("name", "")),
            configuration,
            Ref("Service", str(service.get("namespace", "")), str(service.get("name", ""))),
            tuple(_rule(as_map(rule)) for rule in entry.get("rules") or ()),
            _selector(entry.get("namespaceSelector")),
            _selector(entry.get("objectSelector")),
            fails=entry.get("failurePolicy") != "Ignore",
        )
    except (ClassValidationError, TypeError):
        return None


def _rule(rule: Mapping[str, Any]) -> Rule:
    operations, groups, resources = (
        frozenset(str(name) for name in rule.get(field) or ()) for field in ("operations", "apiGroups", "resources")
    )
    return Rule(operations, groups, resources, str(rule.get("scope") or "*"))


def _selector(found: Any) -> LabelSelector | None:
    given = as_map(found)
    if not given:
        return None
    expressions = (as_map(expression) for expression in given.get("matchExpressions") or ())
    return LabelSelector(
        strings(structure(dict(as_map(given.get("matchLabels"))), dict[str, str])),
        tuple(
            LabelSelectorRequirement(
                str(expression.get("key")),
                str(expression.get("operator")),
                tuple(map(str, expression.get("values") or ())),
            )
            for expression in expressions
        ),
    )


def _aggregated(manifests: Manifests, services: set[Ref], *, complete: bool) -> Iterator[Aggregated]:
    for other in manifests.others:
        service = as_map(as_map(other.source.document.value.get("spec")).get("service"))
        if other.ref.kind == "APIService" and service:
            ref = Ref("Service", str(service.get("namespace", "")), str(service.get("name", "")))
            if complete or ref in services:
                yield Aggregated(other.ref, ref)
