"""The world of the scheduling queue: Pods that wait, and what wakes them."""
