"""IntOrString as a number or a percentage of a total: maxSurge, maxUnavailable, minAvailable.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/intstr/intstr.go (v1.32), GetScaledValueFromIntOrPercent.
Left out on purpose: the deprecated reading that takes "5" for 5.
"""

from __future__ import annotations

import math
import re

from . import int64

INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)


class IntOrPercentError(ValueError):
    """Text that is no percentage; the message is Kubernetes' own."""


def scaled_value(value: int | str, total: int, *, round_up: bool) -> int:
    """Return a number as it is, and a percentage as that part of a total, rounded up or down.

    Raise IntOrPercentError on a string that is no percentage ("5", "1.5%"). A percentage may be negative or above 100.
    """
    if isinstance(value, int):
        return value
    part = float(percentage(value)) * float(total) / 100
    return math.ceil(part) if round_up else math.floor(part)


def percentage(text: str) -> int:
    """Read "25%" as 25, or raise IntOrPercentError in Kubernetes' words."""
    if not text.endswith("%"):
        raise IntOrPercentError("invalid value for IntOrString: invalid type: string is not a percentage")
    digits = text.removesuffix("%")
    complaint = f'invalid value for IntOrString: invalid value "{text}": strconv.Atoi: parsing "{digits}": '
    if not INTEGER.fullmatch(digits):
        raise IntOrPercentError(f"{complaint}invalid syntax")
    if not int64.fits(int(digits)):
        raise IntOrPercentError(f"{complaint}value out of range")
    return int(digits)
