"""`kubeproof check`: the searches behind it, what they rest on, and the report."""
