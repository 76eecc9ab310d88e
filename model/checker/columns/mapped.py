"""Columns of numbers that lie in files: what a search keeps beyond what memory is allowed to it.

A `Mapped` column does what an `array` does here: it grows at its end and is read anywhere. Its file has no name and
goes with the process. The system writes its pages out when it wants their memory, and `rest` says that it may.
"""

from __future__ import annotations

import mmap
import os
from array import array
from pathlib import Path
from pickle import PickleBuffer
from tempfile import TemporaryFile
from typing import Any, overload
from weakref import finalize

import numpy as np
from numpy.typing import DTypeLike, NDArray

FIRST = 1 << 20
"""The bytes that a file begins with; it doubles when it is full."""


class Mapped:
    """A column of numbers of a type code, in a file in a folder."""

    def __init__(self, typecode: str, folder: Path | None) -> None:
        self.typecode = typecode
        self.folder = folder
        self.itemsize = array(typecode).itemsize
        self._file = TemporaryFile(prefix="kubeproof-", dir=folder)  # noqa: SIM115 - closed with the column
        finalize(self, self._file.close)
        self._used = 0
        self._map = self._mapped(FIRST)

    def _mapped(self, size: int) -> mmap.mmap:
        try:
            if hasattr(os, "posix_fallocate"):  # A full disk is told here; writing to the map would kill the process.
                os.posix_fallocate(self._file.fileno(), 0, size)
            else:
                self._file.truncate(size)
        except OSError as error:
            raise MemoryError(f"no file takes {size:,} bytes: {error}") from error
        return mmap.mmap(self._file.fileno(), size)

    def __len__(self) -> int:
        return self._used // self.itemsize

    def frombytes(self, content: bytes | memoryview) -> None:
        """Put numbers at the end."""
        end = self._used + len(content)
        if end > len(self._map):  # Whoever looks at the old map still sees the same file.
            self._map = self._mapped(max(end, 2 * len(self._map)))
        self._map[self._used : end] = bytes(content)
        self._used = end

    def append(self, number: int) -> None:
        """Put one number at the end."""
        self.frombytes(array(self.typecode, (number,)).tobytes())

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> array[int]: ...

    def __getitem__(self, at: int | slice) -> int | array[int]:
        numbers = self.view()
        if isinstance(at, slice):
            return array(self.typecode, numbers[at].tobytes())
        return int(numbers[at])

    def __delitem__(self, at: slice) -> None:
        """Drop the end, from somewhere on."""
        start, stop, step = at.indices(len(self))
        if (stop, step) != (len(self), 1):
            raise IndexError("only the end of a column can be dropped")
        self._used = min(self._used, start * self.itemsize)

    def view(self) -> NDArray[Any]:
        """Look at the numbers as they lie in the file."""
        return np.frombuffer(self._map, dtype=self.typecode, count=len(self))

    def __array__(self, dtype: DTypeLike | None = None, *, copy: bool | None = None) -> NDArray[Any]:
        """Return the numbers as an array of numpy."""
        numbers = self.view()
        return numbers if copy is False else numbers.astype(dtype or self.typecode)

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        """Be written down as an array of the same numbers, straight from the file."""
        content = memoryview(self._map)[: self._used].toreadonly()
        return array, (self.typecode, PickleBuffer(content))

    def rest(self) -> None:
        """Let the system take the memory of what was read and written: the file has it."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    @classmethod
    def of(cls, column: array[int], folder: Path | None) -> Mapped:
        """Move a column into a file."""
        mapped = cls(column.typecode, folder)
        with memoryview(column) as numbers:
            content = numbers.cast("B")
            for at in range(0, len(content), FIRST):
                mapped.frombytes(content[at : at + FIRST])
        return mapped
