"""What an object must keep to be stored: a file for each family of kinds, in Kubernetes' words."""
