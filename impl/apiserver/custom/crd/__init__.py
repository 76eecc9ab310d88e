"""CustomResourceDefinitions themselves: their defaults, their status, their rules."""
