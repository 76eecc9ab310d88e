"""A word that nothing knows is answered with the one that was meant, and with none that only looks a little like it."""

from __future__ import annotations

import pytest

from kubeproof.impl.api.reading.nearest import did_you_mean, nearest

KNOWN = ("nodeName", "nodeSelector", "hostNetwork")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("nodename", "nodeName"), ("nodeSelectors", "nodeSelector"), ("hostnetwork", "hostNetwork"), ("replicas", "")],
    ids=["another case", "one letter more", "two cases", "nothing like it"],
)
def test_the_nearest_word_is_found_whatever_its_case(word: str, meant: str):
    assert nearest(word, KNOWN) == meant


def test_where_nothing_is_near_all_are_listed_or_what_is_to_be_said_then():
    assert did_you_mean("nodename", KNOWN) == "did you mean nodeName?"
    assert did_you_mean("replicas", KNOWN) == "known are hostNetwork, nodeName, nodeSelector"
    assert did_you_mean("replicas", KNOWN, "") == ""
    assert did_you_mean("replicas", (), "there is none") == "there is none"
