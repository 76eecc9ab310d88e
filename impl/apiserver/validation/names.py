"""What may be a name: DNS subdomains, DNS labels, port names, finalizers; and Kubernetes' words when it may not.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go (v1.32).
"""

from __future__ import annotations

import re

from ...api.values.label_names import DNS_LABEL, SUBDOMAIN, SUBDOMAIN_RULE, key_errors
from .field_error import FieldError, invalid

DNS_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{DNS_LABEL}')"
)
DNS_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    f"and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{DNS_1035}')"
)
LONG_SUBDOMAIN_RULE = f"{SUBDOMAIN_RULE} (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})


def subdomain_errors(text: str) -> list[str]:
    """List what keeps a text from being a DNS subdomain: most objects' names."""
    return _errors(text, SUBDOMAIN, LONG_SUBDOMAIN_RULE, 253)


def label_errors(text: str) -> list[str]:
    """List what keeps a text from being a DNS label: namespaces, containers, volumes."""
    return _errors(text, DNS_LABEL, LABEL_RULE, 63)


def dns_1035_errors(text: str) -> list[str]:
    """List what keeps a text from being a DNS label of the old kind: Services."""
    return _errors(text, DNS_1035, DNS_1035_RULE, 63)


def _errors(text: str, shape: str, rule: str, longest: int) -> list[str]:
    errors = [f"must be no more than {longest} characters"] if len(text) > longest else []
    return errors if re.fullmatch(shape, text) else [*errors, rule]


def port_name_errors(text: str) -> list[str]:
    """List what keeps a text from being the name of a port."""
    errors = ["must be no more than 15 characters"] if len(text) > 15 else []
    if not re.fullmatch("[-a-z0-9]+", text):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        errors.append("must contain at least one letter (a-z)")
    if "--" in text:
        errors.append("must not contain consecutive hyphens")
    if text and (text[0] == "-" or text[-1] == "-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def name_errors(field: str, kind: str, name: str) -> list[FieldError]:
    """Return what is wrong with an object's name, by the rule of its kind."""
    if kind == "Service":
        return [invalid(field, name, detail) for detail in dns_1035_errors(name)]
    if kind == "Namespace":
        return [invalid(field, name, detail) for detail in _dotted(name) or label_errors(name)]
    if kind in {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}:
        return [invalid(field, name, detail) for detail in path_segment_errors(name)]
    return [invalid(field, name, detail) for detail in subdomain_errors(name)]


def _dotted(name: str) -> list[str]:
    return ["must not contain dots"] if "." in name else []


def path_segment_errors(name: str) -> list[str]:
    """List what keeps a text from being one segment of a path: names of roles and their bindings."""
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in name]


def finalizer_errors(field: str, name: str) -> list[FieldError]:
    """Return what is wrong with a finalizer: it is a standard one or has a domain."""
    errors = [invalid(field, name, detail) for detail in key_errors(name)]
    if "/" not in name and name not in STANDARD_FINALIZERS:
        errors.append(invalid(field, name, "name is neither a standard finalizer name nor is it fully qualified"))
    return errors
