"""Every decision of the scheduler is a step of its model, and where it gives up the model has no step."""

from __future__ import annotations

from hypothesis import settings

from kubeproof.properties.placement_lockstep import SchedulerLockstep

TestSchedulerLockstep = SchedulerLockstep.TestCase
TestSchedulerLockstep.settings = settings(max_examples=40, stateful_step_count=15)
