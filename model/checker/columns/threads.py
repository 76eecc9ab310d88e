"""Several batches at the same time: the compiled loops on threads, questions to Python functions between them.

Each batch is expanded by a generator that stops before it asks a function and after (`Columns._ahead`). Up to a stop
before a question it only reads what all share; those stretches run at the same time, on whichever thread is free. The
questions are then answered one batch after the other, with nobody in the loops, for what is learnt is written into
tables that all read. So no array is ever written by one thread while another one may read it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from .batch import Batch, Shorter

SPREAD = 512
"""Smaller batches than this are not worth a thread."""
EACH = 4
"""Batches per thread in a round: who is done early takes one more."""

Ways = dict[Batch, Iterator[None]]


class Together:
    """So many threads, this one among them."""

    def __init__(self, threads: int) -> None:
        if threads < 1:
            raise ValueError(f"no search has {threads} threads")
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None

    def end(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def parts(self, count: int, size: int) -> list[int]:
        """Cut up to so many states into batches of at most `size`."""
        most = self.threads * EACH if self.threads > 1 else 1
        number = most if min(count, size * most) >= most * SPREAD else 1
        count = min(count, number * size)
        shares = [count // number + (place < count % number) for place in range(number)]
        return [share for share in shares if share]

    def expand(
        self,
        batches: Sequence[Batch],
        ahead: Callable[[Batch], Iterator[None]],
        is_packed: Callable[[Batch], bool],
        meanwhile: Callable[[], None],
    ) -> None:
        """Expand all. Where a question to a function ends a batch (`cut`), those after it mean nothing.

        What is raised on behalf of the first state at hand is raised. `meanwhile` is called once, beside the others.
        """
        left = list(batches)
        while left:
            self._pass({batch: ahead(batch) for batch in left}, batches[0], meanwhile)
            ends = next((at for at, batch in enumerate(batches) if batch.cut is not None or batch.fault), len(batches))
            left = [batch for batch in batches[: ends + 1] if batch.cut is None and not is_packed(batch)]
            meanwhile = _nothing

    def at_once(self, calls: Sequence[Callable[[], None]]) -> None:
        """Call all, the first one on this thread; end when all have ended."""
        if len(calls) > 1 and self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1, "search")
        futures = [self._pool.submit(call) for call in calls[1:]] if self._pool is not None else []
        try:
            calls[0]()
        finally:
            for future in futures:
                future.result()

    def _pass(self, ways: Ways, first: Batch, meanwhile: Callable[[], None]) -> None:
        while ways:
            goes_on = self._stretch(list(ways.values()), meanwhile)
            meanwhile = _nothing
            ways = _asked({batch: way for batch, way in ways.items() if way in goes_on}, first)

    def _stretch(self, ways: Sequence[Iterator[None]], meanwhile: Callable[[], None]) -> set[Iterator[None]]:
        """Run all to their next stop, at the same time; give those that stopped and did not end."""
        waiting = deque(ways)
        goes_on: set[Iterator[None]] = set()

        def work() -> None:
            while waiting:
                try:
                    way = waiting.popleft()
                except IndexError:
                    return
                for _ in way:
                    goes_on.add(way)
                    break

        def mine() -> None:
            meanwhile()
            work()

        try:
            self.at_once([mine] + [work] * (min(self.threads, len(ways)) - 1))
        finally:
            waiting.clear()
        return goes_on


def _asked(ways: Ways, first: Batch) -> Ways:
    """Let each ask what it stopped for, in order; give those that go on."""
    for batch, way in ways.items():
        try:
            next(way)
        except Shorter as cut:
            batch.cut = cut
        except BaseException as error:
            if batch is first:
                raise
            batch.cut = Shorter(0, error)
        if batch.cut is not None or batch.fault:
            last = batch.head - (batch.cut is not None)
            return {other: more for other, more in ways.items() if other.head <= last}
    return ways


def _nothing() -> None:
    pass
