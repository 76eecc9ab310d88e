"""`kubeproof serve`: the pure control plane behind HTTP on loopback, driven by any client, kubectl among them."""
