"""When: the waits of a run held against a clock, and states that carry clocks."""
