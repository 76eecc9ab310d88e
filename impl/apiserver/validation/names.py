"""What may be a name: DNS subdomains, DNS labels, port names, finalizers; and Kubernetes' words when it may not.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go (v1.32).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address

from ...api.releases import Change
from ...api.values.label_names import DNS_LABEL, SUBDOMAIN, SUBDOMAIN_RULE
from .field_error import FieldError, bad_keys, invalid, required, since

PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
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
DOTS = "must not contain dots"
STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})


def subdomain_errors(text: str) -> list[str]:
    """List what keeps a text from being a DNS subdomain: most objects' names."""
    return _errors(text, SUBDOMAIN, LONG_SUBDOMAIN_RULE, 253)


def label_errors(text: str) -> list[str]:
    """List what keeps a text from being a DNS label: namespaces, containers, volumes."""
    rule = DOTS if re.fullmatch(SUBDOMAIN, text) else LABEL_RULE
    return _errors(text, DNS_LABEL, rule, 63)


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
        old = [invalid(field, name, detail, lifted=Change.PLAIN_SERVICE_NAMES) for detail in dns_1035_errors(name)]
        return old + since([invalid(field, name, detail) for detail in label_errors(name)], Change.PLAIN_SERVICE_NAMES)
    rule = path_segment_errors if kind in NAMED_LAST else RULES.get(kind, subdomain_errors)
    return [invalid(field, name, detail) for detail in rule(name)]


def domain_path_errors(field: str, text: str) -> list[FieldError]:
    """Return what keeps a text from being a path behind a domain: who manages or controls something."""
    domain, _, path = text.partition("/")
    if not text:
        return [required(field)]
    if not domain or not path:
        return [invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    errors = [invalid(field, domain, detail) for detail in subdomain_errors(domain)]
    if not re.fullmatch(PATH, path):
        errors.append(invalid(field, path, f"Invalid path (regex used for validation is '{PATH}')"))
    return errors


def is_address(text: str) -> bool:
    """Tell whether a text is an address of IP."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def path_segment_errors(name: str) -> list[str]:
    """List what keeps a text from being one segment of a path: names of roles and their bindings."""
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in name]


RULES: Mapping[str, Callable[[str], list[str]]] = {
    **dict.fromkeys(("Namespace", "StatefulSet"), label_errors),
    **dict.fromkeys(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), path_segment_errors),
}
"""By kind: what its name has to be; else it is a DNS subdomain."""
NAMED_LAST = frozenset({"Event", "PodDisruptionBudget"})
"""Kinds whose validation leaves out the metadata: these are looked at after it, and a name is a segment of a path."""


def finalizer_errors(field: str, name: str) -> list[FieldError]:
    """Return what is wrong with a finalizer: it is a standard one or has a domain."""
    errors = bad_keys(field, name)
    if "/" not in name and name not in STANDARD_FINALIZERS:
        errors.append(invalid(field, name, "name is neither a standard finalizer name nor is it fully qualified"))
    return errors
