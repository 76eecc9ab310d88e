"""Leader election as kube-controller-manager and kube-scheduler run it: a Lease, who may write it, and until when."""
