"""A reflector: which version it lists with, what it takes of a watch, and what it makes of refusals."""

from __future__ import annotations

import pytest
from attrs import evolve

from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.requests import Response
from kubeproof.impl.apiserver.server import versioned
from kubeproof.impl.apiserver.verbs.watch import WatchEvent
from kubeproof.impl.informer.reflector import Reflector, bookmarked, heard, list_version, listed, refused
from kubeproof.properties.watching.world import NAMESPACE, pod


def at(name: str, revision: int) -> Object:
    return versioned(pod(name), revision)


def shown(reflector: Reflector) -> dict[str, str]:
    return {ref.name: obj.metadata.resource_version for ref, obj in reflector.objects.items()}


def test_the_first_list_is_of_any_age_and_later_ones_are_not_older() -> None:
    assert list_version(Reflector()) == "0"
    assert list_version(Reflector(), consistent_start=True) == ""
    assert list_version(listed((), 7)) == "7"


@pytest.mark.parametrize("code", [410, 504])
def test_a_version_that_is_refused_is_not_asked_for_again(code: int) -> None:
    assert list_version(refused(listed((), 7), Response(code))) == ""
    assert list_version(refused(Reflector(), Response(code))) == ""


def test_other_refusals_change_nothing() -> None:
    assert refused(listed((), 7), Response(500)) == listed((), 7)


def test_a_list_replaces_everything() -> None:
    old = evolve(listed((at("a", 2),), 3), unavailable=True)
    new = listed((at("b", 4),), 5)
    assert shown(old) == {"a": "2"}
    assert (shown(new), new.version, new.unavailable) == ({"b": "4"}, "5", False)


def test_events_are_taken_one_by_one() -> None:
    reflector = listed((at("a", 2),), 3)
    reflector = heard(reflector, WatchEvent("ADDED", at("b", 4)))
    reflector = heard(reflector, WatchEvent("MODIFIED", at("a", 5)))
    assert (shown(reflector), reflector.version) == ({"a": "5", "b": "4"}, "5")
    reflector = heard(reflector, WatchEvent("DELETED", at("a", 6)))
    assert (shown(reflector), reflector.version) == ({"b": "4"}, "6")
    assert list(reflector.objects) == [Ref("Pod", NAMESPACE, "b")]
    assert (shown(bookmarked(reflector, 9)), bookmarked(reflector, 9).version) == ({"b": "4"}, "9")
