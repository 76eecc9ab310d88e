"""Each verb on a resource: from what the client sent to a request of the API server, and from its answer to a body."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.kinds import BY_NAME, Object, ref_of
from ...api.reading.convert import BadObject, unstructure
from ...api.requests import (
    AnyRequest,
    Create,
    Delete,
    DeleteCollection,
    Get,
    List,
    Page,
    Patch,
    Response,
    Update,
    Watch,
)
from ...api.values.frozen import freeze
from ..create import Inputs
from ..decode import decoded
from ..handler import handle
from ..managed.track import tracked
from ..resources import kind_named
from ..scale import scale_of, scaled
from ..server import Server, committed
from ..status import bad_request, conflict
from ..storage import Transaction, Write
from ..validation.field_error import invalid
from .asked import Asked
from .body import BodyError, parsed
from .http import JSON, HttpResponse, WatchResponse
from .options import OptionError, check_list, check_write, is_dry_run, manager_of, revision_of, seconds
from .reads import page_at, token_of, too_large
from .render import deleted, failure, shown, shown_list, success
from .reviews import REVIEWS, review
from .versions import stored as as_stored

Json = dict[str, Any]
FORMATS = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
BODIES = frozenset({"application/json", "application/yaml", ""})
MEDIA = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
UNKNOWN_FORMAT = f"the body of the request was in an unknown format - accepted media types include: {MEDIA}"


class Refused(Exception):  # noqa: N818 - it carries the answer
    """A request is refused before the API server sees it."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.message)
        self.response = response


# --- reads --------------------------------------------------------------------------------------------------------


def answer_read(server: Server, asked: Asked) -> HttpResponse | WatchResponse:
    """Answer a get, a list or a watch. Raises OptionError, VersionError, SelectorError."""
    match asked.info.verb:
        case "get":
            return _got(server, asked)
        case "list":
            return _listed(server, asked)
        case _:
            return _watched(server, asked)


def _got(server: Server, asked: Asked) -> HttpResponse:
    revision = revision_of(asked.http)
    if revision is not None and revision > server.store.revision:
        return _refused(asked, too_large(revision, server.store.revision))
    response, _ = handle(server, Get(asked.ref, asked.info.subresource), user=asked.user, config=server.config)
    found = response.object
    if found is None:
        return _refused(asked, response)
    if asked.view.shown_as == "PartialObjectMetadataList":
        return _refused(asked, _not_as(asked, "PartialObjectMetadataList", "not a list", ""))
    if asked.info.subresource == "scale":
        return HttpResponse(200, scale_of(found), asked.view.content_type)
    return _object(asked, 200, found)


def _listed(server: Server, asked: Asked) -> HttpResponse:
    if asked.view.shown_as == "PartialObjectMetadata":
        return _refused(asked, _not_as(asked, "PartialObjectMetadata", "a list", "List"))
    at = page_at(server, asked.http)
    if isinstance(at, Response):
        return _refused(asked, at)
    view, limit, after = at
    response, _ = handle(view, List(asked.selection, limit, after), user=asked.user, config=server.config)
    if response.page is None:
        return _refused(asked, response)
    page, revision = response.page, view.store.revision
    meta: Json = {"resourceVersion": str(revision)}
    if page.next:
        meta["continue"] = token_of(revision, page.next)
        if not (asked.selection.labels.requirements or asked.selection.fields.terms):
            meta["remainingItemCount"] = page.remaining
    return _list(asked, page, meta)


def _watched(server: Server, asked: Asked) -> HttpResponse | WatchResponse:
    revision = revision_of(asked.http)
    check_list(asked.http, revision)
    allowed_to, _ = handle(server, Watch(asked.selection), user=asked.user, config=server.config)
    if not allowed_to.ok:
        return _refused(asked, allowed_to)
    initial = asked.http.option("sendInitialEvents") in {"true", "1"}
    return WatchResponse(
        asked.selection,
        revision or server.store.revision,
        asked,
        bookmarks=asked.http.option("allowWatchBookmarks") in {"true", "1"},
        initial=initial or not revision,
        timeout=seconds(asked.http, "timeoutSeconds"),
    )


def _not_as(asked: Asked, form: str, what: str, suffix: str) -> Response:
    message = f"you requested {form}, but the requested object is {what} (*{asked.resource.kind.name}{suffix})"
    return Response(406, "NotAcceptable", message)


