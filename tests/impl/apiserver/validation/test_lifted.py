"""Rules that a later release has lifted: 1.32 refuses a hook that sleeps for 0 seconds, and none since 1.33 does."""

from __future__ import annotations

import pytest

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.applied import applied
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.values.frozen import freeze

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "web:1", lifecycle: {preStop: {sleep: {seconds: SECONDS}}}}]}
"""


def pods(seconds: int, release: str) -> list[Pod]:
    text = POD.replace("SECONDS", str(seconds))
    found = load_scenario("test", {"web.yaml": text}, freeze({"nodes": 1, "release": release})).scenario
    return [one for one in applied(found) if isinstance(one, Pod)]


@pytest.mark.parametrize("release", ["1.33", "1.36"])
def test_no_sleep_at_all_is_accepted(release: str) -> None:
    assert len(pods(0, release)) == 1


@pytest.mark.parametrize(("seconds", "release"), [(0, "1.32"), (-1, "1.36"), (31, "1.36")])
def test_another_one_is_not(seconds: int, release: str) -> None:
    with pytest.raises(BadInput, match=r"lifecycle\.preStop\.sleep"):
        pods(seconds, release)
