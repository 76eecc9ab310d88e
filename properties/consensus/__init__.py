"""What members of etcd must agree on: Raft's five properties, progress, one copy, and what clients may see."""
