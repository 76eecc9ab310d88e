"""The scheduler: which nodes a Pod may go to, which are best, and why each of the others is refused.

Upstream: pkg/scheduler (v1.32). `profile.py` holds the order and weights of the plugins of the default profile.
`schedule` is one decision. Which Pod is tried when, and what the scheduler believes of nodes, is the business of
`queue`. Profiles come from `configuration`. Left out on purpose: dynamic resources and extenders.
"""

from __future__ import annotations

from .framework import Refusal, Snapshot
from .plugins.preemption import Preemption
from .profile import DEFAULT, Profile
from .schedule import Decision, decide, schedule, unmodelled

__all__ = ["DEFAULT", "Decision", "Preemption", "Profile", "Refusal", "Snapshot", "decide", "schedule", "unmodelled"]
