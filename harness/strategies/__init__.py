"""Hypothesis strategies for Kubernetes objects: plain JSON that an API server accepts, by construction."""
