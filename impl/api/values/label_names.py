"""What may be a label's key and value, and how Kubernetes words it when it may not.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go (v1.32): IsQualifiedName, IsValidLabelValue.
"""

from __future__ import annotations

import re

from ..releases import OLDEST, Change, Release

NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
KEY_EXAMPLES = ("MyName", "my.name", "123-abc")
VALUE_EXAMPLES = ("MyValue", "my_value", "12345")


def key_errors(key: str, release: Release = OLDEST) -> tuple[str, ...]:
    """List what is wrong with a label key, in a release's words; nothing if it is a qualified name."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        kind = "a valid label key" if Change.LABEL_KEY_WORDS in release else "a qualified name"
        rule = _rule(f"{kind} {NAME_RULE}", NAME, KEY_EXAMPLES)
        return (f"{rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",)
    errors = [f"prefix part {error}" for error in _prefix_errors(prefix, release)] if slash else []
    if not name:
        errors.append("name part must be non-empty")
    elif len(name) > 63:
        errors.append(f"name part must be no more than 63 {_unit(release)}")
    if not re.fullmatch(NAME, name):
        errors.append(f"name part {_rule(NAME_RULE, NAME, KEY_EXAMPLES)}")
    return tuple(errors)


def value_errors(value: str, release: Release = OLDEST) -> tuple[str, ...]:
    """List what is wrong with a label value, in a release's words; nothing if it may be one."""
    errors = [f"must be no more than 63 {_unit(release)}"] if len(value) > 63 else []
    if not re.fullmatch(f"({NAME})?", value):
        errors.append(
            _rule(
                f"a valid label must be an empty string or {NAME_RULE.removeprefix('must ')}",
                f"({NAME})?",
                VALUE_EXAMPLES,
            )
        )
    return tuple(errors)


def _unit(release: Release) -> str:
    return "bytes" if Change.LABEL_KEY_WORDS in release else "characters"


def _prefix_errors(prefix: str, release: Release) -> list[str]:
    if not prefix:
        return ["must be non-empty"]
    errors = [f"must be no more than 253 {_unit(release)}"] if len(prefix) > 253 else []
    if not re.fullmatch(SUBDOMAIN, prefix):
        errors.append(_rule(SUBDOMAIN_RULE, SUBDOMAIN, ("example.com",)))
    return errors


def _rule(rule: str, shape: str, examples: tuple[str, ...]) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{shape}')"
