"""The real helm, unpatched: a chart is installed, upgraded, rolled back and taken away."""

from __future__ import annotations

from typing import Any

import pytest

from oracles.stories import AGE, own, play, rows

pytestmark = pytest.mark.xdist_group("kubectl")
HEAD = "NAME NAMESPACE REVISION UPDATED STATUS CHART APP VERSION"


def release(revision: int) -> str:
    """Return the row of the release in a list."""
    return rf"web charts {revision} .* deployed web-0.1.0 1.16.0"


def test_a_chart_is_installed_upgraded_rolled_back_and_taken_away(helm: Any, kubectl: Any) -> None:
    place = own(kubectl, "charts")
    play(
        helm,
        [
            ("create web", "Creating web"),
            ("install web ./web --wait --timeout 40s", r"NAME: web\n.*STATUS: deployed\nREVISION: 1\n.*"),
            ("list", rows(HEAD, release(1))),
            (
                "upgrade web ./web --set replicaCount=3 --set image.tag=2 --wait --timeout 40s",
                r'Release "web" has been upgraded. Happy Helming!\n.*REVISION: 2\n.*',
            ),
        ],
        place,
    )
    play(
        kubectl,
        [
            ("get deployments", rows("NAME READY UP-TO-DATE AVAILABLE AGE", f"web 3/3 3 3 {AGE}")),
            ("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}", "nginx:2"),
            ("get secrets -o name", r"secret/sh.helm.release.v1.web.v1\nsecret/sh.helm.release.v1.web.v2"),
        ],
        place,
    )
    play(
        helm,
        [
            ("history web", rows("REVISION UPDATED STATUS CHART APP VERSION DESCRIPTION", "1 .*superseded.*", "2 .*")),
            ("rollback web 1 --wait --timeout 40s", "Rollback was a success! Happy Helming!"),
            ("list", rows(HEAD, release(3))),
            ("upgrade web ./web --dry-run=server", r'Release "web" has been upgraded.*MANIFEST:.*kind: Deployment.*'),
            ("status web", r"NAME: web\n.*STATUS: deployed\nREVISION: 3\n.*"),
            ("get values web", "USER-SUPPLIED VALUES:\nnull"),
            ("install web ./web", ".*cannot re-?use a name that is still in use.*", 1),
            ("upgrade web ./web --set replicaCount=x", ".*cannot (patch|unmarshal).*", 1),
            ("uninstall web --wait --timeout 40s", 'release "web" uninstalled'),
            ("list", rows(HEAD)),
        ],
        place,
    )
    play(kubectl, [("get deployments,services,serviceaccounts", "No resources found in charts namespace.")], place)
