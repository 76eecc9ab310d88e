"""Hypothesis profiles: no deadline anywhere (a loaded machine is no failure), the same examples in every CI run.

And what every report owes its reader: no two lines of it say the opposite of each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from kubeproof.harness.check.results import Report

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")

COULD = re.compile(r"(\S+) is Pending though it could run on (\S+)")
FITS = re.compile(r"(\S+) fits on (\S+)")
CANNOT = re.compile(r"(\S+) cannot go to (\S+):")


def contradictions(report: Report) -> tuple[str, ...]:
    """Return what a report says and unsays: a Pod that could run on a node, and cannot go there."""
    lines = "\n".join(line for claim in report.claims for line in claim.lines)
    possible = {*COULD.findall(lines), *FITS.findall(lines)}
    return tuple(f"{pod} on {node}" for pod, node in sorted(possible & set(CANNOT.findall(lines))))


@pytest.fixture(scope="session")
def contradicts() -> Callable[[Report], tuple[str, ...]]:
    return contradictions


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep answers where no other run of the tests looks, and nowhere in the home of whoever runs them."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before
