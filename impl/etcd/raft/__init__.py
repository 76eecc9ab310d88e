"""Raft as etcd runs it, as pure functions: `step(node, message) -> (node, messages)`.

Upstream: go.etcd.io/raft v3 (raft.go, quorum, confchange, tracker). A step is taken whole: what it changes of the disk
is written before any of its messages is sent, so a crash comes before it or after it, and keeps `Node.disk`.
Left out on purpose: flow control by sizes and windows, reads by lease, writes of the disk that are under way.
"""

from __future__ import annotations

from .log import Entry, Log, Snapshot
from .membership import Change, ConfChange, Configuration
from .messages import Kind, Message
from .node import Disk, Node, Options, Role, bootstrap, restart
from .step import compact, step, tick

__all__ = [
    "Change",
    "ConfChange",
    "Configuration",
    "Disk",
    "Entry",
    "Kind",
    "Log",
    "Message",
    "Node",
    "Options",
    "Role",
    "Snapshot",
    "bootstrap",
    "compact",
    "restart",
    "step",
    "tick",
]
