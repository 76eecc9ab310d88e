"""Questions that are asked by creating an object: who am I, may I do that, may somebody else.

Upstream: pkg/registry/authentication/selfsubjectreview, pkg/registry/authorization/{self,}subjectaccessreview (v1.32).
"""

from __future__ import annotations

from typing import Any

from ...api.meta import Time
from ...api.values.timestamps import format_time
from ..access.authentication import User
from ..access.authorization import Attributes, allowed
from ..access.rules import rules_of
from ..storage import Storage

Json = dict[str, Any]
REVIEWS = frozenset(
    {
        "selfsubjectreviews",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "subjectaccessreviews",
        "localsubjectaccessreviews",
    }
)


def review(storage: Storage, user: User, resource: str, body: Json, now: Time) -> Json:
    """Return the question with the answer in its status."""
    spec = body.get("spec") if isinstance(body.get("spec"), dict) else {}
    assert isinstance(spec, dict)  # noqa: S101 - the line above
    match resource:
        case "selfsubjectreviews":
            meta = {"creationTimestamp": format_time(now)}
            info = {"username": user.name, "groups": list(user.groups)}
            return {**body, "metadata": meta, "status": {"userInfo": info}}
        case "selfsubjectrulesreviews":
            return {**body, "status": rules_of(storage, user, str(spec.get("namespace") or ""))}
        case "selfsubjectaccessreviews":
            return {**body, "spec": spec, "status": _decided(storage, user, spec)}
        case _:
            groups = tuple(str(group) for group in spec.get("groups") or ())
            return {**body, "spec": spec, "status": _decided(storage, User(str(spec.get("user") or ""), groups), spec)}


def _decided(storage: Storage, user: User, spec: Json) -> Json:
    asked = spec.get("resourceAttributes")
    if not isinstance(asked, dict):
        is_master = allowed(storage, user, Attributes("*", "*", "*")).allowed
        return {"allowed": is_master}
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    decision = allowed(storage, user, Attributes(*(str(asked.get(name) or "") for name in names)))
    if not decision.allowed:
        return {"allowed": False}
    return {"allowed": True, "reason": f"RBAC: allowed by {decision.reason}"}
