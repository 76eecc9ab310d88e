"""A request on a resource that is served: whose, which object or selection, and how the answer is to look."""

from __future__ import annotations

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...api.kinds import Kind
from ...api.meta import Ref, Time
from ...api.requests import Selection
from ...api.values.selector_text import parse_field_selector, parse_label_selector
from ..access.authentication import User
from ..resources import Resource, kind_named
from ..server import Server
from .http import HttpRequest
from .negotiation import View
from .request_info import RequestInfo


@frozen
class Asked:
    """A request on a resource that is served, and how its answer is to look."""

    http: HttpRequest
    info: RequestInfo
    resource: Resource
    view: View
    user: User
    now: Time

    @property
    def ref(self) -> Ref:
        """The object asked for, by the kind that is stored."""
        return Ref(self.resource.kind.key, self.info.namespace, self.info.name)

    @property
    def stored_kind(self) -> Kind:
        """The kind as it is stored; a custom one in the version asked for, for versions differ in nothing else."""
        kind = self.resource.kind
        return kind if kind.crd else kind_named(kind.name)

    def seen(self, server: Server) -> Server:
        """Return the server as a request on custom resources sees it: all in the version of the request."""
        kind = self.resource.kind
        version = kind.api_version.rpartition("/")[2]
        return evolve(server, seen=immutabledict({kind.crd: version})) if kind.crd else server

    @property
    def selection(self) -> Selection:
        """What a request on a collection is about. Raises SelectorError."""
        labels = parse_label_selector(self.http.option("labelSelector"))
        fields = parse_field_selector(self.http.option("fieldSelector"))
        if self.info.name:
            fields = parse_field_selector(f"metadata.name={self.info.name}")
        namespace = self.info.namespace or None
        return Selection(self.resource.kind.key, namespace, labels, fields)
