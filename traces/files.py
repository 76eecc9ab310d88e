"""Traces on disk: read, and written so that a reader sees the old file or the whole new one, never a part."""

from __future__ import annotations

import os
from pathlib import Path

from ..model.checker.replacing import replacing
from .document import BadTraceError, Document, from_json, parsed, to_text
from .itf import from_itf, is_itf


def read(path: Path) -> Document:
    """Read a trace. Raises BadTraceError, naming the file, for whatever is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadTraceError(f"{path}: is no text file") from None
    except OSError as error:
        raise BadTraceError(f"{path}: cannot be read: {error.strerror}") from None
    data = parsed(text, str(path))
    return from_itf(data, str(path)) if is_itf(data) else from_json(data, str(path))


def write(document: Document, path: Path) -> Path:
    """Write a trace, making its folder; give the path back. Raises OSError when the place cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _leave_out(path.parent)
    with replacing(path, f".{os.getpid()}.part") as file:  # Two processes may write the same trace.
        file.write(to_text(document).encode())
    return path


HOME = ".kubeproof"
"""The folder that is kubeproof's own, wherever it is called."""


def _leave_out(folder: Path) -> None:
    """Keep kubeproof's own folder out of version control, as pytest and ruff do with theirs; what is there stays."""
    home = next((place for place in (folder, *folder.parents) if place.name == HOME), None)
    if home is not None and not (home / ".gitignore").exists():
        (home / ".gitignore").write_text("*\n", encoding="utf-8")
