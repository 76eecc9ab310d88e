"""Who makes Pods, and how many: the controllers of workloads, and what they wait for."""
