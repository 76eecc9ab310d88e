"""kubeproof: what Kubernetes promises, and a search for the run that breaks it."""
