"""Islands on several processes: an interrupt ends them all, and so does the end of whoever asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
import yaml

from kubeproof.harness.islands.side_by_side import Processes
from places import LISTENING

PATIENCE = 60.0
"""Seconds after which something that should happen soon is taken not to happen."""


def deployment(name: str) -> dict[str, object]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": f"{name}:1"}]}}
    spec = {"replicas": 6, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def processes(folder: Path) -> set[int]:
    """Return the processes that were started about this folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue  # It ended meanwhile.
    return found


def wait_until(so: Callable[[], bool]) -> None:
    until = monotonic() + PATIENCE
    while not so():
        assert monotonic() < until
        sleep(0.1)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc (Linux)")
@pytest.mark.parametrize(("end", "code"), [(signal.SIGINT, 3), (signal.SIGTERM, 3), (signal.SIGKILL, -9)])
def test_no_process_outlives_the_command(tmp_path: Path, end: signal.Signals, code: int) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(map(deployment, ("a", "b", "c"))))
    steps = "; ".join(f"set-image {name} {name}:2" for name in "abc")
    words = [
        "check",
        str(tmp_path),
        "--nodes",
        "3",
        "--jobs",
        "2",
        "--no-cache",
        "--no-symmetry",
        "--quiet",
        "--script",
        steps,
    ]
    with subprocess.Popen([sys.executable, "-c", LISTENING, *words], stdout=subprocess.PIPE, cwd=tmp_path) as command:
        wait_until(lambda: len(processes(tmp_path)) == 3)
        sleep(1)
        os.kill(command.pid, end)
        try:
            out, _ = command.communicate(timeout=PATIENCE)
        finally:
            command.kill()  # Nobody waits for what does not end.
    assert command.returncode == code
    assert (b"UNKNOWN" in out) is (code == 3)
    wait_until(lambda: not processes(tmp_path))


def looks_for_long(begun: Path) -> None:
    begun.touch()
    sleep(PATIENCE)


def test_whoever_fails_stops_those_that_look(tmp_path: Path) -> None:
    began, crew = monotonic(), Processes(1)
    with pytest.raises(KeyboardInterrupt), crew:  # noqa: PT012 - it is the interrupt that is looked at
        looking = crew.pool.submit(looks_for_long, tmp_path / "begun")
        wait_until((tmp_path / "begun").exists)
        raise KeyboardInterrupt
    assert isinstance(looking.exception(), KeyboardInterrupt)
    assert monotonic() - began < PATIENCE / 2
