"""What nobody foresaw, told in one line, with a file that has the details: a defect of kubeproof, not of the input."""

from __future__ import annotations

import sys
import traceback
from hashlib import blake2b
from pathlib import Path

from .version import VERSION

FOLDER = ".kubeproof"


def report_defect(error: Exception, arguments: list[str]) -> str:
    """Write down what nobody foresaw, and say in one line where."""
    said = f"kubeproof: a defect of kubeproof, nothing is known of your input: {type(error).__name__}: {error}"
    lines = [f"kubeproof {VERSION}, Python {sys.version.split()[0]}", f"arguments: {arguments}", ""]
    report = "\n".join((*lines, *traceback.format_exception(error)))
    name = f"crash-{blake2b(report.encode(), digest_size=4).hexdigest()}.txt"
    try:
        Path(FOLDER).mkdir(exist_ok=True)
        (Path(FOLDER) / name).write_text(report, encoding="utf-8")
    except OSError:
        return f"{report}\n{_one_line(said)}\n"
    return f"{_one_line(said)}; the full report is in {FOLDER}/{name}\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())
