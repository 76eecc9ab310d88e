"""kube-apiserver: who asks, whether they may, and what is stored, as a pure function, `handle(objects, request)`."""

from __future__ import annotations

from .access.authentication import ADMIN, ANONYMOUS, KUBE_PROXY, SCHEDULER, User, controller, node_user
from .config import Config
from .handler import handle
from .storage import Objects, Storage, Transaction, Write

__all__ = [
    "ADMIN",
    "ANONYMOUS",
    "KUBE_PROXY",
    "SCHEDULER",
    "Config",
    "Objects",
    "Storage",
    "Transaction",
    "User",
    "Write",
    "controller",
    "handle",
    "node_user",
]