# --- writes -------------------------------------------------------------------------------------------------------


def answer_write(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    """Answer a create, an update, a patch or a delete. Raises OptionError, SelectorError."""
    try:
        match asked.info.verb:
            case "create" if asked.info.resource in REVIEWS:
                body, _ = _body(asked)
                answer = review(server, asked.user, asked.info.resource, _typed(body, asked), asked.now)
                return server, HttpResponse(201, answer, asked.view.content_type)
            case "create":
                return _create(server, asked, inputs)
            case "update":
                return _update(server, asked, inputs)
            case "patch":
                return _patch(server, asked, inputs)
            case _:
                return _delete(server, asked, inputs)
    except Refused as refused:
        return server, _refused(asked, refused.response)


def _create(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    check_write(asked.http, "CreateOptions")
    dry = is_dry_run(asked.http, "CreateOptions")
    if asked.info.subresource:
        return _post_to_name(server, asked, inputs, dry=dry)
    obj, warnings = _object_of(asked)
    return _done(server, asked, Create(obj), inputs, dry=dry, warnings=warnings)


def _post_to_name(server: Server, asked: Asked, inputs: Inputs, *, dry: bool) -> tuple[Server, HttpResponse]:
    """Create a Binding or an Eviction of the Pod that the URL names."""
    body, _ = _body(asked)
    kind = "Binding" if asked.info.subresource == "binding" else "Eviction"
    meta = body.get("metadata") if isinstance(body.get("metadata"), dict) else {}
    if kind == "Eviction" and (not isinstance(meta, dict) or meta.get("name") != asked.info.name):
        raise Refused(bad_request("name in URL does not match name in Eviction object"))
    placed = {**(meta or {}), "name": asked.info.name, "namespace": asked.info.namespace}
    options = body.get("deleteOptions") if isinstance(body.get("deleteOptions"), dict) else {}
    grace = (options or {}).get("gracePeriodSeconds")
    found = {**body, "metadata": placed} | ({"gracePeriodSeconds": grace} if kind == "Eviction" else {})
    dry = dry or "All" in ((options or {}).get("dryRun") or ())
    obj = decoded(found, BY_NAME[kind])[0]
    response, transaction = handle(server, Create(obj), user=asked.user, now=inputs.now, config=server.config)
    if not response.ok:
        return server, _refused(asked, response)
    server, _ = (server, response) if dry else committed(server, response, transaction)
    return server, HttpResponse(201, {**success(), "code": 201}, asked.view.content_type)


def _update(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    check_write(asked.http, "UpdateOptions")
    dry = is_dry_run(asked.http, "UpdateOptions")
    if asked.info.subresource == "scale":
        return _update_scale(server, asked, inputs, dry=dry)
    obj, warnings = _object_of(asked)
    name = obj.metadata.name
    if name != asked.info.name:
        raise Refused(bad_request(_another_name(name, asked.info.name)))
    base = obj if obj.metadata.resource_version not in {"", "0"} else None
    request = Update(obj, base, asked.info.subresource)
    return _done(server, asked, request, inputs, dry=dry, warnings=warnings)


def _another_name(name: str, wanted: str) -> str:
    if not name:
        return f"the name of the object ({wanted} based on URL) was undeterminable: name must be provided"
    return f"the name of the object ({name}) does not match the name on the URL ({wanted})"


def _update_scale(server: Server, asked: Asked, inputs: Inputs, *, dry: bool) -> tuple[Server, HttpResponse]:
    body, _ = _body(asked)
    stored = server.get(asked.ref)
    if stored is None or scale_of(stored) is None:
        response, _ = handle(server, Get(asked.ref), user=asked.user, config=server.config)
        return server, _refused(asked, response)
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
    warnings = _strict(asked, (), repeated)
    force = asked.http.option("force") == "true"
    request = Patch(asked.ref, form, freeze(body), asked.info.subresource, manager_of(asked.http), force)  # type: ignore[arg-type]
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
    if meta.get("name") not in {None, "", asked.info.name}:
        raise Refused(bad_request(_another_name(str(meta["name"]), asked.info.name)))
    if meta.get("namespace") not in {None, "", asked.info.namespace}:
        raise Refused(bad_request(OTHER_NAMESPACE))


def _delete(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, HttpResponse]:
    options = _delete_options(asked)
    dry = is_dry_run(asked.http, "DeleteOptions") or "All" in (options.get("dryRun") or ())
    grace, policy = options.get("gracePeriodSeconds"), str(options.get("propagationPolicy") or "")
    if asked.info.verb == "deletecollection":
        request: AnyRequest = DeleteCollection(asked.selection, grace, policy)
    else:
        conditions = options.get("preconditions") or {}
        request = Delete(asked.ref, grace, str(conditions.get("uid") or ""), policy)
        version, there = conditions.get("resourceVersion"), server.get(asked.ref)
        if version and there is not None and there.metadata.resource_version != version:
            detail = (
                f"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: "
            )
            raise Refused(conflict(asked.ref, detail + there.metadata.resource_version))
    return _done(server, asked, request, inputs, dry=dry)


def _delete_options(asked: Asked) -> Json:
    """Return the options of a deletion: of the body, else of the query. Raises OptionError, Refused."""
    options: Json = {}
    if asked.http.body.strip():
        body, _ = _body(asked)
        options = body
    if (grace := seconds(asked.http, "gracePeriodSeconds")) is not None:
        options = {**options, "gracePeriodSeconds": grace}
    if policy := asked.http.option("propagationPolicy"):
        options = {**options, "propagationPolicy": policy}
    orphans = options.get("orphanDependents")
    if orphans is not None and options.get("propagationPolicy"):
        shown_policy = options["propagationPolicy"]
        detail = "orphanDependents and deletionPropagation cannot be both set"
        raise OptionError("DeleteOptions", invalid("propagationPolicy", shown_policy, detail))
    if orphans is not None:
        options = {**options, "propagationPolicy": "Orphan" if orphans else "Background"}
    grace = options.get("gracePeriodSeconds")
    if grace is not None and (isinstance(grace, bool) or not isinstance(grace, int)):
        raise Refused(bad_request("gracePeriodSeconds: expected an integer"))
    if not isinstance(options.get("preconditions") or {}, dict) or not isinstance(options.get("dryRun") or [], list):
        raise Refused(bad_request("the options of the deletion are malformed"))
    return options


# --- bodies -------------------------------------------------------------------------------------------------------

OTHER_NAMESPACE = "the namespace of the provided object does not match the namespace sent on the request"


def _body(asked: Asked) -> tuple[Json, tuple[str, ...]]:
    """Return the JSON of a body, and what stands in it twice. Raises Refused."""
    media = asked.http.content_type.partition(";")[0].strip()
    if media not in BODIES:
        raise Refused(Response(415, "UnsupportedMediaType", UNKNOWN_FORMAT))
    try:
        found, repeated = parsed(asked.http.body, media or JSON)
    except BodyError as error:
        text = asked.http.body.decode(errors="replace")[:256] or "<empty>"
        must = f"the object provided is unrecognized (must be of type {asked.resource.kind.name})"
        raise Refused(bad_request(f"{must}: couldn't get version/kind; json parse error: {error} ({text})")) from None
    if not isinstance(found, dict):
        raise Refused(bad_request("couldn't get version/kind; json parse error: the body is no object"))
    return found, repeated


def _typed(body: Json, asked: Asked) -> Json:
    """Return a body with its kind, which may be left out; refuse another one. Raises Refused."""
    kind, version = body.get("kind") or asked.resource.kind.name, body.get("apiVersion") or asked.info.api_version
    if (kind, version) != (asked.resource.kind.name, asked.info.api_version):
        message = (
            f"{kind} in version {version!r} cannot be handled as a {asked.resource.kind.name}: "
            f"expected {asked.info.api_version}, Kind={asked.resource.kind.name}"
        )
        raise Refused(bad_request(message.replace("'", '"')))
    return {**body, "kind": kind, "apiVersion": version}


def _object_of(asked: Asked) -> tuple[Object, tuple[str, ...]]:
    """Return the object in a body, in the namespace of the URL, and warnings. Raises Refused."""
    body, repeated = _body(asked)
    typed = as_stored(_typed(body, asked), asked.info.api_version)
    kind = kind_named(asked.resource.kind.name)
    try:
        obj, unknown = decoded(typed, kind)
    except BadObject as bad:
        name = asked.resource.kind.name
        where = f'{name} in version "{asked.info.api_version.rpartition("/")[2]}" cannot be handled as a {name}'
        errors = "; ".join(f"json: {one}" if one.path else one.message.removeprefix(f"{where}: ") for one in bad.errors)
        raise Refused(bad_request(f"{where}: {errors}")) from None
    warnings = _strict(asked, unknown, repeated)
    namespace = obj.metadata.namespace
    if namespace and namespace != asked.info.namespace:
        raise Refused(bad_request(OTHER_NAMESPACE))
    placed: Any = obj
    return evolve(placed, metadata=evolve(obj.metadata, namespace=asked.info.namespace)), warnings


def _strict(asked: Asked, unknown: tuple[str, ...], repeated: tuple[str, ...]) -> tuple[str, ...]:
    """Return what there is to warn of; refuse it where the client asked for that. Raises Refused."""
    found = (*(f'duplicate field "{path}"' for path in repeated), *(f'unknown field "{path}"' for path in unknown))
    match asked.http.option("fieldValidation", "Warn"):
        case "Strict" if found:
            name = asked.resource.kind.name
            version = asked.info.api_version.rpartition("/")[2]
            where = f'{name} in version "{version}" cannot be handled as a {name}'
            raise Refused(bad_request(f"{where}: strict decoding error: {', '.join(found)}"))
        case "Ignore":
            return ()
        case _:
            return found


# --- answers ------------------------------------------------------------------------------------------------------


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
        config=server.config,
    )
    if not response.ok:
        if isinstance(request, DeleteCollection):
            server, _ = committed(server, response, transaction)
        return server, _refused(asked, response)
    response, transaction = _with_managers(server, asked, request, response, transaction)
    after = server
    if not dry:
        after, response = committed(server, response, transaction)
    return after, evolve(_written(asked, response, server), warnings=warnings)


def _with_managers(
    server: Server, asked: Asked, request: AnyRequest, response: Response, transaction: Transaction
) -> tuple[Response, Transaction]:
    """Note in every object that is written who wrote which field; an apply has done so itself."""
    if isinstance(request, Delete | DeleteCollection) or (isinstance(request, Patch) and request.format == "apply"):
        return response, transaction
    made = {write.ref: _managed(server, asked, write) for write in transaction}
    writes = tuple(Write(write.ref, made[write.ref]) for write in transaction)
    shown_object = response.object
    if shown_object is not None and made.get(ref_of(shown_object)) is not None:
        shown_object = made[ref_of(shown_object)]
    return evolve(response, object=shown_object), writes


def _managed(server: Server, asked: Asked, write: Write) -> Object | None:
    obj = write.object
    if obj is None:
        return None
    old = server.get(write.ref)
    before = None if old is None else unstructure(old)
    sub = asked.info.subresource
    fields = tracked(before, unstructure(obj), manager_of(asked.http), asked.now, sub)
    extra = {key: value for key, value in obj.metadata.extra.items() if key != "managedFields"}
    if fields:
        extra["managedFields"] = freeze(fields)
    placed: Any = obj
    return evolve(placed, metadata=evolve(obj.metadata, extra=immutabledict(extra)))  # type: ignore[no-any-return]


def _written(asked: Asked, response: Response, before: Server) -> HttpResponse:
    if response.page is not None:
        return _list(asked, response.page, {"resourceVersion": str(before.store.revision)})
    if response.object is None:
        there = before.get(asked.ref)
        uid = "" if there is None else there.metadata.uid
        body = deleted(asked.info.name, asked.info.resource, asked.resource.kind.group, uid)
        return HttpResponse(response.code, body, asked.view.content_type)
    if asked.info.subresource == "scale":
        return HttpResponse(response.code, scale_of(response.object), asked.view.content_type)
    return _object(asked, response.code, response.object)


def _object(asked: Asked, code: int, obj: Object) -> HttpResponse:
    body = shown(obj, asked.resource, asked.info.api_version, asked.view, asked.now)
    return HttpResponse(code, body, asked.view.content_type)


def _list(asked: Asked, page: Page, meta: Json) -> HttpResponse:
    body = shown_list(page.objects, asked.resource, asked.info.api_version, meta, asked.view, asked.now)
    return HttpResponse(200, body, asked.view.content_type)


def _refused(asked: Asked, response: Response) -> HttpResponse:
    kind = asked.resource.kind
    return failure(response, name=asked.info.name, kind=kind.plural, group=kind.group)
