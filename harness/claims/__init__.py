"""What must hold of a cluster. Of `impl` a claim imports the vocabulary and nothing of what it judges."""
