"""PATCH: what the stored object becomes, in each of the four formats Kubernetes knows."""
