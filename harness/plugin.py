"""The pytest plugin: the fixture `kubeproof`, whose `check` fails a test with the report and how to replay it.

    def test_the_rollout_keeps_web_reachable(kubeproof):
        kubeproof.check("deploy/", script=[set_image("web", "nginx:1.29")], faults=Faults(crash=1))

Every pytest of an environment that has kubeproof installed loads this module, so it imports nothing of kubeproof until
a test asks for the fixture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .face import Cluster, Result


LONGEST = 120
"""Letters of a test's id in the name of a file."""


class Checker:
    """What the fixture gives: `check` as in the Python face, with paths from `root`, raising where a claim fails."""

    def __init__(self, root: Path, test: str = "") -> None:
        self.root = root
        self.test = test

    def check(self, cluster: str | Path | Cluster, *, script: Sequence[Any] = (), **options: Any) -> Result:
        """Check manifests (or a Cluster); options as those of `kubeproof.check`. AssertionError unless all holds.

        A claim that is violated leaves its trace under .kubeproof/traces of the root folder, called after the test;
        the message says so.
        UNKNOWN is no success: it raises, too. Bad input raises BadInput.
        """
        __tracebackhide__ = True
        from .face import Cluster, check  # noqa: PLC0415 - not before a test asks

        if not isinstance(cluster, Cluster):
            cluster = Cluster.from_manifests(self.root / cluster)
        options.setdefault("trace_dir", self.root / ".kubeproof" / "traces")
        options.setdefault("trace_name", f"{self.test}{cluster.name}")
        result = check(cluster, script=script, **options)
        if not result.holds:
            raise AssertionError(f"\n{result.report}")
        return result


@pytest.fixture
def kubeproof(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Checker:
    """Check manifests from a test: `kubeproof.check("deploy/", faults=Faults(crash=1))`."""
    return Checker(pytestconfig.rootpath, f"{_file_name(request.node.nodeid)}-")


def _file_name(test: str) -> str:
    """Make a name for files of the id of a test: tests/test_web.py::test_rollout[a/b] is no path."""
    name = re.sub(r"[^\w.=,-]+", "-", test).strip("-")
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}-{blake2b(test.encode(), digest_size=4).hexdigest()}"
