"""Which node a Pod goes to: the scheduler, its queue, and the descheduler."""
