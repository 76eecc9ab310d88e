"""The world of NetworkPolicies: walls that go up while Pods start."""
