"""Documented failures of Kubernetes, each beside its repair."""
