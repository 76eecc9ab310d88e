"""What the compiled loops of the column engine share: how they are compiled, and the names of their arrays.

Compiled code is kept on disk beside the modules, or in `NUMBA_CACHE_DIR`, and serves every machine of every size: the
first use ever takes some seconds. Without numba this module cannot be imported.
"""

from __future__ import annotations

from collections.abc import Callable
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


def compiled(function: F) -> F:
    """Compile a loop at its first call, or take it from the disk; it runs without holding up other threads."""
    return cast("F", njit(cache=True, nogil=True)(function))
