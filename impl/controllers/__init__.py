"""The controllers of kube-controller-manager, one file each: `reconcile(cache, key)` gives the requests of one sync."""
