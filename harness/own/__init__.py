"""Your own controllers and properties: Python functions, checked in the same world as Kubernetes' components."""
