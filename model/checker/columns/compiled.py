"""What the compiled loops of the column engine share: how they are compiled, and the names of their arrays.

Compiled code is kept on disk beside the modules, or in `NUMBA_CACHE_DIR`, and serves every machine of every size: the
first use ever takes some seconds. Without numba this module cannot be imported.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])

Words = NDArray[np.uint64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Halves = NDArray[np.uint32]
Shorts = NDArray[np.uint16]
Bytes = NDArray[np.uint8]


def on_disk(function: Callable[..., Any]) -> bool:
    """Tell whether compiled code of a loop lies on the disk (perhaps of an older version of the loop)."""
    loop = cast("Any", function)
    name = f"{Path(loop.py_func.__code__.co_filename).stem}.{loop.py_func.__name__}"
    return any(Path(loop.stats.cache_path).glob(f"{name}-*.nbi"))


def compiled(function: F) -> F:
    """Compile a loop at its first call, or take it from the disk; it runs without holding up other threads."""
    return cast("F", njit(cache=True, nogil=True)(function))
