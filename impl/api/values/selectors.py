"""Selectors on objects: whether a LabelSelector, or one requirement of it, selects labels.

Upstream: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go and pkg/labels/selector.go (v1.32).
Left out on purpose: the textual forms ("app=web,tier in (a,b)", `-l` of kubectl); an invalid selector's error (the API
server refuses it before anyone evaluates it); an operator that does not exist selects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from attrs import frozen

from ..meta import LabelSelector, LabelSelectorRequirement
from . import int64

T = TypeVar("T")

INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)


def selects(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a selector selects an object with these labels: None selects nothing, an empty one everything."""
    return (
        selector is not None
        and all(labels.get(key) == value for key, value in selector.match_labels.items())
        and all(matches_requirement(expression, labels) for expression in selector.match_expressions)
    )


def matches_map(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Tell whether labels hold every pair wanted: a Service's selector or a nodeSelector; an empty map is satisfied."""
    return all(labels.get(key) == value for key, value in wanted.items())


@frozen
class Labelled(Generic[T]):
    """Things by the labels they bear, each pair by itself: whom a selector may select is found without asking all."""

    by_pair: Mapping[tuple[str, str], tuple[T, ...]]
    all: tuple[T, ...]

    @classmethod
    def of(cls, things: Iterable[tuple[T, Iterable[tuple[str, str]]]]) -> Labelled[T]:
        """File things by their pairs; a thing that bears a pair twice counts once."""
        by_pair: dict[tuple[str, str], dict[int, T]] = {}
        given = tuple(things)
        for number, (thing, pairs) in enumerate(given):
            for pair in pairs:
                by_pair.setdefault(pair, {})[number] = thing
        return cls({pair: tuple(some.values()) for pair, some in by_pair.items()}, tuple(thing for thing, _ in given))

    def bearing(self, wanted: Mapping[str, str]) -> tuple[T, ...]:
        """Return those that bear the rarest of some pairs, in order: who bears them all is among them."""
        return min((self.by_pair.get(pair, ()) for pair in wanted.items()), key=len, default=self.all)


def matches_requirement(requirement: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    """Tell whether labels meet one requirement; NotIn is met, too, by labels without the key."""
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compares(requirement, value)
        case _:
            return False


def _compares(requirement: LabelSelectorRequirement, value: str | None) -> bool:
    """Compare as integers; whatever is none does not match."""
    mine = None if value is None else integer(value)
    bound = integer(requirement.values[0]) if len(requirement.values) == 1 else None
    if mine is None or bound is None:
        return False
    return mine > bound if requirement.operator == "Gt" else mine < bound


def integer(text: str) -> int | None:
    """Read a decimal int64, as Go's ParseInt does; None if it is none."""
    number = int(text) if INTEGER.fullmatch(text) else None
    return number if number is not None and int64.fits(number) else None
