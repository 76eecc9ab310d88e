"""The one way to write a file: whoever reads sees the old one or the whole new one, whatever happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path, suffix: str = ".part") -> Iterator[BinaryIO]:
    """Open a file that takes the place of another one when all of it is on the disk.

    Until then it lies beside it, with a suffix to its name; it is removed where writing fails. Raises OSError.
    """
    beside = path.with_name(f"{path.name}{suffix}")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
