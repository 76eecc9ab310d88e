"""Where things lie, for the tests and the scripts beside them, and modules that are in no package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
ROOT = TESTS.parent
EXAMPLES = ROOT / "examples"
MACHINES = EXAMPLES / "machines"
VECTORS = TESTS / "vectors"
LISTENING = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('kubeproof', run_name='__main__')"
)
"""The command (`python -c`), which hears interrupts also where the tests themselves are run in the background."""


def load(path: Path) -> Any:
    """Load a module by its file, anew each time: a machine of the examples, or tests that others repeat."""
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
