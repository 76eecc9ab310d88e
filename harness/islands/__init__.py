"""Workloads that have nothing to do with each other, each checked by itself: cost is a sum and not a product."""
