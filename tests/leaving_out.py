"""Tests that need what a machine may not have are left out there, which is told, and is no failure."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
"""The browser that pages are tried in."""


def leave_out(config: pytest.Config, items: list[pytest.Item], where: Path, why: str) -> None:
    """Deselect the tests of a file or folder, and say why among the warnings."""
    mine = [item for item in items if item.path == where or where in item.path.parents]
    if not mine:
        return
    config.hook.pytest_deselected(items=mine)
    items[:] = [item for item in items if item not in mine]
    # Recorded, not raised: it shall be read, but be no failure, also where warnings are.
    said = warnings.WarningMessage(pytest.PytestWarning(why), pytest.PytestWarning, __file__, 1)
    told = {"warning_message": said, "when": "collect", "nodeid": where.name, "location": None}
    config.hook.pytest_warning_recorded.call_historic(kwargs=told)
