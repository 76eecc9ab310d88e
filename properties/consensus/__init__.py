"""What members of etcd must agree on: Raft's five properties, progress, one copy, what clients see; and who leads."""
