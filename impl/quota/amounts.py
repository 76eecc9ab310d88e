"""Arithmetic on amounts by name, as quotas do it.

Upstream: staging/src/k8s.io/apiserver/pkg/quota/v1/resources.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

from immutabledict import immutabledict

from ..api.core import Resources
from ..api.values.quantity import ZERO, Quantity, parse_quantity

Amounts = Mapping[str, Quantity]


def frozen_amounts(amounts: Amounts) -> Resources:
    """Return amounts as they are stored: sorted by name, each as it is read again once it has been written."""
    return immutabledict((name, _stored(amounts[name])) for name in sorted(amounts))


@lru_cache(maxsize=1024)
def _stored(amount: Quantity) -> Quantity:
    return parse_quantity(str(amount))


def plus(one: Amounts, other: Amounts) -> dict[str, Quantity]:
    """Return the sum, by name."""
    return {**one, **{name: one[name] + more if name in one else more for name, more in other.items()}}


def increase(new: Amounts, old: Amounts) -> dict[str, Quantity]:
    """Return by how much each amount has grown, 0 where it has shrunk."""
    grown = {name: amount - old[name] if name in old else amount for name, amount in new.items()}
    return {name: max(ZERO, amount) for name, amount in grown.items()}


def only(amounts: Amounts, names: Collection[str]) -> dict[str, Quantity]:
    """Return the amounts of some names."""
    return {name: amount for name, amount in amounts.items() if name in names}


def same(one: Amounts, other: Amounts) -> bool:
    """Tell whether two sets of amounts have the same names and the same numbers, however these are written."""
    return one.keys() == other.keys() and all(one[name].same_amount(other[name]) for name in one)


def shown(amounts: Amounts) -> str:
    """Write amounts as messages have them: `pods=1,requests.cpu=500m`."""
    return ",".join(f"{name}={amounts[name]}" for name in sorted(amounts))
