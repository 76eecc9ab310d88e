"""`kubeproof place`: is there room for every Pod, and what would make some."""
