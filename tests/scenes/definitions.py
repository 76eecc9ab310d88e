"""CustomResourceDefinitions for tests, and a control plane that is asked over HTTP without HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from attrs import define, field

from kubeproof.harness.serve.plane import Plane
from kubeproof.harness.serve.session import answered
from kubeproof.harness.serve.start import fresh
from kubeproof.harness.serve.turns import advance
from kubeproof.impl.apiserver.access.authentication import ADMIN, User
from kubeproof.impl.apiserver.rest.http import HttpRequest

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NOW = 1_700_000_000
Json = dict[str, Any]


def version(schema: Json, name: str = "v1", *, storage: bool = True, **more: Any) -> Json:
    """Return a version of a definition that is served."""
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def definition(*versions: Json, kind: str = "Foo", group: str = "example.com", scope: str = "Namespaced") -> Json:
    """Return a definition whose plural is the kind in lower case with an s."""
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"plural": plural, "kind": kind},
            "scope": scope,
            "versions": list(versions),
        },
    }


def of_spec(spec: Json, **more: Any) -> Json:
    """Return a schema of an object whose spec has these properties."""
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": spec, **more}}}


@define
class Cluster:
    """A control plane that answers requests and takes turns."""

    plane: Plane = field(factory=lambda: fresh(1, NOW, 1))
    now: int = NOW

    def __call__(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        media: str = "application/json",
        user: User = ADMIN,
        **more: Any,
    ) -> Any:
        """Send a request; return the answer."""
        path, _, query = url.partition("?")
        content = b"" if body is None else json.dumps(body).encode()
        http = HttpRequest(method, path, tuple(parse_qsl(query)), content, media, user_agent="test/1", **more)
        self.plane, answer = answered(self.plane, http, user, self.now)
        return answer

    def turn(self) -> None:
        """Let the components go on until nothing more happens."""
        self.now += 1
        self.plane, over = advance(self.plane, self.now)
        assert over

    def define(self, crd: Json) -> Json:
        """Create a definition and wait until it is established; return it."""
        created = self("POST", DEFINITIONS, crd)
        assert created.code == 201, created.body
        self.turn()
        found: Json = self("GET", f"{DEFINITIONS}/{crd['metadata']['name']}").body
        return found
