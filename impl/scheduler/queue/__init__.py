"""Which Pod is tried when: the scheduling queue, what wakes a Pod, and what the scheduler assumes meanwhile."""
