"""`kubeproof reach`: every packet of a cluster at rest."""
