"""Webhooks: a request is refused where nobody serves a webhook that has to be asked about it.

Upstream: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook (generic/webhook.go, predicates, v1.32): rules, then
namespaceSelector, then objectSelector. One that cannot be reached refuses if its failurePolicy is Fail, the default.
Configurations of webhooks are never asked about (rules.IsExemptAdmissionConfigurationResource).
Left out on purpose: deletions, connections and subresources; what a webhook that is reached answers (it allows what it
is asked about); kube-proxies that lag.
"""

from __future__ import annotations

from ...api.core import Namespace
from ...api.kinds import Object, kind_of
from ...api.meta import LabelSelector, Ref
from ...api.requests import Response
from ...api.values.selectors import selects
from ...api.webhooks import Webhook, unserved
from ..config import Config
from ..status import internal_error
from ..storage import Storage

NAME_LABEL = "kubernetes.io/metadata.name"
"""What every namespace is labelled with, by its own name."""


def unanswered(storage: Storage, obj: Object, operation: str, config: Config) -> Response | None:
    """Refuse a request (500) that somebody must be asked about whom nobody serves; None where there is none such."""
    for hook in config.webhooks:
        if not _is_asked(storage, hook, obj, operation):
            continue
        if why := unserved(hook.service, storage.get(hook.service), storage.list("Pod", hook.service.namespace)):
            return internal_error(f'failed calling webhook "{hook.name}": {why}')
    return None


def _is_asked(storage: Storage, webhook: Webhook, obj: Object, operation: str) -> bool:
    kind = kind_of(obj)
    rules = (rule.asks(operation, kind.group, kind.plural, namespaced=kind.namespaced) for rule in webhook.rules)
    return any(rules) and _in_scope(storage, webhook.namespaces, obj) and _has_labels(webhook.objects, obj)


def _in_scope(storage: Storage, selector: LabelSelector | None, obj: Object) -> bool:
    """Tell whether an object is in a selected namespace, or is one; what lives in none is always in scope."""
    if selector is None:
        return True
    name = obj.metadata.name if isinstance(obj, Namespace) else obj.metadata.namespace
    if not name:
        return True
    found = obj if isinstance(obj, Namespace) else storage.get(Ref("Namespace", "", name))
    labels = {} if found is None else found.metadata.labels
    return selects(selector, {**labels, NAME_LABEL: name})


def _has_labels(selector: LabelSelector | None, obj: Object) -> bool:
    return selector is None or selects(selector, obj.metadata.labels)
