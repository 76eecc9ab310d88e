"""Custom resources: objects of kinds that CustomResourceDefinitions bring, pruned, defaulted and held to a schema."""
