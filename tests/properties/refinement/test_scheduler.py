"""Every decision of the scheduler is a step of its model, and where it gives up the model has no step."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import settings

from scheduler_lockstep import SchedulerLockstep


class CrowdedLockstep(SchedulerLockstep):
    """Nodes that are full are the point."""

    only: ClassVar[frozenset[str]] = frozenset({"room"})


class UnsociableLockstep(SchedulerLockstep):
    """Pods that exclude each other are the point."""

    only: ClassVar[frozenset[str]] = frozenset({"apart"})


TestSchedulerLockstep = SchedulerLockstep.TestCase
TestSchedulerLockstep.settings = settings(max_examples=30, stateful_step_count=15)
TestCrowdedLockstep = CrowdedLockstep.TestCase
TestCrowdedLockstep.settings = settings(max_examples=25, stateful_step_count=15)
TestUnsociableLockstep = UnsociableLockstep.TestCase
TestUnsociableLockstep.settings = settings(max_examples=25, stateful_step_count=15)
