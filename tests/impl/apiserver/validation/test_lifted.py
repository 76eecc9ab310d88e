"""Rules that a later release has lifted: 1.32 refuses a hook that sleeps for 0 seconds, and none since 1.33 does.

That a Service prefers endpoints of its node or zone by that name is refused up to 1.33.
"""

from __future__ import annotations

import pytest

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.applied import applied
from kubeproof.impl.api.core import Pod, Service
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


SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}], trafficDistribution: WISH}
"""


def services(wish: str, release: str) -> int:
    found = load_scenario("test", {"web.yaml": SERVICE.replace("WISH", wish)}, freeze({"nodes": 1, "release": release}))
    return sum(isinstance(one, Service) for one in applied(found.scenario))


@pytest.mark.parametrize(
    ("wish", "release"), [("PreferSameZone", "1.34"), ("PreferSameNode", "1.36"), ("PreferClose", "1.32")]
)
def test_a_wish_for_endpoints_that_are_close_is_accepted(wish: str, release: str) -> None:
    assert services(wish, release) == 1


@pytest.mark.parametrize(("wish", "release"), [("PreferSameZone", "1.33"), ("PreferSameRack", "1.36")])
def test_another_wish_is_not(wish: str, release: str) -> None:
    with pytest.raises(BadInput, match=r"trafficDistribution"):
        services(wish, release)
