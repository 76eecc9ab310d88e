"""Tables, as `kubectl get` asks for them: the recorded columns of each kind, and the cells of each object."""
