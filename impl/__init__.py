"""What each component does: pure functional Kubernetes components on the vocabulary of `impl.api`."""
