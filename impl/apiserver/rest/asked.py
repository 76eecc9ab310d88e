"""A request on a resource that is served: whose, which object or selection, and how the answer is to look."""

from __future__ import annotations

from attrs import frozen

from ...api.meta import Ref, Time
from ...api.requests import Selection
from ...api.values.selector_text import parse_field_selector, parse_label_selector
from ..access.authentication import User
from ..resources import Resource
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
        return Ref(self.resource.kind.name, self.info.namespace, self.info.name)

    @property
    def selection(self) -> Selection:
        """What a request on a collection is about. Raises SelectorError."""
        labels = parse_label_selector(self.http.option("labelSelector"))
        fields = parse_field_selector(self.http.option("fieldSelector"))
        if self.info.name:
            fields = parse_field_selector(f"metadata.name={self.info.name}")
        namespace = self.info.namespace or None
        return Selection(self.resource.kind.name, namespace, labels, fields)
