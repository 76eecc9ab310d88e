"""The watch cache of an API server: what it has seen of etcd so far, and the reads and watches it answers from that."""
