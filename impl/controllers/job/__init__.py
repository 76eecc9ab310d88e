"""The Job controller: Pods that end, each counted once, by what is written down before their finalizers go."""
