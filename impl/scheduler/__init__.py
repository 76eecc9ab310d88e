"""The scheduler: which nodes a Pod may go to, which are best, and why each of the others is refused.

Upstream: pkg/scheduler (v1.32). One file per plugin of the default profile; `profile.py` holds their order and weights.
`schedule` is one decision. Which Pod is tried when is the business of the scheduling queue (`queue.py`,
`queue_requeue.py`), and what the scheduler believes of nodes that of its cache (`assume_cache.py`). Profiles come from
`configuration.py`. Left out on purpose: dynamic resources and extenders.
"""

from __future__ import annotations

from .framework import Refusal, Snapshot
from .preemption import Preemption
from .profile import DEFAULT, Profile
from .schedule import Decision, decide, schedule, unmodelled

__all__ = ["DEFAULT", "Decision", "Preemption", "Profile", "Refusal", "Snapshot", "decide", "schedule", "unmodelled"]
