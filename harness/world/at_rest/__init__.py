"""Where a world starts: at rest, in each state of rest that applying the manifests may lead to."""
