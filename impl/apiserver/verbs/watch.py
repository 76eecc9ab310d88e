"""What a watch shows of a change: one event, told by the watch's own selector.

Upstream: staging/src/k8s.io/apiserver/pkg/storage/cacher/{cacher,cache_watcher}.go (v1.32).
Left out on purpose: the window of history (etcd's compaction decides it here). Bookmarks and initial events are the
business of whoever streams (rest/streams.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from attrs import frozen

from ...api.core import Pod
from ...api.kinds import Object
from ...api.meta import LabelSelector, Ref
from ...api.requests import Selection
from ...api.values.selectors import selects
from .read import selected

EVERYTHING = LabelSelector()


@frozen
class WatchEvent:
    """What a watcher is told. A DELETED one carries the object as this watcher last knew it."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object


@frozen
class WatchFilter:
    """Which objects a watch is about: a kind, a namespace (None for all), labels, and the node of a kubelet's Pods."""

    kind: str
    namespace: str | None = None
    selector: LabelSelector = EVERYTHING
    node_name: str | None = None
    selection: Selection | None = None
    """Selectors as a client writes them, instead of the two above."""

    def covers(self, ref: Ref) -> bool:
        """Tell whether the watch is about an object's kind and place."""
        return ref.kind == self.kind and self.namespace in {None, ref.namespace}

    def shows(self, obj: Object | None) -> bool:
        """Tell whether an object of that kind and place is visible through the selectors."""
        if obj is None or not selects(self.selector, obj.metadata.labels):
            return False
        if self.selection is not None:
            return selected(self.selection, obj)
        return self.node_name is None or (isinstance(obj, Pod) and obj.spec.node_name == self.node_name)


def change(old: Object | None, new: Object | None, shows: Callable[[Object | None], bool]) -> WatchEvent | None:
    """Return the event of one change as a selector sees it; None when the watcher sees neither side of it."""
    was, now = shows(old), shows(new)
    if now and new is not None:
        return WatchEvent("MODIFIED" if was else "ADDED", new)
    return WatchEvent("DELETED", old) if was and old is not None else None
