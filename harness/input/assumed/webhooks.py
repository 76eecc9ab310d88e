"""Webhooks and aggregated APIs of the input: whom the API server has to ask, and which Service must be served for it.

Upstream: admissionregistration.k8s.io/v1 (v1.32): failurePolicy is Fail where it is absent, operations and resources
are lists, `*` is all. One without a Service of the input asks somebody of whom nothing is known, unless the input is
all there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen
from cattrs import ClassValidationError, structure

from ....impl.api.core import Service
from ....impl.api.kinds import ref_of
from ....impl.api.meta import LabelSelector, LabelSelectorRequirement, Ref
from ....impl.api.reading.load import Other
from ....impl.api.reading.unmodelled_kinds import WEBHOOKS, asks_of_modelled
from ....impl.api.values.frozen import as_map, strings
from ....impl.api.webhooks import Aggregated, Rule, Webhook
from ..reading.manifests import Manifests
from .assumptions import Assumption

MODELLED = frozenset({"CREATE", "UPDATE"})
"""The operations that a webhook is asked about here."""


@frozen
class Asked:
    """The webhooks that may refuse because nobody serves them, and the objects of which that is all there is to say."""

    webhooks: tuple[Webhook, ...] = ()
    aggregated: tuple[Aggregated, ...] = ()
    understood: frozenset[str] = frozenset()
    """Configurations, as notes name them, of which nothing is left but what their webhooks answer."""


def asked(manifests: Manifests, *, complete: bool) -> Asked:
    """Read whom the API server asks; `complete`: a Service that is not in the input is missing."""
    services = {ref_of(obj) for obj in manifests.objects if isinstance(obj, Service)}
    webhooks: list[Webhook] = []
    understood: set[str] = set()
    for other in manifests.others:
        if other.ref.kind not in WEBHOOKS:
            continue
        entries = tuple(entry for entry in _entries(other) if asks_of_modelled({"webhooks": (entry,)}))
        found = [_webhook(other.ref, entry) for entry in entries]
        known = [hook for hook in found if hook is not None and (complete or hook.service in services)]
        webhooks += (hook for hook in known if hook.fails)
        validates = other.ref.kind.startswith("Validating")
        if validates and len(known) == len(entries) and all(map(_is_plain, entries)):
            understood.add(str(other.ref))
    return Asked(tuple(webhooks), tuple(_aggregated(manifests, services, complete=complete)), frozenset(understood))


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
    expressions = (as_map(one) for one in given.get("matchExpressions") or ())
    return LabelSelector(
        strings(structure(dict(as_map(given.get("matchLabels"))), dict[str, str])),
        tuple(
            LabelSelectorRequirement(
                str(one.get("key")), str(one.get("operator")), tuple(map(str, one.get("values") or ()))
            )
            for one in expressions
        ),
    )


def _aggregated(manifests: Manifests, services: set[Ref], *, complete: bool) -> Iterator[Aggregated]:
    for other in manifests.others:
        service = as_map(as_map(other.source.document.value.get("spec")).get("service"))
        if other.ref.kind == "APIService" and service:
            ref = Ref("Service", str(service.get("namespace", "")), str(service.get("name", "")))
            if complete or ref in services:
                yield Aggregated(other.ref, ref)
