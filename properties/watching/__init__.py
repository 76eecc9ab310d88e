"""What a client of several API servers must see: every change, once; and it goes back only where Kubernetes lets it."""
