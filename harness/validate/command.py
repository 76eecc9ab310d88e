"""`kubeproof validate`: recordings read, followed and judged."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from ...impl.api.reading.sources import BadInput, read_sources
from ...impl.api.releases import NEWEST, RELEASES, Release
from .claims import judge
from .followed import follow
from .history import read
from .report import Validated
from .writers.registry import WRITERS


def validated(sources: Iterable[str], release: Release | None = None) -> Validated:
    """Return what is found of recordings; of the release that they say, where none is asked for. Raises BadInput."""
    texts, problems = read_sources(sources)
    if problems:
        raise BadInput(problems)
    history = read(texts)
    of = release or RELEASES.get(history.release, NEWEST)
    name = PurePath(texts[0].file).name if len(texts) == 1 else f"{len(texts)} recordings"
    return Validated(name, of, history, follow(history, WRITERS, of), tuple(judge(history)))
