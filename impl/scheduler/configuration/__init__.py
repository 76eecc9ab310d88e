"""A KubeSchedulerConfiguration, read and checked as kube-scheduler does it."""
