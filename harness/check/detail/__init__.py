"""Closer looks, each for a `detail` of scenario.yaml: connections, policies, the scheduling queue."""
