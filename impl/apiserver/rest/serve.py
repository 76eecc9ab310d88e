"""The funnel of HTTP: who asks, for which resource, by which verb; and the answer.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{create,get,update,patch,delete}.go (v1.32).
Left out on purpose: flow control, audit.

The server that comes back holds what was written; whoever calls keeps it before the answer goes out.
"""

from __future__ import annotations

from attrs import evolve

from ...api.meta import Ref
from ...api.releases import Release
from ...api.requests import Response
from ...api.values.selector_text import SelectorError
from ..access.authentication import ALL_AUTHENTICATED, User
from ..access.authorization import Attributes, allowed
from ..custom.definition import established, resource_at
from ..custom.kind import ServedKind
from ..resources import Resource, resources
from ..server import Server
from ..status import bad_request, forbidden, invalid_options_of, unauthorized
from ..validation.field_error import as_told
from ..verbs.create import Inputs
from ..verbs.read import unknown_field
from . import discovery
from .asked import Asked
from .http import TEXT, HttpRequest, HttpResponse, WatchResponse
from .negotiation import NotAcceptableError, view_of
from .options import OptionError, VersionError
from .reading import answer_read
from .render import failure
from .request_info import RequestInfo, request_info
from .writing import answer_write

NOT_FOUND = Response(404, "NotFound", "the server could not find the requested resource")
NOT_ALLOWED = Response(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
NOTHING_RUNS = Response(501, "NotImplemented", "not supported: no containers run here, Pods are simulated")
STREAMED = frozenset({"attach", "exec", "log", "portforward", "proxy", "token", "approval", "resize"})
"""Subresources that discovery lists and that need what is not here: containers, a network, keys."""
READS = frozenset({"get", "list", "watch"})
Answer = HttpResponse | WatchResponse


def serve(server: Server, http: HttpRequest, user: User | None, inputs: Inputs) -> tuple[Server, Answer]:
    """Answer one request: every outcome is an answer, nothing is raised."""
    if user is None:
        return server, failure(unauthorized())
    if http.impersonated is not None:
        wanted = _impersonated(server, http.impersonated, user)
        if isinstance(wanted, Response):
            return server, failure(wanted)
        user = wanted
    info = request_info(http.method, http.path, watch=http.option("watch") in {"true", "1"})
    if info is None:
        if http.method not in {"GET", "HEAD"}:
            return server, failure(NOT_ALLOWED)
        return server, discovery.answer(http, user, server)
    resource = resources().get((info.api_version, info.resource))
    if resource is None:
        resource = resource_at(server, info.api_version, info.resource)
    if refusal := _unserved(http, info, resource, user, server):
        return server, refusal
    assert resource is not None  # noqa: S101 - what is not served was refused
    if refused := _unauthorised(server, info, resource, user):
        return server, failure(refused, kind=info.resource, name=info.name)
    if info.subresource in STREAMED:
        return server, failure(NOTHING_RUNS)
    try:
        view = view_of(http.accept, http.option("includeObject", "Metadata"))
        asked = Asked(http, info, resource, view, user, inputs.now)
        return _seen(server, asked, inputs)
    except NotAcceptableError as error:
        return server, failure(Response(406, "NotAcceptable", str(error)))
    except SelectorError as error:
        return server, failure(bad_request(str(error)))
    except VersionError as error:
        return server, failure(Response(500, "", str(error)))
    except OptionError as error:
        return server, failure(_bad_options(error, server.config.release))


def _impersonated(server: Server, wanted: User, user: User) -> User | Response:
    """Return whom a user may act as: every name needs the right to impersonate it."""
    names = (("users", wanted.name), *(("groups", group) for group in wanted.groups))
    for resource, name in names:
        decision = allowed(server, user, Attributes("impersonate", "", resource, name=name))
        if not decision.allowed:
            return Response(403, "Forbidden", f'{resource} "{name}" is forbidden: {decision.reason}')
    return User(wanted.name, (*wanted.groups, ALL_AUTHENTICATED))


def _selectable(asked: Asked) -> tuple[str, ...]:
    kind = asked.resource.kind
    return kind.selectable if isinstance(kind, ServedKind) else ()


def _seen(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, Answer]:
    """Answer a request on a custom resource, all of whose objects are seen in the version of the request."""
    kind = asked.resource.kind
    after, answer = _dispatched(asked.seen(server), asked, inputs)
    if isinstance(kind, ServedKind) and kind.warning and isinstance(answer, HttpResponse):
        answer = evolve(answer, warnings=(kind.warning, *answer.warnings))
    return evolve(after, seen=server.seen), answer


def _dispatched(server: Server, asked: Asked, inputs: Inputs) -> tuple[Server, Answer]:
    if asked.info.verb in {"list", "watch", "deletecollection"} and (
        field := unknown_field(asked.selection, _selectable(asked))
    ):
        kind = asked.resource.kind
        known = '"metadata.name", "metadata.namespace"' if kind.namespaced else '"metadata.name"'
        return server, failure(bad_request(f'"{field}" is not a known field selector: only {known}'))
    if asked.info.verb in READS:
        return server, answer_read(server, asked)
    return answer_write(server, asked, inputs)


def _unserved(
    http: HttpRequest, info: RequestInfo, resource: Resource | None, user: User, server: Server
) -> HttpResponse | None:
    """Refuse a resource that is not served, in a place where it is not, or a verb that it does not have."""
    if resource is None:
        known = {version for version, _ in resources()}
        custom = (
            version.kind.api_version for found in established(server) for version in found.versions if version.served
        )
        return failure(NOT_FOUND) if info.api_version in {*known, *custom} else discovery.answer(http, user, server)
    if info.rest or (info.namespace and not resource.kind.namespaced):
        return failure(NOT_FOUND)
    if info.name and resource.kind.namespaced and not info.namespace:
        return failure(NOT_FOUND)
    if info.subresource and info.subresource not in resource.subresources:
        return failure(NOT_FOUND)
    verbs = resource.subresources[info.subresource] if info.subresource else resource.verbs
    posts_to_name = info.verb == "create" and info.name and not info.subresource
    everywhere = not info.namespace and resource.kind.namespaced and info.verb in {"create", "deletecollection"}
    wants_name = info.verb in {"update", "patch"} and not info.name
    if info.verb not in verbs or posts_to_name or wants_name or everywhere:
        return failure(NOT_ALLOWED) if http.method != "HEAD" else HttpResponse(405, "", TEXT)
    return None


def _unauthorised(server: Server, info: RequestInfo, resource: Resource, user: User) -> Response | None:
    """Ask the authorizers before anything of the body is read."""
    if not server.config.authorize:
        return None
    asked = Attributes(info.verb, resource.kind.group, info.resource, info.subresource, info.namespace, info.name)
    decision = allowed(server, user, asked)
    if decision.allowed:
        return None
    return forbidden(Ref(resource.kind.key, info.namespace, info.name), decision.reason)


def _bad_options(error: OptionError, release: Release) -> Response:
    return invalid_options_of(error.kind, as_told(error.errors, release))
