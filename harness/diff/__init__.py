"""`kubeproof diff`: two releases, or two revisions of the manifests, side by side."""
