"""Whose request it is, and whether they may: authentication, RBAC and the node's own limits."""
