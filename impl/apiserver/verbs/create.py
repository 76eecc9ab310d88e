"""POST: complete, default, admit, validate and store a new object.

Upstream: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go (Create), registry/rest/create.go (v1.32).
Left out on purpose: dry run, warnings, retrying a generated name that is taken.
"""

from __future__ import annotations

from attrs import frozen

from ...api.kinds import Object, kind_of, ref_of
from ...api.meta import ObjectMeta, Ref, Time
from ...api.requests import Create as CreateRequest
from ...api.requests import Response
from ..admission.admission import admit, admit_valid
from ..admission.quota import charge
from ..admission.webhooks import unanswered
from ..config import Config
from ..defaulting.allocate import allocate
from ..defaulting.defaulting import default
from ..defaulting.job_labels import with_labels
from ..status import already_exists, invalid
from ..storage import Storage, Transaction, put, with_meta
from ..strategy import prepare_for_create, with_name_label
from ..validation.validation import validate_create

LONGEST_GENERATED_BASE = 58  # 63 less the five random characters


@frozen
class Inputs:
    """What the server cannot know by itself: the clock, a fresh name's suffix and uid, a free address."""

    now: Time = 0
    suffix: str = ""
    uid: str = ""
    cluster_ip: str = ""


Answer = tuple[Response, Transaction]


def create(storage: Storage, request: CreateRequest, inputs: Inputs, config: Config) -> Answer:
    """Store a new object, counted by its quotas, or say why not: 404, 403 or 500 from admission, 422, 409."""
    obj = default(_completed(request.object, inputs))
    admitted = admit(storage, obj, config, inputs.suffix)
    if isinstance(admitted, Response):
        return admitted, ()
    if config.webhooks and (refusal := unanswered(storage, admitted, "CREATE", config)):
        return refusal, ()
    prepared = allocate(storage, prepare_for_create(admitted, inputs.now), config, inputs.cluster_ip)
    if isinstance(prepared, Response):
        return prepared, ()
    ref = ref_of(prepared)
    if errors := validate_create(prepared, config.release):
        return invalid(ref.kind, ref.name, errors), ()
    if refusal := admit_valid(storage, prepared, config):
        return refusal, ()
    refusal, counted = charge(storage, prepared, None, config, inputs.now)
    if refusal is not None:
        return refusal, ()
    if storage.get(ref) is not None:
        return already_exists(ref), ()
    final = with_labels(prepared)
    return Response(201, object=final), (*counted, put(final))


def _completed(obj: Object, inputs: Inputs) -> Object:
    """Fill in what only the server decides: name, namespace, uid, time; nobody is created half deleted."""
    kind = kind_of(obj)
    meta: ObjectMeta = obj.metadata
    name = meta.name or (meta.generate_name[:LONGEST_GENERATED_BASE] + inputs.suffix if meta.generate_name else "")
    namespaced = kind.namespaced
    namespace = (meta.namespace or "default") if namespaced else ""
    completed = with_meta(
        obj,
        name=name,
        namespace=namespace,
        uid=inputs.uid or uid_of(Ref(kind.key, namespace, name)),
        resource_version="",
        creation_timestamp=inputs.now,
        deletion_timestamp=None,
        deletion_grace_period_seconds=None,
    )
    return with_name_label(completed)


def uid_of(ref: Ref) -> str:
    """Return the uid an object gets where nobody supplies one: as good as the name, so equal worlds stay equal."""
    return f"{ref.kind}/{ref.namespace}/{ref.name}"
