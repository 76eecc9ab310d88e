"""Which rules apply to a user in a namespace: what `kubectl auth can-i --list` asks.

Upstream: pkg/registry/authorization/selfsubjectrulesreview/rest.go (v1.32).
"""

from __future__ import annotations

from typing import Any

from ..storage import Storage
from .authentication import User
from .authorization import rules_for


def rules_of(storage: Storage, user: User, namespace: str) -> dict[str, Any]:
    """Return the status of a SelfSubjectRulesReview."""
    found = [rule for _, rules in rules_for(storage, user, namespace) for rule in rules]
    listed = [
        {
            "verbs": list(rule.verbs),
            "apiGroups": list(rule.api_groups),
            "resources": list(rule.resources),
            **({"resourceNames": list(rule.resource_names)} if rule.resource_names else {}),
        }
        for rule in found
    ]
    return {"resourceRules": listed, "nonResourceRules": [], "incomplete": False}
