"""Closer looks at single components, each a world of its own: what flows, what walls let in, what waits for a node."""
