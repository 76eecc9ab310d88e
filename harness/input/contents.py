"""What ConfigMaps and Secrets of the input hold: a Pod that asks one for a key it does not have never starts.

Upstream: pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables), pkg/volume/{configmap,secret} (v1.32). No step of a
script can give one other keys, so what they hold stays. Some are filled by somebody else: by the token controller
(Secrets of a ServiceAccount), by an injector that a label or an annotation asks for, or by a Job, an operator or a hook
of the input; of those nobody knows which keys they lack.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from immutabledict import immutabledict

from ...impl.api.batch import CronJob, Job
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.reading.load import Note, Other
from ...impl.api.references import BEFORE_START, keys_needed
from ...impl.api.values.frozen import as_map
from .files.manifests import Manifests
from .workloads import templates

FIELDS = ("binaryData", "data", "stringData")
TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - the type of a Secret
TOKEN_KEYS = frozenset({"ca.crt", "namespace", "token"})
"""What the token controller writes into a Secret of that type (pkg/controller/serviceaccount/tokens_controller.go)."""
ACCOUNT = "kubernetes.io/service-account.name"
ROOT_CA = "kube-root-ca.crt"
"""The ConfigMap that is published in each namespace, and made anew where somebody writes something else into it.

Upstream: syncNamespace in pkg/controller/certificates/rootcacertpublisher/publisher.go (v1.32).
"""
ASKS = re.compile(r"inject|reflect|replicat", re.IGNORECASE)
"""Labels and annotations by which a ConfigMap or Secret asks to be filled."""


def has_makers(manifests: Manifests, but: Collection[str] = ()) -> bool:
    """Tell whether the input has a program that may write what nobody knows: a hook of Helm, an operator, a Job, ...

    `but`: Jobs that are none, by their references.
    """
    jobs = any(isinstance(obj, Job | CronJob) and str(ref_of(obj)) not in but for obj in manifests.objects)
    return bool(manifests.hooks) or jobs or any(other.custom or other.labels is not None for other in manifests.others)


def contents(
    manifests: Manifests, applied: Iterable[Object], absent: Collection[Ref] = ()
) -> immutabledict[Ref, frozenset[str]]:
    """Return the keys of each ConfigMap and Secret that nobody is known to fill, and of the root CA that is asked.

    `absent`: what is known to be missing; nobody writes a token of an account that is.
    """
    asked = (
        need.ref
        for maker in templates((*manifests.objects, *applied))
        for need in keys_needed(maker.spec, maker.ref.namespace)
    )
    found = {ref: frozenset({"ca.crt"}) for ref in asked if (ref.kind, ref.name) == ("ConfigMap", ROOT_CA)}
    if not has_makers(manifests):
        found |= {other.ref: keys_of(other, absent) for other in _holders(manifests) if not _is_filled(other)}
    return immutabledict(found)


def keys_perhaps_added(manifests: Manifests, applied: Iterable[Object]) -> Iterator[Note]:
    """Note the keys that Pods need and that only a program without a model may add: every claim may hang on it."""
    makers = has_makers(manifests)
    held = {other.ref: keys_of(other) for other in _holders(manifests) if makers or _is_filled(other)}
    for maker in templates((*manifests.objects, *applied)):
        for need in keys_needed(maker.spec, maker.ref.namespace) if held else ():
            if need.ref in held and need.key not in held[need.ref]:
                field = f"{maker.path}.{need.path}"
                file, line = manifests.place(maker.ref, field)
                why = f"the {need.ref} has no key {need.key!r}; what is not modelled may add it"
                yield Note(file, line, field, str(maker.ref), why)


def _holders(manifests: Manifests) -> Iterator[Other]:
    return (other for other in manifests.others if other.ref.kind in BEFORE_START and not other.custom)


def keys_of(one: Other, absent: Collection[Ref] = ()) -> frozenset[str]:
    """Return the keys that are written in a ConfigMap or a Secret; other objects have none."""
    value = one.source.document.value
    written = frozenset(str(key) for field in FIELDS for key in as_map(value.get(field)))
    account = account_of(one)
    return written if account is None or account in absent else written | TOKEN_KEYS


def account_of(one: Other) -> Ref | None:
    """Return the ServiceAccount that a Secret holds a token of, None for anything else."""
    value = one.source.document.value
    if one.ref.kind != "Secret" or value.get("type") != TOKEN:
        return None
    annotations = as_map(as_map(value.get("metadata")).get("annotations"))
    return Ref("ServiceAccount", one.ref.namespace, str(annotations.get(ACCOUNT) or ""))


def _is_filled(one: Other) -> bool:
    metadata = as_map(one.source.document.value.get("metadata"))
    return any(ASKS.search(str(key)) for field in ("annotations", "labels") for key in as_map(metadata.get(field)))
