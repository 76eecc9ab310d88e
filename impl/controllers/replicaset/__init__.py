"""The ReplicaSet controller: its count, whom it gives up first, and what it still expects to see."""
