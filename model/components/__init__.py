"""One page for each component: what it may do, and nothing of how it does it."""
