"""Go's int64: what its arithmetic answers when a number does not fit.

Upstream: the Go specification, and staging/src/k8s.io/apimachinery/pkg/api/resource/{math,scale_int}.go (v1.32).
Kubernetes' quantities overflow silently, and controllers act on what comes out; so the overflow is part of the
decision.
Left out on purpose: every other width.
"""

from __future__ import annotations

MAX = 2**63 - 1
MIN = -(2**63)

SHORT_CUTS = frozenset({1, 2, 3, 6, 9})
"""Powers of ten Kubernetes multiplies by in one go: on overflow the wrapped product is kept, elsewhere it becomes 0."""


def wrap(number: int) -> int:
    """Keep the low 64 bits, as a signed number."""
    return (number + 2**63) % 2**64 - 2**63


def fits(number: int) -> bool:
    """Tell whether a number is an int64."""
    return MIN <= number <= MAX


def scale_up(number: int, power: int) -> tuple[int, bool]:
    """Multiply an int64 by ten to a power >= 0: what is returned, and whether it fitted."""
    product: int = number * 10**power
    if power == 0 or (number in {0, 1} and power in SHORT_CUTS):
        return wrap(product), True
    if fits(product) and number != MIN:
        return product, True
    return (wrap(product) if power in SHORT_CUTS and number != MIN else 0), False


def scale_down(number: int, power: int) -> int:
    """Divide by ten to a power >= 0, rounding away from zero."""
    unit: int = 10**power
    quotient, rest = divmod(abs(number), unit)
    magnitude = quotient + (rest != 0)
    return magnitude if number >= 0 else -magnitude


def rescale(unscaled: int, scale: int, wanted: int) -> int:
    """Bring a big decimal `unscaled / 10**scale` to `wanted` decimals, as an int64.

    Kubernetes adds one to the truncated quotient, which rounds positive numbers up, and negative ones up past it: -0.5
    becomes 1. A negative number too big for an int64 has wrapped before it is divided.
    """
    drop = scale - wanted
    if drop <= 0:
        factor: int = 10**-drop if -drop < 19 else MIN
        return wrap(wrap(unscaled) * factor)
    unit: int = 10**drop
    if unscaled < MAX and drop < 19:
        short = wrap(unscaled)
        quotient, rest = divmod(abs(short), unit)
        return (quotient if short >= 0 else -quotient) + int(rest != 0)
    quotient, rest = divmod(unscaled, unit)
    return wrap(wrap(quotient) + int(rest != 0))
