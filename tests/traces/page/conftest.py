"""Without a browser the tests in one are left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaving_out import CHROMIUM, leave_out


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        why = "the tests in a browser were left out: there is no chromium (apt-get install chromium)"
        leave_out(config, items, Path(__file__).parent / "test_browser.py", why)
