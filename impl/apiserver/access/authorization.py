"""Authorisation: may this user do this? Node and RBAC, asked in that order; nobody may unless somebody says so.

Upstream: plugin/pkg/auth/authorizer/{node,rbac} and pkg/apis/rbac/v1/evaluation_helpers.go (v1.32).
Left out on purpose: non-resource URLs, aggregation, escalation checks, the Node authorizer's graph of secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ...api.meta import Ref
from ...api.policy import PolicyRule, Role, RoleBinding, Subject
from ..resources import kind_named
from ..storage import Storage
from .authentication import ALL_AUTHENTICATED, MASTERS, NODES, User
from .bootstrap import AUTHENTICATED_RULES, MASTERS_RULES, NODE_RULES, USER_RULES


@frozen
class Attributes:
    """What is asked for: a verb on a resource (with subresource) of a group, in a namespace, by name."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @classmethod
    def of(cls, verb: str, ref: Ref, subresource: str = "") -> Attributes:
        """Describe a request on one object."""
        kind = kind_named(ref.kind)
        return cls(verb, kind.group, kind.plural, subresource, ref.namespace, ref.name)


@frozen
class Decision:
    """Whether it is allowed, and by what (or, when it is not, why not, in Kubernetes' words)."""

    allowed: bool
    reason: str


def allowed(storage: Storage, user: User, asked: Attributes) -> Decision:
    """Decide. Built-in roles are asked first, so that a component of the cluster costs no read of the storage."""
    for source, rules in rules_for(storage, user, asked.namespace):
        if any(matches(rule, asked) for rule in rules):
            return Decision(allowed=True, reason=source)
    return Decision(allowed=False, reason=_refusal(user, asked))


def rules_for(storage: Storage, user: User, namespace: str) -> Iterator[tuple[str, Iterable[PolicyRule]]]:
    """Yield the rules that apply to the user there, with where each set comes from."""
    if MASTERS in user.groups:
        yield "cluster-admin", MASTERS_RULES
    if NODES in user.groups and user.name.startswith("system:node:"):
        yield "system:node", NODE_RULES
    if user.name in USER_RULES:
        yield f"built-in role of {user.name}", USER_RULES[user.name]
    if ALL_AUTHENTICATED in user.groups:
        yield "system:basic-user", AUTHENTICATED_RULES
    for binding in _bindings(storage, "ClusterRoleBinding", None):
        if any(_covers(subject, user, "") for subject in binding.subjects):
            yield f"ClusterRoleBinding {binding.metadata.name}", _role(storage, binding, "")
    if namespace:
        for binding in _bindings(storage, "RoleBinding", namespace):
            if any(_covers(subject, user, namespace) for subject in binding.subjects):
                yield f"RoleBinding {namespace}/{binding.metadata.name}", _role(storage, binding, namespace)


def _bindings(storage: Storage, kind: str, namespace: str | None) -> tuple[RoleBinding, ...]:
    return tuple(obj for obj in storage.list(kind, namespace) if isinstance(obj, RoleBinding))


def _role(storage: Storage, binding: RoleBinding, namespace: str) -> tuple[PolicyRule, ...]:
    """Return the rules of the role a binding names; a role that is not there grants nothing."""
    place = namespace if binding.role_ref.kind == "Role" else ""
    if binding.role_ref.kind == "Role" and not namespace:
        return ()
    role = storage.get(Ref(binding.role_ref.kind, place, binding.role_ref.name))
    return role.rules if isinstance(role, Role) else ()


def _covers(subject: Subject, user: User, namespace: str) -> bool:
    """Tell whether a binding's subject is the user; a service account without a namespace is the binding's own."""
    match subject.kind:
        case "User":
            return subject.name == user.name
        case "Group":
            return subject.name in user.groups
        case "ServiceAccount":
            place = subject.namespace or namespace
            return bool(place) and user.name == f"system:serviceaccount:{place}:{subject.name}"
        case _:
            return False


def matches(rule: PolicyRule, asked: Attributes) -> bool:
    """Tell whether a rule covers a request: verb, group, resource and, when it lists names, the name."""
    return (
        _listed(rule.verbs, asked.verb)
        and _listed(rule.api_groups, asked.group)
        and _resource_matches(rule, asked)
        and (not rule.resource_names or asked.name in rule.resource_names)
    )


def _listed(choices: tuple[str, ...], wanted: str) -> bool:
    return "*" in choices or wanted in choices


def _resource_matches(rule: PolicyRule, asked: Attributes) -> bool:
    """`pods` does not cover `pods/status`; `*/status` covers every kind's status; `*` covers everything."""
    if not asked.subresource:
        return _listed(rule.resources, asked.resource)
    combined = f"{asked.resource}/{asked.subresource}"
    return _listed(rule.resources, combined) or f"*/{asked.subresource}" in rule.resources


def _refusal(user: User, asked: Attributes) -> str:
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    return f'User "{user.name}" cannot {asked.verb} resource "{resource}" in API group "{asked.group}" {scope}'
