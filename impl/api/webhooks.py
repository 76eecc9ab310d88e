"""Admission webhooks and aggregated APIs, as far as somebody has to serve them: who is asked, behind which Service.

Upstream: staging/src/k8s.io/api/admissionregistration/v1/types.go, staging/src/k8s.io/kube-aggregator/pkg/apis (v1.32).
Left out on purpose: the answers, side effects, time-outs, matchConditions, certificates.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from attrs import frozen

from .core import Pod, Service
from .kinds import Object
from .meta import LabelSelector, Ref
from .values.selectors import matches_map

ANY = "*"


@frozen
class Rule:
    """Which requests a webhook is asked about: any of the operations on any of the resources of any of the groups."""

    operations: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    """As in URLs; `pods/status` is a subresource, `*` is all of them without those."""
    scope: str = ANY

    def asks(self, operation: str, group: str, plural: str, *, namespaced: bool) -> bool:
        """Tell whether it is about an operation on an object itself."""
        scoped = self.scope == ANY or (self.scope == "Namespaced") is namespaced
        return (
            scoped
            and _has(self.operations, operation)
            and _has(self.groups, group)
            and (_has(self.resources, plural) or "*/*" in self.resources)
        )


def _has(among: Container[str], name: str) -> bool:
    return ANY in among or name in among


@frozen
class Webhook:
    """One webhook of a configuration that a Service serves."""

    name: str
    configuration: Ref
    service: Ref
    rules: tuple[Rule, ...]
    namespaces: LabelSelector | None = None
    """Labels of the namespaces whose objects it is asked about; None: all."""
    objects: LabelSelector | None = None
    """Labels of the objects that it is asked about; None: all."""
    fails: bool = True
    """failurePolicy: Fail, the default: without an answer a request is refused."""


@frozen
class Aggregated:
    """A group of the API that a Service answers for (an APIService)."""

    api: Ref
    service: Ref


def unserved(ref: Ref, service: Object | None, pods: Iterable[Object]) -> str:
    """Say why nobody answers for a Service, with the Pods of its namespace; "" if somebody does.

    kube-proxies that lag are left out: a Service is served while one of its Pods is ready.
    """
    if not isinstance(service, Service):
        return f'service "{ref.name}" not found'
    if not service.spec.selector:
        return ""  # Its endpoints are written by hand.
    if any(isinstance(pod, Pod) and _serves(service, pod) for pod in pods):
        return ""
    return f'no endpoints available for service "{ref.name}"'


def _serves(service: Service, pod: Pod) -> bool:
    here = pod.metadata.namespace == service.metadata.namespace and not pod.metadata.terminating
    return here and pod.ready and matches_map(service.spec.selector, pod.metadata.labels)
