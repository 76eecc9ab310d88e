"""The options in a query: what a list, a create, an update, a patch and a delete may be asked, and what they may not.

Upstream: staging/src/k8s.io/apimachinery/pkg/apis/meta/{v1,internalversion}/validation/validation.go (v1.32).
"""

from __future__ import annotations

import re

from ..validation.field_error import FieldError, forbidden, invalid, not_supported, required, too_long
from .http import HttpRequest

LONGEST_MANAGER = 128
VALIDATIONS = ("", "Ignore", "Strict", "Warn")


class OptionError(ValueError):
    """A query that a handler refuses: the kind of its options, and what is wrong."""

    def __init__(self, kind: str, *errors: FieldError) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.kind, self.errors = kind, errors


class VersionError(ValueError):
    """A resourceVersion that is no number: 500 without a reason, as upstream."""


def is_dry_run(request: HttpRequest, kind: str) -> bool:
    """Tell whether nothing is to be stored. Raises OptionError."""
    asked = [value for key, value in request.query if key == "dryRun" and value]
    if any(value != "All" for value in asked):
        listed = ", ".join(f'"{value}"' for value in asked)
        raise OptionError(kind, not_supported("dryRun", "", ("All",), rendered=f"[]string{{{listed}}}"))
    return bool(asked)


def check_write(request: HttpRequest, kind: str, *, apply: bool = False) -> None:
    """Refuse options of a write that make no sense. Raises OptionError."""
    manager, validation = request.option("fieldManager"), request.option("fieldValidation")
    if apply and not manager:
        raise OptionError(kind, required("fieldManager", "is required for apply patch"))
    if kind == "PatchOptions" and not apply and request.option("force"):
        raise OptionError(kind, forbidden("force", "may not be specified for non-apply patch"))
    if len(manager.encode()) > LONGEST_MANAGER:
        raise OptionError(kind, too_long("fieldManager", LONGEST_MANAGER))
    if any(not letter.isprintable() for letter in manager):
        raise OptionError(kind, invalid("fieldManager", manager, "should only contain printable characters"))
    if validation not in VALIDATIONS:
        raise OptionError(kind, not_supported("fieldValidation", validation, VALIDATIONS))


def manager_of(request: HttpRequest) -> str:
    """Return who writes: what the query says, or what the client is called."""
    return request.option("fieldManager") or request.user_agent.partition("/")[0][:LONGEST_MANAGER]


def revision_of(request: HttpRequest) -> int | None:
    """Return the resourceVersion asked for; None where there is none. Raises VersionError."""
    text = request.option("resourceVersion")
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,19}", text, re.ASCII):
        raise VersionError(f"resourceVersion: {invalid('', text, _unparsable(text)).message}")
    return int(text)


def _unparsable(text: str) -> str:
    return f'strconv.ParseUint: parsing "{text}": invalid syntax'


def check_list(request: HttpRequest, revision: int | None) -> None:
    """Refuse options of a list that contradict each other. Raises OptionError."""
    match = request.option("resourceVersionMatch")
    kind = "ListOptions"
    if request.option("sendInitialEvents") and not match:
        detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise OptionError(kind, forbidden("resourceVersionMatch", detail))
    if not match:
        return
    if match not in {"Exact", "NotOlderThan"}:
        raise OptionError(kind, not_supported("resourceVersionMatch", match, ("Exact", "NotOlderThan", "")))
    if revision is None and not request.option("sendInitialEvents"):
        detail = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise OptionError(kind, forbidden("resourceVersionMatch", detail))
    if request.option("continue"):
        raise OptionError(
            kind, forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
        )
    if match == "Exact" and revision == 0:
        detail = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        raise OptionError(kind, forbidden("resourceVersionMatch", detail))


def seconds(request: HttpRequest, name: str) -> int | None:
    """Return a number of seconds; None where there is none, or what stands there is no number."""
    text = request.option(name)
    return int(text) if re.fullmatch("-?[0-9]{1,9}", text, re.ASCII) else None
