"""The controllers are down for so long that CronJobs miss a hundred starts: the clock of their starts jumps.

The step is among those of the clock, in `harness.world.controllers.cron`. What else controllers do may be late anyway.
"""

from __future__ import annotations

from .fault import Fault

FAULT = Fault("outage of the controllers")
