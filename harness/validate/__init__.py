"""`kubeproof validate`: what really happened in a cluster, held against what the components may do and the claims."""
