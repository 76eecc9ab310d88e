"""The plugins of the default profile, one file each, under their names in Kubernetes."""
