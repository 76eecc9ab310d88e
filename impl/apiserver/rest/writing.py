"""The verbs that write: from what the client sent to a request of the API server, and from its answer to a body.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{create,update,patch,delete}.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.core import Namespace, Pod, Service
from ...api.kinds import BY_NAME, Object, kind_of, ref_of
from ...api.meta import Ref
from ...api.reading.convert import BadObject, unstructure
from ...api.requests import (
    AnyRequest,
    Create,
    Delete,
    DeleteCollection,
    Evict,
    Get,
    Patch,
    Response,
    Update,
)
from ...api.values.frozen import freeze
from ..admission import pod_security
from ..defaulting.defaulting import default
from ..handler import handle
from ..managed.track import tracked
from ..patch.patch import unknown_in
from ..server import Server, committed
from ..status import OTHER_NAMESPACE, another_name, bad_request, unconditional, wrong_patch
from ..storage import Transaction, Write
from ..validation.field_error import FieldError, aggregate, go, invalid, not_supported, required
from ..verbs.create import Inputs
from ..verbs.scale import scale_of, scaled
from .answers import refused, shown_list_of, shown_object
from .asked import Asked
from .bodies import Refused, body_of, object_of, read_as, warnings_of, with_kind
from .body import BodyError, parsed
from .http import HttpResponse
from .options import OptionError, check_write, is_dry_run, manager_of, seconds
from .render import deleted, success
from .reviews import REVIEWS, review

Json = dict[str, Any]
CONDITIONAL = frozenset(
    {
        "CSIDriver",
        "CSINode",
        "CSIStorageCapacity",
        "Lease",
        "MutatingWebhookConfiguration",
        "PodDisruptionBudget",
        "RuntimeClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    }
)
"""Kinds whose PUT must say which version it is of (AllowUnconditionalUpdate in pkg/registry/**/strategy.go)."""
ORPHANED = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them "
    "or set propagationPolicy=Orphan to suppress this warning"
)
"""Upstream: pkg/registry/batch/job/storage/storage.go (v1.36)."""
EVICTED_AS = frozenset({"policy/v1", "policy/v1beta1"})
SCHEME = "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"
FORMATS = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}


def answer_write(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    """Answer a create, an update, a patch or a delete. Raises OptionError, SelectorError."""
    try:
        match asked.info.verb:
            case "create" if asked.info.resource in REVIEWS:
                body, _ = body_of(asked)
                answer = review(server, asked.user, asked.info.resource, with_kind(body, asked), asked.now)
                return server, HttpResponse(201, answer, asked.view.content_type)
            case "create":
                return _create(server, asked, inputs)
            case "update":
                return _update(server, asked, inputs)
            case "patch":
                return _patch(server, asked, inputs)
            case _:
                return _delete(server, asked, inputs)
    except Refused as error:
        return server, refused(asked, error.response)


def _create(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    check_write(asked.http, "CreateOptions")
    dry = is_dry_run(asked.http, "CreateOptions")
    if asked.info.subresource:
        return _post_to_name(server, asked, inputs, dry=dry)
    obj, warnings = object_of(asked)
    return _done(server, asked, Create(obj), inputs, dry=dry, warnings=warnings)


def _post_to_name(server: Server, asked: Asked, inputs: Inputs, *, dry: bool) -> tuple[Server, HttpResponse]:
    """Create a Binding or an Eviction of the Pod that the URL names."""
    body, _ = body_of(asked)
    kind = "Binding" if asked.info.subresource == "binding" else "Eviction"
    meta = body.get("metadata") if isinstance(body.get("metadata"), dict) else {}
    if kind == "Eviction" and (said_version := str(body.get("apiVersion") or "policy/v1")) not in EVICTED_AS:
        where = f'{kind} in version "{said_version.rpartition("/")[2]}" cannot be handled as a {kind}'
        unknown = f'no kind "{kind}" is registered for version "{said_version}" in scheme "{SCHEME}"'
        raise Refused(bad_request(f"{where}: {unknown}"))
    if not isinstance(meta, dict) or meta.get("name") != asked.info.name:
        raise Refused(bad_request(f"name in URL does not match name in {kind} object"))
    if kind == "Binding" and (wrong := tuple(_wrong_target(body.get("target")))):
        raise Refused(Response(500, "", aggregate(wrong)))
    placed = {**(meta or {}), "name": asked.info.name, "namespace": asked.info.namespace}
    version = BY_NAME[kind].api_version.rpartition("/")[2]
    found = {key: value for key, value in body.items() if key != "deleteOptions"}
    obj, _ = read_as({**found, "metadata": placed}, BY_NAME[kind], version)
    request: AnyRequest = Create(obj)
    if kind == "Eviction":
        options = _checked_options(body.get("deleteOptions") or {})
        said = tuple(options.get("dryRun") or ())
        if dry and said not in {(), ("All",)}:
            raise Refused(
                Response(500, "", f"Non-matching dry-run options in request and content: [All] and [{said[0]}]")
            )
        dry = dry or bool(said)
        request = _eviction(asked.ref, options)
    response, transaction = handle(
        server, request, user=asked.user, now=inputs.now, config=evolve(server.config, dry_run=dry)
    )
    after = server if dry else committed(server, response, transaction)[0]
    if not response.ok:
        return after, refused(asked, response)
    return after, HttpResponse(201, {**success(), "code": 201}, asked.view.content_type)


def _wrong_target(target: Any) -> Iterator[FieldError]:
    """Say what is wrong with what a Pod is to be bound to (ValidatePodBinding)."""
    given = target if isinstance(target, dict) else {}
    if given.get("kind") not in {None, "", "Node"}:
        yield not_supported("target.kind", given["kind"], ("Node", "<empty>"))
    if not given.get("name"):
        yield required("target.name")


def _eviction(pod: Ref, options: Json) -> Evict:
    conditions = options.get("preconditions") or {}
    return Evict(
        pod,
        options.get("gracePeriodSeconds"),
        str(conditions.get("uid") or ""),
        str(conditions.get("resourceVersion") or ""),
        str(options.get("propagationPolicy") or ""),
    )


def _update(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    check_write(asked.http, "UpdateOptions")
    dry = is_dry_run(asked.http, "UpdateOptions")
    if asked.info.subresource == "scale":
        return _update_scale(server, asked, inputs, dry=dry)
    obj, warnings = object_of(asked)
    name = obj.metadata.name
    if name != asked.info.name:
        raise Refused(bad_request(another_name(name, asked.info.name)))
    version = obj.metadata.resource_version
    if version and not version.isdecimal():
        raise Refused(Response(500, "", f"strconv.ParseUint: parsing {go(version)}: invalid syntax"))
    base = obj if version not in {"", "0"} else None
    if base is None and asked.resource.kind.key in CONDITIONAL and server.get(asked.ref) is not None:
        raise Refused(unconditional(asked.ref))
    request = Update(obj, base, asked.info.subresource)
    return _done(server, asked, request, inputs, dry=dry, warnings=warnings)


def _update_scale(server: Server, asked: Asked, inputs: Inputs, *, dry: bool) -> tuple[Server, HttpResponse]:
    body, _ = body_of(asked)
    stored = server.get(asked.ref)
    if stored is None or scale_of(stored) is None:
        response, _ = handle(server, Get(asked.ref), user=asked.user, config=server.config)
        return server, refused(asked, response)
    try:
        obj = scaled(stored, body)
    except BadObject as bad:
        raise Refused(bad_request(str(bad))) from None
    base = obj if obj.metadata.resource_version not in {"", "0"} else None
    return _done(server, asked, Update(obj, base, "scale"), inputs, dry=dry)


def _patch(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    media = asked.http.content_type.partition(";")[0].strip()
    form = FORMATS.get(media)
    if form is None:
        raise Refused(Response(415, "UnsupportedMediaType", "415: Unsupported Media Type"))
    apply = form == "apply"
    check_write(asked.http, "PatchOptions", apply=apply)
    dry = is_dry_run(asked.http, "PatchOptions")
    try:
        body, repeated = parsed(asked.http.body, media)
    except BodyError as error:
        raise Refused(bad_request(f"error decoding {'YAML' if apply else 'patch'}: {error}")) from None
    _check_patch(body, form, asked)
    warnings = warnings_of(asked, (), repeated)
    force = asked.http.option("force") == "true"
    kind = asked.resource.kind if asked.resource.kind.crd else None
    request = Patch(asked.ref, form, freeze(body), asked.info.subresource, manager_of(asked.http), force, kind)  # type: ignore[arg-type]
    if unknown := unknown_in(server, request, inputs.now):
        told = tuple(f'unknown field "{path}"' for path in unknown)
        match asked.http.option("fieldValidation", "Warn"):
            case "Strict":
                raise Refused(wrong_patch(request.body, f"strict decoding error: {', '.join(told)}"))
            case "Warn":
                warnings = (*warnings, *told)
    return _done(server, asked, request, inputs, dry=dry, warnings=warnings)


def _check_patch(body: Any, form: str, asked: Asked) -> None:
    """Refuse what is no patch of its format. Raises Refused."""
    if form == "json":
        if not isinstance(body, list):
            raise Refused(
                bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
            )
        return
    if body is None and form == "merge":
        raise Refused(bad_request("Invalid JSON Patch"))
    if not isinstance(body, dict):
        kinds: dict[type, str] = {list: "array", str: "string", bool: "bool", int: "number", float: "number"}
        what = kinds.get(type(body), "null")
        raise Refused(
            bad_request(
                f"error decoding patch: json: cannot unmarshal {what} into Go value of type map[string]interface {{}}"
            )
        )
    if form != "apply":
        return
    kind, version = body.get("kind"), body.get("apiVersion")
    if not kind or not version:
        raise Refused(bad_request(f"invalid object type: {version or ''}, Kind={kind or ''}"))
    if (kind, version) != (asked.resource.kind.name, asked.info.api_version):
        wanted = f"{asked.info.api_version}, Kind={asked.resource.kind.name}"
        raise Refused(bad_request(f"invalid object type: {version}, Kind={kind}; expected {wanted}"))
    meta = body.get("metadata")
    if not isinstance(meta, dict):
        raise Refused(bad_request("metadata is required"))
    if meta.get("managedFields"):
        raise Refused(bad_request("metadata.managedFields must be nil"))
    if meta.get("name") and meta["name"] != asked.info.name:
        raise Refused(bad_request(another_name(str(meta["name"]), asked.info.name)))
    if meta.get("namespace") and meta["namespace"] != asked.info.namespace:
        raise Refused(bad_request(OTHER_NAMESPACE))


def _delete(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    options = _delete_options(asked)
    dry = is_dry_run(asked.http, "DeleteOptions") or "All" in (options.get("dryRun") or ())
    grace, policy = options.get("gracePeriodSeconds"), str(options.get("propagationPolicy") or "")
    if asked.info.verb == "deletecollection":
        request: AnyRequest = DeleteCollection(asked.selection, grace, policy)
    else:
        conditions = options.get("preconditions") or {}
        uid, version = (str(conditions.get(name) or "") for name in ("uid", "resourceVersion"))
        request = Delete(asked.ref, grace, uid, policy, version)
    warnings = (ORPHANED,) if asked.resource.kind.name == "Job" and not policy else ()
    return _done(server, asked, request, inputs, dry=dry, warnings=warnings)


def _delete_options(asked: Asked) -> Json:
    """Return the options of a deletion: of the body, else of the query. Raises OptionError, Refused."""
    options: Json = {}
    if asked.http.body.strip():
        body, _ = body_of(asked)
        options = body
    if (grace := seconds(asked.http, "gracePeriodSeconds")) is not None:
        options = {**options, "gracePeriodSeconds": grace}
    if policy := asked.http.option("propagationPolicy"):
        options = {**options, "propagationPolicy": policy}
    return _checked_options(options)


def _checked_options(given: Any) -> Json:
    """Return the options of a deletion, with the policy that older fields stand for. Raises OptionError, Refused."""
    if not isinstance(given, dict):
        raise Refused(bad_request("deleteOptions: expected an object"))
    options: Json = given
    for name, shape, said in (("dryRun", list, "a list of strings"), ("preconditions", dict, "an object")):
        if not isinstance(options.get(name) or shape(), shape):
            raise Refused(bad_request(f"{name}: expected {said}"))
    orphans = options.get("orphanDependents")
    if orphans is not None and options.get("propagationPolicy"):
        shown_policy = options["propagationPolicy"]
        detail = "orphanDependents and deletionPropagation cannot be both set"
        raise OptionError("DeleteOptions", invalid("propagationPolicy", shown_policy, detail))
    if orphans is not None:
        options = {**options, "propagationPolicy": "Orphan" if orphans else "Background"}
    if wrong := [value for value in options.get("dryRun") or () if value != "All"]:
        shown_wrong = freeze(wrong)
        raise OptionError(
            "DeleteOptions", not_supported("dryRun", shown_wrong, ("All",), rendered=f"[]string{{{go(wrong[0])}}}")
        )
    grace = options.get("gracePeriodSeconds")
    if grace is not None and (isinstance(grace, bool) or not isinstance(grace, int)):
        raise Refused(bad_request("gracePeriodSeconds: expected an integer"))
    if not isinstance(options.get("preconditions") or {}, dict) or not isinstance(options.get("dryRun") or [], list):
        raise Refused(bad_request("the options of the deletion are malformed"))
    return options


def _done(
    server: Server, asked: Asked, request: AnyRequest, inputs: Inputs, *, dry: bool, warnings: tuple[str, ...] = ()
) -> tuple[Server, HttpResponse]:
    """Let the API server decide, note who owns what, commit it unless it is a dry run, and write the answer."""
    response, transaction = handle(
        server,
        request,
        user=asked.user,
        now=inputs.now,
        suffix=inputs.suffix,
        uid=inputs.uid,
        cluster_ip=inputs.cluster_ip,
        config=evolve(server.config, dry_run=dry),
    )
    if not response.ok:
        if isinstance(request, DeleteCollection):
            server, _ = committed(server, response, transaction)
        return server, refused(asked, response)
    response, transaction = _with_managers(server, asked, request, response, transaction)
    after = server
    if not dry:
        after, response = committed(server, response, transaction)
    told = (*warnings, *_warned(server, asked, response))
    return after, evolve(_written(asked, response, server), warnings=told)


def _warned(before: Server, asked: Asked, response: Response) -> tuple[str, ...]:
    """Return what admission warns of where an object is let in, as a whole."""
    made = response.object
    if made is None or asked.info.subresource or asked.info.verb not in {"create", "update", "patch"}:
        return ()
    old, release = before.get(ref_of(made)), before.config.release
    if isinstance(made, Namespace):
        return pod_security.of_those_there(before, made, old, release) if isinstance(old, Namespace) else ()
    if isinstance(made, Pod) and isinstance(old, Pod) and not pod_security.is_significant(made, old):
        return ()
    return pod_security.warnings(before, made, release)


def _with_managers(
    server: Server, asked: Asked, request: AnyRequest, response: Response, transaction: Transaction
) -> tuple[Response, Transaction]:
    """Note in every object that is written who wrote which field; an apply has done so itself."""
    if isinstance(request, Delete | DeleteCollection) or (isinstance(request, Patch) and request.format == "apply"):
        return response, transaction
    said = _said(request.object) if isinstance(request, Create) else None
    made = {write.ref: _managed(server, asked, write, said) for write in transaction}
    writes = tuple(Write(write.ref, made[write.ref]) for write in transaction)
    changed = response.object
    if changed is not None and made.get(ref_of(changed)) is not None:
        changed = made[ref_of(changed)]
    return evolve(response, object=changed), writes


def _said(obj: Object) -> Object:
    """Return what is created as its maker owns it: with defaults, without the addresses that a Service gets."""
    found = default(obj)
    if isinstance(found, Service) and isinstance(obj, Service):
        fields = ("cluster_ip", "cluster_ips", "ip_families", "ip_family_policy")
        return evolve(found, spec=evolve(found.spec, **{name: getattr(obj.spec, name) for name in fields}))
    return found


def _managed(server: Server, asked: Asked, write: Write, said: Object | None) -> Object | None:
    """Return what is written with its owners. `said` is what a create said: what admission adds is nobody's."""
    obj = write.object
    if obj is None:
        return None
    old = server.get(write.ref)
    before = None if old is None else unstructure(old)
    sub = asked.info.subresource
    wanted = said if said is not None and kind_of(said) == kind_of(obj) and before is None else obj
    fields = tracked(before, unstructure(wanted), kind_of(obj), manager_of(asked.http), asked.now, sub)
    extra = {key: value for key, value in obj.metadata.extra.items() if key != "managedFields"}
    if fields:
        extra["managedFields"] = freeze(fields)
    placed: Any = obj
    return evolve(placed, metadata=evolve(obj.metadata, extra=immutabledict(extra)))  # type: ignore[no-any-return]


def _written(asked: Asked, response: Response, before: Server) -> HttpResponse:
    if response.page is not None:
        return shown_list_of(asked, response.page, {"resourceVersion": str(before.store.revision)})
    if response.object is None:
        there = before.get(asked.ref)
        uid = "" if there is None else there.metadata.uid
        body = deleted(asked.info.name, asked.info.resource, asked.resource.kind.group, uid)
        return HttpResponse(response.code, body, asked.view.content_type)
    if asked.info.subresource == "scale":
        return HttpResponse(response.code, scale_of(response.object), asked.view.content_type)
    return shown_object(asked, response.code, response.object)
