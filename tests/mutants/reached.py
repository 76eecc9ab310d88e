"""Writes down which tests run which lines of the product: a plugin for one run of all tests (Python 3.12 or later).

`REACHED=FOLDER PYTHONPATH=tests/mutants python -m pytest -p reached` leaves one file per process in the folder. Of the
tests that run a line the quickest are kept. `python tests/mutants.py --draw N --reached FOLDER` asks them.
"""

from __future__ import annotations

import heapq
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from types import CodeType
from typing import Any

import pytest

import kubeproof

KEPT = 60
"""How many tests are kept per line."""
PRODUCT = str(Path(kubeproof.__file__).parent) + os.sep
TESTS = str(Path(PRODUCT) / "tests") + os.sep


class Reached:
    """Watches lines through `sys.monitoring`, each once per test."""

    def __init__(self, folder: Path) -> None:
        """Begin to watch; what is seen is written to a file of this process in the folder."""
        self.path = folder / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.json"
        self.lines: set[tuple[str, int]] = set()
        self.tests: list[tuple[str, float]] = []
        self.by: dict[tuple[str, int], list[tuple[float, int]]] = {}
        self.watch: Any = sys.monitoring
        tool = self.watch.COVERAGE_ID
        self.watch.use_tool_id(tool, "reached")
        self.watch.register_callback(tool, self.watch.events.LINE, self._line)
        self.watch.set_events(tool, self.watch.events.LINE)

    def _line(self, code: CodeType, line: int) -> Any:
        name = code.co_filename
        if name.startswith(PRODUCT) and not name.startswith(TESTS):
            self.lines.add((name, line))
        return self.watch.DISABLE

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Run a test with fixtures and all, and note the lines it ran."""
        self.lines.clear()
        self.watch.restart_events()
        begun = perf_counter()
        result = yield
        seconds = perf_counter() - begun
        number = len(self.tests)
        self.tests.append((item.nodeid, round(seconds, 3)))
        for place in self.lines:
            quickest = self.by.setdefault(place, [])
            (heapq.heappush if len(quickest) < KEPT else heapq.heappushpop)(quickest, (-seconds, number))
        return result

    def pytest_sessionfinish(self) -> None:
        """Watch no longer, and write everything down."""
        self.watch.set_events(self.watch.COVERAGE_ID, 0)
        self.watch.free_tool_id(self.watch.COVERAGE_ID)
        found: dict[str, dict[int, list[int]]] = {}
        for (name, line), some in self.by.items():
            module = name.removeprefix(PRODUCT).removesuffix(".py").replace(os.sep, ".")
            found.setdefault(module, {})[line] = [number for _, number in some]
        self.path.write_text(json.dumps({"tests": self.tests, "lines": found}))


def pytest_configure(config: pytest.Config) -> None:
    """Watch, in each process that runs tests."""
    if hasattr(config, "workerinput") or not config.getvalue("numprocesses"):
        config.pluginmanager.register(Reached(Path(os.environ["REACHED"])))
